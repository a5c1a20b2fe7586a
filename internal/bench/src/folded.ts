import type { Graph } from '@atrous/core';
import { type ConvNode, constantAt } from './conv-node.js';

/** A convolution as a deployed model has it: batch norm inside the weights. */
export interface FoldedConv {
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly relu: boolean;
}

/**
 * Folds the constant factors and terms that follow a convolution into its weight and bias, as converters of models do.
 *
 * @throws Error for an epilogue of another form
 */
export function fold(node: ConvNode, graph: Graph): FoldedConv {
  const outChannels = node.shape[1]!;
  const perOutput = constantAt(graph, node.inputs[1]!);
  const scale = new Float64Array(outChannels).fill(1);
  const bias = new Float64Array(outChannels);
  let scaled = false;
  let biased = false;
  let relu = false;
  for (const step of node.epilogue ?? []) {
    if (relu) throw new Error('a step after the activation');
    if (step.kind === 'unary' && step.fn === 'relu') {
      relu = true;
      continue;
    }
    if (step.kind !== 'binary' || (step.fn !== 'mul' && step.fn !== 'add'))
      throw new Error(`a convolution followed by ${step.kind === 'clip' ? 'clip' : step.fn}`);
    const { data } = constantAt(graph, node.inputs[step.operand]!);
    if (data.length !== outChannels && data.length !== 1)
      throw new Error('an operand that is not per channel');
    for (let c = 0; c < outChannels; c++) {
      const value = data[data.length === 1 ? 0 : c]!;
      if (step.fn === 'mul') {
        scale[c]! *= value;
        bias[c]! *= value;
      } else bias[c]! += value;
    }
    scaled ||= step.fn === 'mul';
    biased ||= step.fn === 'add';
  }
  const length = perOutput.data.length / outChannels;
  const weight = scaled
    ? perOutput.data.map((value, i) => value * scale[Math.floor(i / length)]!)
    : perOutput.data;
  return { weight, bias: biased ? Float32Array.from(bias) : undefined, relu };
}
