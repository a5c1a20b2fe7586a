import { add, OptionError, relu6, type Tensor } from '@atrous/core';
import { batchNorm } from '../batch-norm.js';
import { type Block, block } from '../block.js';
import { checkCounts } from '../check.js';
import { convNormActivation } from '../conv-bn-relu.js';
import { convolution } from '../convolution.js';
import { linear } from '../linear.js';
import { identity, sequential } from '../sequential.js';
import type { Backbone, BackboneOutput, ClassifierOutput, Returns, Stage } from './backbone.js';
import { checkWidthMultiplier, mobileNet, toMultipleOf8 } from './mobilenet.js';
import { replaceStrides, stridesBeyond } from './output-stride.js';

export interface InvertedResidualOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels in the middle per input channel. Default 6. */
  readonly expansion?: number | undefined;
  /** Default 1. */
  readonly stride?: number | undefined;
  /** Rate of the depthwise convolution. Default 1. */
  readonly dilation?: number | undefined;
  /**
   * Whether the input is added to the output. Default: where stride is 1 and both have the same channels. False where
   * a stride was replaced by a rate.
   */
  readonly residual?: boolean | undefined;
}

/**
 * Inverted residual of MobileNetV2: 1×1 to more channels, depthwise 3×3 with stride and rate, 1×1 to few channels
 * without an activation, and the input added.
 *
 * Input `[N, inChannels, H, W]`, output `[N, outChannels, H / stride, W / stride]` (rounded up). Child `conv`, a
 * sequence as in torchvision: expansion (unless `expansion` is 1), depthwise, projection, batch norm.
 *
 * Source: Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018,
 * figure 4; `torchvision.models.mobilenetv2.InvertedResidual`.
 *
 * @throws OptionError for unusable sizes, and where an input cannot be added that should be
 */
export function invertedResidual({
  inChannels,
  outChannels,
  expansion = 6,
  stride = 1,
  dilation = 1,
  residual = stride === 1 && inChannels === outChannels,
}: InvertedResidualOptions): Block {
  checkCounts('invertedResidual', { inChannels, outChannels, expansion, stride, dilation });
  if (residual && (stride !== 1 || inChannels !== outChannels))
    throw new OptionError(
      `invertedResidual: residual needs stride 1 and as many channels out as in (stride ${stride}, inChannels ${inChannels}, outChannels ${outChannels})`,
      { stride, inChannels, outChannels },
    );
  const middle = inChannels * expansion;
  const convolutions = [
    ...(expansion === 1 ? [] : [convNormActivation(inChannels, middle, 1, { activation: relu6 })]),
    convNormActivation(middle, middle, 3, { stride, dilation, groups: middle, activation: relu6 }),
    convolution(middle, outChannels, 1, { bias: false }),
    batchNorm(outChannels),
  ];
  return block({ conv: sequential(convolutions) }, (m, x: Tensor) =>
    residual ? add(x, m.conv(x)) : m.conv(x),
  );
}

export interface MobileNetV2Options {
  /** Multiplies the channels of every layer; each becomes a multiple of 8. Default 1. */
  readonly widthMultiplier?: number | undefined;
  /** Input samples per step of the last map: 2, 4, 8, 16 or 32. Smaller ones by dilation. Default 32. */
  readonly outputStride?: number | undefined;
  /** Channels of the picture. Default 3. */
  readonly inChannels?: number | undefined;
}

/** Expansion, channels, repeats and stride of the first, per row: table 2 of the paper. */
const rows = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * MobileNetV2, whole or as feature maps, with strides replaced by dilation on demand. The parameters are the same at
 * every output stride.
 *
 * Input `[N, inChannels, H, W]`. Without `numClasses` the output is one map per entry of `returns`, whose values name
 * the children `0` … `18` of torchvision's `features`; default `{ out: '18' }`, 1280 channels wide. DeepLab takes `17`
 * (320 channels), and `3` for its decoder. The names are those of `features`:
 * `loadParameters(block, tensors, { prefix: 'features' })` takes a classification checkpoint. With `numClasses` the
 * output is logits `[N, numClasses]`, from children `features` and `classifier`.
 *
 * ```ts
 * mobileNetV2({ outputStride: 16, returns: { out: '17', low: '3' } });
 * ```
 *
 * Source: Sandler et al., CVPR 2018, table 2; `torchvision.models.mobilenetv2`.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export function mobileNetV2<const R extends Returns = { readonly out: '18' }>(
  options?: MobileNetV2Options & BackboneOutput<R>,
): Backbone<R>;
export function mobileNetV2(options: MobileNetV2Options & ClassifierOutput): Block;
export function mobileNetV2(
  options: MobileNetV2Options & (BackboneOutput<Returns> | ClassifierOutput) = {},
): unknown {
  return mobileNet('mobileNetV2', mobileNetV2Stages(options), options, (channels, numClasses) =>
    sequential([identity(), linear(channels, numClasses)]),
  );
}

function mobileNetV2Stages({
  widthMultiplier = 1,
  outputStride = 32,
  inChannels = 3,
}: MobileNetV2Options): readonly Stage[] {
  checkWidthMultiplier('mobileNetV2', widthMultiplier);
  checkCounts('mobileNetV2', { inChannels });
  const first = toMultipleOf8(32 * widthMultiplier);
  const last = toMultipleOf8(1280 * Math.max(1, widthMultiplier));
  const blocks = rows.flatMap(([expansion, channels, count, stride]) =>
    Array.from({ length: count }, (_, i) => ({
      expansion,
      outChannels: toMultipleOf8(channels * widthMultiplier),
      ownStride: i === 0 ? stride : 1,
    })),
  );
  const strides = blocks.map(({ ownStride }) => ownStride);
  const layers = replaceStrides(strides, stridesBeyond('mobileNetV2', 2, strides, outputStride));
  let channels = first;
  const residuals = blocks.map(({ expansion, outChannels, ownStride }, i): Omit<Stage, 'name'> => {
    const { stride, dilation } = layers[i]!;
    const residual = ownStride === 1 && channels === outChannels;
    const made = invertedResidual({
      inChannels: channels,
      outChannels,
      expansion,
      stride,
      dilation,
      residual,
    });
    channels = outChannels;
    return { block: made, channels, stride };
  });
  const stem = convNormActivation(inChannels, first, 3, { stride: 2, activation: relu6 });
  const head = convNormActivation(channels, last, 1, { activation: relu6 });
  return [
    { block: stem, channels: first, stride: 2 },
    ...residuals,
    { block: head, channels: last, stride: 1 },
  ].map((stage, i) => ({ ...stage, name: String(i) }));
}
