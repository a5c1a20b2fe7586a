import { OptionError } from '@atrous/core';

/** A layer with a stride, once strides may have become rates. */
export interface AtrousLayer {
  /** What is left of the stride: 1 where it was replaced. */
  readonly stride: number;
  /** Rate of the layer itself. */
  readonly dilation: number;
  /** Rate of whatever follows, up to the next stride. */
  readonly dilationAfter: number;
}

export interface ReplaceStridesOptions {
  /**
   * Rate of a layer that lost its stride: `'before'`, the rate that reached it, so that it computes what it did at more
   * places; or `'after'`, already the larger rate. Default `'before'`.
   */
  readonly ownRate?: 'before' | 'after' | undefined;
}

/**
 * Atrous conversion: where a stride is dropped, everything behind it is dilated by as much, so that each layer reads
 * samples as far apart as before, now at every place. With `ownRate: 'before'`, every `stride`-th output is that of the
 * network with strides, and the receptive field is the same; no weight changes.
 *
 * Source: Chen, Papandreou, Kokkinos, Murphy & Yuille, DeepLab v1 (ICLR 2015), section 3.1; Chen et al., DeepLab v3
 * (2017), section 3.1.
 *
 * @param strides of layers one after the other; 1 for layers without
 * @param replaced which of them are dropped, one entry per layer
 */
export function replaceStrides(
  strides: readonly number[],
  replaced: readonly boolean[],
  { ownRate = 'before' }: ReplaceStridesOptions = {},
): readonly AtrousLayer[] {
  let rate = 1;
  return strides.map((stride, i) => {
    const before = rate;
    if (replaced[i]) rate *= stride;
    return {
      stride: replaced[i] ? 1 : stride,
      dilation: ownRate === 'after' ? rate : before,
      dilationAfter: rate,
    };
  });
}

/**
 * Which strides to drop for a wanted output stride: all that come once it is reached.
 *
 * @param stem the stride of what stands before the layers and is never converted
 * @throws OptionError for an output stride that no selection of leading strides multiplies to
 */
export function stridesBeyond(
  op: string,
  stem: number,
  strides: readonly number[],
  outputStride: number,
): readonly boolean[] {
  const reached = [stem];
  for (const stride of strides) reached.push(reached.at(-1)! * stride);
  if (!reached.includes(outputStride)) {
    const possible = [...new Set(reached)];
    throw new OptionError(
      `${op}: outputStride must be ${possible.slice(0, -1).join(', ')} or ${possible.at(-1)} but is ${String(outputStride)}`,
      { outputStride, possible },
    );
  }
  return strides.map((stride, i) => stride > 1 && reached[i]! >= outputStride);
}
