import {
  type Backend,
  input,
  MemoryError,
  OptionError,
  type Program,
  type Shape,
  ShapeError,
  type Tensor,
  trace,
  UnsupportedError,
} from '@atrous/core';
import { globalNodes } from './align.js';
import { type Blend, blendBytes, blends } from './blend.js';
import { labelOf } from './graphs.js';
import type { TiledJob, TilePlan } from './job.js';
import { align, type Geometry, geometryOf, recomputeFactor, type Sight } from './plan.js';
import { arrayOf, elements, type Source } from './region.js';
import { SlabJob } from './slab-job.js';
import { TileJob } from './tile-job.js';

export interface TiledOptions {
  /** One, or several that compute tiles at the same time, such as those of `@atrous/tiling/workers`. */
  readonly backend: Backend | readonly Backend[];
  /**
   * Samples of the picture per tile, one number or one per spatial axis; rounded up to the network's period. Default:
   * the largest that stays within `maxMemory`.
   */
  readonly tile?: number | readonly number[] | undefined;
  /** Bytes that programs and buffers of tiles may hold, on all backends together. Default 1 GiB. */
  readonly maxMemory?: number | undefined;
  /** Most runs over the picture, one more than the longest chain of global layers. Default 2. */
  readonly maxPasses?: number | undefined;
  /**
   * `'tiles'`: windows that overlap by the halo; `'slabs'`: rows of full width, each computed once, on one backend.
   * Default `'auto'`: slabs where tiles would compute everything more than 1.5 times, and more often than there are
   * backends to share that; tiles again where what slabs keep exceeds `maxMemory`.
   */
  readonly order?: 'auto' | 'tiles' | 'slabs' | undefined;
  /**
   * What layers that read the whole map (image pooling, group normalisation) are taken over: `'whole'`, the picture, in
   * passes of their own, which is exact; `'window'`, each window by itself, in one pass. Default `'whole'`.
   */
  readonly pooling?: 'whole' | 'window' | undefined;
  /**
   * What each tile reads beside its own samples. `'exact'`: all that the network reads. An overlap: so many samples on
   * each side, and the network's own padding at the border of every window, which is not exact. Default `'exact'`.
   */
  readonly halo?: 'exact' | Overlap | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Windows that overlap by a number that somebody chose. */
export interface Overlap {
  /**
   * Samples of the picture on each side of a tile, one number or one per spatial axis; rounded up to the network's
   * period. Neighbouring windows share twice as many.
   */
  readonly overlap: number | readonly number[];
  /** Default `'none'`. The others need a result of float32, and their runs take no journal. */
  readonly blend?: Blend | undefined;
}

const defaultMaxMemory = 2 ** 30;

/**
 * Runs a network on a picture or volume of any size, tile by tile, with the result of the whole: halo, alignment and
 * borders follow from the receptive field of every layer. All tiles run one program.
 *
 * ```ts
 * const job = await tiled((x) => network.apply(weights, x), source, { backend: await cpu(), tile: 512 });
 * await job.run(sink, { onProgress: ({ done, total }) => console.log(done, total) });
 * ```
 *
 * Global layers (means over the picture, group normalisation) are computed first, in passes of their own.
 *
 * @param model a pure function of `[N, C, …]` with 1 to 3 spatial axes that gives one map; its layers must not depend
 * on the size of the picture
 * @throws UnsupportedError naming the layer that makes exact tiling impossible; MemoryError if not even the smallest
 * tile stays within maxMemory; OptionError for unusable options
 */
export async function tiled(
  model: (x: Tensor) => Tensor,
  source: Source,
  options: TiledOptions,
): Promise<TiledJob> {
  const { maxMemory = defaultMaxMemory, maxPasses = 2, order = 'auto', signal } = options;
  const backends = backendsOf(options.backend, order);
  const [batch, channels, ...whole] = source.shape as [number, number, ...number[]];
  if (whole.length < 1 || whole.length > 3)
    throw new OptionError(
      `tiled: the source must be [N, C, …] with 1 to 3 spatial axes but is [${source.shape.join(', ')}]`,
      { shape: source.shape },
    );
  const aligned = align((size) => trace(model, input([batch, channels, ...size], source.dtype)).graph, whole);
  const bounded = { maxMemory, signal };
  const sight = sightOf(options, whole.length);
  const pooled = globalNodes(aligned.axes[0]!.whole).size > 0;
  const exact = sight.halo === 'exact' && (sight.pooling === 'whole' || !pooled);
  if (order === 'slabs' && !exact)
    throw new OptionError(
      "tiled: slabs compute every row once, with halo: 'exact' and pooling: 'whole'; use order: 'tiles' for windows that overlap",
      { order, ...sight },
    );
  const attempts = candidates(options.tile, whole);
  const mostRecompute = Math.max(mostRecomputeAlone, backends.length);
  let smallest = Infinity;
  const attempt = async (make: () => Promise<TiledJob>): Promise<TiledJob | undefined> => {
    try {
      const job = await make();
      if (job.plan.memory <= maxMemory) return job;
      smallest = Math.min(smallest, job.plan.memory);
      job.dispose();
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
    }
    return undefined;
  };
  const checked = (geometry: Geometry) => {
    const { graph, passes } = geometry;
    if (passes.length <= maxPasses) return geometry;
    const layers = passes.flatMap(({ gathers }) => gathers.map(({ node }) => labelOf(graph, node)));
    throw new OptionError(
      `tiled: ${passes.length} passes over the picture are needed, because global layers depend on each other (${layers.join(', ')}); allow it by maxPasses: ${passes.length}`,
      { passes: passes.length, maxPasses },
    );
  };
  /** Undefined where a map of so large a window is more than one tensor holds, and a smaller tile may be taken. */
  const geometryAt = (tile: readonly number[]): Geometry | undefined => {
    try {
      return checked(geometryOf(aligned, tile, sight));
    } catch (error) {
      if (error instanceof ShapeError && tile !== attempts.at(-1)) return undefined;
      throw error;
    }
  };
  const asTiles = (geometry: Geometry) => attempt(() => tileJob(source, geometry, backends, bounded));
  const tooMuchForSlabs: Geometry[] = [];
  for (const tile of attempts) {
    const geometry = geometryAt(tile);
    if (!geometry) continue;
    const slabs =
      order === 'slabs' || (order === 'auto' && exact && recomputeFactor(geometry, whole) > mostRecompute);
    const job = await (slabs
      ? attempt(() => SlabJob.create(source, aligned, tile[0]!, { backend: backends[0]!, ...bounded })).catch(
          (error) =>
            order === 'auto' && error instanceof UnsupportedError ? asTiles(geometry) : Promise.reject(error),
        )
      : asTiles(geometry));
    if (job) return job;
    if (slabs && order === 'auto') tooMuchForSlabs.push(geometry);
  }
  // computing much again is better than not at all
  for (const geometry of tooMuchForSlabs) {
    const job = await asTiles(geometry);
    if (job) return job;
  }
  throw new MemoryError(
    `tiled: ${options.tile === undefined ? 'no tile' : `tiles of ${options.tile}`} of the picture [${source.shape.join(', ')}] can be computed within ${maxMemory} bytes${smallest < Infinity ? ` (${smallest} are needed)` : ''}; raise maxMemory${options.tile === undefined ? '' : ' or make tiles smaller'}`,
    { maxMemory, needed: smallest },
  );
}

/** Above this factor, rows are kept rather than computed again. */
const mostRecomputeAlone = 1.5;

async function tileJob(
  source: Source,
  geometry: Geometry,
  backends: readonly Backend[],
  options: { maxMemory: number; signal: AbortSignal | undefined },
): Promise<TiledJob> {
  const programs = backends.map((): Program[] => []);
  const compiled = await Promise.allSettled(
    backends.map(async (backend, i) => {
      for (const { graph } of geometry.passes) programs[i]!.push(await backend.compile(graph, options));
    }),
  );
  const failed = compiled.find((each) => each.status === 'rejected');
  if (failed) {
    for (const program of programs.flat()) program.dispose();
    throw failed.reason;
  }
  const { graph, targets, sizes } = geometry;
  const [batch, channels] = graph.nodes[targets.at(-1)!]!.shape as [number, number];
  const outputShape = [batch, channels, ...sizes.at(-1)!];
  const memory = memoryOf(programs, geometry, outputShape);
  return new TileJob(source, geometry, programs, planOf(geometry, source, memory, outputShape));
}

/** @throws OptionError for no backend, one that is there twice, or several for slabs */
function backendsOf(backend: TiledOptions['backend'], order: TiledOptions['order']): readonly Backend[] {
  const backends: readonly Backend[] = 'compile' in backend ? [backend] : backend;
  const count = backends.length;
  if (count === 0 || new Set(backends).size !== count)
    throw new OptionError(
      `tiled: backend must be one backend or several different ones but is a list of ${count}${count ? ' with one twice' : ''}`,
      { count },
    );
  if (order === 'slabs' && count > 1)
    throw new OptionError(
      `tiled: slabs follow from each other and run on one backend, and ${count} are given; give one with several threads, use shards, or order: 'tiles'`,
      { order, count },
    );
  return backends;
}

function candidates(tile: TiledOptions['tile'], whole: readonly number[]): number[][] {
  if (tile !== undefined)
    return [perAxis('tile', tile, 1, whole.length).map((length, axis) => Math.min(length, whole[axis]!))];
  const sizes: number[][] = [[...whole]];
  for (let length = 2 ** Math.ceil(Math.log2(Math.max(...whole))); length >= 16; length /= 2)
    for (const part of [length, (3 * length) / 4])
      if (part < Math.max(...whole)) sizes.push(whole.map((most) => Math.min(most, part)));
  return sizes;
}

function perAxis(name: string, value: number | readonly number[], least: number, axes: number): number[] {
  const each = typeof value === 'number' ? new Array<number>(axes).fill(value) : [...value];
  if (each.length !== axes || each.some((length) => !Number.isInteger(length) || length < least))
    throw new OptionError(
      `tiled: ${name} must be ${least === 0 ? 'an integer from 0' : 'a positive integer'}, or one per spatial axis (${axes}), but is ${String(value)}`,
      { [name]: value },
    );
  return each;
}

/** @throws OptionError for anything else than the options that there are */
function sightOf({ pooling = 'whole', halo = 'exact' }: TiledOptions, axes: number): Sight {
  if (pooling !== 'whole' && pooling !== 'window')
    throw new OptionError(`tiled: pooling must be 'whole' or 'window' but is ${String(pooling)}`, {
      pooling,
    });
  if (halo === 'exact') return { pooling, halo };
  const { overlap, blend = 'none' } = Object(halo) as Partial<Overlap>;
  if (overlap === undefined)
    throw new OptionError(`tiled: halo must be 'exact' or { overlap, blend } but is ${String(halo)}`, {
      halo,
    });
  if (!blends.includes(blend))
    throw new OptionError(`tiled: blend must be one of ${blends.join(', ')} but is ${String(blend)}`, {
      blend,
    });
  return { pooling, halo: { overlap: perAxis('overlap', overlap, 0, axes), blend } };
}

/** Of every backend its largest program, the values of a window, and once more the part that is cut out of them. */
function memoryOf(
  programs: readonly (readonly Program[])[],
  { passes, blend }: Geometry,
  outputShape: Shape,
): number {
  const buffers = passes.map(({ graph }) =>
    [...graph.inputs, ...graph.outputs].reduce((sum, n) => {
      const { shape, dtype } = graph.nodes[n]!;
      return sum + elements(shape) * arrayOf[dtype].BYTES_PER_ELEMENT;
    }, 0),
  );
  const each = programs.map((own) => Math.max(...own.map(({ memory }) => memory)) + 2 * Math.max(...buffers));
  return each.reduce((a, b) => a + b, 0) + (blend ? blendBytes(blend, outputShape) : 0);
}

function planOf(geometry: Geometry, source: Source, memory: number, outputShape: Shape): TilePlan {
  const { tiles, counts, window, passes } = geometry;
  return {
    order: 'tiles',
    counts,
    tiles: tiles.length,
    window,
    passes: passes.length,
    recompute: recomputeFactor(geometry, source.shape.slice(2)),
    memory,
    outputShape,
  };
}
