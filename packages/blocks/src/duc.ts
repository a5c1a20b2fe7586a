import { pixelShuffle, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';
import { centredPadding, convolution } from './convolution.js';

export interface DucOptions {
  readonly inChannels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** How many times larger the output is along every axis: the output stride of the features. Default 8. */
  readonly factor?: number | undefined;
  /** Taps of the convolution. Default 3. */
  readonly kernel?: number | undefined;
  /** Rate of the convolution. Default 1. */
  readonly rate?: number | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/**
 * Dense upsampling convolution: a convolution gives every class of every pixel of the block that a feature stands for,
 * and the blocks are laid out at full resolution. Unlike bilinear stretching it is learned, and finds what is smaller
 * than a feature.
 *
 * Input `[N, inChannels, H, W]`, output `[N, numClasses, factor · H, factor · W]`. Child `conv` with
 * `numClasses · factor²` output channels, in the order of PyTorch's `pixel_shuffle`: class, row, column.
 *
 * ```ts
 * duc({ inChannels: 2048, numClasses: 19, factor: 8 });
 * ```
 *
 * Source: Wang, Chen, Yuan, Liu, Huang, Hou & Cottrell, "Understanding convolution for semantic segmentation", WACV 2018,
 * section 3.1.
 *
 * @throws OptionError for unusable sizes
 */
export function duc({
  inChannels,
  numClasses,
  factor = 8,
  kernel = 3,
  rate = 1,
  axes = 2,
}: DucOptions): Block {
  checkCounts('duc', { inChannels, numClasses, factor, kernel, rate });
  const padding = centredPadding(kernel, rate, axes);
  return block(
    {
      conv: convolution(inChannels, numClasses * factor ** axes, kernel, { dilation: rate, padding, axes }),
    },
    (m, x: Tensor) => pixelShuffle(m.conv(x), factor),
  );
}
