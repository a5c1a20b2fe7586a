import type { Engine } from './engine.js';

/** Tables that kernels read, in memory of their own; freed together. */
export class Tables {
  readonly #addresses: number[] = [];

  constructor(private readonly engine: Engine) {}

  /** Stores 32-bit integers; returns their address. */
  add(words: ArrayLike<number>): number {
    const address = this.#allocate(words.length);
    this.engine.integers.set(words, address / 4);
    return address;
  }

  addFloats(values: readonly number[]): number {
    const address = this.#allocate(values.length);
    this.engine.floats.set(values, address / 4);
    return address;
  }

  #allocate(words: number): number {
    const address = this.engine.allocate(4 * words);
    this.#addresses.push(address);
    return address;
  }

  dispose(): void {
    for (const address of this.#addresses) this.engine.free(address);
    this.#addresses.length = 0;
  }
}
