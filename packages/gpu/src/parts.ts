/** Concatenations that are never made, because what reads them can read their parts. */
import type { FusedGraph, FusedNode } from '@atrous/core/backend';
import { maxArrays } from './kernel.js';
import { product } from './layout.js';

/** A node that may read its first operand, a concatenation along the channels, as parts. */
export type PartedNode = FusedNode & {
  /** Which inputs are the parts, in order; absent: the first input is whole. */
  readonly parts?: readonly number[];
};

/** Reads of x that a kernel may have in its text, and taps that are unrolled at all. */
export const maxUnrolled = 64;

/** Parts of one kernel: its weights are an array as well. */
const maxParts = maxArrays - 1;

/**
 * Lets convolutions read the parts of a concatenation along the channels: the sum over all channels is the sum over
 * those of each part. The concatenation stays in the graph, but nothing reads it. It is made after all where something
 * else reads it, where it is an output, and where the parts are too many for one kernel.
 */
export function readParts(graph: FusedGraph): FusedGraph {
  const readers = graph.nodes.map((): FusedNode[] => []);
  for (const node of graph.nodes) for (const input of node.inputs) readers[input]!.push(node);
  const outputs = new Set(graph.outputs);
  const partsOf = new Map<number, readonly number[]>();
  graph.nodes.forEach((node, index) => {
    if (node.kind !== 'concat' || node.axis !== 1 || outputs.has(index)) return;
    const parts = node.inputs.filter((input) => product(graph.nodes[input]!.shape) > 0);
    if (readers[index]!.every((reader) => mayRead(reader, index, parts.length, graph)))
      partsOf.set(index, parts);
  });
  const nodes = graph.nodes.map((node): PartedNode => {
    const parts = node.kind === 'conv' ? partsOf.get(node.inputs[0]!) : undefined;
    if (parts === undefined) return node;
    const [, ...others] = node.inputs;
    const [first, ...rest] = parts as [number, ...number[]];
    // Operands of the epilogue keep their numbers.
    return {
      ...node,
      inputs: [first, ...others, ...rest],
      parts: [0, ...rest.map((_, i) => node.inputs.length + i)],
    };
  });
  return { ...graph, nodes };
}

function mayRead(reader: FusedNode, index: number, parts: number, graph: FusedGraph): boolean {
  if (reader.kind !== 'conv' || reader.groups !== 1 || reader.inputs.lastIndexOf(index) !== 0) return false;
  const taps = product(graph.nodes[reader.inputs[1]!]!.shape.slice(2));
  return parts > 0 && parts <= maxParts && parts * taps <= maxUnrolled;
}
