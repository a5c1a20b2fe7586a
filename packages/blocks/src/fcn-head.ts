import { relu } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import type { Block } from './block.js';
import { checkCounts } from './check.js';
import { convolution } from './convolution.js';
import { activation, identity, sequential } from './sequential.js';

export interface FcnHeadOptions {
  readonly inChannels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** Channels inside the head. Default a quarter of inChannels, rounded down. */
  readonly width?: number | undefined;
}

/**
 * The head of torchvision's FCN, and the auxiliary one of its DeepLab v3: a 3×3 convolution with batch norm and ReLU,
 * and a 1×1 classifier.
 *
 * Input `[N, inChannels, H, W]`: features of a backbone. Output `[N, numClasses, H, W]`: logits, to be stretched to the
 * size of the picture. Children: `0` convolution, `1` batch norm, `4` classifier; `3` is dropout, which does nothing at
 * inference.
 *
 * Source: Long, Shelhamer & Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015;
 * `torchvision.models.segmentation.fcn.FCNHead`.
 *
 * @throws OptionError for unusable sizes
 */
export function fcnHead({
  inChannels,
  numClasses,
  width = Math.max(1, Math.floor(inChannels / 4)),
}: FcnHeadOptions): Block {
  checkCounts('fcnHead', { inChannels, numClasses, width });
  return sequential([
    convolution(inChannels, width, 3, { padding: 1, bias: false }),
    batchNorm(width),
    activation(relu),
    identity(),
    convolution(width, numClasses, 1),
  ]);
}
