/** The page's side of the worker that measures. */
import { ExecutionError } from '@atrous/core';
import { proxy, type Remote, wrap } from 'comlink';
import type { GriddingApi, OpenedPicture } from './gridding-worker.js';
import type { MeasureEvents, Measurement } from './measure.js';
import type { Plan } from './plans.js';

export class Measurer {
  readonly #worker: Worker;
  readonly #api: Remote<GriddingApi>;
  /** Rejects when the worker fails. */
  readonly #broken: Promise<never>;

  constructor() {
    this.#worker = new Worker(new URL('./gridding-worker.ts', import.meta.url), { type: 'module' });
    this.#api = wrap<GriddingApi>(this.#worker);
    this.#broken = new Promise((_, reject) => {
      this.#worker.addEventListener('error', ({ message }) =>
        reject(
          new ExecutionError(
            `the worker that runs the networks failed: ${message || 'it could not be loaded'}; reload the page`,
          ),
        ),
      );
    });
    // whoever waits is told
    this.#broken.catch(() => undefined);
  }

  /** @throws what the worker's `open` throws; the signal's reason */
  open(file: Blob, name: string, signal: AbortSignal): Promise<OpenedPicture> {
    return this.#until(this.#api.open(file, name), signal);
  }

  /** @throws what the worker's `measure` throws; the signal's reason at once when cancelled */
  async measure(
    plan: Plan['id'],
    { signal, onProgress }: Required<MeasureEvents> & { readonly signal: AbortSignal },
  ): Promise<Measurement> {
    let answered = false;
    // progress has a port of its own: what is on its way may come after the answer
    const progress = (fraction: number) => {
      if (!answered) onProgress!(fraction);
    };
    const cancel = () => void this.#api.cancel();
    signal.addEventListener('abort', cancel);
    try {
      return await this.#until(this.#api.measure(plan, proxy(progress)), signal);
    } finally {
      answered = true;
      signal.removeEventListener('abort', cancel);
    }
  }

  dispose(): void {
    this.#worker.terminate();
  }

  async #until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    let abort!: () => void;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort);
    });
    try {
      return await Promise.race([work, this.#broken, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
