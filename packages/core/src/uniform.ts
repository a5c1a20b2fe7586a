import type { Constant, Graph, Node, NodeOf, Shape } from './graph.js';

/**
 * A 1×1 convolution over a concatenation is the sum of 1×1 convolutions over its parts. A part that is one vector
 * repeated over all positions (the image pooling of ASPP) contributes one vector, so it is computed once and added like
 * a bias: in DeepLab v3 a fifth of the projection, in its MobileNet form half of it.
 *
 * Batch 1 only, where such a vector is a value per channel.
 */
export function splitUniformParts(graph: Graph): Graph {
  const uses = graph.nodes.map(() => 0);
  for (const node of graph.nodes) for (const i of node.inputs) uses[i]!++;
  for (const i of graph.outputs) uses[i]!++;
  const splits = graph.nodes.map((node) => splitOf(graph, node, uses));
  if (splits.every((split) => split === undefined)) return graph;

  const nodes: Node[] = [];
  const place: number[] = [];
  const push = (node: Node): number => nodes.push(node) - 1;
  const move = (index: number): number => place[index]!;
  graph.nodes.forEach((node, index) => {
    const split = splits[index];
    place.push(
      split
        ? pushSplit(graph, node as ConvNode, split, move, push)
        : push({ ...node, inputs: node.inputs.map(move) }),
    );
  });
  return { nodes, inputs: graph.inputs.map(move), outputs: graph.outputs.map(move) };
}

type ConvNode = NodeOf<'conv'> & { readonly groups: number };

/** A part of the concatenation: its node, and which channels are its. */
interface Part {
  readonly node: number;
  readonly from: number;
  readonly to: number;
}

interface Split {
  readonly varying: readonly Part[];
  /** Their nodes are the `[1, C, 1, …]` that is repeated. */
  readonly uniform: readonly Part[];
  readonly weight: Constant;
}

function splitOf(graph: Graph, node: Node, uses: readonly number[]): Split | undefined {
  if (node.kind !== 'conv' || node.groups !== 1 || node.shape[0] !== 1 || !isPointwiseWindow(node))
    return undefined;
  const [input, weight] = node.inputs.map((i) => graph.nodes[i]!) as [Node, Node];
  if (
    weight.kind !== 'constant' ||
    input.kind !== 'concat' ||
    input.axis !== 1 ||
    uses[node.inputs[0]!] !== 1
  )
    return undefined;
  const [varying, uniform]: [Part[], Part[]] = [[], []];
  let from = 0;
  for (const i of input.inputs) {
    const to = from + graph.nodes[i]!.shape[1]!;
    const vector = repeatedVector(graph, i);
    if (vector === undefined) varying.push({ node: i, from, to });
    else uniform.push({ node: vector, from, to });
    from = to;
  }
  return varying.length > 0 && uniform.length > 0 ? { varying, uniform, weight: weight.value } : undefined;
}

const isPointwiseWindow = ({ reach }: Node): boolean =>
  reach?.type === 'window' &&
  reach.axes.every(
    ({ kernel, stride, padBefore, padAfter }) =>
      kernel === 1 && stride === 1 && padBefore === 0 && padAfter === 0,
  );

/** The node of shape `[1, C, 1, …]` that a larger map repeats everywhere. */
function repeatedVector(graph: Graph, index: number): number | undefined {
  const node = graph.nodes[index]!;
  if (node.kind !== 'broadcast' && node.kind !== 'resize') return undefined;
  const source = graph.nodes[node.inputs[0]!]!.shape;
  const isVector = source.length === node.shape.length && source.slice(2).every((size) => size === 1);
  const larger = node.shape.slice(2).some((size) => size > 1);
  return isVector && larger && source[1] === node.shape[1] ? node.inputs[0]! : undefined;
}

function pushSplit(
  graph: Graph,
  node: ConvNode,
  { varying, uniform, weight }: Split,
  move: (index: number) => number,
  push: (node: Node) => number,
): number {
  const [outputs, channels] = graph.nodes[node.inputs[1]!]!.shape as [number, number];
  const { dtype, shape } = node;
  const ones = shape.slice(2).map(() => 1);
  const joined = (parts: readonly Part[], spatial: Shape): number => {
    if (parts.length === 1) return move(parts[0]!.node);
    const size = parts.reduce((sum, { from, to }) => sum + to - from, 0);
    const inputs = parts.map((part) => move(part.node));
    return push({ kind: 'concat', axis: 1, inputs, shape: [1, size, ...spatial], dtype });
  };
  const convolved = (parts: readonly Part[], spatial: Shape): number => {
    const value = channelsOf(weight, channels, parts);
    const size = value.data.length / outputs;
    const columns = push({ kind: 'constant', value, inputs: [], shape: [outputs, size, ...ones], dtype });
    const inputs = [joined(parts, spatial), columns];
    return push({ ...node, inputs, shape: [1, outputs, ...spatial] });
  };
  const vector = convolved(uniform, ones);
  const map = convolved(varying, shape.slice(2));
  const axes = ones.map(() => ({ scale: 0, offset: 0, taps: 1 }));
  const repeated = push({
    kind: 'broadcast',
    inputs: [vector],
    shape,
    dtype,
    reach: { type: 'sample', axes },
  });
  return push({ kind: 'binary', fn: 'add', inputs: [map, repeated], shape, dtype });
}

// a constant is identified by its object, so that programs for other sizes share what was cut out of it
const cut = new WeakMap<Constant, Map<string, Constant>>();

/** The columns of `[O, C, 1, …]` that belong to some parts. */
function channelsOf(weight: Constant, channels: number, parts: readonly Part[]): Constant {
  const key = parts.map(({ from, to }) => `${from}-${to}`).join();
  const known = cut.get(weight) ?? new Map<string, Constant>();
  cut.set(weight, known);
  const there = known.get(key);
  if (there) return there;
  const size = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  const data = new Float32Array((weight.data.length / channels) * size);
  for (let row = 0, at = 0; at < data.length; row++)
    for (const { from, to } of parts) {
      data.set(weight.data.subarray(row * channels + from, row * channels + to), at);
      at += to - from;
    }
  const made = { data };
  known.set(key, made);
  return made;
}
