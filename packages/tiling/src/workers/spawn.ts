import { UnsupportedError } from '@atrous/core';
import source from './worker.ts?bundled';

/** A worker of Node or of a browser; written so that neither's types are needed where it is used. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: never[]): void;
  terminate(): unknown;
}

/** Of the text in a page, made once. */
let address: string | undefined;

/**
 * Starts a worker from text: a file of its own would need a bundler's help in every way that the library is loaded.
 *
 * @throws UnsupportedError where workers are forbidden
 */
export function startWorker(): WorkerLike {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  try {
    // flags of the process (--input-type, --import) are for its own files
    if (threads) return new threads.Worker(source, { eval: true, name: 'atrous', execArgv: [] });
    address ??= URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    return new Worker(address, { name: 'atrous' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedError(
      `workerBackend: no worker can be started (${reason}); a content security policy must allow worker-src blob:`,
      { reason },
    );
  }
}

/** Calls back with the reason when a worker has died or could not start. */
export function onGone(worker: WorkerLike, gone: (reason: string) => void): void {
  if ('on' in worker) {
    const thread = worker as import('node:worker_threads').Worker;
    thread.on('error', (error: Error) => gone(error.message));
    thread.on('exit', (code: number) => gone(`it ended with code ${code}`));
    return;
  }
  (worker as Worker).addEventListener('error', (event) => {
    event.preventDefault();
    gone(event.message || 'it could not start; a content security policy must allow worker-src blob:');
  });
}
