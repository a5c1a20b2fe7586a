import { ExecutionError } from '@atrous/core';
import { type Remote, wrap } from 'comlink';
import type { Api } from './analysis-worker.js';

/** An answer that nobody waits for any more: a later question has taken its place. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

/** How long one analysis may take. */
const limit = 10_000;

/**
 * Asks a worker, one question at a time: a new one ends the one before, and so does a limit of ten seconds. Analyses
 * cannot be interrupted, so ending one ends its worker; the next question starts another.
 */
export class Analyst {
  #worker: Worker | undefined;
  #api: Remote<Api> | undefined;
  #interrupt: ((reason: Error) => void) | undefined;

  /**
   * @throws OvertakenError if another question or `dispose` came before the answer; ExecutionError after ten seconds
   *   or if the worker fails; what the analysis throws
   */
  async ask<T>(question: (api: Remote<Api>) => Promise<T>): Promise<T> {
    this.#interrupt?.(new OvertakenError('overtaken by a later question'));
    const api = this.#start();
    let interrupt!: (reason: Error) => void;
    const interrupted = new Promise<never>((_, reject) => {
      interrupt = (reason) => {
        this.#terminate();
        reject(reason);
      };
    });
    this.#interrupt = interrupt;
    this.#worker!.onerror = ({ message }) =>
      interrupt(new ExecutionError(`the analysis failed: ${message || 'its worker does not start'}`));
    const timer = setTimeout(() => interrupt(tooSlow()), limit);
    try {
      return await Promise.race([question(api), interrupted]);
    } finally {
      clearTimeout(timer);
      if (this.#interrupt === interrupt) this.#interrupt = undefined;
    }
  }

  /** Ends the worker; a question that waits is overtaken. */
  dispose(): void {
    this.#interrupt?.(new OvertakenError('the view was closed'));
    this.#terminate();
  }

  #start(): Remote<Api> {
    if (this.#api) return this.#api;
    this.#worker = new Worker(new URL('./analysis-worker.ts', import.meta.url), { type: 'module' });
    this.#api = wrap<Api>(this.#worker);
    return this.#api;
  }

  #terminate(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#api = undefined;
    this.#interrupt = undefined;
  }
}

const tooSlow = () =>
  new ExecutionError(
    `the analysis took more than ${limit / 1000} s and was stopped; take fewer layers, smaller rates or a smaller picture`,
    { limit },
  );
