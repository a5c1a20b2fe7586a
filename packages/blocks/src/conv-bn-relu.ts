import { type PerAxis, relu, type Tensor } from '@atrous/core';
import { type BatchNormOptions, batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { type ConvolutionOptions, centredPadding, convolution } from './convolution.js';
import { activation, sequential } from './sequential.js';

export interface ConvBnReluOptions extends Omit<ConvolutionOptions, 'bias'>, BatchNormOptions {
  /** Default `dilation * (kernel - 1) / 2` on both sides: with stride 1, the output has the size of the input. */
  readonly padding?: ConvolutionOptions['padding'];
}

/** The convolution of both variants below: centred, and without a bias, which batch norm would undo. */
function centredConvolution(
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  { epsilon: _, ...options }: ConvBnReluOptions,
): Block {
  const padding = options.padding ?? centredPadding(kernel, options.dilation, options.axes);
  return convolution(inChannels, outChannels, kernel, { ...options, padding, bias: false });
}

/**
 * Convolution without bias, batch norm, ReLU; children `conv` and `bn`.
 *
 * Input `[N, C, H, W]`, output `[N, O, H / stride, W / stride]` (rounded up). Parameters: `conv.weight`, `bn.weight`,
 * `bn.bias`, `bn.running_mean`, `bn.running_var`.
 *
 * ```ts
 * convBnRelu(32, 32, 3, { dilation: 2 });
 * ```
 *
 * @throws OptionError for unusable sizes, and for an even kernel with an odd dilation unless `padding` is given
 */
export const convBnRelu = (
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options: ConvBnReluOptions = {},
): Block =>
  block(
    {
      conv: centredConvolution(inChannels, outChannels, kernel, options),
      bn: batchNorm(outChannels, options),
    },
    (m, x: Tensor) => relu(m.bn(m.conv(x))),
  );

export interface ConvNormActivationOptions extends ConvBnReluOptions {
  /** Default relu. */
  readonly activation?: ((x: Tensor) => Tensor) | undefined;
}

/**
 * Convolution without bias, batch norm and an activation as a sequence: torchvision's `Conv2dNormActivation`. The same
 * as `convBnRelu` with the names `0` (convolution) and `1` (batch norm).
 *
 * @throws OptionError for unusable sizes, and for an even kernel with an odd dilation unless `padding` is given
 */
export function convNormActivation(
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  { activation: fn = relu, ...options }: ConvNormActivationOptions = {},
): Block {
  return sequential([
    centredConvolution(inChannels, outChannels, kernel, options),
    batchNorm(outChannels, options),
    activation(fn),
  ]);
}
