import { OptionError, relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';
import { activation, sequential } from './sequential.js';

export interface DrnTailOptions {
  readonly inChannels: number;
  /** Channels of every layer. Default 512. */
  readonly channels?: number | undefined;
  /**
   * `'C'`: residual blocks whose shortcut was removed, two 3×3 layers each; `'D'`: plain layers, one instead of a block.
   * Default `'C'`.
   */
  readonly kind?: 'C' | 'D' | undefined;
  /** Rates of level 7 and level 8. Default 2, 1: the rate falls until the grid that larger rates left is gone. */
  readonly rates?: readonly [level7: number, level8: number] | undefined;
  /** Blocks (C) or layers (D) of each level. Default 1. */
  readonly depth?: number | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/** Far above what was published, 3, and small enough to be made at once. */
const maxDepth = 100;

/** Convolution, batch norm, ReLU, as members of a sequence. */
const plainLayer = (inChannels: number, channels: number, dilation: number, axes: 1 | 2 | 3): Block[] => [
  convolution(inChannels, channels, 3, { dilation, padding: dilation, bias: false, axes }),
  batchNorm(channels),
  activation(relu),
];

/** A basic block without its shortcut. */
const unshortenedBlock = (inChannels: number, channels: number, dilation: number, axes: 1 | 2 | 3): Block =>
  block(
    {
      conv1: convolution(inChannels, channels, 3, { dilation, padding: dilation, bias: false, axes }),
      bn1: batchNorm(channels),
      conv2: convolution(channels, channels, 3, { dilation, padding: dilation, bias: false, axes }),
      bn2: batchNorm(channels),
    },
    (m, x: Tensor) => relu(m.bn2(m.conv2(relu(m.bn1(m.conv1(x)))))),
  );

/**
 * The levels that a dilated residual network ends with, which take out the grid that its larger rates leave: falling
 * rates, and no shortcuts, which would carry the grid past them.
 *
 * Input `[N, inChannels, H, W]`, output `[N, channels, H, W]`. Children `layer7` and `layer8`, with the names of the
 * published networks: `layer7.0.conv1.weight` (C), `layer7.0.weight` (D).
 *
 * ```ts
 * drnTail({ inChannels: 512 });                   // DRN-C-26: behind level 6, which has rate 4
 * drnTail({ inChannels: 512, kind: 'D' });        // DRN-D-22 and deeper
 * ```
 *
 * Source: Yu, Koltun & Funkhouser, "Dilated residual networks", CVPR 2017, section 4.
 *
 * @throws OptionError for an unusable size, rate or kind
 */
export function drnTail(options: DrnTailOptions): Block {
  const { inChannels, channels = 512, kind = 'C', rates = [2, 1], depth = 1, axes = 2 } = options;
  checkCounts('drnTail', { inChannels, channels, depth });
  checkRates('drnTail', rates);
  if (depth > maxDepth)
    throw new OptionError(`drnTail: depth must be at most ${maxDepth} but is ${depth}`, { depth });
  if (rates.length !== 2)
    throw new OptionError(
      `drnTail: rates [${rates.join(', ')}] must have 2 entries, one for level 7 and one for level 8`,
      { rates },
    );
  if (kind !== 'C' && kind !== 'D')
    throw new OptionError(`drnTail: kind must be 'C' or 'D' but is '${String(kind)}'`, { kind });
  const level = (from: number, dilation: number): Block =>
    sequential(
      Array.from({ length: depth }, (_, i) => (i === 0 ? from : channels)).flatMap((source) =>
        kind === 'C'
          ? unshortenedBlock(source, channels, dilation, axes)
          : plainLayer(source, channels, dilation, axes),
      ),
    );
  return block({ layer7: level(inChannels, rates[0]), layer8: level(channels, rates[1]) }, (m, x: Tensor) =>
    m.layer8(m.layer7(x)),
  );
}
