import type { Graph, Node } from '@atrous/core';
import { fuse } from '@atrous/core/backend';
import { isConv, windowsOf } from '../conv-node.js';
import { fold } from '../folded.js';
import { product } from '../problem.js';
import { encodeModel, initializer, node as operator, value } from './messages.js';
import type { Message } from './protobuf.js';

export const inputName = 'x';
export const outputName = 'y';

/**
 * A graph as an ONNX model: convolutions with batch norm folded in, means over space, linear resizing, concatenation.
 *
 * @throws Error naming an op that is not written
 */
export function onnxModel(graph: Graph): Uint8Array<ArrayBuffer> {
  const fused = fuse(graph);
  const nodes: Message[] = [];
  const initializers: Message[] = [];
  const names = new Map<number, string>([[fused.inputs[0]!, inputName]]);
  const constant = (name: string, shape: readonly number[], data: Float32Array | BigInt64Array) => {
    initializers.push(initializer(name, shape, data));
    return name;
  };
  const sizes = (name: string, shape: readonly number[]) =>
    constant(name, [shape.length], BigInt64Array.from(shape.map(BigInt)));

  fused.nodes.forEach((node, index) => {
    if (node.kind === 'input' || node.kind === 'constant') return;
    const output = index === fused.outputs[0] ? outputName : `v${index}`;
    const inputs = node.inputs.flatMap((i) => names.get(i) ?? []);
    names.set(index, output);
    if (isConv(node)) {
      const { weight, bias, relu } = fold(node, fused);
      const axes = windowsOf(node);
      const operands = [
        inputs[0]!,
        constant(`${output}.weight`, fused.nodes[node.inputs[1]!]!.shape, weight),
        ...(bias ? [constant(`${output}.bias`, [bias.length], bias)] : []),
      ];
      const before = relu ? `${output}.before` : output;
      nodes.push(
        operator('Conv', operands, before, {
          group: node.groups,
          kernel_shape: axes.map(({ kernel }) => kernel),
          strides: axes.map(({ stride }) => stride),
          dilations: axes.map(({ dilation }) => dilation),
          pads: [...axes.map(({ padBefore }) => padBefore), ...axes.map(({ padAfter }) => padAfter)],
        }),
      );
      if (relu) nodes.push(operator('Relu', [before], output));
    } else if (isSpatialMean(node)) nodes.push(operator('GlobalAveragePool', inputs, output));
    else if (isHalfPixelResize(node, fused))
      nodes.push(
        operator('Resize', [inputs[0]!, '', '', sizes(`${output}.sizes`, node.shape)], output, {
          mode: 'linear',
          coordinate_transformation_mode: 'half_pixel',
        }),
      );
    else if (node.kind === 'broadcast')
      nodes.push(operator('Expand', [inputs[0]!, sizes(`${output}.sizes`, node.shape)], output));
    else if (node.kind === 'concat') nodes.push(operator('Concat', inputs, output, { axis: node.axis }));
    else throw new Error(`onnxModel: ${node.kind} is not written`);
  });
  return encodeModel({
    nodes,
    initializers,
    inputs: [value(inputName, fused.nodes[fused.inputs[0]!]!.shape)],
    outputs: [value(outputName, fused.nodes[fused.outputs[0]!]!.shape)],
  });
}

/** A mean over all axes but batch and channels. */
export const isSpatialMean = (node: Node): boolean =>
  node.kind === 'reduce' &&
  node.fn === 'mean' &&
  product(node.shape.slice(2)) === 1 &&
  !node.axes.includes(1);

/** Linear resizing with half-pixel centres, what `interpolate` makes by default. */
export function isHalfPixelResize(node: Node, graph: Graph): boolean {
  if (node.kind !== 'resize' || node.mode !== 'linear' || node.reach?.type !== 'sample') return false;
  const from = graph.nodes[node.inputs[0]!]!.shape;
  return node.reach.axes.every(({ scale, offset }, axis) => {
    const exact = from[axis + 2]! / node.shape[axis + 2]!;
    return Math.abs(scale - exact) < 1e-9 && Math.abs(offset - (0.5 * exact - 0.5)) < 1e-9;
  });
}
