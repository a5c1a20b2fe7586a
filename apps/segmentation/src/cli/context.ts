import { setImmediate } from 'node:timers/promises';
import { type Backend, MemoryError } from '@atrous/core';
import type { Network } from './network.js';
import type { Options } from './options.js';
import type { Progress } from './progress.js';
import { bytesText } from './sizes.js';

export interface Stage {
  readonly name: string;
  readonly milliseconds: number;
}

/** What every input needs. */
export interface Context {
  readonly options: Options;
  readonly network: Network;
  readonly backend: Backend;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Names the stages of the work on one input, and times them. */
export class Stages {
  readonly list: Stage[] = [];

  constructor(private readonly context: Pick<Context, 'progress' | 'signal'>) {}

  async timed<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { progress, signal } = this.context;
    // decoding blocks; Ctrl-C gets its turn in between
    await setImmediate();
    signal.throwIfAborted();
    progress.stage(name);
    const start = performance.now();
    const result = await work();
    this.list.push({ name, milliseconds: performance.now() - start });
    return result;
  }
}

/** What Node and the program itself take, measured. */
const processBytes = 130e6;
const leastBytes = 24e6;
/** Of what is left tiles get this part: the engine's tables, and buffers that wait for the collector, come on top. */
const tileShare = 2 / 3;

/**
 * The part of `--max-memory` that tiles may take.
 *
 * @param held bytes of the input that stay in memory, and what they are
 * @throws MemoryError if that is too little to compute anything
 */
export function memoryLeft({ maxMemory }: Options, held: number, what: string): number {
  const left = maxMemory - processBytes - held;
  if (left >= leastBytes) return Math.floor(left * tileShare);
  throw new MemoryError(
    `--max-memory ${bytesText(maxMemory)} is too little: the program takes ${bytesText(processBytes)}${held > 0 ? ` and ${what} ${bytesText(held)}` : ''}; allow at least ${bytesText(processBytes + held + leastBytes)}`,
    { maxMemory, held },
  );
}
