import { DisposedError, ExecutionError } from '@atrous/core';
import { openReply, type Reply } from '@atrous/core/backend';
import { type Remote, wrap } from 'comlink';
import { DownloadError } from '../errors.js';
import type { ProgressMessage, WorkerApi } from './api.js';
import type { Thread } from './spawn.js';

export interface CallEvents {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: never) => void) | undefined;
}

interface Pending {
  readonly reject: (error: unknown) => void;
  readonly onProgress: CallEvents['onProgress'];
}

/** A script that is silent for so long is no worker of this package. */
const startMilliseconds = 60_000;

/** The caller's side of a worker. */
export class Client {
  readonly #thread: Thread;
  readonly #api: Remote<WorkerApi>;
  readonly #port: MessagePort & Partial<NodeJS.RefCounted>;
  readonly #pending = new Map<number, Pending>();
  #jobs = 0;
  #gone: Error | undefined;

  constructor(thread: Thread) {
    this.#thread = thread;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#api = wrap<WorkerApi>(port1);
    const late = setTimeout(() => this.#die('it did not answer when it was started'), startMilliseconds);
    // beside the replies, which comlink takes
    port1.addEventListener('message', ({ data: { job, progress } }: MessageEvent<ProgressMessage>) => {
      clearTimeout(late);
      if (progress !== undefined) this.#pending.get(job)?.onProgress?.(progress as never);
    });
    thread.onGone((reason) => {
      clearTimeout(late);
      this.#die(reason);
    });
    thread.post(port2, [port2]);
    this.#keep(false);
  }

  /**
   * Asks the worker for something.
   *
   * @throws what the worker throws; the signal's reason at once when cancelled; ExecutionError if the worker dies;
   * DisposedError after `dispose`
   */
  async call<T>(
    ask: (api: Remote<WorkerApi>, job: number) => Promise<Reply<T>>,
    { signal, onProgress }: CallEvents = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#gone) throw this.#gone;
    const job = ++this.#jobs;
    const cancel = () => {
      void this.#api.cancel(job);
      this.#pending.get(job)?.reject(signal!.reason);
    };
    signal?.addEventListener('abort', cancel);
    this.#keep(true);
    try {
      const reply = await new Promise<Reply<T>>((resolve, reject) => {
        this.#pending.set(job, { reject, onProgress });
        ask(this.#api, job).then(resolve, reject);
      });
      return openReply(reply, { DownloadError });
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#pending.delete(job);
      if (this.#pending.size === 0) this.#keep(false);
    }
  }

  dispose(): void {
    this.#end(new DisposedError('the segmenter was disposed', {}));
  }

  #die(reason: string): void {
    this.#end(new ExecutionError(`the worker died: ${reason}; load the network again`, { reason }));
  }

  #end(error: Error): void {
    if (this.#gone) return;
    this.#gone = error;
    this.#thread.terminate();
    this.#port.close();
    for (const { reject } of this.#pending.values()) reject(error);
  }

  /** A process waits for what is asked, not for an idle worker. */
  #keep(alive: boolean): void {
    this.#thread.keep(alive);
    // a port of Node counts, too
    if (alive) this.#port.ref?.();
    else this.#port.unref?.();
  }
}
