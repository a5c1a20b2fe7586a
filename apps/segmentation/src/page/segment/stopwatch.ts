import type { StageTime } from '@atrous/segment';
import type { Work } from './state.js';

/** Between two reports of one stage: more often nobody can read. */
const pause = 60;

/** Times the stages of a run while it runs, from what it tells. */
export class Stopwatch {
  readonly #report: (work: Work) => void;
  #stages: readonly StageTime[] = [];
  #stage: { readonly name: string; readonly since: number } | undefined;
  #reported = 0;

  constructor(report: (work: Work) => void) {
    this.#report = report;
  }

  progress({ stage, fraction, step }: Omit<Work, 'stages'>): void {
    const now = performance.now();
    const before = this.#stage;
    if (before?.name !== stage) {
      if (before) this.#stages = [...this.#stages, { name: before.name, milliseconds: now - before.since }];
      this.#stage = { name: stage, since: now };
    } else if (now - this.#reported < pause) return;
    this.#reported = now;
    this.#report({ stage, fraction, step, stages: this.#stages });
  }
}
