import type { Graph, Node } from '@atrous/core';
import { dependents } from './graphs.js';

/** A resize that must be told where in the picture its tile lies, because the picture's scale is no simple fraction. */
export interface Origin {
  readonly node: number;
}

/** The part of a network that one pass computes, as a graph of its own. */
export interface PassGraph {
  readonly graph: Graph;
  /** Which nodes of the network its inputs stand for, in order: the picture, known values, origins of resizes. */
  readonly inputs: readonly PassInput[];
}

export type PassInput =
  | { readonly type: 'picture' }
  | { readonly type: 'value' | 'scale' | 'offset'; readonly node: number }
  | { readonly type: 'origin'; readonly node: number };

/**
 * Cuts what `targets` need out of a network: nodes in `known` become inputs; group normalisation becomes the scale and
 * offset that its statistics give; nodes in `origins` get an origin.
 */
export function passGraph(
  network: Graph,
  targets: readonly number[],
  known: ReadonlySet<number>,
  origins: ReadonlySet<number>,
): PassGraph {
  const wanted = new Set<number>(targets);
  for (let n = network.nodes.length - 1; n >= 0; n--) {
    if (!wanted.has(n)) continue;
    const node = network.nodes[n]!;
    const read = known.has(n) ? (node.kind === 'groupNorm' ? node.inputs : []) : node.inputs;
    for (const input of read) wanted.add(input);
  }
  const nodes: Node[] = [];
  const at = new Map<number, number>();
  const inputs: PassInput[] = [];
  const given: number[] = [];
  const push = (node: Node): number => nodes.push(node) - 1;
  const pushInput = (what: PassInput, shape: readonly number[], name?: string): number => {
    inputs.push(what);
    const index = push({ kind: 'input', inputs: [], shape, dtype: 'float32', ...(name && { name }) });
    given.push(index);
    return index;
  };
  const perChannel = (what: 'scale' | 'offset', n: number): number => {
    const { shape } = network.nodes[n]!;
    const input = pushInput({ type: what, node: n }, [shape[0]!, shape[1]!, ...shape.slice(2).map(() => 1)]);
    const axes = shape.slice(2).map(() => ({ scale: 0, offset: 0, taps: 1 }));
    return push({
      kind: 'broadcast',
      inputs: [input],
      shape,
      dtype: 'float32',
      reach: { type: 'sample', axes },
    });
  };

  network.nodes.forEach((node, n) => {
    if (!wanted.has(n)) return;
    if (network.inputs.includes(n)) {
      inputs.push({ type: 'picture' });
      at.set(n, push(node));
      given.push(at.get(n)!);
      return;
    }
    const read = (input: number) => at.get(input)!;
    if (known.has(n) && node.kind === 'groupNorm') {
      const [scale, offset] = [perChannel('scale', n), perChannel('offset', n)];
      const like = { shape: node.shape, dtype: node.dtype };
      const scaled = push({ kind: 'binary', fn: 'mul', inputs: [read(node.inputs[0]!), scale], ...like });
      at.set(n, push({ kind: 'binary', fn: 'add', inputs: [scaled, offset], ...like }));
      return;
    }
    if (known.has(n)) {
      at.set(n, pushInput({ type: 'value', node: n }, node.shape, node.name));
      return;
    }
    const own = node.inputs.map(read);
    if (origins.has(n)) own.push(pushInput({ type: 'origin', node: n }, [node.shape.length - 2]));
    at.set(n, push({ ...node, inputs: own }));
  });
  return { graph: { nodes, inputs: given, outputs: targets.map((n) => at.get(n)!) }, inputs };
}

/** In which pass the value of each global node becomes known: the length of the longest chain of them before it. */
export function passOf(network: Graph, global: ReadonlySet<number>): Map<number, number> {
  const live = dependents(network);
  const depth: number[] = [];
  const found = new Map<number, number>();
  network.nodes.forEach((node, n) => {
    const before = Math.max(0, ...node.inputs.filter((i) => live[i]).map((i) => depth[i]!));
    depth.push(global.has(n) ? before + 1 : before);
    if (global.has(n)) found.set(n, before);
  });
  return found;
}
