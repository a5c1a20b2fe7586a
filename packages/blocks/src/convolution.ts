import {
  type ConvOptions,
  conv1d,
  conv2d,
  conv3d,
  OptionError,
  type PerAxis,
  type Tensor,
} from '@atrous/core';
import { type Block, block, type Parameter } from './block.js';
import { checkCounts, perAxis } from './check.js';

export interface ConvolutionOptions extends Omit<ConvOptions, 'bias'> {
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean | undefined;
  /** Number of spatial axes. Default 2, or the length of `kernel`. */
  readonly axes?: 1 | 2 | 3 | undefined;
  /** Default `'kaiming'`. */
  readonly init?: Parameter['init'] | undefined;
}

const convolve = [conv1d, conv2d, conv3d] as const;

/**
 * Convolution over 1, 2 or 3 axes: PyTorch's `nn.Conv1d`, `nn.Conv2d`, `nn.Conv3d`. Depthwise is
 * `groups: inChannels`.
 *
 * Parameters: `weight` `[O, C / groups, …kernel]`, `bias` `[O]`. Input `[N, C, H, W]`, output `[N, O, H', W']`.
 *
 * ```ts
 * convolution(256, 256, 3, { dilation: 6, padding: 6 });
 * convolution(1, 8, [3, 3, 3], { padding: 'same' });      // over a volume
 * ```
 *
 * @param kernel taps, one number for all axes or one per axis
 * @throws OptionError for unusable sizes
 */
export function convolution(
  inChannels: number,
  outChannels: number,
  kernel: PerAxis,
  options: ConvolutionOptions = {},
): Block {
  const { bias = true, axes, init = 'kaiming', ...rest } = options;
  const groups = rest.groups ?? 1;
  checkCounts('convolution', { inChannels, outChannels, groups });
  if (inChannels % groups !== 0 || outChannels % groups !== 0)
    throw new OptionError(
      `convolution: groups ${groups} must divide inChannels ${inChannels} and outChannels ${outChannels}`,
      { groups, inChannels, outChannels },
    );
  const taps = kernelSizes(kernel, axes);
  const convolveAxes = convolve[taps.length - 1]!;
  return block(
    {
      weight: { shape: [outChannels, inChannels / groups, ...taps], init, trained: true },
      bias: bias ? { shape: [outChannels], init: 'zeros', trained: true } : undefined,
    },
    (m, x: Tensor) => convolveAxes(x, m.weight, { ...rest, bias: m.bias }),
  );
}

/** Taps per axis. */
function kernelSizes(kernel: PerAxis, axes: number | undefined): readonly number[] {
  const count = axes ?? (typeof kernel === 'number' ? 2 : kernel.length);
  if (![1, 2, 3].includes(count))
    throw new OptionError(`convolution: there can be 1, 2 or 3 spatial axes but not ${count}`, {
      kernel,
      axes,
    });
  return perAxis('convolution', 'kernel', kernel, count);
}

/**
 * The padding that keeps the middle tap on the output's position: `dilation * (kernel - 1) / 2` on both sides, so that
 * stride 1 keeps the size.
 *
 * @throws OptionError for an even kernel with an odd dilation, which has no such padding
 */
export function centredPadding(kernel: PerAxis, dilation: PerAxis = 1, axes?: number): number[] {
  const taps = kernelSizes(kernel, axes);
  const rates = perAxis('convolution', 'dilation', dilation, taps.length);
  return taps.map((size, axis) => {
    const side = (rates[axis]! * (size - 1)) / 2;
    if (!Number.isInteger(side))
      throw new OptionError(
        `convolution: kernel ${size} with dilation ${rates[axis]} has no middle; give padding, for example 'same'`,
        { kernel: size, dilation: rates[axis] },
      );
    return side;
  });
}
