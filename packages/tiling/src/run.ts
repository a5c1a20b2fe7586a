import { type DType, OptionError, type Values } from '@atrous/core';
import type { Accumulator, KnownValues, Partial } from './globals.js';
import type { PlanEntry, TiledRunOptions, TilePlan } from './job.js';
import { Clock } from './progress.js';
import type { Region, Sink } from './region.js';
import { keyOf, openJournals } from './resume.js';
import { ranges, shardTiles } from './shards.js';

/** What a tile has computed: of each node that is wanted, the box that is the tile's own. */
export type Parts = ReadonlyMap<number, { readonly region: Region; readonly values: Values }>;

export interface RunPass {
  /** What is gathered over all tiles from the parts of a node. */
  readonly gathers: readonly {
    readonly node: number;
    readonly from: number;
    readonly accumulator: Accumulator;
  }[];
  /** @param lane which of the tiles under way at once this is: 0 … lanes − 1 */
  compute(
    tile: number,
    lane: number,
    known: ReadonlyMap<number, KnownValues>,
    signal: AbortSignal,
  ): Promise<Parts>;
}

/** A job as its run sees it. */
export interface RunJob {
  readonly plan: TilePlan;
  /** Which job a journal belongs to. */
  entry(): Promise<PlanEntry>;
  /** The node whose parts are written, in the last pass. */
  readonly result: { readonly node: number; readonly dtype: DType };
  /** Whether a tile has a part of the result. */
  writes(tile: number): boolean;
  readonly passes: readonly RunPass[];
  /** How many tiles may be under way at once. */
  readonly lanes: number;
}

/**
 * Runs all passes over all tiles that are not done yet. However many are computed at once, they are written and
 * recorded one by one in the order of tiles.
 */
export async function runPasses(
  job: RunJob,
  sink: Sink,
  { signal, onProgress, journal, shard }: TiledRunOptions,
): Promise<void> {
  const { plan, passes, result } = job;
  const last = passes.length - 1;
  const { own, others } = await openJournals(job.entry, journal, shard);
  const { first, end } = shardTiles(shard ?? { index: 0, count: 1 }, plan.tiles);
  const tiles = Array.from({ length: plan.tiles }, (_, tile) => tile);
  const clock = new Clock(passes.length, passes.length * (end - first), own.size, onProgress);
  const whole = { shape: plan.outputShape, dtype: result.dtype };
  await sink.begin?.(whole, tiles.filter((tile) => job.writes(tile) && own.has(keyOf(last, tile))).length);
  const known = new Map<number, KnownValues>();
  for (const [index, { gathers, compute }] of passes.entries()) {
    const partials = tiles.map((tile) =>
      (tile >= first && tile < end ? own : others).get(keyOf(index, tile)),
    );
    const pending = tiles.slice(first, end).filter((tile) => !partials[tile]);
    const take = async (tile: number, parts: Parts) => {
      const added = gathers.map(({ from, accumulator }) => {
        const part = parts.get(from);
        return part ? accumulator.partial(part.values, part.region) : new Float64Array(0);
      });
      const part = index === last ? parts.get(result.node) : undefined;
      if (part) await sink.write(part.region, part.values, whole);
      if (journal) {
        if (index === last) await sink.flush?.();
        const numbers = added.map((partial) => [...partial]);
        await journal.append({ type: 'tile', pass: index, tile, partials: numbers });
      }
      partials[tile] = added;
      clock.tick(index);
    };
    await inLanes(
      pending,
      job.lanes,
      (tile, lane, signal) => compute(tile, lane, known, signal),
      take,
      signal,
    );
    const missing = tiles.filter((tile) => !partials[tile]);
    if (missing.length > 0 && index < last)
      throw new OptionError(
        `tiled: shard ${shard?.index} of ${shard?.count} has done its part of pass ${index + 1} of ${passes.length}; the next one needs tiles ${ranges(missing)} of the other shards: when they have done theirs, run it again with the journals of all shards`,
        { pass: index, passes: passes.length, missing },
      );
    gathers.forEach(({ node, accumulator }, k) => {
      const each = partials.flatMap((list) => (list?.[k]?.length ? [list[k]] : []));
      known.set(node, accumulator.finish(each as Partial[]));
    });
  }
}

/**
 * Computes items in several lanes and takes what they give in the order of the items. A lane begins its next item when
 * its last one was taken, so that there are never more results than lanes. What fails first ends all of them; returns
 * when nothing is under way any more.
 */
async function inLanes<T>(
  items: readonly number[],
  lanes: number,
  compute: (item: number, lane: number, signal: AbortSignal) => Promise<T>,
  take: (item: number, result: T) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController();
  const cancel = () => stop.abort(signal?.reason);
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  let next = 0;
  let taken: Promise<void> = Promise.resolve();
  const lane = async (index: number) => {
    let computing: Promise<T> | undefined;
    try {
      while (next < items.length) {
        stop.signal.throwIfAborted();
        const item = items[next++]!;
        computing = compute(item, index, stop.signal);
        taken = Promise.all([computing, taken]).then(([result]) => take(item, result));
        await taken;
      }
    } catch (error) {
      // the first reason stays
      stop.abort(error);
      await computing?.catch(() => undefined);
      throw error;
    }
  };
  try {
    const ended = await Promise.allSettled(Array.from({ length: lanes }, (_, index) => lane(index)));
    if (ended.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
