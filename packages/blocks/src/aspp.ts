import { globalAvgPool, OptionError, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';
import { sideBySide } from './pyramid.js';
import { activation } from './sequential.js';
import { stretch } from './stretch.js';

export interface AsppOptions {
  readonly inChannels: number;
  /** Channels of every branch and of the output. Default 256. */
  readonly depth?: number | undefined;
  /** Rates of the 3×3 branches. Default 6, 12, 18. */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

type AsppChildren = Readonly<Record<'mean' | 'conv' | `atrous_block${number}` | 'conv_1x1_output', Block>>;

/**
 * Atrous spatial pyramid pooling in its plain form, with biases and without batch norm or activations: the mean of the
 * picture, a 1×1 convolution and a 3×3 convolution per rate, side by side, joined by a 1×1 convolution.
 *
 * Input `[N, inChannels, H, W]`, output `[N, depth, H, W]`. Children, in the order of concatenation: `mean`, `conv`
 * (1×1 on the mean, stretched bilinearly), `atrous_block1`, `atrous_block6`, `atrous_block12`, `atrous_block18` (named
 * after the rates); then `conv_1x1_output`.
 *
 * Source: Chen, Papandreou, Schroff & Adam, "Rethinking atrous convolution for semantic image segmentation", 2017
 * (arXiv 1706.05587), figure 5.
 *
 * @throws OptionError for unusable sizes, and for rates that are not different integers above 1
 */
export function aspp({ inChannels, depth = 256, rates = [6, 12, 18], axes }: AsppOptions): Block {
  checkCounts('aspp', { inChannels, depth });
  checkRates('aspp', rates);
  if (rates.includes(1) || new Set(rates).size < rates.length)
    throw new OptionError(
      `aspp: rates [${rates.join(', ')}] must be different and above 1: each names a branch, and atrous_block1 is the 1×1 convolution`,
      { rates },
    );
  const nameOf = (rate: number) => `atrous_block${rate}` as const;
  const atrous = (rate: number) => convolution(inChannels, depth, 3, { dilation: rate, padding: rate, axes });
  return block<AsppChildren, [Tensor], Tensor>(
    {
      mean: activation(globalAvgPool),
      conv: convolution(inChannels, depth, 1, { axes }),
      atrous_block1: convolution(inChannels, depth, 1, { axes }),
      ...Object.fromEntries(rates.map((rate) => [nameOf(rate), atrous(rate)])),
      conv_1x1_output: convolution(depth * (rates.length + 2), depth, 1, { axes }),
    },
    (m, x) => {
      const image = stretch(m.conv(m.mean(x)), x);
      const branches = [1, ...rates].map((rate) => m[nameOf(rate)]!);
      return m.conv_1x1_output(sideBySide([() => image, ...branches], x));
    },
  );
}
