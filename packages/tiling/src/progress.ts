import type { TiledRunOptions } from './job.js';

/** Counts pieces of work and tells how long the rest will take. */
export class Clock {
  readonly #started = performance.now();
  readonly #passes: number;
  readonly #total: number;
  readonly #before: number;
  readonly #onProgress: TiledRunOptions['onProgress'];
  #done: number;

  /** @param before pieces that an earlier run has done */
  constructor(passes: number, total: number, before: number, onProgress: TiledRunOptions['onProgress']) {
    this.#passes = passes;
    this.#total = total;
    this.#before = before;
    this.#done = before;
    this.#onProgress = onProgress;
  }

  tick(pass: number): void {
    this.#done++;
    const elapsedMs = performance.now() - this.#started;
    const each = elapsedMs / (this.#done - this.#before);
    this.#onProgress?.({
      pass,
      passes: this.#passes,
      done: this.#done,
      total: this.#total,
      elapsedMs,
      remainingMs: each * (this.#total - this.#done),
    });
  }
}
