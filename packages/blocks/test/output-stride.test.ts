/** Strides become rates: the arithmetic of one layer after the other, and what it promises for whole networks. */
import { input, OptionError, type Tensor, tensor, trace } from '@atrous/core';
import { receptiveField } from '@atrous/rf';
import { describe, expect, it } from 'vitest';
import { replaceStrides, stridesBeyond } from '../src/backbones/output-stride.js';
import { type Backbone, initialize, mobileNetV2, mobileNetV3, resnet, vgg16 } from '../src/index.js';

describe('replaceStrides', () => {
  it('dilates what follows a dropped stride, and the layer itself only on demand', () => {
    const strides = [2, 1, 2, 1, 2];
    const replaced = [false, false, true, false, true];
    expect(replaceStrides(strides, replaced)).toEqual([
      { stride: 2, dilation: 1, dilationAfter: 1 },
      { stride: 1, dilation: 1, dilationAfter: 1 },
      { stride: 1, dilation: 1, dilationAfter: 2 },
      { stride: 1, dilation: 2, dilationAfter: 2 },
      { stride: 1, dilation: 2, dilationAfter: 4 },
    ]);
    const own = replaceStrides(strides, replaced, { ownRate: 'after' });
    expect(own.map(({ dilation }) => dilation)).toEqual([1, 1, 2, 2, 4]);
  });

  it('keeps the rate behind a stride that stays', () => {
    expect(replaceStrides([2, 2, 1], [true, false, false])).toEqual([
      { stride: 1, dilation: 1, dilationAfter: 2 },
      { stride: 2, dilation: 2, dilationAfter: 2 },
      { stride: 1, dilation: 2, dilationAfter: 2 },
    ]);
  });
});

describe('stridesBeyond', () => {
  it('drops every stride once the output stride is reached', () => {
    expect(stridesBeyond('net', 4, [1, 2, 1, 2, 2], 8)).toEqual([false, false, false, true, true]);
    expect(stridesBeyond('net', 4, [1, 2, 1, 2, 2], 32)).toEqual([false, false, false, false, false]);
  });

  it('names the output strides that there are', () => {
    for (const outputStride of [12, 2, 64, Number.NaN, '8' as never])
      expect(() => stridesBeyond('net', 4, [1, 2, 2, 2], outputStride)).toThrow(
        new RegExp(`^net: outputStride must be 4, 8, 16 or 32 but is ${outputStride}$`),
      );
    expect(() => stridesBeyond('net', 4, [1, 2], 3)).toThrow(OptionError);
  });
});

type Made = Backbone<{ readonly out: string }>;

/** Backbones that compute the same at every output stride, narrow ones of the real depth. */
const exact: Readonly<Record<string, (outputStride: number) => Made>> = {
  'ResNet-18': (outputStride) => resnet({ depth: 18, width: 4, outputStride }),
  'ResNet-50': (outputStride) => resnet({ depth: 50, width: 4, outputStride }),
  'ResNet-50 with the strides of TF-slim': (outputStride) =>
    resnet({ depth: 50, width: 4, outputStride, strideIn: 'last' }),
  'MobileNetV2, 0.35 wide': (outputStride) => mobileNetV2({ widthMultiplier: 0.35, outputStride }),
};

const others: Readonly<Record<string, (outputStride: number) => Made>> = {
  'MobileNetV3 large': (outputStride) => mobileNetV3({ size: 'large', outputStride }),
  'MobileNetV3 small': (outputStride) => mobileNetV3({ size: 'small', outputStride }),
  'MobileNetV3 large, dilated as in torchvision': (outputStride) =>
    mobileNetV3({ size: 'large', outputStride, dilated: outputStride < 32 }),
  'VGG-16 of DeepLab': (outputStride) => vgg16({ width: 4, outputStride }),
};

/** Well-mixed values in [-1, 1). */
const picture = (height: number, width: number): Tensor =>
  tensor(
    Float32Array.from({ length: 3 * height * width }, (_, i) => {
      const x = Math.sin(12.9898 * (i + 1)) * 43758.5453;
      return 2 * (x - Math.floor(x)) - 1;
    }),
    [1, 3, height, width],
  );

describe.each(Object.entries({ ...exact, ...others }))('%s', (_, make) => {
  it('has the same parameters at output stride 8, 16 and 32', () => {
    for (const outputStride of [8, 16]) expect(make(outputStride).parameters).toEqual(make(32).parameters);
  });

  it('divides the size by the output stride, rounded up, and says so', () => {
    for (const outputStride of [8, 16, 32]) {
      const made = make(outputStride);
      const { out } = made.apply(initialize(made), input([1, 3, 65, 97]));
      expect(made.strides.out).toBe(outputStride);
      expect(out.shape).toEqual([
        1,
        made.channels.out,
        Math.ceil(65 / outputStride),
        Math.ceil(97 / outputStride),
      ]);
    }
  });
});

describe.each(Object.entries(exact))('%s without its strides', (_, make) => {
  it.each([
    [65, 65],
    [50, 71],
  ])('computes at every place what it computed at some: %i × %i', async (height, width) => {
    const x = picture(height, width);
    const parameters = initialize(make(32), { seed: 3 });
    const outputs = async (outputStride: number) => {
      const { out } = make(outputStride).apply(parameters, x);
      return { shape: out.shape as readonly [number, number, number, number], values: await out.data() };
    };
    const coarse = await outputs(32);
    const scale = Math.max(...coarse.values.map(Math.abs));
    for (const outputStride of [8, 16]) {
      const fine = await outputs(outputStride);
      const step = 32 / outputStride;
      const [, , rows, columns] = coarse.shape;
      const [, , fineRows, fineColumns] = fine.shape;
      let worst = 0;
      coarse.values.forEach((value, i) => {
        const [channel, row, column] = [
          Math.floor(i / (rows * columns)),
          Math.floor(i / columns) % rows,
          i % columns,
        ];
        const at = (channel * fineRows + row * step) * fineColumns + column * step;
        worst = Math.max(worst, Math.abs(fine.values[at]! - value) / scale);
      });
      expect(worst).toBeLessThan(1e-5);
    }
  });

  it('has the receptive field that it had', () => {
    const sizes = [8, 16, 32].map((outputStride) => fieldOf(make(outputStride)).size);
    expect(sizes[0]).toEqual(sizes[2]);
    expect(sizes[1]).toEqual(sizes[2]);
  });
});

function fieldOf(made: Made) {
  const parameters = initialize(made);
  return receptiveField(trace((x: Tensor) => made.apply(parameters, x), input([1, 3, 64, 64])).graph);
}

describe('receptive fields of the literature', () => {
  const resnetField = (
    depth: 18 | 50 | 101,
    options: { strideIn?: 'first' | 'last'; outputStride?: number },
  ) => fieldOf(resnet({ depth, width: 1, ...options })).size;

  it.each([8, 16, 32])('ResNet-50 of torchvision: 427 at output stride %i', (outputStride) => {
    expect(resnetField(50, { outputStride })).toEqual([427, 427]);
  });

  it('ResNet-50 and ResNet-101 of TF-slim: 483 and 1027', () => {
    expect(resnetField(50, { strideIn: 'last' })).toEqual([483, 483]);
    expect(resnetField(50, { strideIn: 'last', outputStride: 8 })).toEqual([483, 483]);
    expect(resnetField(101, { strideIn: 'last' })).toEqual([1027, 1027]);
  });

  it('MobileNetV2: 491', () => {
    expect(fieldOf(mobileNetV2({ widthMultiplier: 0.1 })).size).toEqual([491, 491]);
  });

  it('grows with multi-grid', () => {
    const sizes = [undefined, [1, 2, 4]].map(
      (multiGrid) => fieldOf(resnet({ depth: 50, width: 1, outputStride: 16, multiGrid })).size,
    );
    // rates 2, 4, 8 at stride 16 where there were 1, 2, 2
    expect(sizes[1]![0]! - sizes[0]![0]!).toBe(2 * 16 * (2 + 4 + 8 - (1 + 2 + 2)));
  });
});
