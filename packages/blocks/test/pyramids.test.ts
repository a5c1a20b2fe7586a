import { input, OptionError, ShapeError, type Tensor, trace } from '@atrous/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  aspp,
  asppRates,
  type Block,
  deepLabHead,
  deepLabV2Aspp,
  deepLabV3Aspp,
  deepLabV3PlusDecoder,
  denseAspp,
  describe as describeBlock,
  initialize,
  lrasppHead,
  separableConvBnRelu,
  torchvisionAspp,
  wasp,
} from '../src/index.js';

const axes = [1, 2, 3] as const;
const map = (channels: number, count: number, size = 9) => [1, channels, ...Array<number>(count).fill(size)];
const roots = (made: Pick<Block, 'parameters'>) => [
  ...new Set(Object.keys(made.parameters).map((name) => name.split('.')[0])),
];

describe('pyramids over any number of axes', () => {
  it.each(axes)('keep the size of the map: %i', (count) => {
    const rates = [2, 3];
    for (const made of [
      aspp({ inChannels: 3, depth: 4, rates, axes: count }),
      torchvisionAspp({ inChannels: 3, outChannels: 4, rates, axes: count }),
      deepLabHead({ inChannels: 3, numClasses: 4, width: 2, rates, axes: count }),
      deepLabV2Aspp({ inChannels: 3, numClasses: 4, rates, axes: count }),
      deepLabV3Aspp({ inChannels: 3, depth: 4, rates, axes: count }),
      deepLabV3Aspp({ inChannels: 3, depth: 4, rates, axes: count, separable: true }),
      denseAspp({ inChannels: 3, numClasses: 4, midChannels: 2, growth: 2, rates, axes: count }),
      wasp({ inChannels: 3, depth: 4, rates: [3, 2], axes: count }),
    ])
      expect(made.apply(initialize(made), input(map(3, count))).shape).toEqual(map(4, count));
  });

  it.each(axes)('join a map of high and one of low resolution: %i', (count) => {
    for (const made of [
      lrasppHead({ lowChannels: 3, highChannels: 2, numClasses: 4, interChannels: 2, axes: count }),
      deepLabV3PlusDecoder({
        lowChannels: 3,
        highChannels: 2,
        lowProjection: 1,
        depth: 3,
        numClasses: 4,
        axes: count,
      }),
    ]) {
      expectTypeOf(made).toEqualTypeOf<Block<[low: Tensor, high: Tensor]>>();
      const logits = made.apply(initialize(made), input(map(3, count)), input(map(2, count, 4)));
      expect(logits.shape).toEqual(map(4, count));
    }
  });
});

describe('names', () => {
  it('are those of the sources', () => {
    expect(roots(deepLabV2Aspp({ inChannels: 2, numClasses: 2 }))).toEqual(['conv2d_list']);
    expect(roots(deepLabV3Aspp({ inChannels: 2 }))).toEqual([
      'image_pooling',
      'aspp0',
      'aspp1',
      'aspp2',
      'aspp3',
      'concat_projection',
    ]);
    expect(Object.keys(deepLabV3Aspp({ inChannels: 2, separable: true }).parameters)).toContain(
      'aspp1.depthwise.conv.weight',
    );
    expect(roots(deepLabV3PlusDecoder({ lowChannels: 2 }))).toEqual([
      'feature_projection0',
      'decoder_conv0',
      'decoder_conv1',
    ]);
    expect(roots(wasp({ inChannels: 2 }))).toEqual([
      'aspp1',
      'aspp2',
      'aspp3',
      'aspp4',
      'global_avg_pool',
      'conv1',
      'conv2',
      'bn1',
    ]);
  });
});

describe('fields', () => {
  it('are those of the papers', () => {
    const field = (made: Block, channels: number) => describeBlock(made, [1, channels, 33, 33]).bounded?.size;
    expect(field(denseAspp({ inChannels: 2, numClasses: 2 }), 2)).toEqual([127, 127]);
    expect(field(denseAspp({ inChannels: 2, numClasses: 2, rates: [3, 6, 12, 18] }), 2)).toEqual([79, 79]);
    expect(field(deepLabV2Aspp({ inChannels: 2, numClasses: 2 }), 2)).toEqual([49, 49]);
    // 18, 12 and 6 behind one another
    expect(field(wasp({ inChannels: 2 }), 2)).toEqual([73, 73]);
  });
});

describe('separable convolutions', () => {
  it('need a fraction of the parameters', () => {
    const made = separableConvBnRelu(256, 256, 3, { dilation: 6 });
    const weights = ['depthwise', 'pointwise'].map((name) => made.parameters[`${name}.conv.weight`]!.shape);
    expect(weights).toEqual([
      [256, 1, 3, 3],
      [256, 256, 1, 1],
    ]);
    const { graph } = trace((x: Tensor) => made.apply(initialize(made), x), input([1, 256, 9, 9]));
    const rates = graph.nodes.flatMap(({ reach }) =>
      reach?.type === 'window' ? [reach.axes.map(({ dilation }) => dilation)] : [],
    );
    expect(rates).toEqual([
      [6, 6],
      [1, 1],
    ]);
  });

  it('take their stride in the depthwise part, and a kernel per axis', () => {
    const made = separableConvBnRelu(2, 4, [3, 1], { stride: 2 });
    expect(made.apply(initialize(made), input([1, 2, 9, 8])).shape).toEqual([1, 4, 5, 4]);
  });
});

describe('rates by output stride', () => {
  it('are those of DeepLab v3', () => {
    expect(asppRates(16)).toEqual([6, 12, 18]);
    expect(asppRates(8)).toEqual([12, 24, 36]);
    expect(asppRates(32)).toEqual([3, 6, 9]);
    expect(asppRates(8, [24, 18, 12, 6])).toEqual([48, 36, 24, 12]);
  });

  it.each([0, -8, 1.5, 64, Number.NaN])('refuse output stride %s', (outputStride) => {
    expect(() => asppRates(outputStride)).toThrow(OptionError);
    expect(() => asppRates(outputStride)).toThrow(/^asppRates: outputStride /);
  });
});

describe('what is wrong is said', () => {
  it('by every pyramid', () => {
    for (const make of [
      () => deepLabV2Aspp({ inChannels: 0, numClasses: 2 }),
      () => deepLabV2Aspp({ inChannels: 2, numClasses: 2, rates: [] }),
      () => deepLabV3Aspp({ inChannels: 2, rates: [1.5] }),
      () => deepLabV3Aspp({ inChannels: 2, axes: 4 as never }),
      () => deepLabV3PlusDecoder({ lowChannels: 2, numClasses: -1 }),
      () => deepLabV3PlusDecoder({ lowChannels: 2, lowProjection: Number.NaN }),
      () => lrasppHead({ lowChannels: 2, highChannels: 2, numClasses: 2, interChannels: 0 }),
      () => denseAspp({ inChannels: 2, numClasses: 2, growth: 0 }),
      () => wasp({ inChannels: 2, rates: 6 as never }),
    ])
      expect(make).toThrow(OptionError);
    expect(() => wasp({ inChannels: 2, rates: [6] })).toThrow(
      /^wasp: rates \[6\] must have at least 2 entries/,
    );
  });

  it('with the place, where channels do not fit', () => {
    const made = deepLabV3PlusDecoder({ lowChannels: 2, highChannels: 3, depth: 2 });
    const run = () => made.apply(initialize(made), input([1, 3, 8, 8]), input([1, 3, 4, 4]));
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(/^feature_projection0\.conv: /);
  });
});
