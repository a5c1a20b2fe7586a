import { add, globalAvgPool, mul, sigmoid, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';
import { convNormActivation } from './conv-bn-relu.js';
import { convolution } from './convolution.js';
import { activation, sequential } from './sequential.js';
import { stretch } from './stretch.js';

export interface LrasppHeadOptions {
  /** Channels of the map of high resolution: output stride 8. */
  readonly lowChannels: number;
  /** Channels of the last map: output stride 16. */
  readonly highChannels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** Channels inside the head. Default 128. */
  readonly interChannels?: number | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/**
 * Lite reduced atrous spatial pyramid pooling, the head of MobileNetV3 for segmentation: the last map, weighted per
 * channel by its image-level feature, and a classifier on a low-level map beside it.
 *
 * Inputs `low` `[N, lowChannels, H, W]` and `high` `[N, highChannels, h, w]`, output: logits `[N, numClasses, H, W]`, to
 * be stretched to the size of the picture. Children as in torchvision: `cbr`, `scale`, `low_classifier`,
 * `high_classifier`. Like torchvision it takes the mean over the whole map, where the paper pools 49×49.
 *
 * Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.4 and figure 10;
 * `torchvision.models.segmentation.lraspp.LRASPPHead`.
 *
 * @throws OptionError for unusable sizes
 */
export function lrasppHead({
  lowChannels,
  highChannels,
  numClasses,
  interChannels = 128,
  axes,
}: LrasppHeadOptions): Block<[low: Tensor, high: Tensor]> {
  checkCounts('lrasppHead', { lowChannels, highChannels, numClasses, interChannels });
  return block(
    {
      cbr: convNormActivation(highChannels, interChannels, 1, { axes }),
      scale: sequential([
        activation(globalAvgPool),
        convolution(highChannels, interChannels, 1, { bias: false, axes }),
        activation(sigmoid),
      ]),
      low_classifier: convolution(lowChannels, numClasses, 1, { axes }),
      high_classifier: convolution(interChannels, numClasses, 1, { axes }),
    },
    (m, low: Tensor, high: Tensor) =>
      add(m.low_classifier(low), m.high_classifier(stretch(mul(m.cbr(high), m.scale(high)), low))),
  );
}
