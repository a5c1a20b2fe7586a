import { add, hardSigmoid, hardSwish, OptionError, relu, type Tensor } from '@atrous/core';
import { type Block, block } from '../block.js';
import { checkCounts } from '../check.js';
import { convNormActivation } from '../conv-bn-relu.js';
import { linear } from '../linear.js';
import { activation, identity, sequential } from '../sequential.js';
import { squeezeExcitation } from '../squeeze-excitation.js';
import type { Backbone, BackboneOutput, ClassifierOutput, Returns, Stage } from './backbone.js';
import { checkWidthMultiplier, mobileNet, toMultipleOf8 } from './mobilenet.js';
import { replaceStrides, stridesBeyond } from './output-stride.js';

/** One block: kernel, channels in the middle and after, squeeze-excitation, activation, stride. */
type Row = readonly [
  kernel: number,
  middle: number,
  after: number,
  excited: boolean,
  activation: 'RE' | 'HS',
  stride: number,
];

/** Tables 1 and 2 of the paper. The last three rows are the tail. */
const layouts: Readonly<Record<'large' | 'small', { readonly rows: readonly Row[]; readonly last: number }>> =
  {
    large: {
      rows: [
        [3, 16, 16, false, 'RE', 1],
        [3, 64, 24, false, 'RE', 2],
        [3, 72, 24, false, 'RE', 1],
        [5, 72, 40, true, 'RE', 2],
        [5, 120, 40, true, 'RE', 1],
        [5, 120, 40, true, 'RE', 1],
        [3, 240, 80, false, 'HS', 2],
        [3, 200, 80, false, 'HS', 1],
        [3, 184, 80, false, 'HS', 1],
        [3, 184, 80, false, 'HS', 1],
        [3, 480, 112, true, 'HS', 1],
        [3, 672, 112, true, 'HS', 1],
        [5, 672, 160, true, 'HS', 2],
        [5, 960, 160, true, 'HS', 1],
        [5, 960, 160, true, 'HS', 1],
      ],
      last: 1280,
    },
    small: {
      rows: [
        [3, 16, 16, true, 'RE', 2],
        [3, 72, 24, false, 'RE', 2],
        [3, 88, 24, false, 'RE', 1],
        [5, 96, 40, true, 'HS', 2],
        [5, 240, 40, true, 'HS', 1],
        [5, 240, 40, true, 'HS', 1],
        [5, 120, 48, true, 'HS', 1],
        [5, 144, 48, true, 'HS', 1],
        [5, 288, 96, true, 'HS', 2],
        [5, 576, 96, true, 'HS', 1],
        [5, 576, 96, true, 'HS', 1],
      ],
      last: 1024,
    },
  };

/** Channels of the first convolution. */
const stemChannels = 16;

/** Batch norms of MobileNetV3 have another epsilon than PyTorch's default. */
const epsilon = 1e-3;

export interface MobileNetV3BlockOptions {
  readonly inChannels: number;
  /** Channels in the middle. */
  readonly middleChannels: number;
  readonly outChannels: number;
  /** Taps of the depthwise convolution per axis. Default 3. */
  readonly kernel?: number | undefined;
  /** Default 1. */
  readonly stride?: number | undefined;
  /** Rate of the depthwise convolution. Default 1. */
  readonly dilation?: number | undefined;
  /** Whether there is a squeeze-excitation before the last 1×1. Default false. */
  readonly squeezeExcitation?: boolean | undefined;
  /** Default hardSwish. */
  readonly activation?: ((x: Tensor) => Tensor) | undefined;
  /**
   * Whether the input is added to the output. Default: where stride is 1 and both have the same channels. False where
   * a stride was replaced by a rate.
   */
  readonly residual?: boolean | undefined;
}

/**
 * Inverted residual of MobileNetV3: 1×1 to more channels, depthwise with stride and rate, squeeze-excitation, 1×1 to few
 * channels without an activation, and the input added.
 *
 * Input `[N, inChannels, H, W]`, output `[N, outChannels, H / stride, W / stride]` (rounded up). Child `block`, a
 * sequence as in torchvision: expansion (unless `middleChannels` is `inChannels`), depthwise, squeeze-excitation (if
 * any), projection. Batch norms have epsilon 0.001.
 *
 * Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, figure 4;
 * `torchvision.models.mobilenetv3.InvertedResidual`.
 *
 * @throws OptionError for unusable sizes, and where an input cannot be added that should be
 */
export function mobileNetV3Block({
  inChannels,
  middleChannels,
  outChannels,
  kernel = 3,
  stride = 1,
  dilation = 1,
  squeezeExcitation: excited = false,
  activation: fn = hardSwish,
  residual = stride === 1 && inChannels === outChannels,
}: MobileNetV3BlockOptions): Block {
  checkCounts('mobileNetV3Block', { inChannels, middleChannels, outChannels, kernel, stride, dilation });
  if (residual && (stride !== 1 || inChannels !== outChannels))
    throw new OptionError(
      `mobileNetV3Block: residual needs stride 1 and as many channels out as in (stride ${stride}, inChannels ${inChannels}, outChannels ${outChannels})`,
      { stride, inChannels, outChannels },
    );
  const options = { activation: fn, epsilon };
  const depthwise = { ...options, stride, dilation, groups: middleChannels };
  const squeezeChannels = toMultipleOf8(Math.floor(middleChannels / 4));
  const layers = [
    ...(middleChannels === inChannels ? [] : [convNormActivation(inChannels, middleChannels, 1, options)]),
    convNormActivation(middleChannels, middleChannels, kernel, depthwise),
    ...(excited ? [squeezeExcitation({ channels: middleChannels, squeezeChannels, gate: hardSigmoid })] : []),
    convNormActivation(middleChannels, outChannels, 1, { activation: (x) => x, epsilon }),
  ];
  return block({ block: sequential(layers) }, (m, x: Tensor) => (residual ? add(x, m.block(x)) : m.block(x)));
}

export interface MobileNetV3Options {
  readonly size: keyof typeof layouts;
  /** Input samples per step of the last map: 2, 4, 8, 16 or 32. Smaller ones by dilation. Default 32, 16 if dilated. */
  readonly outputStride?: number | undefined;
  /**
   * torchvision's form of dilation, in which its segmentation networks were trained: the layer that loses its stride
   * has the larger rate itself, so its field grows. Default false: rates begin behind that layer, and the field stays.
   */
  readonly dilated?: boolean | undefined;
  /** Half the channels in the last three blocks and behind them, as the paper proposes for segmentation. Default false. */
  readonly reducedTail?: boolean | undefined;
  /** Multiplies the channels of every layer; each becomes a multiple of 8. Default 1. */
  readonly widthMultiplier?: number | undefined;
  /** Channels of the picture. Default 3. */
  readonly inChannels?: number | undefined;
}

/**
 * MobileNetV3, large or small, whole or as feature maps, with strides replaced by dilation on demand. The parameters
 * are the same at every output stride.
 *
 * Input `[N, inChannels, H, W]`. Without `numClasses` the output is one map per entry of `returns`, whose values name
 * the children of torchvision's `features`, `0` … `16` (large) or `0` … `12` (small); default `out`: the last. The
 * last map of stride 8 is `6` of the large network and `3` of the small one. The names are those of `features`:
 * `loadParameters(block, tensors, { prefix: 'features' })` takes a classification checkpoint. With `numClasses` the
 * output is logits `[N, numClasses]`, from children `features` and `classifier`.
 *
 * ```ts
 * mobileNetV3({ size: 'large', dilated: true, returns: { high: '16', low: '4' } });   // as in torchvision's LR-ASPP
 * ```
 *
 * Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, tables 1 and 2; `torchvision.models.mobilenetv3`.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export function mobileNetV3<const R extends Returns = { readonly out: string }>(
  options: MobileNetV3Options & BackboneOutput<R>,
): Backbone<R>;
export function mobileNetV3(options: MobileNetV3Options & ClassifierOutput): Block;
export function mobileNetV3(
  options: MobileNetV3Options & (BackboneOutput<Returns> | ClassifierOutput),
): unknown {
  const stages = mobileNetV3Stages(options);
  const { size, reducedTail = false, widthMultiplier = 1 } = options;
  const last = toMultipleOf8((layouts[size].last / (reducedTail ? 2 : 1)) * widthMultiplier);
  return mobileNet('mobileNetV3', stages, options, (channels, numClasses) =>
    sequential([linear(channels, last), activation(hardSwish), identity(), linear(last, numClasses)]),
  );
}

function mobileNetV3Stages({
  size,
  dilated = false,
  outputStride = dilated ? 16 : 32,
  reducedTail = false,
  widthMultiplier = 1,
  inChannels = 3,
}: MobileNetV3Options): readonly Stage[] {
  if (!Object.hasOwn(layouts, size))
    throw new OptionError(`mobileNetV3: size must be 'large' or 'small' but is '${String(size)}'`, { size });
  checkWidthMultiplier('mobileNetV3', widthMultiplier);
  checkCounts('mobileNetV3', { inChannels });
  const { rows } = layouts[size];
  const strides = rows.map((row) => row.at(-1) as number);
  const replaced = stridesBeyond('mobileNetV3', 2, strides, outputStride);
  if (dilated && !replaced.includes(true))
    throw new OptionError(
      `mobileNetV3: dilated needs an outputStride below 32, because at ${outputStride} no stride is replaced`,
      { dilated, outputStride },
    );
  const layers = replaceStrides(strides, replaced, { ownRate: dilated ? 'after' : 'before' });
  const scaled = (count: number) => toMultipleOf8(count * widthMultiplier);
  const reduced = (count: number, rowsOfTail: number, row: number) =>
    scaled(reducedTail && row >= rows.length - rowsOfTail ? count / 2 : count);
  let channels = scaled(stemChannels);
  const stem = convNormActivation(inChannels, channels, 3, { stride: 2, activation: hardSwish, epsilon });
  const stages: Omit<Stage, 'name'>[] = [{ block: stem, channels, stride: 2 }];
  rows.forEach(([kernel, middle, after, excited, activation, ownStride], row) => {
    const { stride, dilation } = layers[row]!;
    const outChannels = reduced(after, 3, row);
    const made = mobileNetV3Block({
      inChannels: channels,
      middleChannels: reduced(middle, 2, row),
      outChannels,
      kernel,
      stride,
      dilation,
      squeezeExcitation: excited,
      activation: activation === 'HS' ? hardSwish : relu,
      residual: ownStride === 1 && channels === outChannels,
    });
    channels = outChannels;
    stages.push({ block: made, channels, stride });
  });
  const head = convNormActivation(channels, 6 * channels, 1, { activation: hardSwish, epsilon });
  stages.push({ block: head, channels: 6 * channels, stride: 1 });
  return stages.map((stage, i) => ({ ...stage, name: String(i) }));
}
