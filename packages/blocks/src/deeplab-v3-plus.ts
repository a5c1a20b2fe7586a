import { concat, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convBnRelu } from './conv-bn-relu.js';
import { convolution } from './convolution.js';
import { imageLevel, sideBySide } from './pyramid.js';
import { separableConvBnRelu } from './separable.js';
import { stretch } from './stretch.js';

interface SeparableOptions {
  /** Whether 3×3 convolutions are depthwise separable. Default false in the pyramid, true in the decoder. */
  readonly separable?: boolean | undefined;
  /** Added to the variance in every batch norm. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

export interface DeepLabV3AsppOptions extends SeparableOptions {
  readonly inChannels: number;
  /** Channels of every branch and of the output. Default 256. */
  readonly depth?: number | undefined;
  /** Rates of the 3×3 branches. Default 6, 12, 18: output stride 16; see `asppRates`. */
  readonly rates?: readonly number[] | undefined;
}

/**
 * Atrous spatial pyramid pooling of DeepLab v3 and v3+ in the order of the authors' TensorFlow code, with batch norm and
 * ReLU in every branch: image-level feature, 1×1, one 3×3 per rate; joined by a 1×1 convolution. torchvision's order is
 * another, see `torchvisionAspp`; weights do not fit from one to the other.
 *
 * Input `[N, inChannels, H, W]`, output `[N, depth, H, W]`. Children, in the order of concatenation and named after the
 * scopes of that code: `image_pooling`, `aspp0` (1×1), `aspp1`, `aspp2`, `aspp3`; then `concat_projection`. Each has
 * `conv` and `bn`; with `separable`, the branches with rates have `depthwise` and `pointwise` instead, as
 * `separableConvBnRelu`.
 *
 * Source: Chen, Papandreou, Schroff & Adam, 2017 (arXiv 1706.05587), section 3.3; separable: Chen, Zhu, Papandreou,
 * Schroff & Adam, DeepLab v3+, ECCV 2018 (arXiv 1802.02611), section 3.1.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function deepLabV3Aspp({
  inChannels,
  depth = 256,
  rates = [6, 12, 18],
  separable = false,
  epsilon,
  axes = 2,
}: DeepLabV3AsppOptions): Block {
  checkCounts('deepLabV3Aspp', { inChannels, depth });
  checkRates('deepLabV3Aspp', rates);
  const atrous = separable ? separableConvBnRelu : convBnRelu;
  const pointwise = (channels: number) => convBnRelu(channels, depth, 1, { epsilon, axes });
  const branches: Readonly<Record<string, Block>> = {
    aspp0: pointwise(inChannels),
    ...Object.fromEntries(
      rates.map((dilation, i) => [`aspp${i + 1}`, atrous(inChannels, depth, 3, { dilation, epsilon, axes })]),
    ),
  };
  const children: Readonly<Record<string, Block>> = {
    image_pooling: pointwise(inChannels),
    ...branches,
    concat_projection: pointwise(depth * (rates.length + 2)),
  };
  return block(children, (m, x: Tensor) => {
    const image = (input: Tensor) => imageLevel(m.image_pooling!, input);
    return m.concat_projection!(sideBySide([image, ...Object.keys(branches).map((name) => m[name]!)], x));
  });
}

export interface DeepLabV3PlusDecoderOptions extends SeparableOptions {
  /** Channels of the map of high resolution, from the beginning of the backbone. */
  readonly lowChannels: number;
  /** Channels of the map of low resolution, from the pyramid. Default 256. */
  readonly highChannels?: number | undefined;
  /** Channels that the low-level map is reduced to. Default 48. */
  readonly lowProjection?: number | undefined;
  /** Channels of the two 3×3 convolutions. Default 256. */
  readonly depth?: number | undefined;
  /** Channels of the output, one per class. Default: no classifier, `depth` channels come out. */
  readonly numClasses?: number | undefined;
  /** Whether corner samples coincide when the pyramid's map is stretched. Default true, as in TensorFlow's code. */
  readonly alignCorners?: boolean | undefined;
}

/**
 * The decoder of DeepLab v3+: the map of the pyramid, stretched to the size of a low-level map with few channels, joined
 * with it and refined by two 3×3 convolutions.
 *
 * Inputs `low` `[N, lowChannels, H, W]` (output stride 4) and `high` `[N, highChannels, h, w]` (output stride 16 or 8).
 * Output `[N, depth, H, W]`, or logits `[N, numClasses, H, W]`, to be stretched to the size of the picture. Children,
 * named after the scopes of the authors' TensorFlow code: `feature_projection0`, `decoder_conv0`, `decoder_conv1`, and
 * `logits` with `numClasses`; the map of the pyramid comes first in the concatenation.
 *
 * ```ts
 * const decoder = deepLabV3PlusDecoder({ lowChannels: 256, numClasses: 21 });
 * decoder.apply(parameters, low, high);
 * ```
 *
 * Source: Chen, Zhu, Papandreou, Schroff & Adam, "Encoder-decoder with atrous separable convolution for semantic image
 * segmentation", ECCV 2018 (arXiv 1802.02611), section 3.2 and figure 2.
 *
 * @throws OptionError for unusable sizes
 */
export function deepLabV3PlusDecoder({
  lowChannels,
  highChannels = 256,
  lowProjection = 48,
  depth = 256,
  numClasses,
  separable = true,
  alignCorners = true,
  epsilon,
  axes = 2,
}: DeepLabV3PlusDecoderOptions): Block<[low: Tensor, high: Tensor]> {
  checkCounts('deepLabV3PlusDecoder', { lowChannels, highChannels, lowProjection, depth });
  if (numClasses !== undefined) checkCounts('deepLabV3PlusDecoder', { numClasses });
  const refine = separable ? separableConvBnRelu : convBnRelu;
  return block(
    {
      feature_projection0: convBnRelu(lowChannels, lowProjection, 1, { epsilon, axes }),
      decoder_conv0: refine(highChannels + lowProjection, depth, 3, { epsilon, axes }),
      decoder_conv1: refine(depth, depth, 3, { epsilon, axes }),
      logits: numClasses === undefined ? undefined : convolution(depth, numClasses, 1, { axes }),
    },
    (m, low: Tensor, high: Tensor) => {
      const joined = concat([stretch(high, low, { alignCorners }), m.feature_projection0(low)]);
      const refined = m.decoder_conv1(m.decoder_conv0(joined));
      return m.logits?.(refined) ?? refined;
    },
  );
}
