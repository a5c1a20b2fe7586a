import { batchNorm as normalize, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number | undefined;
}

/**
 * Batch normalisation with running statistics (Ioffe & Szegedy, ICML 2015): PyTorch's `nn.BatchNorm1d/2d/3d` in
 * evaluation mode. Backends fold it into the convolution before.
 *
 * Parameters, each `[C]`: `weight`, `bias`, `running_mean`, `running_var`. Input and output `[N, C, …]`.
 */
export function batchNorm(channels: number, { epsilon = 1e-5 }: BatchNormOptions = {}): Block {
  checkCounts('batchNorm', { channels });
  const shape = [channels];
  return block(
    {
      weight: { shape, init: 'ones', trained: true },
      bias: { shape, init: 'zeros', trained: true },
      running_mean: { shape, init: 'zeros', trained: false },
      running_var: { shape, init: 'ones', trained: false },
    },
    (m, x: Tensor) =>
      normalize(x, {
        mean: m.running_mean,
        variance: m.running_var,
        weight: m.weight,
        bias: m.bias,
        epsilon,
      }),
  );
}
