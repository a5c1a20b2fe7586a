import { add, OptionError, relu, type Tensor } from '@atrous/core';
import { type Block, block, type Parameters } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';
import { checkRecord } from './parameters.js';
import { foldWeightNorm } from './weight-norm.js';

export interface TcnBlockOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Taps of both convolutions. Default 2. */
  readonly kernel?: number | undefined;
  /** Rate of both convolutions. Default 1. */
  readonly rate?: number | undefined;
}

/**
 * Residual block of a temporal convolutional network: two causal dilated convolutions, each with a ReLU, and the shortcut,
 * a 1×1 convolution where the channels change. Output t depends on no later input; its dropout does nothing at inference.
 *
 * Input `[N, inChannels, T]`, output `[N, outChannels, T]`. Children `conv1`, `conv2`, and `downsample` where the channels
 * change. Weight normalisation is multiplied out: see `tcnParameters`.
 *
 * Source: Bai, Kolter & Koltun, "An empirical evaluation of generic convolutional and recurrent networks for sequence
 * modeling", 2018 (arXiv 1803.01271), section 3, figure 1.
 *
 * @throws OptionError for unusable sizes
 */
export function tcnBlock({ inChannels, outChannels, kernel = 2, rate = 1 }: TcnBlockOptions): Block {
  checkCounts('tcnBlock', { inChannels, outChannels, kernel, rate });
  const causal = (from: number) =>
    convolution(from, outChannels, kernel, { axes: 1, dilation: rate, padding: 'causal' });
  return block(
    {
      conv1: causal(inChannels),
      conv2: causal(outChannels),
      downsample:
        inChannels === outChannels ? undefined : convolution(inChannels, outChannels, 1, { axes: 1 }),
    },
    (m, x: Tensor) => {
      const y = relu(m.conv2(relu(m.conv1(x))));
      return relu(add(y, m.downsample?.(x) ?? x));
    },
  );
}

export interface TcnOptions {
  readonly inChannels: number;
  /** Output channels of every block. */
  readonly channels: readonly number[];
  /** Taps of the convolutions. Default 2. */
  readonly kernel?: number | undefined;
  /** Rate of every block. Default 1, 2, 4, …. */
  readonly rates?: readonly number[] | undefined;
}

/**
 * Temporal convolutional network: residual blocks whose rate doubles, so that the field grows exponentially with depth,
 * `1 + 2 · (kernel − 1) · (2ⁿ − 1)` samples after n blocks.
 *
 * Input `[N, inChannels, T]`, output `[N, channels.at(-1), T]`. Children `network.0`, `network.1`, ….
 *
 * ```ts
 * const sequence = tcn({ inChannels: 1, channels: [25, 25, 25, 25], kernel: 7 });
 * const parameters = loadParameters(sequence, tcnParameters(tensors));
 * ```
 *
 * Source: Bai, Kolter & Koltun, 2018 (arXiv 1803.01271), section 3.
 *
 * @throws OptionError for unusable sizes, and unless there is one rate per block
 */
export function tcn(options: TcnOptions): Block {
  const { inChannels, channels, kernel } = options;
  checkCounts('tcn', { inChannels });
  if (!Array.isArray(channels) || channels.length === 0)
    throw new OptionError('tcn: channels must be a list with the output channels of every block', {
      channels,
    });
  const { rates = channels.map((_, i) => 2 ** i) } = options;
  checkRates('tcn', rates);
  if (rates.length !== channels.length)
    throw new OptionError(
      `tcn: rates [${rates.join(', ')}] must have ${channels.length} entries, one per block of channels [${channels.join(', ')}]`,
      { rates, channels },
    );
  return block(
    {
      network: channels.map((outChannels, i) =>
        tcnBlock({
          inChannels: i === 0 ? inChannels : channels[i - 1]!,
          outChannels,
          kernel,
          rate: rates[i],
        }),
      ),
    },
    (m, x: Tensor) => m.network.reduce((y, layer) => layer(y), x),
  );
}

/**
 * A state dict of the published PyTorch code as `tcnBlock` and `tcn` take it: weight normalisation multiplied out, and
 * without the second names (`net.0`, `net.4`) under which that code stores the same convolutions again.
 *
 * @throws OptionError unless `tensors` is an object of tensors by name; what `foldWeightNorm` throws
 */
export function tcnParameters(tensors: Parameters): Parameters {
  checkRecord('tcnParameters', tensors);
  return foldWeightNorm(
    Object.fromEntries(Object.entries(tensors).filter(([name]) => !/(^|\.)net\.[04]\./.test(name))),
  );
}
