import { concat, relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';

export interface DenseAsppOptions {
  readonly inChannels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** Channels between the two convolutions of a layer. Default 512. */
  readonly midChannels?: number | undefined;
  /** Channels that each layer adds. Default 128. */
  readonly growth?: number | undefined;
  /** Rate of each layer's 3×3 convolution. Default 3, 6, 12, 18, 24. */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/** One layer: ReLU, 1×1, batch norm, ReLU, 3×3 with the rate; batch norm comes first where there is `norm1`. */
const denseLayer = (
  inChannels: number,
  rate: number,
  isFirst: boolean,
  { midChannels, growth, axes }: { midChannels: number; growth: number; axes: 1 | 2 | 3 | undefined },
): Block =>
  block(
    {
      norm1: isFirst ? undefined : batchNorm(inChannels),
      conv1: convolution(inChannels, midChannels, 1, { axes }),
      norm2: batchNorm(midChannels),
      conv2: convolution(midChannels, growth, 3, { dilation: rate, padding: rate, axes }),
    },
    (m, x: Tensor) => m.conv2(relu(m.norm2(m.conv1(relu(m.norm1?.(x) ?? x))))),
  );

/**
 * Densely connected atrous spatial pyramid pooling: every layer reads the input and the output of all layers before it,
 * so that rates add up: 3, 6, 12, 18, 24 have a field of 127, and every sum of some of the rates is a scale of its own.
 *
 * Input `[N, inChannels, H, W]`, output: logits `[N, numClasses, H, W]`. Children `blocks.0`, `blocks.1`, … with `norm1`
 * (not in the first, as in the published code), `conv1`, `norm2`, `conv2`; then `classification`. The newest features
 * come first in every concatenation. At inference its dropout does nothing.
 *
 * Source: Yang, Yu, Zhang, Li & Yang, "DenseASPP for semantic segmentation in street scenes", CVPR 2018; rates and order
 * of its published code.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function denseAspp({
  inChannels,
  numClasses,
  midChannels = 512,
  growth = 128,
  rates = [3, 6, 12, 18, 24],
  axes,
}: DenseAsppOptions): Block {
  checkCounts('denseAspp', { inChannels, numClasses, midChannels, growth });
  checkRates('denseAspp', rates);
  return block(
    {
      blocks: rates.map((rate, i) =>
        denseLayer(inChannels + i * growth, rate, i === 0, { midChannels, growth, axes }),
      ),
      classification: convolution(inChannels + rates.length * growth, numClasses, 1, { axes }),
    },
    (m, x: Tensor) =>
      m.classification(m.blocks.reduce((features, layer) => concat([layer(features), features]), x)),
  );
}
