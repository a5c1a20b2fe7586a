import type { AxisWindow, Graph, Node, NodeOf, Shape } from '@atrous/core';
import type { FusedNode } from '@atrous/core/backend';

export type ConvNode = NodeOf<'conv'> & FusedNode;

export const isConv = (node: Node): node is ConvNode => node.kind === 'conv';

/** The windows of a convolution, one per spatial axis. */
export function windowsOf({ reach }: ConvNode): readonly AxisWindow[] {
  if (reach?.type !== 'window') throw new Error('a convolution without windows');
  return reach.axes;
}

export type ConvForm = 'dense' | 'depthwise' | 'grouped';

export function formOf(node: ConvNode, graph: Graph): ConvForm {
  if (node.groups === 1) return 'dense';
  return graph.nodes[node.inputs[1]!]!.shape[1] === 1 ? 'depthwise' : 'grouped';
}

/** The data and shape of a constant operand. */
export function constantAt(
  graph: Graph,
  index: number,
): { readonly data: Float32Array; readonly shape: Shape } {
  const node = graph.nodes[index]!;
  if (node.kind !== 'constant') throw new Error(`operand ${index} is a ${node.kind}, not a constant`);
  return { data: node.value.data as Float32Array, shape: node.shape };
}
