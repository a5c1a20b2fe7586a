/** What each operator of the golden data is in atrous. */

import type { Tensor } from '@atrous/core';
import * as atrous from '@atrous/core';

// biome-ignore lint/suspicious/noExplicitAny: the golden data's own JSON
type Parameters = Readonly<Record<string, any>>;
type Inputs = Readonly<Record<string, Tensor>>;
type Operator = (inputs: Inputs, params: Parameters) => Tensor;

const sides = (before: readonly number[], after: readonly number[]) =>
  before.map((b, axis) => [b, after[axis]!] as const);

const epilogues: Readonly<Record<string, (x: Tensor, step: Parameters, inputs: Inputs) => Tensor>> = {
  add: (x, step, inputs) => atrous.add(x, inputs[step.tensor]!),
  relu: atrous.relu,
  relu6: atrous.relu6,
  sigmoid: atrous.sigmoid,
  tanh: atrous.tanh,
  hardswish: atrous.hardSwish,
  silu: atrous.silu,
  leaky_relu: (x, step) => atrous.leakyRelu(x, step.negativeSlope),
};

/** The word for each padding of the data that atrous resolves by itself; the rest is given as numbers. */
const paddingWords: Readonly<Record<string, atrous.Padding>> = {
  valid: 'valid',
  causal: 'causal',
  same: 'same',
  'same-tf': 'same-upper',
};

const convolution =
  (conv: typeof atrous.conv2d): Operator =>
  (inputs, { stride, dilation, padSpec, padBegin, padEnd, paddingMode, groups, epilogue }) => {
    const y = conv(inputs.input!, inputs.weight!, {
      bias: inputs.bias,
      stride,
      dilation,
      padding: paddingWords[padSpec] ?? sides(padBegin, padEnd),
      paddingMode,
      groups,
    });
    return epilogue.reduce((x: Tensor, step: Parameters) => epilogues[step.op]!(x, step, inputs), y);
  };

const transposed =
  (conv: typeof atrous.convTranspose2d): Operator =>
  (inputs, { stride, dilation, padding, outputPadding, groups }) =>
    conv(inputs.input!, inputs.weight!, {
      bias: inputs.bias,
      stride,
      dilation,
      padding,
      outputPadding,
      groups,
    });

const avgPool =
  (pool: typeof atrous.avgPool2d): Operator =>
  ({ input }, { kernel, stride, padding, ceilMode, countIncludePad }) =>
    pool(input!, kernel, { stride, padding, ceilMode, countIncludePad });

const maxPool =
  (pool: typeof atrous.maxPool2d): Operator =>
  ({ input }, { kernel, stride, padding, dilation, ceilMode }) =>
    pool(input!, kernel, { stride, padding, dilation, ceilMode });

const adaptive: Operator = ({ input }, { outputSize }) => atrous.adaptiveAvgPool(input!, outputSize);

/** Operators by the name that the golden data gives them. Gradients are not here: atrous has none yet. */
export const operators: Readonly<Record<string, Operator>> = {
  conv1d: convolution(atrous.conv1d),
  conv2d: convolution(atrous.conv2d),
  conv3d: convolution(atrous.conv3d),
  conv_transpose1d: transposed(atrous.convTranspose1d),
  conv_transpose2d: transposed(atrous.convTranspose2d),
  conv_transpose3d: transposed(atrous.convTranspose3d),
  avg_pool1d: avgPool(atrous.avgPool1d),
  avg_pool2d: avgPool(atrous.avgPool2d),
  avg_pool3d: avgPool(atrous.avgPool3d),
  max_pool1d: maxPool(atrous.maxPool1d),
  max_pool2d: maxPool(atrous.maxPool2d),
  max_pool3d: maxPool(atrous.maxPool3d),
  adaptive_avg_pool1d: adaptive,
  adaptive_avg_pool2d: adaptive,
  adaptive_avg_pool3d: adaptive,
  interpolate: ({ input }, { mode, alignCorners, outputSize, scaleFactor, recomputeScaleFactor }) =>
    atrous.interpolate(input!, {
      mode,
      alignCorners: alignCorners ?? false,
      ...(scaleFactor === null ? { size: outputSize } : { scaleFactor }),
      recomputeScaleFactor: recomputeScaleFactor ?? false,
    }),
  batch_norm: ({ input, weight, bias, running_mean, running_var }, { eps }) =>
    atrous.batchNorm(input!, { mean: running_mean!, variance: running_var!, weight, bias, epsilon: eps }),
  group_norm: ({ input, weight, bias }, { numGroups, eps }) =>
    atrous.groupNorm(input!, numGroups, { weight, bias, epsilon: eps }),
  instance_norm: ({ input, weight, bias }, { eps }) =>
    atrous.instanceNorm(input!, { weight, bias, epsilon: eps }),
  softmax: ({ input }, { dim }) => atrous.softmax(input!, dim),
  argmax: ({ input }, { dim }) => atrous.argmax(input!, dim),
  pixel_shuffle: ({ input }, { factor }) => atrous.pixelShuffle(input!, factor),
  pixel_unshuffle: ({ input }, { factor }) => atrous.pixelUnshuffle(input!, factor),
  space_to_batch: ({ input }, { block, padBegin, padEnd }) =>
    atrous.spaceToBatch(input!, block, sides(padBegin, padEnd)),
  batch_to_space: ({ input }, { block, cropBegin, cropEnd }) =>
    atrous.batchToSpace(input!, block, sides(cropBegin, cropEnd)),
  concat: (inputs, { dim, count }) =>
    atrous.concat(
      Array.from({ length: count }, (_, i) => inputs[`input${i}`]!),
      dim,
    ),
  add: ({ input0, input1 }) => atrous.add(input0!, input1!),
};
