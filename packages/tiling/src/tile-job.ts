import { OptionError, type Program, type Values } from '@atrous/core';
import { BlendSink } from './blend.js';
import { networkDigest, textDigest } from './digest.js';
import { accumulatorOf, type KnownValues } from './globals.js';
import { labelOf } from './graphs.js';
import type { PlanEntry, TiledJob, TiledRunOptions, TilePlan } from './job.js';
import type { Geometry } from './plan.js';
import { arrayOf, copyRegion, elements, type Sink, type Source } from './region.js';
import { type Parts, type RunJob, runPasses } from './run.js';

/** Runs windows, as many at once as there are backends. */
export class TileJob implements TiledJob {
  readonly plan: TilePlan;
  readonly #source: Source;
  readonly #geometry: Geometry;
  readonly #programs: readonly (readonly Program[])[];

  /** @param programs for each backend those of all passes */
  constructor(source: Source, geometry: Geometry, programs: readonly (readonly Program[])[], plan: TilePlan) {
    this.#source = source;
    this.#geometry = geometry;
    this.#programs = programs;
    this.plan = plan;
  }

  dispose(): void {
    for (const program of this.#programs.flat()) program.dispose();
  }

  async run(sink: Sink, options: TiledRunOptions = {}): Promise<void> {
    const { passes, tiles, targets, graph, sizes, blend } = this.#geometry;
    const { journal, shard, signal } = options;
    if (blend && (journal || shard))
      throw new OptionError(
        "tiled: windows that are blended are kept in memory until their neighbours are there, so they take no journal and no shards; use blend: 'none', or halo: 'exact'",
        { journal: Boolean(journal), shard },
      );
    const output = targets.at(-1)!;
    const job: RunJob = {
      plan: this.plan,
      entry: () => this.#entry(signal),
      result: { node: output, dtype: graph.nodes[output]!.dtype },
      writes: (tile) => tiles[tile]!.owned.at(-1) !== undefined,
      lanes: this.#programs.length,
      passes: passes.map(({ gathers }, index) => ({
        gathers: gathers.map(({ node, target }) => ({
          node,
          from: targets[target]!,
          accumulator: accumulatorOf(graph, node, sizes[target]!, labelOf(graph, node)),
        })),
        compute: (tile, lane, known, signal) => this.#compute(index, tile, lane, known, signal),
      })),
    };
    await runPasses(job, blend ? new BlendSink(sink, blend) : sink, options);
  }

  async #entry(signal: AbortSignal | undefined): Promise<PlanEntry> {
    const { window, counts, outputShape, tiles, passes } = this.plan;
    const { shape, dtype } = this.#source;
    const places = this.#geometry.tiles.map(({ window, owned }) => [window.start, owned]);
    return {
      type: 'plan',
      plan: JSON.stringify([
        ...['tiles', shape, dtype, window, counts, outputShape],
        (await textDigest(JSON.stringify(places))).slice(0, 16),
      ]),
      network: await networkDigest(
        this.#geometry.passes.map(({ graph }) => graph),
        signal,
      ),
      tiles,
      passes,
      outputShape,
    };
  }

  /** Runs one window and cuts out what is the tile's own, by target. */
  async #compute(
    index: number,
    number: number,
    lane: number,
    known: ReadonlyMap<number, KnownValues>,
    signal: AbortSignal,
  ): Promise<Parts> {
    const { tiles, targets, origin, passes } = this.#geometry;
    const pass = passes[index]!;
    const tile = tiles[number]!;
    const values: Values[] = [];
    for (const what of pass.inputs)
      if (what.type === 'picture') values.push(await this.#source.read(tile.window, { signal }));
      else if (what.type === 'origin') values.push(origin(what.node, tile.window.start));
      else values.push(known.get(what.node)![what.type]!);
    const outputs = await this.#programs[lane]![index]!.run(values, { signal });
    const found: [number, { region: typeof tile.window; values: Values }][] = [];
    pass.targets.forEach((target, k) => {
      const part = tile.owned[target];
      if (!part) return;
      const { shape, dtype } = pass.graph.nodes[pass.graph.outputs[k]!]!;
      const planes = shape[0]! * shape[1]!;
      const { size } = part.region;
      const own = new arrayOf[dtype](elements(size) * planes);
      const zero = size.map(() => 0);
      copyRegion(outputs[k]!, shape.slice(2), part.local, own, size, zero, size, planes);
      found.push([targets[target]!, { region: part.region, values: own }]);
    });
    return new Map(found);
  }
}
