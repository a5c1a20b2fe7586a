import type { Backend, Graph, Program } from '@atrous/core';

/** Programs of one backend, one for all graphs that are equal. */
export class Programs {
  readonly #backend: Backend;
  readonly #maxMemory: number;
  readonly #borrowed: ReadonlyMap<string, Program>;
  readonly #own = new Map<string, Program>();

  constructor(backend: Backend, maxMemory: number, borrowed: ReadonlyMap<string, Program> = new Map()) {
    this.#backend = backend;
    this.#maxMemory = maxMemory;
    this.#borrowed = borrowed;
  }

  async of(graph: Graph, signal: AbortSignal | undefined): Promise<Program> {
    const key = signature(graph);
    const known = this.#own.get(key) ?? this.#borrowed.get(key);
    if (known) return known;
    const maxMemory = this.#maxMemory;
    const program = await this.#backend.compile(graph, { maxMemory, ...(signal && { signal }) });
    this.#own.set(key, program);
    return program;
  }

  /** Others for a while, which use these where they can. */
  more(): Programs {
    return new Programs(this.#backend, this.#maxMemory, this.#own);
  }

  /** Bytes of the largest. */
  get memory(): number {
    return Math.max(...[...this.#own.values()].map(({ memory }) => memory));
  }

  dispose(): void {
    for (const program of this.#own.values()) program.dispose();
  }
}

/** Equal for graphs that one program can run: constants count by their identity. */
const identities = new WeakMap<object, number>();
let identified = 0;
function signature(graph: Graph): string {
  return JSON.stringify(graph, (key, value) => {
    if (key === 'name') return undefined;
    if (key !== 'value' || typeof value !== 'object') return value;
    if (!identities.has(value)) identities.set(value, identified++);
    return identities.get(value);
  });
}
