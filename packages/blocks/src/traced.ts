/** Views of a traced block whose parameters are inputs of the graph, by their names. */
import type { Graph, Node } from '@atrous/core';

/** Whether each node depends on one of the sources. */
export function dependents({ nodes }: Graph, sources: readonly number[]): readonly boolean[] {
  const found = nodes.map(() => false);
  for (const source of sources) found[source] = true;
  nodes.forEach(({ inputs }, n) => {
    if (inputs.some((i) => found[i])) found[n] = true;
  });
  return found;
}

/**
 * The graph over one number of spatial axes: where a network goes on with another, as classifiers do behind global
 * pooling, every output reads all that came before.
 */
export const overAxes = (graph: Graph, axes: number): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node) =>
    node.reach !== undefined && 'axes' in node.reach && node.reach.axes.length !== axes
      ? { ...node, reach: { type: 'everything' } }
      : node,
  ),
});

/** The graph without the paths that read the whole map. */
export const cutGlobal = (graph: Graph): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node): Node => {
    if (node.reach?.type !== 'everything') return node;
    const { reach: _, ...rest } = node;
    return { ...rest, inputs: [] };
  }),
});

/** The name of the child that a node computes: that of its first parameter, without `weight`. */
export function layerNames({ nodes }: Graph): (node: number) => string | undefined {
  const parameterOf = (index: number): string | undefined => {
    const { kind, name, inputs } = nodes[index]!;
    if (kind === 'input') return name;
    // a weight that is itself computed, as by weight norm
    return inputs.map(parameterOf).find((found) => found !== undefined);
  };
  return (node) => {
    const weight = nodes[node]!.inputs[1];
    const name = weight === undefined ? undefined : parameterOf(weight);
    return name?.includes('.') ? name.slice(0, name.lastIndexOf('.')) : undefined;
  };
}
