import { OptionError } from '@atrous/core';
import {
  type HoleTest,
  type HybridDilation,
  holeTest,
  hybridDilation,
  receptiveField,
  type WindowLayer,
} from '@atrous/rf';
import type { Block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { basicBlock, bottleneckBlock, expansion } from './residual.js';
import { sequential } from './sequential.js';

const residualBlocks = { basic: basicBlock, bottleneck: bottleneckBlock } as const;

export interface HdcScheduleOptions {
  /** Kind of the residual blocks: two 3×3 convolutions each, or one between two 1×1. */
  readonly block: keyof typeof residualBlocks;
  /** One rate per block. Default 1, 2, 3. */
  readonly rates?: readonly number[] | undefined;
  /** Stride of the first block. Default 1. */
  readonly stride?: number | undefined;
}

export interface HdcGroupOptions extends HdcScheduleOptions {
  readonly inChannels: number;
  /** Channels of the 3×3 convolutions. */
  readonly planes: number;
  /** Number of spatial axes. Default 2. */
  readonly axes?: 1 | 2 | 3 | undefined;
}

const defaultRates = [1, 2, 3];

function checkSchedule(op: string, { block, rates = defaultRates, stride = 1 }: HdcScheduleOptions) {
  if (!Object.hasOwn(residualBlocks, block))
    throw new OptionError(`${op}: block must be 'basic' or 'bottleneck' but is '${String(block)}'`, {
      block,
    });
  checkRates(op, rates);
  checkCounts(op, { stride });
  return { block, rates, stride };
}

/**
 * Hybrid dilated convolution: a group of residual blocks whose rates rise like a saw tooth, so that together they read
 * every input within their field, where equal rates leave a grid of holes.
 *
 * Input `[N, inChannels, H, W]`, output `[N, planes, H / stride, W / stride]` (`4 · planes` for bottlenecks). Children
 * `0`, `1`, … are the blocks, with the names of a ResNet layer in torchvision. Any rates are built; `hdcVerdict` tells
 * whether they leave holes.
 *
 * ```ts
 * hdcGroup({ block: 'bottleneck', inChannels: 512, planes: 256, rates: [1, 2, 5] });
 * ```
 *
 * Source: Wang, Chen, Yuan, Liu, Huang, Hou & Cottrell, "Understanding convolution for semantic segmentation", WACV 2018,
 * section 3.2.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function hdcGroup(options: HdcGroupOptions): Block {
  const { block, rates, stride } = checkSchedule('hdcGroup', options);
  const { inChannels, planes, axes } = options;
  checkCounts('hdcGroup', { inChannels, planes });
  return sequential(
    rates.map((dilation, i) =>
      residualBlocks[block]({
        inChannels: i === 0 ? inChannels : planes * expansion[block],
        planes,
        stride: i === 0 ? stride : 1,
        dilation,
        axes,
      }),
    ),
  );
}

export interface HdcVerdict {
  /** Whether outputs read every input within their field: exact, for the layers of this group with their stride. */
  readonly holeFree: boolean;
  /** Inputs from the first to the last one that an output reads, per axis. */
  readonly field: number;
  /** The exact test: what each 3×3 layer may span at most, and which one spans more. */
  readonly holes: HoleTest;
  /** The rule as published, on the rates alone, and how far it can be trusted for them. */
  readonly rule: HybridDilation;
  /** All of it in one sentence. */
  readonly message: string;
}

/**
 * Whether an HDC group leaves holes in its receptive field, before anything is trained. Takes the options of `hdcGroup`.
 * The shortcuts read nothing that the convolutions do not.
 *
 * ```ts
 * hdcVerdict({ block: 'bottleneck', rates: [2, 2, 2] }).message;
 * ```
 *
 * @throws OptionError for unusable rates
 */
export function hdcVerdict(options: HdcScheduleOptions): HdcVerdict {
  const { block, rates, stride } = checkSchedule('hdcVerdict', options);
  const layers = rates.flatMap((dilation, i): WindowLayer[] => {
    const first = { kernel: 3, dilation, padding: dilation, stride: i === 0 ? stride : 1 };
    return block === 'bottleneck'
      ? [{ ...first, name: `${i}.conv2` }]
      : [
          { ...first, name: `${i}.conv1` },
          { kernel: 3, dilation, padding: dilation, name: `${i}.conv2` },
        ];
  });
  const [holes] = holeTest(layers, { ndim: 1 }) as [HoleTest];
  const [field] = receptiveField(layers, { ndim: 1 }).size as [number];
  const { offender } = holes;
  const subject = `rates ${rates.join(', ')}${stride === 1 ? '' : ` with stride ${stride}`}`;
  const mend =
    stride === 1
      ? 'use rates that begin at 1 and rise slowly, such as 1, 2, 3 or 1, 2, 5'
      : 'use smaller rates, or put the stride into a layer before the group';
  const message =
    offender === undefined
      ? `${subject}: every input of the ${field} × ${field} field is read`
      : `${subject}: the ${field} × ${field} field has holes, because the taps of ${offender.name} are ${offender.spacing} inputs apart where at most ${offender.allowed} can be filled in; ${mend}`;
  return { holeFree: holes.holeFree, field, holes, rule: hybridDilation(rates), message };
}
