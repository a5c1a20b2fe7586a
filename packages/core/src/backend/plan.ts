import { MemoryError, OptionError, UnsupportedError } from '../errors.js';
import type { Graph, Node } from '../graph.js';
import { bytesPerElement, elementCount, formatShape } from '../shape.js';

/** Bytes of a node's value. */
export const byteLength = (node: Pick<Node, 'shape' | 'dtype'>): number =>
  elementCount(node.shape) * bytesPerElement[node.dtype];

/** A node's name, or its op and number, for messages and `steps`. */
export const labelOf = (node: Node, index: number): string => node.name ?? `${node.kind} ${index}`;

/**
 * Multiply-accumulates of a node, padding taps included; 0 for everything but convolution.
 * A transposed convolution counts one per input, tap and output channel.
 */
export function macsOf(graph: Graph, node: Node): number {
  if (node.kind !== 'conv' && node.kind !== 'convTranspose') return 0;
  const [x, weight] = node.inputs.slice(0, 2).map((i) => graph.nodes[i]!.shape) as [
    readonly number[],
    readonly number[],
  ];
  const perPosition = elementCount(weight.slice(1));
  return node.kind === 'conv' ? elementCount(node.shape) * perPosition : elementCount(x) * perPosition;
}

/** Whether a node's value is computed by a step, rather than given or another name for a value that is there. */
export const isComputed = (node: Node): boolean =>
  node.kind !== 'input' && node.kind !== 'constant' && node.kind !== 'reshape';

/** The index of the node whose memory holds each node's value: itself, or what a chain of reshapes starts from. */
export function storageOf(graph: Graph): number[] {
  const storage: number[] = [];
  graph.nodes.forEach((node, index) => {
    storage.push(node.kind === 'reshape' ? storage[node.inputs[0]!]! : index);
  });
  return storage;
}

/** Index of the last node that reads each node's storage; outputs are read at the very end. */
export function lastUses(graph: Graph, storage: readonly number[] = storageOf(graph)): number[] {
  const last = graph.nodes.map((_, index) => index);
  graph.nodes.forEach((node, index) => {
    for (const i of node.inputs) last[storage[i]!] = index;
  });
  for (const i of graph.outputs) last[storage[i]!] = graph.nodes.length;
  return last;
}

/** Something that needs bytes from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/** Steps per bucket of the search for neighbours in time: keeps planning near linear in the number of steps. */
const bucketSteps = 64;

/**
 * Offsets in one arena such that things alive at the same time do not overlap: largest first, each at the lowest
 * place that is free for its whole life.
 *
 * @returns offsets (multiples of `alignment`) and the size of the arena, in bytes
 */
export function planArena(
  lifetimes: readonly Lifetime[],
  alignment = 64,
): { readonly offsets: readonly number[]; readonly bytes: number } {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const order = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  const buckets = new Map<number, number[]>();
  let total = 0;
  for (const i of order) {
    const { bytes, from, to } = lifetimes[i]!;
    const neighbours = new Set<number>();
    const own: number[][] = [];
    for (let b = Math.floor(from / bucketSteps); b <= Math.floor(to / bucketSteps); b++) {
      const bucket = buckets.get(b) ?? [];
      buckets.set(b, bucket);
      own.push(bucket);
      for (const j of bucket) if (lifetimes[j]!.from <= to && lifetimes[j]!.to >= from) neighbours.add(j);
    }
    let offset = 0;
    for (const j of [...neighbours].sort((a, b) => offsets[a]! - offsets[b]!)) {
      if (offset + bytes <= offsets[j]!) break;
      offset = Math.max(offset, align(offsets[j]! + lifetimes[j]!.bytes, alignment));
    }
    offsets[i] = offset;
    total = Math.max(total, offset + bytes);
    for (const bucket of own) bucket.push(i);
  }
  return { offsets, bytes: align(total, alignment) };
}

const align = (bytes: number, alignment: number) => Math.ceil(bytes / alignment) * alignment;

/**
 * Throws if a program would hold more than it may.
 *
 * @throws MemoryError, OptionError for an unusable bound
 */
export function checkMemory(backend: string, bytes: number, maxMemory: number, graph: Graph): void {
  if (!(maxMemory > 0))
    throw new OptionError(`${backend}: maxMemory must be a positive number of bytes but is ${maxMemory}`, {
      maxMemory,
    });
  if (bytes <= maxMemory) return;
  const largest = graph.nodes
    .map((node, index) => ({ index, bytes: byteLength(node) }))
    .sort((a, b) => b.bytes - a.bytes)[0]!;
  const node = graph.nodes[largest.index]!;
  throw new MemoryError(
    `${backend}: the program needs ${megabytes(bytes)} but maxMemory is ${megabytes(maxMemory)}; raise maxMemory or work on tiles (largest value: ${labelOf(node, largest.index)} ${formatShape(node.shape)}, ${megabytes(largest.bytes)})`,
    { bytes, maxMemory },
  );
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * Throws if some nodes cannot be run, naming all of them at once.
 *
 * @param reason says why a node is not supported, or undefined if it is
 * @throws UnsupportedError
 */
export function checkSupported(
  backend: string,
  graph: Graph,
  reason: (node: Node) => string | undefined,
): void {
  const problems = graph.nodes.flatMap((node, index) => {
    const why = reason(node);
    return why === undefined
      ? []
      : [`${labelOf(node, index)} (${node.kind}, ${node.dtype} ${formatShape(node.shape)}): ${why}`];
  });
  if (problems.length > 0)
    throw new UnsupportedError(
      `${backend}: ${problems.length} node${problems.length > 1 ? 's' : ''} not supported: ${problems.join('; ')}`,
      { problems },
    );
}
