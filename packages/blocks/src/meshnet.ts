import { relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';
import { activation, sequential } from './sequential.js';

export interface MeshnetOptions {
  /** Channels of every layer. */
  readonly channels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** Channels of the volume. Default 1. */
  readonly inChannels?: number | undefined;
  /** Rates, one per layer. Default 1, 2, 4, 8, 16, 8, 4, 2, 1: a field of 93. */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 3. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/**
 * MeshNet: dilated 3×3×3 convolutions with batch norm and ReLU at full resolution, then a 1×1×1 classifier. It labels
 * volumes with few weights, because it never shrinks them.
 *
 * Input `[N, inChannels, D, H, W]`, output `[N, numClasses, D, H, W]`. Children `layers.0.0` (convolution with bias),
 * `layers.0.1` (batch norm), …, and `classifier`. At inference its dropout does nothing.
 *
 * ```ts
 * meshnet({ channels: 5, numClasses: 3 });
 * ```
 *
 * Source: Fedorov, Johnson, Damaraju, Ozerin, Calhoun & Plis, "End-to-end learning of brain tissue segmentation from
 * imperfect labeling", IJCNN 2017; rates up to 16 and down again: Masoud, Hu & Plis, "Brainchop", 2023.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function meshnet({
  channels,
  numClasses,
  inChannels = 1,
  rates = [1, 2, 4, 8, 16, 8, 4, 2, 1],
  axes = 3,
}: MeshnetOptions): Block {
  checkCounts('meshnet', { channels, numClasses, inChannels });
  checkRates('meshnet', rates);
  return block(
    {
      layers: rates.map((dilation, i) =>
        sequential([
          convolution(i === 0 ? inChannels : channels, channels, 3, { dilation, padding: dilation, axes }),
          batchNorm(channels),
          activation(relu),
        ]),
      ),
      classifier: convolution(channels, numClasses, 1, { axes }),
    },
    (m, x: Tensor) => m.classifier(m.layers.reduce((y, layer) => layer(y), x)),
  );
}
