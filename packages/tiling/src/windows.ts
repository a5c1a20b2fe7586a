import { type Graph, OptionError, UnsupportedError } from '@atrous/core';
import { type Interval, needed, type ReachGraph } from '@atrous/rf';
import { type AxisAlignment, mismatch, type TraceAt, traceIfLargeEnough } from './align.js';
import { alongAxis, dependents, labelOf, sizeOf, spatialAxes } from './graphs.js';

/** One tile along one axis. */
export interface AxisTile {
  /** First sample of the picture that its window reads. */
  readonly start: number;
  /** What it computes of each target: first and last position of the whole map; undefined where it owns none. */
  readonly owned: readonly (Interval | undefined)[];
}

/** How one axis is cut. All windows have one size. */
export interface AxisWindows {
  readonly window: number;
  readonly tiles: readonly AxisTile[];
  /** How far a node's map moves when the window moves to `start`. */
  shift(node: number, start: number): number;
}

/** What a cut is for. */
interface CutOptions {
  /** Samples of the picture per tile, rounded up to the period. */
  readonly tile: number;
  /** Nodes whose maps are wanted; every position of each is owned by exactly one tile. */
  readonly targets: readonly number[];
}

/**
 * Cuts one axis into tiles of `tile` samples and finds the smallest window in which each tile's outputs see what they
 * see in the whole picture: every position that they read, in every layer, lies inside the window, or beyond a border
 * that is the picture's own.
 *
 * @param known nodes whose values are given from outside
 */
export function cutAxis(
  traceAt: TraceAt,
  alignment: AxisAlignment,
  axis: number,
  short: readonly number[],
  { tile, targets, known }: CutOptions & { readonly known: ReadonlySet<number> },
): AxisWindows {
  const { size, period, whole } = alignment;
  const rank = spatialAxes(whole) + 2;
  const at = (length: number) => traceAt(short.map((other, i) => (i === axis ? length : other)));
  const network: ReachGraph = { ...alongAxis(whole, axis, known), outputs: targets };
  const tiles = ownedParts(alignment, axis, targets, firstSamples(alignment, tile))
    .filter((owned) => owned.some(Boolean))
    .map((owned) => ({ owned, reads: needed(network, owned, 0) }));

  const source = whole.inputs[0]!;
  const clip = ([from, to]: Interval): Interval => [Math.max(0, from), Math.min(size - 1, to)];
  const extents = tiles.map(({ reads }) => {
    const [from, to] = clip(reads[source] ?? [0, 0]);
    const start = Math.floor(Math.min(from, size - 1) / period) * period;
    return { start, length: Math.max(1, to - start + 1) };
  });
  const live = dependents(whole);

  for (
    let window = congruent(alignment, Math.max(...extents.map(({ length }) => length)));
    window <= size;
    window += period
  ) {
    const local = window === size ? whole : traceIfLargeEnough(() => at(window));
    if (!local) continue;
    if (mismatch(whole, local, axis) !== undefined) continue;
    const { all, own, shift } = moving(alignment, local, window, axis, rank);
    const starts = extents.map(({ start }) => Math.min(start, size - window));
    const fits = tiles.every(({ reads }, k) =>
      reads.every((interval, n) => {
        if (!interval || !live[n] || known.has(n)) return true;
        const moved = shift(n, starts[k]!);
        if (!Number.isInteger(moved)) return false;
        if (all[n] === own[n]) return true;
        const [from, to] = [Math.max(0, interval[0]), Math.min(all[n]! - 1, interval[1])];
        return from >= moved && to <= moved + own[n]! - 1;
      }),
    );
    if (fits) return { window, shift, tiles: tiles.map(({ owned }, k) => ({ owned, start: starts[k]! })) };
  }
  throw new UnsupportedError(
    `tiled: no window of up to ${size} samples along spatial axis ${axis} computes the tiles`,
    { axis, size },
  );
}

/**
 * Cuts one axis into windows that read `overlap` samples more than their tile on each side, however far the network
 * sees. At the ends of the picture the window is moved inside.
 *
 * @throws OptionError if a window is too small for the network, or does not compute all of its tile
 */
export function overlapAxis(
  traceAt: TraceAt,
  alignment: AxisAlignment,
  axis: number,
  short: readonly number[],
  { tile, targets, overlap }: CutOptions & { readonly overlap: number },
): AxisWindows {
  const { size, period, whole } = alignment;
  const rank = spatialAxes(whole) + 2;
  const firsts = firstSamples(alignment, tile);
  const halo = Math.ceil(overlap / period) * period;
  const window = congruent(alignment, (firsts[1] ?? size) + 2 * halo);
  const local =
    window === size
      ? whole
      : traceIfLargeEnough(() => traceAt(short.map((other, i) => (i === axis ? window : other))));
  const problem = local ? mismatch(whole, local, axis) : 'the network takes no map that is so small';
  if (!local || problem !== undefined)
    throw new OptionError(
      `tiled: windows of ${window} samples along spatial axis ${axis} (overlap ${halo}): ${problem}; make the tile or the overlap larger`,
      { axis, window },
    );
  const { own, shift } = moving(alignment, local, window, axis, rank);
  const startOf = (first: number) => Math.max(0, Math.min(first - halo, size - window));
  // tiles whose windows are moved to the same place become one
  const distinct = firsts.filter((first, k) => k === 0 || startOf(first) !== startOf(firsts[k - 1]!));
  const tiles = ownedParts(alignment, axis, targets, distinct).map((owned, k) => {
    const start = startOf(distinct[k]!);
    owned.forEach((part, i) => {
      const n = targets[i]!;
      const moved = shift(n, start);
      if (part && (part[0] < moved || part[1] > moved + own[n]! - 1))
        throw new OptionError(
          `tiled: an overlap of ${halo} samples leaves positions of ${labelOf(whole, n)} along spatial axis ${axis} that no window computes, because the network's maps are smaller than its input; make the overlap larger`,
          { axis, overlap: halo },
        );
    });
    return { owned, start };
  });
  return { window, shift, tiles };
}

/** Where tiles begin. */
function firstSamples({ size, period }: AxisAlignment, tile: number): number[] {
  const step = Math.max(period, Math.ceil(tile / period) * period);
  return Array.from({ length: Math.ceil(size / step) }, (_, k) => k * step);
}

/** The smallest size of a window of at least `length` samples. */
const congruent = ({ size, period }: AxisAlignment, length: number): number =>
  size - Math.floor((size - Math.min(length, size)) / period) * period;

/** What each tile computes of each target. */
function ownedParts(
  { period, whole, shorter }: AxisAlignment,
  axis: number,
  targets: readonly number[],
  firsts: readonly number[],
): (Interval | undefined)[][] {
  const rank = spatialAxes(whole) + 2;
  return firsts.map((_, k) =>
    targets.map((n): Interval | undefined => {
      const length = sizeOf(whole.nodes[n]!, axis, rank);
      const perPeriod = length - sizeOf(shorter.nodes[n]!, axis, rank);
      const border = (first: number | undefined) =>
        first === undefined ? length : Math.min(length, (first / period) * perPeriod);
      const [from, end] = [border(firsts[k]), border(firsts[k + 1])];
      return from < end ? [from, end - 1] : undefined;
    }),
  );
}

/** Sizes of every node's map in the picture and in a window, and how far it moves with the window. */
function moving({ size, whole }: AxisAlignment, local: Graph, window: number, axis: number, rank: number) {
  const lengths = (graph: Graph) => graph.nodes.map((node) => sizeOf(node, axis, rank));
  const [all, own] = [lengths(whole), lengths(local)];
  const shift = (n: number, start: number) =>
    size === window ? 0 : (start * (all[n]! - own[n]!)) / (size - window);
  return { all, own, shift };
}
