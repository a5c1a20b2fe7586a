import {
  type Backend,
  type Graph,
  MemoryError,
  type Program,
  UnsupportedError,
  type Values,
} from '@atrous/core';
import { globalNodes } from './align.js';
import { networkDigest } from './digest.js';
import { accumulatorOf, type KnownValues } from './globals.js';
import { labelOf, sizeOf, spatialAxes } from './graphs.js';
import type { PlanEntry, TiledJob, TiledRunOptions, TilePlan } from './job.js';
import { type Aligned, passesOf, resultOf } from './plan.js';
import type { PassInput } from './program.js';
import { Programs } from './programs.js';
import { elements, type Region, type Sink, type Source } from './region.js';
import { type Parts, type RunPass, runPasses } from './run.js';
import { type SlabGraph, SlabNetwork } from './slab-graph.js';
import { planSlabs, planWarmUp, type Slab } from './slabs.js';

/** One run over the picture, from its first row to its last. */
interface SlabPass {
  readonly graphs: readonly Graph[];
  readonly inputs: readonly PassInput[];
  readonly network: SlabNetwork;
  readonly slabs: readonly Slab[];
  readonly steps: readonly SlabGraph[];
  /** Which program runs each slab: slabs with equal graphs share one. */
  readonly programs: readonly Program[];
  /** Nodes whose rows are computed. */
  readonly targets: readonly number[];
  readonly gathers: readonly { readonly node: number; readonly from: number }[];
}

/** Bytes of what a graph takes and gives. */
const edgeBytes = ({ nodes, inputs, outputs }: Graph): number =>
  [...inputs, ...outputs].reduce((sum, n) => sum + elements(nodes[n]!.shape) * 4, 0);

/** Rows that are in hand after a slab, by node of the pass. */
type Kept = ReadonlyMap<number, Values>;

interface SlabOptions {
  readonly backend: Backend;
  readonly maxMemory: number;
  readonly signal?: AbortSignal | undefined;
}

/** Streams the picture in slabs of full width. */
export class SlabJob implements TiledJob {
  readonly plan: TilePlan;
  readonly #source: Source;
  readonly #graph: Graph;
  readonly #sizes: (node: number) => readonly number[];
  readonly #passes: readonly SlabPass[];
  readonly #programs: Programs;

  private constructor(
    source: Source,
    graph: Graph,
    sizes: (node: number) => readonly number[],
    passes: readonly SlabPass[],
    programs: Programs,
    plan: TilePlan,
  ) {
    this.#source = source;
    this.#graph = graph;
    this.#sizes = sizes;
    this.#passes = passes;
    this.#programs = programs;
    this.plan = plan;
  }

  /** @param rows rows of the picture per slab, rounded up to the network's period */
  static async create(
    source: Source,
    aligned: Aligned,
    rows: number,
    { backend, maxMemory, signal }: SlabOptions,
  ): Promise<SlabJob> {
    const { traceAt, short, axes, whole } = aligned;
    const { whole: tall, shorter, period, size } = axes[0]!;
    const wide = traceAt([short[0]!, ...whole.slice(1)]);
    const output = resultOf(tall);
    const rank = spatialAxes(tall) + 2;
    const step = Math.max(period, Math.ceil(rows / period) * period);
    const count = Math.max(1, Math.ceil(size / step));
    const rowsOf = (n: number, graph: Graph) => sizeOf(graph.nodes[n]!, 0, rank);
    const finished = (n: number) =>
      Array.from({ length: count }, (_, k) =>
        k === count - 1
          ? rowsOf(n, tall)
          : Math.min(rowsOf(n, tall), (((k + 1) * step) / period) * (rowsOf(n, tall) - rowsOf(n, shorter))),
      );
    const passes: SlabPass[] = [];
    const programs = new Programs(backend, maxMemory);
    try {
      for (const { targets, gathers, cut } of passesOf(tall, globalNodes(tall), output)) {
        const [high, broad] = [cut(tall), cut(wide)];
        if (broad.inputs[0]?.type !== 'picture')
          throw new UnsupportedError(
            'tiled: a pass reads global values only, which have no rows; use order: "tiles"',
          );
        const perTarget = targets.map(finished);
        const counts = Array.from({ length: count }, (_, k) => perTarget.map((list) => list[k]!));
        const network = new SlabNetwork(high.graph, broad.graph);
        const slabs = planSlabs(network, counts);
        const steps = slabs.map((slab, k) => network.graph(slab, slabs[k - 1]));
        // what a program takes and gives it holds as well; compiling tells more, but takes time
        const least = 3 * Math.max(...steps.map(({ graph }) => edgeBytes(graph)));
        if (least > maxMemory)
          throw new MemoryError(
            `tiled: the rows that slabs keep take at least ${least} bytes and maxMemory is ${maxMemory}; raise it or use order: 'tiles'`,
            { bytes: least, maxMemory },
          );
        const compiled: Program[] = [];
        for (const { graph } of steps) compiled.push(await programs.of(graph, signal));
        passes.push({
          graphs: [high.graph, broad.graph],
          inputs: broad.inputs,
          network,
          slabs,
          steps,
          programs: compiled,
          targets,
          gathers: gathers.map(({ node, target }) => ({ node, from: target })),
        });
      }
    } catch (error) {
      programs.dispose();
      throw error;
    }
    const sizes = (n: number) => axes.map(({ whole }, axis) => sizeOf(whole.nodes[n]!, axis, rank));
    const steps = passes.flatMap((pass) => pass.steps);
    const [batch, channels] = tall.nodes[output]!.shape as [number, number];
    return new SlabJob(source, tall, sizes, passes, programs, {
      order: 'slabs',
      counts: [count, ...whole.slice(1).map(() => 1)],
      tiles: count,
      window: [Math.max(...steps.map(pictureRows)), ...whole.slice(1)],
      passes: passes.length,
      recompute: 1,
      memory: programs.memory + 2 * Math.max(...steps.map(({ graph }) => edgeBytes(graph))),
      outputShape: [batch, channels, ...sizes(output)],
    });
  }

  dispose(): void {
    this.#programs.dispose();
  }

  async run(sink: Sink, options: TiledRunOptions = {}): Promise<void> {
    const output = this.#passes.at(-1)!;
    const node = output.targets[0]!;
    await runPasses(
      {
        plan: this.plan,
        entry: () => this.#entry(options.signal),
        result: { node, dtype: this.#graph.nodes[node]!.dtype },
        writes: (tile) => output.steps[tile]!.outputs.length > 0,
        lanes: 1,
        passes: this.#passes.map((pass) => this.#runPass(pass)),
      },
      sink,
      options,
    );
  }

  async #entry(signal: AbortSignal | undefined): Promise<PlanEntry> {
    const { counts, outputShape, tiles, passes, window } = this.plan;
    const { shape, dtype } = this.#source;
    const { slabs, network } = this.#passes.at(-1)!;
    const rows = slabs.map(({ fresh }) => fresh[network.tall.outputs[0]!]);
    return {
      type: 'plan',
      plan: JSON.stringify(['slabs', shape, dtype, window, counts, outputShape, rows]),
      network: await networkDigest(
        this.#passes.flatMap(({ graphs }) => graphs),
        signal,
      ),
      tiles,
      passes,
      outputShape,
    };
  }

  /** A pass of one run: it remembers the rows that the last slab kept, and warms up where that was another one. */
  #runPass(pass: SlabPass): RunPass {
    let next = 0;
    let kept: Kept = new Map();
    return {
      gathers: pass.gathers.map(({ node, from }) => ({
        node,
        from,
        accumulator: accumulatorOf(this.#graph, node, this.#sizes(from), labelOf(this.#graph, node)),
      })),
      compute: async (tile, _, known, signal) => {
        if (tile !== next) kept = await this.#warmUp(pass, tile, known, signal);
        const [step, slab] = [pass.steps[tile]!, pass.slabs[tile]!];
        const run = await this.#step(pass, slab, step, pass.programs[tile]!, kept, known, signal);
        kept = run.kept;
        next = tile + 1;
        return run.parts;
      },
    };
  }

  /** The rows that a slab finds in hand, computed again from the picture. */
  async #warmUp(
    pass: SlabPass,
    tile: number,
    known: ReadonlyMap<number, KnownValues>,
    signal: AbortSignal,
  ): Promise<Kept> {
    const programs = this.#programs.more();
    let kept: Kept = new Map();
    let previous: Slab | undefined;
    try {
      for (const slab of planWarmUp(pass.network, pass.slabs, tile)) {
        signal.throwIfAborted();
        const step = pass.network.graph(slab, previous, false);
        const program = await programs.of(step.graph, signal);
        kept = (await this.#step(pass, slab, step, program, kept, known, signal)).kept;
        previous = slab;
      }
    } finally {
      programs.dispose();
    }
    return kept;
  }

  async #step(
    pass: SlabPass,
    slab: Slab,
    step: SlabGraph,
    program: Program,
    kept: Kept,
    known: ReadonlyMap<number, KnownValues>,
    signal: AbortSignal,
  ): Promise<{ readonly parts: Parts; readonly kept: Kept }> {
    const { tall } = pass.network;
    const others = this.#source.shape.slice(3);
    const values: Values[] = [];
    const rows = slab.fresh[tall.inputs[0]!];
    if (rows) {
      const region = { start: [rows[0], ...others.map(() => 0)], size: [rows[1] - rows[0] + 1, ...others] };
      values.push(await this.#source.read(region, { signal }));
    }
    for (const what of pass.inputs)
      if (what.type !== 'picture' && what.type !== 'origin') values.push(known.get(what.node)![what.type]!);
    for (const n of step.keptBefore) values.push(kept.get(n)!);
    const results = await program.run(values, { signal });
    const parts = step.outputs.map((output, i) => {
      const { shape } = step.graph.nodes[step.graph.outputs[i]!]!;
      const start = [slab.fresh[tall.outputs[output]!]![0], ...shape.slice(3).map(() => 0)];
      const region: Region = { start, size: shape.slice(2) };
      return [pass.targets[output]!, { region, values: results[i]! }] as const;
    });
    return {
      parts: new Map(parts),
      kept: new Map(step.keptAfter.map((n, i) => [n, results[step.outputs.length + i]!])),
    };
  }
}

const pictureRows = ({ graph, picture }: SlabGraph): number =>
  picture ? graph.nodes[graph.inputs[0]!]!.shape[2]! : 0;
