import { forAxes, integer, LARGEST, oneOf, perAxis, RfError, show } from './error.js';
import { buildGraph } from './layers.js';
import type { Network, NetworkOptions, Reach, ReachGraph, ReachNode } from './types.js';
import { span } from './window.js';

/** A checked graph, seen from one of its inputs and one of its outputs. */
export interface Prepared {
  /** The function that was called; messages begin with it. */
  readonly where: string;
  readonly graph: ReachGraph & { readonly ndim: number };
  readonly nodes: readonly ReachNode[];
  readonly ndim: number;
  /** Node index of the chosen input and output. */
  readonly source: number;
  readonly target: number;
  /** 1 where a node depends on the input and the output depends on it. */
  readonly live: Uint8Array;
  /** Spatial size of every node, where known; absent: the map is endless. */
  readonly sizes: readonly (readonly number[] | undefined)[] | undefined;
}

/**
 * Checks a network and looks at it from one input and one output. Linear in the number of nodes.
 *
 * @throws RfError for anything that is not a graph in topological order with usable numbers
 */
export function prepare(where: string, network: Network, options: NetworkOptions = {}): Prepared {
  const whole = checkNetwork(where, network, options);
  const { axis } = options;
  const graph = axis === undefined ? whole : alongAxis(whole, axisOf(where, axis, whole.ndim));
  const { nodes, ndim } = graph;
  if (ndim > 4)
    throw new RfError(`${where}: at most 4 spatial axes can be analysed but there are ${ndim}`, { ndim });
  const source = pick(where, 'input', graph.inputs, options.input);
  const target = pick(where, 'output', graph.outputs, options.output);
  const live = mark(nodes, [source], [target]);
  if (!live[target])
    throw new RfError(
      `${where}: the output (${label(nodes, target)}) does not depend on the input (${label(nodes, source)})`,
      {
        input: source,
        output: target,
      },
    );
  const prepared = { where, graph, nodes, ndim, source, target, live, sizes: undefined };
  if (options.inputSize === undefined) return prepared;
  const size = perAxis(where, 'inputSize', options.inputSize, whole.ndim);
  return { ...prepared, sizes: sizesFor(prepared, axis === undefined ? size : [size[axis]!]) };
}

export function axisOf(where: string, axis: number, ndim: number): number {
  if (integer(where, 'axis', axis, 0) < ndim) return axis;
  throw new RfError(`${where}: axis must be less than ${ndim} but is ${axis}`, { axis, ndim });
}

/** The same network along one of its axes. */
function alongAxis(graph: Prepared['graph'], axis: number): Prepared['graph'] {
  const nodes = graph.nodes.map((node): ReachNode => {
    const { reach } = node;
    const size = spatial(node, graph.ndim)?.[axis];
    const own = reach && 'axes' in reach ? ({ ...reach, axes: [reach.axes[axis]!] } as Reach) : reach;
    return { ...node, reach: own, shape: size && [1, 1, size] } as ReachNode;
  });
  return { ...graph, nodes, ndim: 1 };
}

export const isLayers = (network: Network): network is Exclude<Network, ReachGraph> => Array.isArray(network);

export const unknownSize = (where: string, nodes: readonly ReachNode[], node: number): RfError =>
  new RfError(
    `${where}: the size of ${label(nodes, node)} does not follow from inputSize; give the nodes shapes`,
    { node },
  );

/** How a node is called in messages. */
export function label(nodes: readonly ReachNode[], index: number): string {
  const { name } = nodes[index]!;
  return `node ${index}${name === undefined ? '' : ` (${show(name)})`}`;
}

/** 1 where a node depends on one of the sources and one of the targets depends on it. */
export function mark(
  nodes: readonly ReachNode[],
  sources: readonly number[],
  targets: readonly number[],
): Uint8Array {
  const down = new Uint8Array(nodes.length);
  for (const source of sources) down[source] = 1;
  for (let n = 0; n < nodes.length; n++)
    if (!down[n] && nodes[n]!.inputs.some((input) => down[input])) down[n] = 1;
  const live = new Uint8Array(nodes.length);
  for (const target of targets) live[target] = down[target]!;
  for (let n = nodes.length - 1; n >= 0; n--)
    if (live[n]) for (const input of nodes[n]!.inputs) if (down[input]) live[input] = 1;
  return live;
}

/** The spatial part of a node's shape, if it has one. */
export const spatial = (node: ReachNode, ndim: number): readonly number[] | undefined =>
  node.shape?.length === ndim + 2 ? node.shape.slice(2) : undefined;

/** A list of layers as a graph, or a graph whose indices all point backwards and whose numbers can all be used. */
export function checkNetwork(
  where: string,
  network: Network,
  options: NetworkOptions,
): ReachGraph & { readonly ndim: number } {
  if (isLayers(network)) return buildGraph(where, network, options);
  const { nodes, inputs, outputs } = (network ?? {}) as Partial<ReachGraph>;
  if (!Array.isArray(nodes) || !Array.isArray(inputs) || !Array.isArray(outputs))
    throw new RfError(
      `${where}: a network is a list of layers or a graph { nodes, inputs, outputs }, but this is ${show(network)}`,
    );
  let found = 0;
  for (let n = 0; n < nodes.length; n++) {
    const { inputs: own, reach, shape } = (nodes[n] ?? {}) as ReachNode;
    const at = `${where}: node ${n}`;
    if (!Array.isArray(own))
      throw new RfError(`${at} must have inputs, a list of node indices, but has ${show(own)}`, { node: n });
    for (const input of own)
      if (!(Number.isInteger(input) && input >= 0 && input < n))
        throw new RfError(
          `${where}: ${label(nodes, n)} has input ${show(input)}; nodes must be in topological order, so an input is an index from 0 to ${n - 1}${input >= n ? ' (is there a cycle?)' : ''}`,
          { node: n, input },
        );
    if (shape) forAxes(at, 'shape', shape, shape.length, (length) => integer(at, 'shape', length, 0));
    if (!reach) continue;
    const axes = checkReach(`${where}: ${label(nodes, n)}`, reach);
    if (axes && found && axes !== found)
      throw new RfError(
        `${at} has ${axes} spatial axes but earlier nodes ${found}; analyse the parts separately`,
        { node: n },
      );
    found ||= axes;
  }
  for (const index of [...inputs, ...outputs])
    if (!Number.isInteger(index) || !nodes[index])
      throw new RfError(`${where}: inputs and outputs must be indices of nodes but ${show(index)} is none`, {
        index,
      });
  const traced = (nodes[inputs[0]]?.shape?.length ?? 0) - 2;
  return { nodes, inputs, outputs, ndim: found || (traced > 0 ? traced : (options.ndim ?? 1)) };
}

/** The number of axes; 0 if it does not say. */
function checkReach(at: string, { type, axes }: Reach & { readonly axes?: unknown }): number {
  oneOf(at, 'the type of a reach', type, ['window', 'transposed', 'sample', 'everything']);
  if (type === 'everything') return 0;
  if (!Array.isArray(axes) || !axes.length)
    throw new RfError(`${at}: a reach must have axes but they are ${show(axes)}`, { axes });
  for (const axis of axes) {
    const { scale, offset, ...window } = axis ?? {};
    if (type !== 'sample') {
      for (const name of ['kernel', 'stride', 'dilation']) integer(at, name, window[name]);
      for (const name of ['padBefore', 'padAfter']) integer(at, name, window[name], -LARGEST);
      continue;
    }
    integer(at, 'taps', window.taps);
    if (!(scale >= 0 && scale <= LARGEST && Math.abs(offset) <= LARGEST))
      throw new RfError(
        `${at}: scale must be a number of at least 0 and offset a number but are ${show(scale)} and ${show(offset)}`,
        {
          scale,
          offset,
        },
      );
  }
  return axes.length;
}

export function pick(where: string, name: string, list: readonly number[], position = 0): number {
  const node = list[position];
  if (Number.isInteger(node)) return node!;
  throw new RfError(
    `${where}: ${name} must be a position from 0 to ${list.length - 1} in the graph's ${name}s but is ${show(position)}`,
    {
      [name]: position,
    },
  );
}

/** Output size of a window or transposed window; `undefined` where the reach does not tell. */
export function sizeAfter(at: string, reach: Reach, size: readonly number[]): readonly number[] | undefined {
  if (reach.type !== 'window' && reach.type !== 'transposed') return undefined;
  const after = reach.axes.map(({ kernel, stride, dilation, padBefore, padAfter }, axis) => {
    const rest = span(kernel, dilation) - padBefore - padAfter;
    return reach.type === 'window'
      ? Math.floor((size[axis]! - rest) / stride) + 1
      : (size[axis]! - 1) * stride + rest;
  });
  if (after.every((length) => length > 0)) return after;
  throw new RfError(
    `${at}: does not fit: its input is ${size.join('×')} and its output would be ${after.join('×')}; use more padding, a smaller kernel or dilation, or a larger inputSize`,
    { inputSize: size, outputSize: after },
  );
}

/** Sizes of all live nodes for a map of this size: from the shapes where those fit, otherwise step by step. */
function sizesFor(
  { where, nodes, live, source, ndim }: Prepared,
  size: readonly number[],
): (readonly number[] | undefined)[] {
  const shapesFit = String(spatial(nodes[source]!, ndim)) === String(size);
  const sizes: (readonly number[] | undefined)[] = [];
  nodes.forEach((node, n) => {
    const known = shapesFit && spatial(node, ndim);
    sizes.push(n === source ? size : live[n] ? known || next(n) : undefined);
  });
  return sizes;

  function next(n: number): readonly number[] | undefined {
    const { reach, inputs } = nodes[n]!;
    const before = reach ? sizes[inputs[0]!] : inputs.map((input) => sizes[input]).find(Boolean);
    if (!reach || !before) return before;
    // pooled to one element, or as large as before (a normalisation): only shapes can tell
    const [own, first] = [spatial(nodes[n]!, ndim), spatial(nodes[inputs[0]!]!, ndim)];
    if (reach.type === 'everything')
      return own && String(own) === String(first) ? before : before.map(() => 1);
    return sizeAfter(`${where}: ${label(nodes, n)}`, reach, before);
  }
}
