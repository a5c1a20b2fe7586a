import { forAxes, integer, LARGEST, oneOf, perAxis, RfError, show } from './error.js';
import { sizeAfter } from './graph.js';
import type {
  Layer,
  NetworkOptions,
  ParallelLayer,
  Reach,
  ReachGraph,
  ReachNode,
  ResizeLayer,
} from './types.js';
import { resolveWindows, sides } from './window.js';

type Size = readonly number[] | undefined;

/** Where a list of layers has come to: a node, its size if known, and whether a global pool has left one element. */
interface Place {
  readonly node: number;
  readonly size: Size;
  readonly pooled: boolean;
}

const deepest = 64;

/**
 * Turns a list of layers into the graph that every analysis works on. Padding is resolved here; with `inputSize`
 * every node has a `shape` (`[1, 1, ...spatial]`).
 *
 * @throws RfError for options that make no sense, naming the layer
 */
export function toGraph(
  layers: readonly Layer[],
  options: Pick<NetworkOptions, 'ndim' | 'inputSize'> = {},
): ReachGraph {
  return buildGraph('toGraph', layers, options);
}

export function buildGraph(
  where: string,
  layers: readonly Layer[],
  options: NetworkOptions,
): ReachGraph & { readonly ndim: number } {
  const ndim = axesOf(where, layers, options);
  const inputSize =
    options.inputSize === undefined ? undefined : perAxis(where, 'inputSize', options.inputSize, ndim);
  const nodes: ReachNode[] = [];
  const add = (node: ReachNode, size: Size): number =>
    nodes.push(size ? { ...node, shape: [1, 1, ...size] } : node) - 1;

  const append = (list: readonly Layer[], from: Place, path: string, depth: number): Place => {
    let place = from;
    if (!Array.isArray(list) || depth > deepest)
      throw new RfError(
        `${where}: ${path} must be a list of layers, nested at most ${deepest} deep, but is ${show(list)}`,
        { list },
      );
    for (let i = 0; i < list.length; i++) {
      const layer = list[i]!;
      if (typeof layer !== 'object' || !layer)
        throw new RfError(`${where}: ${path} ${i} must be a layer but is ${show(layer)}`, { layer });
      const at = `${path} ${i}${layer.name === undefined ? '' : ` (${show(layer.name)})`}`;
      place = 'parallel' in layer ? join(layer, place, at, depth) : single(layer, place, `${where}: ${at}`);
    }
    return place;
  };

  const single = (layer: Exclude<Layer, ParallelLayer>, from: Place, at: string): Place => {
    const kind = layer.type ?? 'conv';
    const [reach, resized] = reachOf(layer, from.size, at, ndim);
    const size = resized ?? (from.size && sizeAfter(at, reach, from.size));
    const node = add(
      { inputs: [from.node], reach, name: layer.name ?? `${kind} ${nodes.length}`, kind },
      size,
    );
    return { node, size, pooled: kind === 'globalPool' || (from.pooled && reach.type === 'window') };
  };

  const join = (layer: ParallelLayer, from: Place, at: string, depth: number): Place => {
    if (!Array.isArray(layer.parallel) || !layer.parallel.length)
      throw new RfError(
        `${where}: ${at}: parallel must be a list of branches but is ${show(layer.parallel)}`,
        { parallel: layer.parallel },
      );
    const ends = layer.parallel.map((branch, b) =>
      append(branch, from, `${at}, branch ${b}, layer`, depth + 1),
    );
    const maps = ends.filter(({ pooled }) => !pooled);
    const [map = ends[0]!] = maps;
    const other = maps.find(({ size }) => String(size) !== String(map.size));
    if (other)
      throw new RfError(
        `${where}: ${at}: branches end with different sizes, ${map.size!.join('×')} and ${other.size!.join('×')}; give them the same stride and fitting padding`,
        { sizes: [map.size, other.size] },
      );
    // one element meets a map: it is repeated at every position
    const axes = new Array(ndim).fill({ scale: 0, offset: 0, taps: 1 });
    const repeat = { reach: { type: 'sample', axes } as const, name: 'repeat', kind: 'broadcast' };
    const inputs = ends.map(({ node, pooled }) =>
      pooled && !map.pooled ? add({ inputs: [node], ...repeat }, map.size) : node,
    );
    const node = add({ inputs, name: layer.name ?? `join ${nodes.length}`, kind: 'join' }, map.size);
    return { ...map, node };
  };

  const start = add({ inputs: [], name: 'input', kind: 'input' }, inputSize);
  const { node } = append(layers, { node: start, size: inputSize, pooled: false }, 'layer', 0);
  return { nodes, inputs: [start], outputs: [node], ndim };
}

/** How a layer reads, and its output size where that does not follow. */
function reachOf(layer: Exclude<Layer, ParallelLayer>, size: Size, at: string, ndim: number): [Reach, Size?] {
  oneOf(at, 'type', layer.type, [
    undefined,
    'conv',
    'maxPool',
    'avgPool',
    'convTranspose',
    'resize',
    'pad',
    'globalPool',
  ]);
  if (layer.type === 'globalPool') return [{ type: 'everything' }, size?.map(() => 1)];
  if (layer.type === 'resize') return resize(layer, size, at, ndim);
  oneOf(at, 'paddingMode', layer.paddingMode, [undefined, 'zeros', 'reflect', 'replicate', 'circular']);
  const axes =
    layer.type === 'pad'
      ? sides(at, layer.padding, ndim, -LARGEST).map(([padBefore, padAfter]) => ({
          kernel: 1,
          stride: 1,
          dilation: 1,
          padBefore,
          padAfter,
        }))
      : resolveWindows(at, layer, ndim, size);
  if (layer.type === 'convTranspose') return [{ type: 'transposed', axes }];
  return [{ type: 'window', axes, ...(layer.paddingMode === 'circular' && { wraps: true }) }];
}

function resize(layer: ResizeLayer, size: Size, at: string, ndim: number): [Reach, Size] {
  oneOf(at, 'mode', layer.mode, [undefined, 'nearest', 'linear']);
  const linear = layer.mode === 'linear';
  const corners = linear && layer.alignCorners;
  if ((layer.scale === undefined) === (layer.size === undefined))
    throw new RfError(`${at}: a resize needs either scale or size`, { scale: layer.scale, size: layer.size });
  if (!size && (layer.size !== undefined || corners))
    throw new RfError(
      `${at}: a resize with ${corners ? 'alignCorners' : 'size'} depends on the map; give inputSize`,
      { size: layer.size },
    );
  const factors =
    layer.scale === undefined
      ? undefined
      : forAxes(at, 'scale', layer.scale, ndim, (factor) => positive(at, factor));
  const outputs = factors
    ? size?.map((length, axis) => Math.floor(length * factors[axis]!))
    : perAxis(at, 'size', layer.size, ndim);
  const axes = Array.from({ length: ndim }, (_, axis) => {
    const [before, after] = [size?.[axis] ?? 1, outputs?.[axis] ?? 1];
    if (corners) return { scale: after > 1 ? (before - 1) / (after - 1) : 0, offset: 0, taps: 2 };
    const scale = factors ? 1 / factors[axis]! : before / after;
    return linear ? { scale, offset: scale / 2 - 0.5, taps: 2 } : { scale, offset: 0, taps: 1 };
  });
  return [{ type: 'sample', axes }, outputs];
}

function positive(at: string, factor: unknown): number {
  if ((factor as number) > 0 && (factor as number) <= 2 ** 20) return factor as number;
  throw new RfError(`${at}: scale must be a positive number but is ${show(factor)}`, { scale: factor });
}

const listed = ['kernel', 'stride', 'dilation', 'padding', 'scale', 'size'] as const;

/** Spatial axes: as told, else as many as the longest list of numbers names, else 2. */
function axesOf(where: string, layers: readonly Layer[], { ndim, inputSize }: NetworkOptions): number {
  if (ndim !== undefined) return integer(where, 'ndim', ndim);
  let most = Array.isArray(inputSize) ? inputSize.length : 0;
  // a set also ends the walk where a list contains itself
  const pending = new Set<unknown>([layers]);
  for (const list of pending)
    for (const layer of Array.isArray(list) ? list : []) {
      for (const key of listed) if (Array.isArray(layer?.[key])) most = Math.max(most, layer[key].length);
      if (Array.isArray(layer?.parallel)) for (const branch of layer.parallel) pending.add(branch);
    }
  return most || 2;
}
