export default {
  // the worker loads parts of the library when it needs them
  worker: { format: 'es' },
};
