import type { Constant, Graph, Values } from '@atrous/core';
import {
  Breather,
  checkAlive,
  checkMemory,
  checkRun,
  checkSupported,
  type FusedGraph,
  isComputed,
  labelOf,
  lastUses,
  macsOf,
  type Program,
  type RunOptions,
  storageOf,
} from '@atrous/core/backend';
import type { BuiltKernel, Resident } from './device.js';
import { emptyLike, fromFloats, toFloats } from './dtype.js';
import { type Launch, type Recipe, signatureOf } from './kernel.js';
import { peakBytes, residentCount } from './memory.js';
import type { Runtime } from './runtime.js';
import { placeParts } from './slices.js';
import { lowerAll } from './supported.js';

interface ReadyLaunch {
  readonly launch: Launch;
  readonly kernel: BuiltKernel;
  /** Per operand its uploaded table, if it is one. */
  readonly tables: readonly (Resident | undefined)[];
}

interface Step {
  readonly index: number;
  readonly launches: readonly ReadyLaunch[];
  /** The node in whose array results with a place go. */
  readonly into: number | undefined;
}

/**
 * Compiles a fused graph: kernels built, constants and tables uploaded.
 *
 * @throws UnsupportedError naming every node that the device cannot run, and if a kernel cannot run where it should;
 *   MemoryError before anything is uploaded
 */
export async function compileProgram(
  runtime: Runtime,
  graph: FusedGraph,
  maxMemory: number,
  signal: AbortSignal | undefined,
): Promise<Program> {
  const { device } = runtime;
  const { recipes: alone, problems } = lowerAll(graph, device.limits);
  checkSupported(`gpu (${device.mode})`, graph, (node) => problems.get(node));
  const recipes = placeParts(graph, alone);
  const constants = constantsOf(graph);
  const fixed =
    [...constants].reduce((sum, { data }) => sum + device.bytesOf(toCount(data)), 0) +
    [...recipes.values()].reduce((sum, recipe) => sum + tableBytes(recipe, device.bytesOf), 0);
  const kernels = new Map(
    [...recipes.values()].flatMap(({ launches }) =>
      launches.map(({ kernel }) => [signatureOf(kernel), kernel] as const),
    ),
  );
  const working = peakBytes(graph, recipes, device.bytesOf, device.pooled);
  const memory = fixed + working + device.bytesOfKernels(kernels.values());
  checkMemory(`gpu (${device.mode})`, memory, maxMemory, graph);

  const program = new GpuProgram(runtime, graph, recipes, memory);
  try {
    await program.prepare(constants, signal);
  } catch (error) {
    program.dispose();
    throw error;
  }
  return program;
}

const toCount = (data: Values): number => (data instanceof Int32Array ? 2 : 1) * data.length;

/** Constants that some step reads; those that are only outputs stay on the host. */
function constantsOf(graph: Graph): Set<Constant> {
  const storage = storageOf(graph);
  const constants = new Set<Constant>();
  for (const node of graph.nodes)
    if (isComputed(node))
      for (const input of node.inputs) {
        const source = graph.nodes[storage[input]!]!;
        if (source.kind === 'constant' && source.value.data.length > 0) constants.add(source.value);
      }
  return constants;
}

const tableBytes = ({ launches }: Recipe, bytesOf: (count: number) => number): number =>
  launches
    .flatMap(({ operands }) => operands)
    .reduce((sum, operand) => sum + ('table' in operand ? bytesOf(operand.table.length) : 0), 0);

class GpuProgram implements Program {
  readonly steps: Program['steps'];
  readonly #storage: readonly number[];
  readonly #last: readonly number[];
  readonly #constants = new Map<Constant, Resident>();
  readonly #ready: Step[] = [];
  #gone: string | undefined;

  constructor(
    private readonly runtime: Runtime,
    private readonly graph: FusedGraph,
    private readonly recipes: ReadonlyMap<number, Recipe>,
    readonly memory: number,
  ) {
    this.#storage = storageOf(graph);
    this.#last = lastUses(graph, this.#storage);
    this.steps = [...recipes].map(([index, { algorithm }]) => {
      const node = graph.nodes[index]!;
      return { name: labelOf(node, index), algorithm, macs: macsOf(graph, node) };
    });
  }

  /** Builds kernels and uploads what does not change. */
  async prepare(constants: ReadonlySet<Constant>, signal: AbortSignal | undefined): Promise<void> {
    const breather = new Breather(signal);
    for (const [index, { launches, into }] of this.recipes) {
      const ready: ReadyLaunch[] = [];
      this.#ready.push({ index, launches: ready, into });
      for (const launch of launches) {
        const kernel = await this.runtime.kernel(launch.kernel);
        const tables: (Resident | undefined)[] = [];
        ready.push({ launch, kernel, tables });
        for (const operand of launch.operands)
          tables.push(
            'table' in operand ? this.runtime.device.upload(operand.table, operand.table.length) : undefined,
          );
      }
      signal?.throwIfAborted();
      if (breather.due) await breather.pause();
      checkAlive('gpu', this.runtime.gone);
    }
    for (const constant of constants) this.#constants.set(constant, this.runtime.constant(constant));
  }

  async run(inputs: readonly Values[], options: RunOptions = {}): Promise<readonly Values[]> {
    checkRun(this.graph, inputs, options.out);
    return this.runtime.queue.add(() => this.#execute(inputs, options));
  }

  async #execute(inputs: readonly Values[], options: RunOptions): Promise<readonly Values[]> {
    checkAlive('program', this.#gone ?? this.runtime.gone);
    options.signal?.throwIfAborted();
    const { device } = this.runtime;
    const live = new Map<number, Resident>();
    try {
      this.#upload(inputs, live);
      const breather = new Breather(options.signal);
      for (const [i, step] of this.#ready.entries()) {
        const start = performance.now();
        await this.#launch(step, live);
        for (const [index, resident] of live)
          if (this.#last[index]! <= step.index) {
            device.release(resident);
            live.delete(index);
          }
        options.onStep?.(i, performance.now() - start);
        if (breather.due) await breather.pause();
        options.signal?.throwIfAborted();
        checkAlive('program', this.runtime.gone);
      }
      return await this.#results(inputs, live, options);
    } finally {
      for (const resident of live.values()) device.release(resident);
    }
  }

  #upload(inputs: readonly Values[], live: Map<number, Resident>): void {
    this.graph.inputs.forEach((index, i) => {
      // What nothing computes with stays on the host.
      if (inputs[i]!.length === 0 || !this.#isRead(index)) return;
      const values = toFloats(inputs[i]!);
      live.set(index, this.runtime.device.upload(values, values.length));
    });
  }

  #isRead(index: number): boolean {
    return this.#ready.some((step) =>
      this.graph.nodes[step.index]!.inputs.some((input) => this.#storage[input] === index),
    );
  }

  #resident(index: number, live: ReadonlyMap<number, Resident>): Resident {
    const at = this.#storage[index]!;
    const node = this.graph.nodes[at]!;
    return node.kind === 'constant' ? this.#constants.get(node.value)! : live.get(at)!;
  }

  async #launch({ index, launches, into }: Step, live: Map<number, Resident>): Promise<void> {
    const { device } = this.runtime;
    const node = this.graph.nodes[index]!;
    if (into !== undefined && !live.has(into))
      live.set(into, device.allocate(residentCount(this.graph.nodes[into]!)));
    const results: Resident[] = [];
    try {
      for (const { launch, kernel, tables } of launches) {
        const arrays = launch.operands.map((operand, i) => {
          if ('input' in operand) return this.#resident(node.inputs[operand.input]!, live);
          return 'launch' in operand ? results[operand.launch]! : tables[i]!;
        });
        if (launch.kernel.place) await device.run(kernel, arrays, launch.scalars, live.get(into!));
        else results.push(await device.run(kernel, arrays, launch.scalars));
      }
      if (into === undefined) live.set(index, results.pop()!);
    } finally {
      for (const resident of results) device.release(resident);
    }
  }

  async #results(
    inputs: readonly Values[],
    live: ReadonlyMap<number, Resident>,
    { out }: RunOptions,
  ): Promise<readonly Values[]> {
    const results: Values[] = [];
    for (const [i, index] of this.graph.outputs.entries()) {
      const at = this.#storage[index]!;
      const node = this.graph.nodes[at]!;
      const target = out?.[i] ?? emptyLike(this.graph, index);
      if (node.kind === 'constant') target.set(node.value.data);
      else if (node.kind === 'input') target.set(inputs[this.graph.inputs.indexOf(at)]!);
      else if (target.length > 0)
        fromFloats(await this.runtime.device.read(live.get(at)!, residentCount(node)), target);
      results.push(target);
    }
    return results;
  }

  dispose(): void {
    if (this.#gone !== undefined) return;
    this.#gone = 'the program was disposed';
    // A run under way still reads what is freed here.
    void this.runtime.queue.add(async () => {
      if (this.runtime.gone !== undefined) return;
      for (const { launches } of this.#ready)
        for (const { launch, tables } of launches) {
          await this.runtime.releaseKernel(launch.kernel);
          for (const table of tables) if (table) this.runtime.device.release(table);
        }
      for (const constant of this.#constants.keys()) this.runtime.releaseConstant(constant);
      this.#constants.clear();
      this.#ready.length = 0;
      this.runtime.device.trim();
    });
  }
}
