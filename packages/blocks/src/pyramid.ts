/** What all spatial pyramids are made of: branches that read one map side by side, and a feature of the whole image. */
import { concat, globalAvgPool, OptionError, type Tensor } from '@atrous/core';
import { stretch } from './stretch.js';

type Branch = (x: Tensor) => Tensor;

/** Every branch on the same input, joined along the channels. */
export const sideBySide = (branches: readonly Branch[], x: Tensor): Tensor =>
  concat(branches.map((branch) => branch(x)));

/** The image-level feature: the mean over all positions, turned into features, at every position of x. */
export const imageLevel = (features: Branch, x: Tensor): Tensor => stretch(features(globalAvgPool(x)), x);

/**
 * Rates of an atrous pyramid behind a backbone of this output stride: they cover as much of the picture as the rates
 * 6, 12, 18 do at output stride 16, so they are doubled at 8 and halved at 32.
 *
 * ```ts
 * asppRates(8);                    // [12, 24, 36]
 * asppRates(8, [6, 12, 18, 24]);   // [12, 24, 36, 48]
 * ```
 *
 * Source: Chen, Papandreou, Schroff & Adam, DeepLab v3, 2017 (arXiv 1706.05587), section 3.3.
 *
 * @param rates those at output stride 16
 * @throws OptionError for an output stride at which a rate is no positive integer
 */
export function asppRates(outputStride: number, rates: readonly number[] = [6, 12, 18]): readonly number[] {
  const scaled = rates.map((rate) => (rate * 16) / outputStride);
  if (
    !(Number.isSafeInteger(outputStride) && outputStride > 0) ||
    scaled.some((rate) => !Number.isSafeInteger(rate) || rate < 1)
  )
    throw new OptionError(
      `asppRates: outputStride ${String(outputStride)} makes the rates [${rates.join(', ')}] of output stride 16 [${scaled.join(', ')}]; they must be positive integers, as for output stride 8, 16 or 32`,
      { outputStride, rates },
    );
  return scaled;
}
