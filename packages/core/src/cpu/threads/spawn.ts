import { builtin } from './available.js';

/** A worker thread of Node or a browser, with what the pool needs of it. */
export interface WorkerThread {
  post(message: unknown): void;
  /** Lets the process end although the worker is there. */
  unref(): void;
  terminate(): void;
}

export interface WorkerEvents {
  message(): void;
  /** The worker is gone, or could not start. */
  gone(reason: string): void;
}

/** @throws what the platform throws where workers are forbidden */
export function spawn(source: string, name: string, events: WorkerEvents): WorkerThread {
  const threads = builtin('node:worker_threads');
  return threads ? spawnInNode(threads, source, name, events) : spawnInBrowser(source, name, events);
}

function spawnInNode(
  { Worker }: NonNullable<ReturnType<typeof builtin<'node:worker_threads'>>>,
  source: string,
  name: string,
  events: WorkerEvents,
): WorkerThread {
  // Flags of the process (--input-type, --import) are for its own files.
  const worker = new Worker(source, { eval: true, name, execArgv: [] });
  worker.on('message', () => events.message());
  worker.on('error', (error) => events.gone(messageOf(error)));
  worker.on('exit', (code) => events.gone(`a worker ended with code ${code}`));
  return {
    post: (message) => worker.postMessage(message),
    unref: () => worker.unref(),
    terminate: () => void worker.terminate(),
  };
}

function spawnInBrowser(source: string, name: string, events: WorkerEvents): WorkerThread {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { name });
  const release = () => URL.revokeObjectURL(url);
  worker.onmessage = () => {
    release();
    events.message();
  };
  worker.onerror = (event) => {
    release();
    event.preventDefault();
    events.gone(event.message || 'a worker from a blob: URL could not start; allow it with worker-src blob:');
  };
  return {
    post: (message) => worker.postMessage(message),
    unref: () => undefined,
    terminate: () => worker.terminate(),
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
