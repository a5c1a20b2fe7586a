import type { Tensor } from '@atrous/core';
import { type Block, block } from './block.js';

/**
 * Blocks one after the other, each on the output of the one before: PyTorch's `nn.Sequential`. The names are `0`, `1`,
 * …; blocks without parameters (activation, identity) take a number too, so state dicts fit as they are.
 *
 * ```ts
 * sequential([convolution(3, 8, 3), batchNorm(8), activation(relu), convolution(8, 2, 1)]);   // 0.weight … 3.bias
 * ```
 */
export const sequential = (blocks: readonly Block[]): Block =>
  block(Object.fromEntries(blocks.map((child, i) => [i, child])), (m, x: Tensor) =>
    blocks.reduce((value, _, i) => m[i]!(value), x),
  );

/** A function of one tensor as a block without parameters: `activation(relu)`. Keeps its place in a sequence. */
export const activation = (fn: (x: Tensor) => Tensor): Block => block({}, (_, x: Tensor) => fn(x));

/** Gives its input back: PyTorch's `nn.Identity`, and what dropout is at inference. */
export const identity = (): Block => activation((x) => x);
