import { add, maxPool1d, maxPool2d, maxPool3d, OptionError, relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';
import { convolution } from './convolution.js';
import { activation, sequential } from './sequential.js';

export interface ResidualBlockOptions {
  readonly inChannels: number;
  /** Channels of the 3×3 convolutions. A basic block gives as many, a bottleneck four times as many. */
  readonly planes: number;
  /** Default 1. */
  readonly stride?: number | undefined;
  /** Rate of the 3×3 convolutions. Default 1. */
  readonly dilation?: number | undefined;
  /**
   * Rate of the 3×3 convolution that has the stride, the first one. Default `dilation`. Smaller where its stride was
   * replaced by a rate, which begins behind it.
   */
  readonly strideDilation?: number | undefined;
  /**
   * The shortcut where only the stride changes: `'convolution'` (torchvision) or `'subsample'`, every stride-th sample,
   * without parameters (TF-slim). Default `'convolution'`.
   */
  readonly shortcut?: 'convolution' | 'subsample' | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/** Output channels per plane. */
export const expansion = { basic: 1, bottleneck: 4 } as const;

type Axes = ResidualBlockOptions['axes'];

const conv3x3 = (
  inChannels: number,
  outChannels: number,
  stride: number,
  dilation: number,
  axes: Axes,
): Block =>
  convolution(inChannels, outChannels, 3, { stride, dilation, padding: dilation, bias: false, axes });

const conv1x1 = (inChannels: number, outChannels: number, stride: number, axes: Axes): Block =>
  convolution(inChannels, outChannels, 1, { stride, bias: false, axes });

const maxPool = [maxPool1d, maxPool2d, maxPool3d] as const;

/** The shortcut where the input cannot be added as it is. */
function downsample(
  op: string,
  inChannels: number,
  outChannels: number,
  { stride = 1, shortcut = 'convolution', axes = 2 }: ResidualBlockOptions,
): Block | undefined {
  if (shortcut !== 'convolution' && shortcut !== 'subsample')
    throw new OptionError(
      `${op}: shortcut must be 'convolution' or 'subsample' but is '${String(shortcut)}'`,
      { shortcut },
    );
  if (inChannels === outChannels) {
    if (stride === 1) return undefined;
    if (shortcut === 'subsample') return activation((x) => maxPool[axes - 1]!(x, 1, { stride }));
  }
  return sequential([conv1x1(inChannels, outChannels, stride, axes), batchNorm(outChannels)]);
}

/**
 * Basic residual block: two 3×3 convolutions, the first with the stride, and the shortcut.
 *
 * Input `[N, inChannels, H, W]`, output `[N, planes, H / stride, W / stride]` (rounded up). Children as in torchvision:
 * `conv1`, `bn1`, `conv2`, `bn2`, and `downsample` where stride or channels change.
 *
 * Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, figure 5 left; dilated as in
 * Wang et al., WACV 2018.
 *
 * @throws OptionError for unusable sizes
 */
export function basicBlock(options: ResidualBlockOptions): Block {
  const { inChannels, planes, stride = 1, dilation = 1, strideDilation = dilation, axes = 2 } = options;
  checkCounts('basicBlock', { inChannels, planes, stride, dilation, strideDilation });
  return block(
    {
      conv1: conv3x3(inChannels, planes, stride, strideDilation, axes),
      bn1: batchNorm(planes),
      conv2: conv3x3(planes, planes, 1, dilation, axes),
      bn2: batchNorm(planes),
      downsample: downsample('basicBlock', inChannels, planes, options),
    },
    (m, x: Tensor) => {
      const y = relu(m.bn1(m.conv1(x)));
      return relu(add(m.bn2(m.conv2(y)), m.downsample?.(x) ?? x));
    },
  );
}

/**
 * Bottleneck residual block: 1×1 to `planes` channels, 3×3 with stride and rate, 1×1 to `4 · planes`, and the shortcut.
 *
 * Input `[N, inChannels, H, W]`, output `[N, 4 · planes, H / stride, W / stride]` (rounded up). Children as in
 * torchvision, which has the stride in the 3×3 convolution: `conv1`, `bn1`, `conv2`, `bn2`, `conv3`, `bn3`, and
 * `downsample` where stride or channels change.
 *
 * Source: He, Zhang, Ren & Sun, CVPR 2016, figure 5 right; `torchvision.models.resnet.Bottleneck`.
 *
 * @throws OptionError for unusable sizes
 */
export function bottleneckBlock(options: ResidualBlockOptions): Block {
  const { inChannels, planes, stride = 1, dilation = 1, strideDilation = dilation, axes = 2 } = options;
  checkCounts('bottleneckBlock', { inChannels, planes, stride, dilation, strideDilation });
  const outChannels = expansion.bottleneck * planes;
  return block(
    {
      conv1: conv1x1(inChannels, planes, 1, axes),
      bn1: batchNorm(planes),
      conv2: conv3x3(planes, planes, stride, strideDilation, axes),
      bn2: batchNorm(planes),
      conv3: conv1x1(planes, outChannels, 1, axes),
      bn3: batchNorm(outChannels),
      downsample: downsample('bottleneckBlock', inChannels, outChannels, options),
    },
    (m, x: Tensor) => {
      const y = relu(m.bn2(m.conv2(relu(m.bn1(m.conv1(x))))));
      return relu(add(m.bn3(m.conv3(y)), m.downsample?.(x) ?? x));
    },
  );
}
