import { add, avgPool2d, interpolate, OptionError, relu, type Tensor } from '@atrous/core';
import { childrenOf } from '../backbones/backbone.js';
import { type Vgg16Options, vgg16Stages } from '../backbones/vgg16.js';
import { type Block, block } from '../block.js';
import { checkCounts, checkRates } from '../check.js';
import { convolution } from '../convolution.js';

const defaultRates = { largeFov: [12], aspp: [6, 12, 18, 24] } as const;

export interface DeepLabVgg16Options extends Vgg16Options {
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** `'largeFov'`: one branch with a wide field. `'aspp'`: a sum of branches with different rates. Default `'aspp'`. */
  readonly head?: keyof typeof defaultRates | undefined;
  /** Rates of the 3×3 convolutions `fc6`. Default 12, or 6, 12, 18, 24 for ASPP. */
  readonly rates?: readonly number[] | undefined;
  /** Channels of `fc6` and `fc7`. Default 1024. */
  readonly headChannels?: number | undefined;
}

/**
 * DeepLab on VGG-16: LargeFOV (version 1) or ASPP (version 2).
 *
 * Input `[N, inChannels, H, W]`, see `vgg16`. Output: logits `[N, numClasses, H, W]`, stretched bilinearly with aligned
 * corners as the source does for sizes `8 n + 1`; the source's dense CRF is not part of it.
 *
 * Children are named after the source's Caffe layers: `conv1_1` … `conv5_3`, then `fc6` (3×3 with the rate), `fc7` and
 * `fc8` (1×1). With ASPP there is one of each per rate: `fc6_1`, `fc7_1`, `fc8_1`, `fc6_2`, …, and the logits are added.
 * The source has the name of the data set in that of the last layer: `fc8_voc12`, `fc8_voc12_1`.
 *
 * Source: Chen, Papandreou, Kokkinos, Murphy & Yuille, ICLR 2015 (arXiv 1412.7062), and TPAMI 2018 (arXiv 1606.00915),
 * figure 7.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export function deepLabVgg16({
  numClasses,
  head = 'aspp',
  rates,
  headChannels = 1024,
  ...options
}: DeepLabVgg16Options): Block {
  const op = 'deepLabVgg16';
  if (!Object.hasOwn(defaultRates, head))
    throw new OptionError(`${op}: head must be 'largeFov' or 'aspp' but is '${String(head)}'`, { head });
  checkCounts(op, { numClasses, headChannels });
  const branches = rates ?? defaultRates[head];
  checkRates(op, branches);
  if (head === 'largeFov' && branches.length !== 1)
    throw new OptionError(
      `${op}: LargeFOV has one branch, so rates must have one entry but are [${branches.join(', ')}]; head 'aspp' takes several`,
      { head, rates: branches },
    );
  const stages = vgg16Stages(op, options);
  const { channels } = stages.at(-1)!;
  const suffix = (i: number) => (head === 'aspp' ? `_${i + 1}` : '');
  const fullyConnected = branches.flatMap((rate, i): [string, Block][] => [
    [`fc6${suffix(i)}`, convolution(channels, headChannels, 3, { dilation: rate, padding: rate })],
    [`fc7${suffix(i)}`, convolution(headChannels, headChannels, 1)],
    [`fc8${suffix(i)}`, convolution(headChannels, numClasses, 1)],
  ]);
  const children: Readonly<Record<string, Block>> = {
    ...childrenOf(stages),
    ...Object.fromEntries(fullyConnected),
  };
  return block(children, (m, x: Tensor) => {
    const pool5 = stages.reduce((y, { name }) => m[name]!(y), x);
    // pool5a, which only LargeFOV has
    const features = head === 'largeFov' ? avgPool2d(pool5, 3, { stride: 1, padding: 1 }) : pool5;
    const logits = branches
      .map((_, i) => ['fc6', 'fc7'].reduce((y, name) => relu(m[`${name}${suffix(i)}`]!(y)), features))
      .map((y, i) => m[`fc8${suffix(i)}`]!(y))
      .reduce((a, b) => add(a, b));
    return interpolate(logits, { size: x.shape.slice(2), mode: 'bilinear', alignCorners: true });
  });
}
