import { maxPool2d, relu } from '@atrous/core';
import { checkCounts } from '../check.js';
import { convolution } from '../convolution.js';
import { activation } from '../sequential.js';
import { type Backbone, backbone, type Returns, type Stage } from './backbone.js';
import { replaceStrides, stridesBeyond } from './output-stride.js';

export interface Vgg16Options {
  /** Input samples per step behind `pool5`: 2, 4, 8, 16 or 32, by dilation. Default 8, as in DeepLab. */
  readonly outputStride?: number | undefined;
  /** Channels of the picture. Default 3. */
  readonly inChannels?: number | undefined;
  /** Channels of the first convolution; every other width is a multiple. Default 64. */
  readonly width?: number | undefined;
}

/** Convolutions of each group, and their channels in widths of the first. */
const groups = [
  { count: 2, widths: 1 },
  { count: 2, widths: 2 },
  { count: 3, widths: 4 },
  { count: 3, widths: 8 },
  { count: 3, widths: 8 },
] as const;

/**
 * VGG-16 up to `pool5` as DeepLab converted it: maximum pools over 3×3 samples instead of 2×2, and with output stride
 * 8 no stride in `pool4` and `pool5` and rate 2 in `conv5_1`, `conv5_2` and `conv5_3`. The pools are not dilated, so
 * unlike in the other backbones the receptive field shrinks a little with the output stride.
 *
 * Input `[N, inChannels, H, W]`; in the source, blue, green, red from 0 to 255 minus their means. The output is one map
 * per entry of `returns`, whose values name the children: `conv1_1`, `relu1_1`, `conv1_2`, `relu1_2`, `pool1`, …
 * `pool5`, the names of the source's Caffe layers; default `{ out: 'pool5' }`. Sizes are rounded up: 321 becomes 41.
 *
 * Source: Simonyan & Zisserman, ICLR 2015, configuration D; Chen, Papandreou, Kokkinos, Murphy & Yuille, "DeepLab",
 * TPAMI 2018 (arXiv 1606.00915), section 3.1, and the network definition published with it.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export const vgg16 = <const R extends Returns = { readonly out: 'pool5' }>({
  returns = { out: 'pool5' } as Returns as R,
  ...options
}: Vgg16Options & { readonly returns?: R | undefined } = {}): Backbone<R> =>
  backbone('vgg16', vgg16Stages('vgg16', options), returns);

/** The layers of VGG-16 in order, `conv1_1` to `pool5`. */
export function vgg16Stages(
  op: string,
  { outputStride = 8, inChannels = 3, width = 64 }: Vgg16Options,
): readonly Stage[] {
  checkCounts(op, { inChannels, width });
  const strides = groups.map(() => 2);
  const pools = replaceStrides(strides, stridesBeyond(op, 1, strides, outputStride));
  let channels = inChannels;
  return groups.flatMap(({ count, widths }, group): Stage[] => {
    const dilation = pools[group - 1]?.dilationAfter ?? 1;
    const convolutions = Array.from({ length: count }, (_, i): Stage[] => {
      const conv = convolution(channels, widths * width, 3, { dilation, padding: dilation });
      channels = widths * width;
      const name = `${group + 1}_${i + 1}`;
      return [
        { name: `conv${name}`, block: conv, channels, stride: 1 },
        { name: `relu${name}`, block: activation(relu), channels, stride: 1 },
      ];
    });
    const { stride } = pools[group]!;
    // Caffe rounds the sizes of pools up
    const pool = activation((x) => maxPool2d(x, 3, { stride, padding: 1, ceilMode: true }));
    return [...convolutions.flat(), { name: `pool${group + 1}`, block: pool, channels, stride }];
  });
}
