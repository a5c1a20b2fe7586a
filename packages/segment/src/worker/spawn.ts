import type { Worker as NodeWorker } from 'node:worker_threads';
import { UnsupportedError } from '@atrous/core';
import { startWorker } from '../start-worker.js';
import type { WorkerLike } from '../types.js';

/** A worker of either kind. */
export interface Thread {
  post(message: unknown, transfer: Transferable[]): void;
  /** Calls back, with why, when the worker has died. */
  onGone(callback: (reason: string) => void): void;
  /** Whether the worker keeps a process alive. */
  keep(alive: boolean): void;
  terminate(): void;
}

/** @throws UnsupportedError where the environment refuses to start one */
export function spawn(start: () => WorkerLike = startWorker): Thread {
  let worker: WorkerLike;
  try {
    worker = start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedError(`no worker can be started: ${reason}; ${advice}`, { reason });
  }
  const node = !('addEventListener' in worker);
  return node ? nodeThread(worker as NodeWorker) : webThread(worker as Worker);
}

const advice =
  "a content security policy must allow worker-src 'self', and blob: where the package comes from another origin; with worker: false everything runs in the page";

function webThread(worker: Worker): Thread {
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onGone(callback) {
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        callback(event.message || `its script could not be loaded; ${advice}`);
      });
      worker.addEventListener('messageerror', () => callback('a message could not be read'));
    },
    keep() {},
    terminate: () => worker.terminate(),
  };
}

function nodeThread(worker: NodeWorker): Thread {
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as never),
    onGone(callback) {
      worker.on('error', (error) => callback(error instanceof Error ? error.message : String(error)));
      worker.on('messageerror', ({ message }) => callback(`a message could not be read: ${message}`));
      worker.on('exit', (code) => callback(`it ended with code ${code}`));
    },
    keep(alive) {
      if (alive) worker.ref();
      else worker.unref();
    },
    terminate: () => void worker.terminate(),
  };
}
