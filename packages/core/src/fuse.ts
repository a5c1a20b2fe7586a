import type { Graph, Node, Pointwise, Shape } from './graph.js';

/**
 * A pointwise op applied to the result of a node before it is stored, with the result as left operand.
 * The right operand of a binary is `inputs[operand]` of the fused node: of the node's shape, `[1, C, 1, …]`, or one value.
 */
export type Epilogue =
  | Exclude<Pointwise, { kind: 'binary' }>
  | (Extract<Pointwise, { kind: 'binary' }> & { readonly operand: number });

export type FusedNode = Node & { readonly epilogue?: readonly Epilogue[] };

export interface FusedGraph extends Graph {
  readonly nodes: readonly FusedNode[];
}

const commutative = new Set(['add', 'mul', 'min', 'max']);

/**
 * Turns chains of pointwise ops (bias, batch norm, residual, activation) into an epilogue of the convolution, or of
 * the pointwise op, that they follow. A chain ends where a value is used twice or leaves the graph. Operands of binary
 * ops, fused or not, that are one value or one value per channel are read before they are broadcast. Nodes that nothing
 * uses any more are dropped.
 */
export function fuse(graph: Graph): FusedGraph {
  const uses = graph.nodes.map(() => 0);
  for (const node of graph.nodes) for (const i of node.inputs) uses[i]!++;
  for (const i of graph.outputs) uses[i]!++;

  const nodes: FusedNode[] = [];
  // What each node of the graph became: chains move to the place of their last link, where all operands are known.
  const chains = new Map<number, Chain>();
  graph.nodes.forEach((node, index) => {
    const link = isPointwise(node) ? linkOf(graph, node, (i) => uses[i] === 1 && chains.has(i)) : undefined;
    if (link === undefined && !isHead(node)) {
      nodes.push(node);
      return;
    }
    const chain =
      link === undefined
        ? startChain(graph, node)
        : extend(chains.get(link.from)!, node, link.epilogue, link.operand);
    if (link !== undefined) chains.delete(link.from);
    chains.set(index, chain);
    nodes.push(chain);
  });
  return dropUnused({ ...graph, nodes });
}

const isPointwise = (node: Node): node is Node & Pointwise =>
  node.kind === 'unary' || node.kind === 'clip' || node.kind === 'binary';

interface Link {
  readonly from: number;
  readonly epilogue: Pointwise;
  readonly operand?: number;
}

function linkOf(graph: Graph, node: Node & Pointwise, fusible: (index: number) => boolean): Link | undefined {
  const [left, right] = node.inputs as readonly [number, number];
  if (node.kind === 'unary')
    return fusible(left) ? { from: left, epilogue: { kind: 'unary', fn: node.fn } } : undefined;
  if (node.kind === 'clip')
    return fusible(left)
      ? { from: left, epilogue: { kind: 'clip', min: node.min, max: node.max } }
      : undefined;
  const epilogue: Pointwise = { kind: 'binary', fn: node.fn };
  // The longer-lived side is usually the residual, so prefer to continue the later node.
  const swapped = commutative.has(node.fn) && fusible(right) && (!fusible(left) || right > left);
  if (swapped) return { from: right, epilogue, operand: compact(graph, left, node.shape) };
  return fusible(left) ? { from: left, epilogue, operand: compact(graph, right, node.shape) } : undefined;
}

/** A node that may get an epilogue, with lists of its own to add to. */
type Chain = FusedNode & { readonly inputs: number[]; readonly epilogue: Epilogue[] };

const isHead = (node: Node): boolean =>
  isPointwise(node) || node.kind === 'conv' || node.kind === 'convTranspose';

const startChain = (graph: Graph, node: Node): Chain => ({
  ...node,
  inputs: node.inputs.map((operand) =>
    node.kind === 'binary' ? compact(graph, operand, node.shape) : operand,
  ),
  epilogue: [],
});

/** An operand that is one value or one value per channel is read before it is broadcast. */
function compact(graph: Graph, operand: number, shape: Shape): number {
  const node = graph.nodes[operand]!;
  if (node.kind !== 'broadcast') return operand;
  const source = graph.nodes[node.inputs[0]!]!.shape;
  const perChannel = source.every((size, axis) => size === 1 || (axis === 1 && size === shape[1]));
  return perChannel ? node.inputs[0]! : operand;
}

/** Adds to the head's own lists: chains of any length take linear time, and the head itself is used no more. */
function extend(head: Chain, last: Node, epilogue: Pointwise, operand: number | undefined): Chain {
  head.epilogue.push(
    (operand === undefined ? epilogue : { ...epilogue, operand: head.inputs.length }) as Epilogue,
  );
  if (operand !== undefined) head.inputs.push(operand);
  return { ...head, shape: last.shape };
}

function dropUnused(graph: FusedGraph): FusedGraph {
  const used = graph.nodes.map(() => false);
  for (const i of [...graph.inputs, ...graph.outputs]) used[i] = true;
  for (let i = graph.nodes.length - 1; i >= 0; i--)
    if (used[i]) for (const j of graph.nodes[i]!.inputs) used[j] = true;
  const place: number[] = [];
  let count = 0;
  for (const keep of used) place.push(keep ? count++ : -1);
  const move = (i: number) => place[i]!;
  return {
    nodes: graph.nodes.filter((_, i) => used[i]).map((node) => ({ ...node, inputs: node.inputs.map(move) })),
    inputs: graph.inputs.map(move),
    outputs: graph.outputs.map(move),
  };
}
