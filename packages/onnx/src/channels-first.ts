import type { Graph } from '@atrous/core';

/**
 * The part of a network that has channels first, where its input and output have them last, as TensorFlow's exporters
 * leave them: from the first transposition to the one before the output. Receptive fields are about that part, since a
 * transposition at the border mixes axes that the analysis keeps apart. Other graphs are given back as they are.
 *
 * @param output position in `graph.outputs`
 */
export function channelsFirstPart(graph: Graph, output = 0): Graph {
  const is = (n: number, order: string): boolean => {
    const node = graph.nodes[n]!;
    return node.kind === 'transpose' && String(node.order) === order;
  };
  const rank = graph.nodes[graph.inputs[0]!]!.shape.length;
  const spatial = Array.from({ length: Math.max(0, rank - 2) }, (_, i) => i);
  const first = graph.nodes.findIndex((_, n) => is(n, [0, rank - 1, ...spatial.map((i) => i + 1)].join()));
  const last = graph.outputs[output]!;
  if (first < 0 || !is(last, [0, ...spatial.map((i) => i + 2), 1].join())) return graph;
  return { ...graph, inputs: [first], outputs: [graph.nodes[last]!.inputs[0]!] };
}
