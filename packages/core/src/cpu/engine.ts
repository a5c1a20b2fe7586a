/** The machine that programs run on: one WebAssembly memory, its kernels, and what constants were packed into it. */
import { MemoryError } from '../errors.js';
import type { Constant } from '../graph.js';
import type { AlgorithmOptions } from './choose.js';
import type { Pool } from './threads/pool.js';
import { ModuleWriter } from './wasm/encoder.js';
import { checkUsable, detectFeatures, type Features } from './wasm/features.js';

/** A function of a kernel module, callable with integers. */
export type KernelFunction = (...args: number[]) => number;

/** A kernel by number, as calls name it. */
export type KernelId = number;

interface Kernel {
  /** Number of its module. */
  readonly module: number;
  readonly name: string;
  readonly run: KernelFunction;
}

interface KernelModule {
  readonly number: number;
  readonly module: WebAssembly.Module;
  readonly exports: WebAssembly.Exports;
}

interface Packed {
  readonly address: number;
  readonly bytes: number;
  users: number;
}

interface Stretch {
  address: number;
  bytes: number;
}

const pageBytes = 65536;
const maxPages = 65536;
/** Nothing is placed below: a guard for reads just before a value, and the address 0 stays free. */
const guardBytes = 4096;
const alignment = 64;

export class Engine {
  readonly features: Features;
  readonly memory: WebAssembly.Memory;
  readonly #modules = new Map<string, KernelModule>();
  readonly #kernels: Kernel[] = [];
  readonly #kernelIds = new Map<string, KernelId>();
  readonly #packed = new Map<string, Packed>();
  readonly #constantIds = new WeakMap<Constant, number>();
  #constants = 0;
  #floats = new Float32Array(0);
  #integers = new Int32Array(0);
  /** Free stretches of memory, by address; neighbours are merged. */
  #free: Stretch[] = [];
  readonly #used = new Map<number, number>();
  #arena = { address: 0, bytes: 0 };
  /** What the workers know already. */
  readonly #sent = { modules: 0, kernels: 0 };
  #holdings: Map<number, number> | undefined;

  /** @param pool threads that help; its memory is shared with them */
  constructor(
    features = detectFeatures(),
    readonly pool?: Pool,
    readonly algorithms: AlgorithmOptions = {},
  ) {
    checkUsable(features);
    this.features = features;
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: maxPages, shared: pool !== undefined });
    this.#free = [{ address: guardBytes, bytes: 16 * pageBytes - guardBytes }];
    pool?.send({ memory: this.memory });
  }

  /** Threads that run tasks, the calling one included. */
  get threads(): number {
    return this.pool?.threads ?? 1;
  }

  /** The whole memory as float32; made anew when the memory has grown. */
  get floats(): Float32Array {
    if (this.#floats.buffer !== this.memory.buffer) this.#floats = new Float32Array(this.memory.buffer);
    return this.#floats;
  }

  get integers(): Int32Array {
    if (this.#integers.buffer !== this.memory.buffer) this.#integers = new Int32Array(this.memory.buffer);
    return this.#integers;
  }

  /**
   * The number of a kernel; its module is emitted and compiled at the first use.
   *
   * @param module names the module and everything that it was emitted for
   * @param emit writes the module's functions
   */
  kernel(module: string, name: string, emit: (writer: ModuleWriter) => void): KernelId {
    const key = `${module}/${name}`;
    const known = this.#kernelIds.get(key);
    if (known !== undefined) return known;
    const { number, exports } = this.#modules.get(module) ?? this.#compile(module, emit);
    const id = this.#kernels.length;
    this.#kernels.push({ module: number, name, run: exports[name] as KernelFunction });
    this.#kernelIds.set(key, id);
    return id;
  }

  #compile(name: string, emit: (writer: ModuleWriter) => void): KernelModule {
    const writer = new ModuleWriter(this.pool !== undefined);
    emit(writer);
    const module = new WebAssembly.Module(writer.bytes());
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    const compiled = { number: this.#modules.size, module, exports };
    this.#modules.set(name, compiled);
    return compiled;
  }

  /** Makes every kernel so far known to the workers; before a schedule with new ones runs. */
  sendKernels(): void {
    const sent = this.#sent;
    if (this.pool === undefined || sent.kernels === this.#kernels.length) return;
    this.pool.send({
      modules: [...this.#modules.values()].slice(sent.modules).map(({ module }) => module),
      kernels: this.#kernels.slice(sent.kernels).map(({ module, name }) => [module, name] as const),
    });
    sent.modules = this.#modules.size;
    sent.kernels = this.#kernels.length;
  }

  run(kernel: KernelId): KernelFunction {
    return this.#kernels[kernel]!.run;
  }

  /**
   * A stretch of memory of its own, 64-byte aligned.
   *
   * @throws MemoryError if the 4 GiB of WebAssembly or the machine's memory are used up
   */
  allocate(bytes: number): number {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
    let place = this.#free.find((stretch) => stretch.bytes >= size);
    if (place === undefined) {
      this.#grow(size);
      place = this.#free.find((stretch) => stretch.bytes >= size)!;
    }
    const { address } = place;
    place.address += size;
    place.bytes -= size;
    if (place.bytes === 0) this.#free.splice(this.#free.indexOf(place), 1);
    this.#used.set(address, size);
    this.#holdings?.set(address, size);
    return address;
  }

  /** Does some work; the bytes of all memory that it takes or shares, each stretch once. */
  measure(work: () => void): number {
    const holdings = new Map<number, number>();
    this.#holdings = holdings;
    try {
      work();
    } finally {
      this.#holdings = undefined;
    }
    return [...holdings.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #grow(bytes: number): void {
    const end = this.memory.buffer.byteLength;
    const last = this.#free.at(-1);
    const tail = last !== undefined && last.address + last.bytes === end ? last.bytes : 0;
    const pages = Math.ceil((bytes - tail) / pageBytes);
    try {
      this.memory.grow(pages);
    } catch {
      throw new MemoryError(
        `cpu: ${bytes} more bytes are needed, but WebAssembly has ${end} and cannot get them (4 GiB at most); work on tiles`,
        { bytes, end },
      );
    }
    this.#release(end, pages * pageBytes);
  }

  free(address: number): void {
    const bytes = this.#used.get(address);
    if (bytes === undefined) return;
    this.#used.delete(address);
    this.#holdings?.delete(address);
    this.#release(address, bytes);
  }

  #release(address: number, bytes: number): void {
    this.#free.push({ address, bytes });
    this.#free.sort((a, b) => a.address - b.address);
    const merged: Stretch[] = [];
    for (const stretch of this.#free) {
      const last = merged.at(-1);
      if (last !== undefined && last.address + last.bytes === stretch.address) last.bytes += stretch.bytes;
      else merged.push({ ...stretch });
    }
    this.#free = merged;
  }

  /** The address of the arena that all programs share, at least this large. It moves when it grows. */
  arena(bytes: number): number {
    if (this.#arena.bytes < bytes) {
      this.free(this.#arena.address);
      this.#arena = { address: this.allocate(bytes), bytes };
    }
    return this.#arena.address;
  }

  /**
   * Data derived from constants, written once per layout and shared by all programs. Ends with the last `unpack`.
   *
   * @param layout names the layout and everything that the data depends on besides the constants
   * @param write fills the memory from `address` on
   */
  pack(
    constants: readonly Constant[],
    layout: string,
    bytes: number,
    write: (address: number) => void,
  ): string {
    const key = `${constants.map((constant) => this.#constantId(constant)).join()}:${layout}`;
    const known = this.#packed.get(key);
    if (known !== undefined) {
      known.users++;
      this.#holdings?.set(known.address, known.bytes);
    } else {
      const address = this.allocate(bytes);
      this.#packed.set(key, { address, bytes, users: 1 });
      write(address);
    }
    return key;
  }

  addressOf(packed: string): number {
    return this.#packed.get(packed)!.address;
  }

  unpack(packed: string): void {
    const entry = this.#packed.get(packed);
    if (entry === undefined || --entry.users > 0) return;
    this.#packed.delete(packed);
    this.free(entry.address);
  }

  #constantId(constant: Constant): number {
    const known = this.#constantIds.get(constant);
    if (known !== undefined) return known;
    this.#constantIds.set(constant, this.#constants);
    return this.#constants++;
  }
}
