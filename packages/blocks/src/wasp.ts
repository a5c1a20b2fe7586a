import { concat, globalAvgPool, OptionError, relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { centredPadding, convolution } from './convolution.js';
import { activation, sequential } from './sequential.js';
import { stretch } from './stretch.js';

export interface WaspOptions {
  readonly inChannels: number;
  /** Channels of every branch and of the output. Default 256. */
  readonly depth?: number | undefined;
  /**
   * Rates of the branches, in the order of the waterfall. The first branch is 1×1, so its rate has no effect. Default
   * 24, 18, 12, 6: output stride 16; twice as much at 8, see `asppRates`.
   */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/**
 * Waterfall atrous spatial pooling: atrous convolutions one behind the other, all of whose outputs are kept, and the
 * image-level feature. As wide a field as a pyramid's, with fewer parameters, because each branch reads the few channels
 * of the one before.
 *
 * Input `[N, inChannels, H, W]`, output `[N, depth, H, W]`. Children as in the authors' code (WASP, UniPose): `aspp1`
 * (1×1), `aspp2` … with `atrous_conv` and `bn`; `global_avg_pool` with `1` and `2`; `conv2`, a 1×1 convolution that all
 * branches share and which is applied twice, as there; `conv1` and `bn1` after the concatenation.
 *
 * Source: Artacho & Savakis, "Waterfall atrous spatial pooling architecture for efficient semantic segmentation", Sensors
 * 19(24), 2019.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function wasp({ inChannels, depth = 256, rates = [24, 18, 12, 6], axes }: WaspOptions): Block {
  checkCounts('wasp', { inChannels, depth });
  checkRates('wasp', rates);
  if (rates.length < 2)
    throw new OptionError(
      `wasp: rates [${rates.join(', ')}] must have at least 2 entries; the first branch is 1×1 and only the others are atrous`,
      { rates },
    );
  const plain = (from: number, to: number, kernel: 1 | 3, dilation = 1) =>
    convolution(from, to, kernel, {
      dilation,
      padding: centredPadding(kernel, dilation, axes),
      bias: false,
      axes,
    });
  const atrousModule = (from: number, kernel: 1 | 3, dilation: number) =>
    block({ atrous_conv: plain(from, depth, kernel, dilation), bn: batchNorm(depth) }, (m, x: Tensor) =>
      relu(m.bn(m.atrous_conv(x))),
    );
  const names = rates.map((_, i) => `aspp${i + 1}` as const);
  const cascade = rates.map((rate, i) =>
    i === 0 ? atrousModule(inChannels, 1, rate) : atrousModule(depth, 3, rate),
  );
  const children: Readonly<Record<string, Block>> = {
    ...Object.fromEntries(names.map((name, i) => [name, cascade[i]!])),
    global_avg_pool: sequential([
      activation(globalAvgPool),
      plain(inChannels, depth, 1),
      batchNorm(depth),
      activation(relu),
    ]),
    conv1: plain(depth * (rates.length + 1), depth, 1),
    conv2: plain(depth, depth, 1),
    bn1: batchNorm(depth),
  };
  return block(children, (m, x: Tensor) => {
    let y = x;
    const branches = names.map((name) => {
      y = m[name]!(y);
      return m.conv2!(m.conv2!(y));
    });
    return relu(m.bn1!(m.conv1!(concat([...branches, stretch(m.global_avg_pool!(x), x)]))));
  });
}
