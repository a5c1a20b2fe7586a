import {
  conv1d,
  conv2d,
  conv3d,
  OptionError,
  pad,
  pixelShuffle,
  pixelUnshuffle,
  reshape,
  ShapeError,
  slice,
  type Tensor,
} from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';
import { centredPadding, convolution } from './convolution.js';

const convolve = [conv1d, conv2d, conv3d] as const;

export interface SharedConvolutionOptions {
  /** Taps along every axis, an odd number. */
  readonly kernel: number;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

function checkAxes(op: string, axes: number): asserts axes is 1 | 2 | 3 {
  if (![1, 2, 3].includes(axes))
    throw new OptionError(`${op}: there can be 1, 2 or 3 spatial axes but not ${axes}`, { axes });
}

/** Every channel as a picture of its own, so that one filter or one mixture serves them all. */
const channelsApart = (x: Tensor): Tensor => reshape(x, [x.shape[0]! * x.shape[1]!, 1, ...x.shape.slice(2)]);

/**
 * Separable and shared convolution: every channel is filtered alone (separable), all by the same kernel (shared). It
 * smooths maps for as many weights as one filter has.
 *
 * Input and output `[N, C, H, W]` for any C. Parameter: `weight` `[1, 1, kernel, kernel]`, the identity at first.
 *
 * Source: Wang & Ji, "Smoothed dilated convolutions for improved dense prediction", KDD 2018, section 3.4.
 *
 * @throws OptionError for an even kernel; `apply` throws ShapeError for another number of axes
 */
export function sharedConvolution({ kernel, axes = 2 }: SharedConvolutionOptions): Block {
  checkCounts('sharedConvolution', { kernel });
  checkAxes('sharedConvolution', axes);
  if (kernel % 2 === 0)
    throw new OptionError(
      `sharedConvolution: kernel must be odd, so that it has a middle, but is ${kernel}`,
      {
        kernel,
      },
    );
  const shape = [1, 1, ...new Array<number>(axes).fill(kernel)];
  return block({ weight: { shape, init: 'identity', trained: true } }, (m, x: Tensor) => {
    if (x.shape.length !== axes + 2)
      throw new ShapeError(
        `sharedConvolution: x must be [N, C, …] with ${axes} spatial axes but is [${x.shape.join(', ')}]`,
        { x: x.shape, axes },
      );
    return reshape(convolve[axes - 1]!(channelsApart(x), m.weight, { padding: (kernel - 1) / 2 }), x.shape);
  });
}

export interface SmoothedDilationOptions extends Omit<SharedConvolutionOptions, 'kernel'> {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Rate of the convolution. */
  readonly rate: number;
  /** Taps of the convolution. Default 3. */
  readonly kernel?: number | undefined;
  /**
   * `'shared'`: a separable and shared convolution with `2 · rate − 1` taps before; `'groups'`: an interaction of the
   * `rate²` groups of outputs that share no input, after. Default `'shared'`.
   */
  readonly method?: 'shared' | 'groups' | undefined;
  /** Whether the convolution has a bias. Default true. */
  readonly bias?: boolean | undefined;
}

/**
 * Dilated convolution without gridding: neighbouring outputs, which read inputs that have nothing in common, are made to
 * depend on each other. As `initialize` makes it, it is the dilated convolution alone.
 *
 * Input `[N, inChannels, H, W]`, output `[N, outChannels, H, W]`. Children: `conv`, the dilated convolution; with
 * `'shared'` before it `pre_conv` (one parameter `weight` `[1, 1, 2 · rate − 1, 2 · rate − 1]`); with `'groups'` after it
 * the parameter `interaction` `[rate², rate²]`, from each group to each, with groups numbered by row and then column of
 * their first position.
 *
 * ```ts
 * smoothedDilation({ inChannels: 64, outChannels: 64, rate: 4 });
 * ```
 *
 * Source: Wang & Ji, "Smoothed dilated convolutions for improved dense prediction", KDD 2018, sections 3.3 and 3.4.
 *
 * @throws OptionError for an unusable size or method
 */
export function smoothedDilation(options: SmoothedDilationOptions): Block {
  const { inChannels, outChannels, rate, kernel = 3, method = 'shared', bias = true, axes = 2 } = options;
  checkCounts('smoothedDilation', { inChannels, outChannels, rate, kernel });
  checkAxes('smoothedDilation', axes);
  const conv = convolution(inChannels, outChannels, kernel, {
    dilation: rate,
    padding: centredPadding(kernel, rate, axes),
    bias,
    axes,
  });
  if (method === 'shared')
    return block({ pre_conv: sharedConvolution({ kernel: 2 * rate - 1, axes }), conv }, (m, x: Tensor) =>
      m.conv(m.pre_conv(x)),
    );
  if (method !== 'groups')
    throw new OptionError(
      `smoothedDilation: method must be 'shared' or 'groups' but is '${String(method)}'`,
      {
        method,
      },
    );
  const groups = rate ** axes;
  return block(
    { conv, interaction: { shape: [groups, groups], init: 'identity', trained: true } },
    (m, x: Tensor) => interact(m.conv(padToMultiple(x, rate)), m.interaction, rate, x.shape.slice(2)),
  );
}

/** Zeros at the end of every spatial axis, so that all groups are equally large. */
function padToMultiple(x: Tensor, rate: number): Tensor {
  const missing = x.shape.map((size, axis) => (axis < 2 ? 0 : (rate - (size % rate)) % rate));
  if (missing.every((count) => count === 0)) return x;
  return pad(
    x,
    missing.map((count): readonly [number, number] => [0, count]),
  );
}

/** A group is every rate-th position of an axis; outputs of all groups at the same place are mixed. */
function interact(y: Tensor, weight: Tensor, rate: number, size: readonly number[]): Tensor {
  const groups = pixelUnshuffle(channelsApart(y), rate);
  const mix = convolve[size.length - 1]!;
  const mixed = mix(groups, reshape(weight, [...weight.shape, ...size.map(() => 1)]));
  const whole = reshape(pixelShuffle(mixed, rate), y.shape);
  const axes = size.map((_, axis) => axis + 2);
  return slice(whole, { axes, start: axes.map(() => 0), end: size });
}
