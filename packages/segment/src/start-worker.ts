import type { WorkerLike } from './types.js';

/** Starts the worker. This module lies as deep as the built files do, so one path serves both. */
export function startWorker(): WorkerLike {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  if (threads) return new threads.Worker(new URL('./worker.js', import.meta.url));
  if (isForeign(import.meta.url)) return startForeign(import.meta.url);
  // bundlers look for just this expression
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}

const isForeign = (url: string): boolean =>
  /^https?:/.test(url) && new URL(url).origin !== globalThis.location?.origin;

/** Workers must be of the page's own origin; one that is may import from anywhere. */
function startForeign(base: string): Worker {
  const name = './worker.js';
  const source = `import ${JSON.stringify(new URL(name, base).href)};`;
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  return new Worker(address, { type: 'module' });
}
