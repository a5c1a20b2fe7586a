/** Arrays of a device that are kept for reuse, by size, so that warm runs allocate nothing. */
export class Pool<T> {
  readonly #free = new Map<number, T[]>();
  #bytes = 0;
  #arrays = 0;

  constructor(
    private readonly create: (bytes: number) => T,
    private readonly destroy: (value: T) => void,
  ) {}

  /** Bytes and number of all arrays, taken and free. */
  get bytes(): number {
    return this.#bytes;
  }
  get arrays(): number {
    return this.#arrays;
  }

  take(bytes: number): T {
    const spare = this.#free.get(bytes)?.pop();
    if (spare !== undefined) return spare;
    const made = this.create(bytes);
    this.#bytes += bytes;
    this.#arrays++;
    return made;
  }

  give(value: T, bytes: number): void {
    const free = this.#free.get(bytes);
    if (free) free.push(value);
    else this.#free.set(bytes, [value]);
  }

  /** Destroys the free arrays. */
  trim(): void {
    for (const [bytes, free] of this.#free) {
      for (const value of free) this.destroy(value);
      this.#bytes -= bytes * free.length;
      this.#arrays -= free.length;
    }
    this.#free.clear();
  }
}
