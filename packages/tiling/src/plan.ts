import {
  AtrousError,
  type Graph,
  type Node,
  type NodeOf,
  OptionError,
  type Shape,
  UnsupportedError,
} from '@atrous/core';
import type { Interval } from '@atrous/rf';
import { type AxisAlignment, alignAxis, globalNodes, type TraceAt } from './align.js';
import { type Blend, type BlendPart, blendAxis } from './blend.js';
import { dependents, labelOf, spatialAxes } from './graphs.js';
import { type PassGraph, passGraph, passOf } from './program.js';
import type { Region } from './region.js';
import { type AxisWindows, cutAxis, overlapAxis } from './windows.js';

/** One tile: what it reads of the picture, and what it computes of each target. */
export interface Tile {
  readonly window: Region;
  /** Per target: the part of the whole map that is this tile's, and where it lies in the window's own map. */
  readonly owned: readonly ({ readonly region: Region; readonly local: readonly number[] } | undefined)[];
}

/** One run over all tiles. */
export interface Pass extends PassGraph {
  /** Positions in `targets` of what this pass computes. */
  readonly targets: readonly number[];
  /** The global nodes whose values are known after this pass, beside the target that they are gathered from. */
  readonly gathers: readonly { readonly node: number; readonly target: number }[];
}

/** Everything that is settled before the first tile is read. */
export interface Geometry {
  readonly graph: Graph;
  /** Nodes whose maps are computed; the last one is the result. */
  readonly targets: readonly number[];
  readonly tiles: readonly Tile[];
  readonly counts: readonly number[];
  readonly window: readonly number[];
  readonly passes: readonly Pass[];
  /** Size of every target's whole map. */
  readonly sizes: readonly (readonly number[])[];
  /** The origin of a resize for the window that starts at `start`. */
  origin(node: number, start: readonly number[]): Float32Array;
  /** How the results of overlapping windows are joined, per axis; without it each tile owns its part. */
  readonly blend: readonly (readonly BlendPart[])[] | undefined;
}

/** A network seen from every axis; made once, also when several sizes of tile are tried. */
export interface Aligned {
  readonly traceAt: TraceAt;
  readonly short: readonly number[];
  readonly axes: readonly AxisAlignment[];
  readonly whole: Shape;
}

export function align(traceAt: TraceAt, size: readonly number[]): Aligned {
  const short = shortSizes(traceAt, size);
  resultOf(traceAt(short));
  const axes = size.map((_, axis) => alignAxis(traceAt, size, axis, short));
  return { traceAt, short, axes, whole: size };
}

/** The smallest map, for the axes that are not looked at, on which the network can be traced. */
function shortSizes(traceAt: TraceAt, size: readonly number[]): readonly number[] {
  for (let length = 64; ; length *= 2) {
    const short = size.map((whole) => Math.min(whole, length));
    try {
      traceAt(short);
      return short;
    } catch (error) {
      if (!(error instanceof AtrousError) || size.every((whole) => whole <= length)) throw error;
    }
  }
}

/** What windows see beside their tile. */
export interface Sight {
  /** What global layers are taken over. */
  readonly pooling: 'whole' | 'window';
  /** All that the network reads, or some samples on each side per axis. */
  readonly halo: 'exact' | { readonly overlap: readonly number[]; readonly blend: Blend };
}

/** @param tile samples of the picture per tile and axis */
export function geometryOf(aligned: Aligned, tile: readonly number[], { pooling, halo }: Sight): Geometry {
  const { traceAt, short, axes, whole } = aligned;
  const sample = axes[0]!.whole;
  const output = resultOf(sample);
  const rank = spatialAxes(sample) + 2;
  const single = tile.every((length, axis) => length >= whole[axis]!);
  const global = single ? new Set<number>() : globalNodes(sample);
  const gathered = pooling === 'whole' ? global : new Set<number>();
  const targets = [...new Set([...gathered].map((n) => sample.nodes[n]!.inputs[0]!)), output];
  const cuts = axes.map((alignment, axis) => {
    if (single) return wholeAxis(alignment, targets, axis, rank);
    const cut = { tile: tile[axis]!, targets };
    return halo === 'exact'
      ? cutAxis(traceAt, alignment, axis, short, { ...cut, known: global })
      : overlapAxis(traceAt, alignment, axis, short, { ...cut, overlap: halo.overlap[axis]! });
  });
  const window = cuts.map((cut) => cut.window);
  const sizesOf = (n: number) => axes.map(({ whole: graph }, axis) => graph.nodes[n]!.shape[axis + 2]!);
  const traced = traceAt(window);
  const cropped = window.map((length, axis) => length < whole[axis]!);
  checkGrowth(traced, dependents(sample, gathered), targets, sizesOf, cropped);
  const fitted = fittedResizes(sample, global, { pooling, halo });
  const graph = withSampling(traced, axes, fitted);
  const blend = halo === 'exact' || halo.blend === 'none' ? undefined : halo.blend;
  const blended = blend && blendOf(graph.nodes[output]!, sizesOf(output), output, cuts, blend);
  const tiles = product(cuts.map((cut) => cut.tiles)).map((parts): Tile => {
    const start = parts.map((part) => part.start);
    const owned = targets.map((n, k) => {
      if (blend && n === output) {
        const first = start.map((from, axis) => cuts[axis]!.shift(n, from));
        const size = graph.nodes[n]!.shape.slice(2);
        return { region: { start: first, size }, local: size.map(() => 0) };
      }
      const intervals = parts.map((part) => part.owned[k]);
      if (intervals.some((interval) => interval === undefined)) return undefined;
      const region = regionOf(intervals as Interval[]);
      return {
        region,
        local: region.start.map((from, axis) => from - cuts[axis]!.shift(n, start[axis]!)),
      };
    });
    return { window: { start, size: window }, owned };
  });

  const origin = (n: number, start: readonly number[]) =>
    Float32Array.from(
      axes.map((alignment, axis) => originOf(alignment, cuts[axis]!, n, axis, start[axis]!, rank)),
    );
  const origins = new Set(
    [...fitted].filter((n) => tiles.some((each) => origin(n, each.window.start).some((at) => at !== 0))),
  );
  for (const n of origins)
    if (graph.nodes[n]!.inputs.length > 1)
      throw new UnsupportedError(`tiled: ${labelOf(graph, n)} has an origin of its own already`);

  const passes = passesOf(sample, gathered, output).map(
    ({ targets: own, gathers, cut }): Pass => ({
      targets: own.map((n) => targets.indexOf(n)),
      gathers: gathers.map(({ node, target }) => ({ node, target: targets.indexOf(target) })),
      ...cut(graph, origins),
    }),
  );
  return {
    graph,
    targets,
    tiles,
    counts: cuts.map((cut) => cut.tiles.length),
    window,
    passes,
    sizes: targets.map(sizesOf),
    origin,
    blend: blended,
  };
}

/** The node that is wanted. */
export function resultOf(graph: Graph): number {
  if (graph.outputs.length !== 1)
    throw new OptionError(
      `tiled: the model gives ${graph.outputs.length} tensors; give a function with one result`,
    );
  const rank = spatialAxes(graph) + 2;
  const { shape } = graph.nodes[graph.outputs[0]!]!;
  if (shape.length !== rank)
    throw new UnsupportedError(
      `tiled: the result [${shape.join(', ')}] is no map with ${rank - 2} spatial axes, so it cannot be put together from tiles; keep all axes (argmax(x, 1, { keepDims: true }))`,
    );
  return graph.outputs[0]!;
}

/** What each run over the picture computes: first what global layers read, at last the result. */
export function passesOf(network: Graph, global: ReadonlySet<number>, output: number) {
  const depths = passOf(network, global);
  const count = Math.max(0, ...[...depths.values()].map((depth) => depth + 1));
  return Array.from({ length: count + 1 }, (_, index) => {
    const gathers = [...depths].flatMap(([node, depth]) =>
      depth === index ? [{ node, target: network.nodes[node]!.inputs[0]! }] : [],
    );
    const targets = index === count ? [output] : [...new Set(gathers.map(({ target }) => target))];
    const known = new Set([...depths].flatMap(([node, depth]) => (depth < index ? [node] : [])));
    const cut = (graph: Graph, origins: ReadonlySet<number> = new Set()) =>
      passGraph(graph, targets, known, origins);
    return { targets, gathers, cut };
  });
}

function wholeAxis(
  { size, whole }: AxisAlignment,
  targets: readonly number[],
  axis: number,
  rank: number,
): AxisWindows {
  const owned = targets.map(
    (n): Interval => [0, (whole.nodes[n]!.shape.length === rank ? whole.nodes[n]!.shape[axis + 2]! : 1) - 1],
  );
  return { window: size, shift: () => 0, tiles: [{ start: 0, owned }] };
}

/** @throws UnsupportedError if a window's map is as large as the picture's although the window is not */
function checkGrowth(
  inWindow: Graph,
  live: readonly boolean[],
  targets: readonly number[],
  sizesOf: (n: number) => readonly number[],
  cropped: readonly boolean[],
): void {
  for (const n of targets)
    sizesOf(n).forEach((size, axis) => {
      if (live[n] && cropped[axis] && inWindow.nodes[n]!.shape[axis + 2] === size)
        throw new UnsupportedError(
          `tiled: ${labelOf(inWindow, n)} gives ${size} positions along spatial axis ${axis} for a picture of any size, so no window computes a part of them; use halo: 'exact' and pooling: 'whole'`,
          { axis, size },
        );
    });
}

/** Resizes that take the coordinates of the whole picture: those of whole maps, and all that are to be exact. */
function fittedResizes(
  network: Graph,
  global: ReadonlySet<number>,
  { pooling, halo }: Sight,
): ReadonlySet<number> {
  const [live, local] = [dependents(network), dependents(network, global)];
  const fits = (n: number) => (local[n] ? halo === 'exact' : pooling === 'whole' || !live[n]);
  return new Set(network.nodes.flatMap(({ kind }, n) => (kind === 'resize' && fits(n) ? [n] : [])));
}

/** @throws OptionError for results that have no mean */
function blendOf(
  { dtype, shape }: Node,
  sizes: readonly number[],
  output: number,
  cuts: readonly AxisWindows[],
  blend: Exclude<Blend, 'none'>,
): BlendPart[][] {
  if (dtype !== 'float32')
    throw new OptionError(
      `tiled: the result is ${dtype}, and classes cannot be averaged (blend: '${blend}'); give the logits, or use blend: 'none'`,
      { blend, dtype },
    );
  return cuts.map(({ tiles, shift }, axis) => {
    const windows = tiles.map(({ start, owned }) => ({
      first: shift(output, start),
      length: shape[axis + 2]!,
      owned: owned.at(-1),
    }));
    return blendAxis(windows, sizes[axis]!, blend);
  });
}

/** Some resizes by the scale of the whole picture, which a window alone would not tell. */
function withSampling(graph: Graph, axes: readonly AxisAlignment[], fitted: ReadonlySet<number>): Graph {
  const nodes = graph.nodes.map((node, n) => {
    if (!fitted.has(n) || node.kind !== 'resize' || node.reach?.type !== 'sample') return node;
    const sampling = axes.map(({ whole }, axis) => {
      const { reach } = whole.nodes[n] as NodeOf<'resize'>;
      return (reach as typeof node.reach & { type: 'sample' }).axes[axis]!;
    });
    return { ...node, reach: { type: 'sample' as const, axes: sampling } };
  });
  return { ...graph, nodes };
}

/** Deviations below this many samples are rounding errors of the scale. */
const negligible = 1e-7;

function originOf(
  { whole }: AxisAlignment,
  cut: AxisWindows,
  n: number,
  axis: number,
  start: number,
  rank: number,
): number {
  const node = whole.nodes[n]!;
  const source = node.inputs[0]!;
  if (node.reach?.type !== 'sample' || whole.nodes[source]!.shape[axis + 2] === 1 || rank < 3) return 0;
  const origin = node.reach.axes[axis]!.scale * cut.shift(n, start) - cut.shift(source, start);
  return Math.abs(origin) < negligible ? 0 : origin;
}

const regionOf = (intervals: readonly Interval[]): Region => ({
  start: intervals.map(([from]) => from),
  size: intervals.map(([from, to]) => to - from + 1),
});

export const product = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((all, list) => all.flatMap((head) => list.map((item) => [...head, item])), [[]]);

/** How often the samples of the picture are computed in one pass: 1 without any overlap. */
export const recomputeFactor = (
  { tiles, window }: Pick<Geometry, 'tiles' | 'window'>,
  whole: readonly number[],
): number => (tiles.length * window.reduce((a, b) => a * b, 1)) / whole.reduce((a, b) => a * b, 1);
