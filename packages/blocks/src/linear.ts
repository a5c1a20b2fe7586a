import { linear as multiply, type Tensor } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';

/**
 * Fully connected layer: PyTorch's `nn.Linear`.
 *
 * Parameters: `weight` `[outFeatures, inFeatures]`, `bias` `[outFeatures]`. Input `[…, inFeatures]`, output
 * `[…, outFeatures]`.
 *
 * @throws OptionError for unusable sizes
 */
export function linear(inFeatures: number, outFeatures: number): Block {
  checkCounts('linear', { inFeatures, outFeatures });
  return block(
    {
      weight: { shape: [outFeatures, inFeatures], init: 'kaiming', trained: true },
      bias: { shape: [outFeatures], init: 'zeros', trained: true },
    },
    (m, x: Tensor) => multiply(x, m.weight, { bias: m.bias }),
  );
}
