import { prelu as rectify, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';

/**
 * ReLU with a learned slope for negative inputs, one per channel: PyTorch's `nn.PReLU(channels)`.
 *
 * Parameter: `weight` `[channels]`, 0.25 at first. Input and output `[N, channels, …]`.
 *
 * Source: He, Zhang, Ren & Sun, "Delving deep into rectifiers", ICCV 2015.
 *
 * @throws OptionError for unusable sizes
 */
export function prelu(channels: number): Block {
  checkCounts('prelu', { channels });
  return block({ weight: { shape: [channels], init: 0.25, trained: true } }, (m, x: Tensor) =>
    rectify(x, m.weight),
  );
}
