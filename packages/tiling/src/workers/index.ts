export { type WorkerBackendOptions, workerBackend } from './backend.js';
export { serveBackend } from './serve.js';
export type { WorkerLike } from './spawn.js';
