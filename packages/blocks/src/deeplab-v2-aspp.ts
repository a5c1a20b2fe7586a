import { add, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';

export interface DeepLabV2AsppOptions {
  readonly inChannels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** Rates of the branches. Default 6, 12, 18, 24 (ASPP-L); ASPP-S has 2, 4, 8, 12. */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/**
 * Atrous spatial pyramid pooling of DeepLab v2 on ResNet: a 3×3 convolution per rate straight to logits, added up. The
 * form on VGG-16 has two more layers per branch, see `deepLabVgg16`.
 *
 * Input `[N, inChannels, H, W]`, output `[N, numClasses, H, W]`. Children `conv2d_list.0`, `conv2d_list.1`, …: one per
 * rate, with bias, named as in the PyTorch port of Isht Dwivedi (pytorch-deeplab-resnet) and those that follow it.
 *
 * Source: Chen, Papandreou, Kokkinos, Murphy & Yuille, "DeepLab", TPAMI 2018 (arXiv 1606.00915), section 3.2.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function deepLabV2Aspp({
  inChannels,
  numClasses,
  rates = [6, 12, 18, 24],
  axes,
}: DeepLabV2AsppOptions): Block {
  checkCounts('deepLabV2Aspp', { inChannels, numClasses });
  checkRates('deepLabV2Aspp', rates);
  return block(
    {
      conv2d_list: rates.map((rate) =>
        convolution(inChannels, numClasses, 3, { dilation: rate, padding: rate, axes }),
      ),
    },
    (m, x: Tensor) => m.conv2d_list.map((branch) => branch(x)).reduce((sum, logits) => add(sum, logits)),
  );
}
