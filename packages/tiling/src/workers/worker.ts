/** What runs in the workers that `workerBackend` starts itself. */
import { type CpuOptions, cpu, reference } from '@atrous/core';
import { serveBackend } from './serve.js';

serveBackend((options) => {
  const { backend, ...rest } = options as CpuOptions & { readonly backend: 'cpu' | 'reference' };
  return backend === 'reference' ? reference() : cpu(rest);
});
