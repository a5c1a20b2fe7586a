import type { Problem } from './problem.js';

/**
 * What a contestant is to the targets: the engine, our other backends, its rivals in WebAssembly, slow JavaScript,
 * native code.
 */
export type Role = 'atrous' | 'gpu' | 'reference' | 'wasm' | 'plain' | 'native';

/** A problem ready to run, with its data in the contestant's own layout. */
export interface Prepared {
  /** Computes once. Resolves to the milliseconds of the computation: copies and layout conversions are not part of it. */
  run(): Promise<number>;
  /** Waits until the last run has been computed and read, where `run` only submits it. */
  settle?(): Promise<unknown>;
  /** The result of the last run, `[O, …]` row-major. */
  output(): Promise<Float32Array>;
  /** What ran, step by step, if the contestant tells. */
  readonly algorithm?: string;
  /** Bytes held besides inputs, weights and results, if the contestant tells. */
  readonly memory?: number;
  dispose(): Promise<void> | void;
}

/** Something that can convolve, started. */
export interface Engine {
  /** Gives the reason if the engine cannot do this problem. */
  prepare(problem: Problem): Promise<Prepared | Unsupported>;
  dispose(): Promise<void>;
}

/** Something that can convolve. One file each. */
export interface Entry {
  readonly name: string;
  readonly role: Role;
  /** Starts it, or tells why it cannot be had here. */
  make(threads: number): Promise<Engine | Unsupported>;
}

/** An entry that was started. */
export interface Contestant extends Engine, Pick<Entry, 'name' | 'role'> {
  readonly threads: number;
}

/** Why a contestant does not run something. */
export class Unsupported {
  constructor(readonly reason: string) {}
}

/** Milliseconds of a call. */
export async function timed(call: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}
