import type { Graph, Node } from '@atrous/core';
import type { ReachGraph } from '@atrous/rf';

/** Which nodes depend on the graph's inputs; in the way of `known` only group normalisation, which reads its own position too. */
export function dependents(graph: Graph, known: ReadonlySet<number> = new Set()): boolean[] {
  const live: boolean[] = [];
  graph.nodes.forEach((node, n) => {
    const given = known.has(n) && node.kind !== 'groupNorm';
    live.push(graph.inputs.includes(n) || (!given && node.inputs.some((input) => live[input])));
  });
  return live;
}

/** Number of axes behind batch and channels. */
export const spatialAxes = (graph: Graph): number => graph.nodes[graph.inputs[0]!]!.shape.length - 2;

/**
 * The graph along one spatial axis, as receptive-field analysis sees it. Nodes in `known` are values that are given
 * from outside: they read nothing.
 */
export function alongAxis(graph: Graph, axis: number, known: ReadonlySet<number>): ReachGraph {
  const rank = spatialAxes(graph) + 2;
  return {
    inputs: graph.inputs,
    outputs: graph.outputs,
    nodes: graph.nodes.map(({ inputs, reach, shape, name, kind }, n) => {
      const own = reach && 'axes' in reach ? { ...reach, axes: [reach.axes[axis]!] } : reach;
      return {
        kind,
        name,
        // group normalisation reads the position itself besides the statistics
        inputs: known.has(n) && kind !== 'groupNorm' ? [] : inputs,
        reach: known.has(n) ? undefined : (own as ReachGraph['nodes'][number]['reach']),
        shape: shape.length === rank ? [1, 1, shape[axis + 2]!] : undefined,
      };
    }),
  };
}

/** A node's size along one spatial axis; 1 for values that have no such axis. */
export const sizeOf = (node: Node, axis: number, rank: number): number =>
  node.shape.length === rank ? node.shape[axis + 2]! : 1;

/** How a node is called in messages. */
export const labelOf = (graph: Graph, n: number): string =>
  graph.nodes[n]!.name ?? `${graph.nodes[n]!.kind} ${n}`;
