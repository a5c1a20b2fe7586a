import { add, concat, OptionError, relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts } from './check.js';
import { convolution } from './convolution.js';
import { prelu } from './prelu.js';
import { activation as activationBlock } from './sequential.js';

export interface EspModuleOptions {
  readonly inChannels: number;
  /** Default inChannels. */
  readonly outChannels?: number | undefined;
  /** Number of parallel branches, with rates 1, 2, 4, …; K in the paper. Default 5. */
  readonly branches?: number | undefined;
  /** With 2 the reduction is a 3×3 convolution with that stride, and there is no shortcut. Default 1. */
  readonly stride?: number | undefined;
  /** Whether the input is added. Default true where sizes and channels stay the same. */
  readonly residual?: boolean | undefined;
  /** Default `'prelu'`. */
  readonly activation?: 'prelu' | 'relu' | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

/** With more, the largest rate would exceed the elements of any tensor. */
const maxBranches = 31;

/**
 * Efficient spatial pyramid: a 1×1 reduction to `outChannels / branches` channels, parallel 3×3 convolutions with rates
 * 1, 2, 4, …, hierarchical feature fusion, the shortcut, batch norm and activation. The fusion adds each branch to those
 * of smaller rates before they are concatenated, which fills the holes of the large rates.
 *
 * Input `[N, inChannels, H, W]`, output `[N, outChannels, H / stride, W / stride]` (rounded up). Children `reduce`,
 * `branches.0` …, `bn`, and `act` with PReLU. Branch 0, of rate 1, takes the channels that the division leaves over;
 * as in the published code, it takes no part in the sums, which begin with rate 2.
 *
 * ```ts
 * espModule({ inChannels: 128 });                                  // rates 1, 2, 4, 8, 16
 * espModule({ inChannels: 64, outChannels: 128, stride: 2 });      // half the size
 * ```
 *
 * Source: Mehta, Rastegari, Caspi, Shapiro & Hajishirzi, "ESPNet: efficient spatial pyramid of dilated convolutions for
 * semantic segmentation", ECCV 2018, section 3.
 *
 * @throws OptionError for unusable sizes, fewer channels than branches, and a shortcut that does not fit
 */
export function espModule(options: EspModuleOptions): Block {
  const { inChannels, outChannels = inChannels, branches = 5, stride = 1, axes = 2 } = options;
  checkCounts('espModule', { inChannels, outChannels, branches, stride });
  const fits = inChannels === outChannels && stride === 1;
  const { residual = fits, activation = 'prelu' } = options;
  if (branches > maxBranches)
    throw new OptionError(
      `espModule: branches must be at most ${maxBranches}, because rates double, but is ${branches}`,
      { branches },
    );
  if (outChannels < branches)
    throw new OptionError(
      `espModule: ${outChannels} output channels are too few for ${branches} branches; give fewer branches`,
      { outChannels, branches },
    );
  if (residual && !fits)
    throw new OptionError(
      `espModule: the input can only be added where inChannels ${inChannels} equals outChannels ${outChannels} and the stride ${stride} is 1; use residual: false`,
      { inChannels, outChannels, stride },
    );
  if (activation !== 'prelu' && activation !== 'relu')
    throw new OptionError(`espModule: activation must be 'prelu' or 'relu' but is '${String(activation)}'`, {
      activation,
    });
  const width = Math.floor(outChannels / branches);
  const first = outChannels - (branches - 1) * width;
  const plain = { bias: false, axes };
  return block(
    {
      reduce:
        stride === 1
          ? convolution(inChannels, width, 1, plain)
          : convolution(inChannels, width, 3, { ...plain, stride, padding: 1 }),
      branches: Array.from({ length: branches }, (_, k) =>
        convolution(width, k === 0 ? first : width, 3, { ...plain, dilation: 2 ** k, padding: 2 ** k }),
      ),
      bn: batchNorm(outChannels),
      act: activation === 'prelu' ? prelu(outChannels) : activationBlock(relu),
    },
    (m, x: Tensor) => {
      const reduced = m.reduce(x);
      const fused: Tensor[] = [];
      for (const [k, branch] of m.branches.entries()) {
        const y = branch(reduced);
        fused.push(k < 2 ? y : add(fused[k - 1]!, y));
      }
      const y = concat(fused);
      return m.act(m.bn(residual ? add(x, y) : y));
    },
  );
}
