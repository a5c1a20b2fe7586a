import type { PerAxis, Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { type ConvBnReluOptions, convBnRelu } from './conv-bn-relu.js';

export interface SeparableConvBnReluOptions extends Omit<ConvBnReluOptions, 'groups'> {}

/**
 * Atrous separable convolution: a depthwise convolution with the rate and a 1×1 convolution, each with batch norm and
 * ReLU. With a 3×3 kernel and many channels it needs nearly a ninth of the parameters and multiplications.
 *
 * Input `[N, inChannels, H, W]`, output `[N, outChannels, H / stride, W / stride]` (rounded up). Children `depthwise`
 * and `pointwise`, each with `conv` and `bn`.
 *
 * Source: Chen, Zhu, Papandreou, Schroff & Adam, DeepLab v3+, ECCV 2018 (arXiv 1802.02611), section 3.1; in the order of
 * the authors' TensorFlow code (split_separable_conv2d).
 *
 * @throws OptionError for unusable sizes
 */
export function separableConvBnRelu(
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options: SeparableConvBnReluOptions = {},
): Block {
  const { epsilon } = options;
  const axes = options.axes ?? (typeof kernel === 'number' ? 2 : (kernel.length as 1 | 2 | 3));
  return block(
    {
      depthwise: convBnRelu(inChannels, inChannels, kernel, { ...options, groups: inChannels }),
      pointwise: convBnRelu(inChannels, outChannels, 1, { axes, epsilon }),
    },
    (m, x: Tensor) => m.pointwise(m.depthwise(x)),
  );
}
