/** What MobileNetV2 and MobileNetV3 have in common. */
import { globalAvgPool, OptionError, reshape, type Tensor } from '@atrous/core';
import { type Block, block } from '../block.js';
import { checkCounts } from '../check.js';
import { sequential } from '../sequential.js';
import {
  type BackboneOutput,
  backbone,
  type ClassifierOutput,
  checkOutput,
  type Returns,
  type Stage,
} from './backbone.js';

/**
 * A number of channels as a multiple of 8, rounded to the nearest one and never down by more than a tenth: the rule of
 * the papers' code (`_make_divisible` in torchvision, `make_divisible` in TF-slim).
 */
export function toMultipleOf8(channels: number): number {
  const rounded = Math.max(8, 8 * Math.floor((channels + 4) / 8));
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/** Throws unless a width multiplier is a sensible number. */
export function checkWidthMultiplier(op: string, widthMultiplier: number): void {
  if (typeof widthMultiplier !== 'number' || !(widthMultiplier > 0 && widthMultiplier <= 16))
    throw new OptionError(
      `${op}: widthMultiplier must be above 0 and at most 16, such as 0.5, but is ${String(widthMultiplier)}`,
      { widthMultiplier },
    );
}

/**
 * The maps that are asked for, from children `0`, `1`, …; or the network with its children `features` and
 * `classifier`.
 *
 * @param classifierOf a block from `[N, channels]` to `[N, classes]`
 */
export function mobileNet(
  op: string,
  stages: readonly Stage[],
  { returns, numClasses }: BackboneOutput<Returns> | ClassifierOutput,
  classifierOf: (channels: number, numClasses: number) => Block,
): Block<[Tensor], Tensor> | ReturnType<typeof backbone> {
  checkOutput(op, { returns, numClasses });
  if (numClasses === undefined) return backbone(op, stages, returns ?? { out: stages.at(-1)!.name });
  checkCounts(op, { numClasses });
  const { channels } = stages.at(-1)!;
  const features = sequential(stages.map((stage) => stage.block));
  return block({ features, classifier: classifierOf(channels, numClasses) }, (m, x: Tensor) =>
    m.classifier(reshape(globalAvgPool(m.features(x)), [x.shape[0]!, channels])),
  );
}
