import { OptionError, type Tensor } from '@atrous/core';
import { layouts } from './backbones/resnet.js';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { hdcGroup } from './hdc.js';
import { expansion } from './residual.js';

/** How the rates of a stage go on, block after block; `rest` is the rate of blocks behind the last whole group. */
const schedules = {
  rf: { layer3: { group: [1, 2, 3], rest: 2 }, layer4: { group: [3, 4, 5] } },
  bigger: { layer3: { group: [1, 2, 5, 9] }, layer4: { group: [5, 9, 17] } },
} as const;

export interface HdcRatesOptions {
  readonly depth: keyof typeof layouts;
  /**
   * `'rf'`: groups of 1, 2, 3, then 3, 4, 5, about the field of the rates 2 and 4 that they replace; `'bigger'`: groups
   * of 1, 2, 5, 9, then 5, 9, 17. Default `'bigger'`, the paper's best.
   */
  readonly schedule?: keyof typeof schedules | undefined;
}

export interface HdcRates {
  readonly layer3: readonly number[];
  readonly layer4: readonly number[];
}

function ratesOf(group: readonly number[], rest: number | undefined, count: number): readonly number[] {
  const whole = rest === undefined || count < group.length ? count : count - (count % group.length);
  return Array.from({ length: count }, (_, i) => (i < whole ? group[i % group.length]! : rest!));
}

/**
 * Rates of the dilated stages of a ResNet at output stride 8 with hybrid dilation, one per residual block. ResNet-101
 * has the paper's: 23 and 3 blocks.
 *
 * ```ts
 * hdcRates({ depth: 101 }).layer4;   // [5, 9, 17]
 * ```
 *
 * Source: Wang, Chen, Yuan, Liu, Huang, Hou & Cottrell, "Understanding convolution for semantic segmentation", WACV 2018,
 * section 4.1.2, "Dilation-RF" and "Dilation-bigger".
 *
 * @throws OptionError for an unknown depth or schedule
 */
export function hdcRates({ depth, schedule = 'bigger' }: HdcRatesOptions): HdcRates {
  if (!Object.hasOwn(layouts, depth))
    throw new OptionError(
      `hdcRates: depth must be ${Object.keys(layouts).join(', ')} but is ${String(depth)}`,
      {
        depth,
      },
    );
  if (!Object.hasOwn(schedules, schedule))
    throw new OptionError(`hdcRates: schedule must be 'rf' or 'bigger' but is '${String(schedule)}'`, {
      schedule,
    });
  const [, , third, fourth] = layouts[depth].counts;
  const { layer3, layer4 } = schedules[schedule];
  return {
    layer3: ratesOf(layer3.group, 'rest' in layer3 ? layer3.rest : undefined, third),
    layer4: ratesOf(layer4.group, undefined, fourth),
  };
}

export interface HdcStagesOptions extends HdcRatesOptions {
  /** Channels of the ResNet's first convolution; every other width is a multiple. Default 64. */
  readonly width?: number | undefined;
  /** Other rates than those of the schedule, one per block of each stage. */
  readonly rates?: HdcRates | undefined;
}

/**
 * The last two stages of a ResNet at output stride 8, with hybrid dilation instead of rates 2 and 4.
 *
 * Input `[N, C, H, W]`, the features of `layer2`: C is `2 · width`, four times as many for depths 50, 101 and 152. Output
 * `[N, 4 · C, H, W]`. Children `layer3` and `layer4`, with torchvision's names.
 *
 * ```ts
 * const features = resnet({ depth: 101, outputStride: 8, returns: { out: 'layer2' } });
 * const stages = hdcStages({ depth: 101 });
 * const head = duc({ inChannels: 2048, numClasses: 19 });
 * ```
 *
 * Source: Wang et al., WACV 2018, section 4.1.2; `hdcVerdict` tells whether a stage leaves holes.
 *
 * @throws OptionError for an unknown depth or schedule, and unless there is one rate per block
 */
export function hdcStages(options: HdcStagesOptions): Block {
  const { depth, width = 64 } = options;
  checkCounts('hdcStages', { width });
  const published = hdcRates(options);
  const { rates = published } = options;
  for (const layer of ['layer3', 'layer4'] as const) {
    checkRates(`hdcStages: ${layer}`, rates[layer]);
    if (rates[layer].length !== published[layer].length)
      throw new OptionError(
        `hdcStages: rates of ${layer} [${rates[layer].join(', ')}] must have ${published[layer].length} entries, one per block of ResNet-${depth}`,
        { layer, rates: rates[layer] },
      );
  }
  const { kind } = layouts[depth];
  const stage = (inPlanes: number, stageRates: readonly number[]): Block =>
    hdcGroup({
      block: kind,
      inChannels: inPlanes * expansion[kind],
      planes: 2 * inPlanes,
      rates: stageRates,
    });
  return block(
    { layer3: stage(2 * width, rates.layer3), layer4: stage(4 * width, rates.layer4) },
    (m, x: Tensor) => m.layer4(m.layer3(x)),
  );
}
