import { input, OptionError, type Tensor, tensor, trace } from '@atrous/core';
import { coverage } from '@atrous/rf';
import { describe, expect, it } from 'vitest';
import {
  type Block,
  convolution,
  drnTail,
  initialize,
  type Parameters,
  sequential,
  sharedConvolution,
  smoothedDilation,
} from '../src/index.js';

const picture = (shape: readonly number[], seed = 1): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9 + seed)),
    shape,
  );

const fieldOf = (made: Block, shape: readonly number[]) => {
  const parameters = initialize(made);
  return coverage(trace((x) => made.apply(parameters, x), input(shape)).graph);
};

const pick = (parameters: Parameters, prefix: string): Parameters =>
  Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(([name, value]) => [name.slice(prefix.length + 1), value]),
  );

describe('sharedConvolution', () => {
  it.each([
    [1, [2, 3, 20]],
    [2, [2, 3, 6, 7]],
    [3, [1, 2, 4, 5, 6]],
  ] as const)('gives its input back at first, over %i axes', async (axes, shape) => {
    const made = sharedConvolution({ kernel: 5, axes });
    const x = picture(shape);
    expect(await made.apply(initialize(made), x).data()).toEqual(x.dataSync());
  });

  it('has as many weights as one filter, whatever the channels', () => {
    expect(sharedConvolution({ kernel: 7 }).parameters).toEqual({
      weight: { shape: [1, 1, 7, 7], init: 'identity', trained: true },
    });
  });

  it('refuses a kernel without a middle', () => {
    expect(() => sharedConvolution({ kernel: 4 })).toThrow(
      /^sharedConvolution: kernel must be odd, so that it has a middle, but is 4$/,
    );
    const made = sharedConvolution({ kernel: 3 });
    expect(() => made.apply(initialize(made), input([1, 3, 8]))).toThrow(
      /^sharedConvolution: x must be \[N, C, …\] with 2 spatial axes but is \[1, 3, 8\]$/,
    );
    expect(() => sharedConvolution({ kernel: 3, axes: 0 as 1 })).toThrow(
      /^sharedConvolution: there can be 1, 2 or 3 spatial axes but not 0$/,
    );
  });
});

describe('smoothedDilation', () => {
  it.each([
    ['shared', 2, [2, 3, 11, 10]],
    ['groups', 2, [2, 3, 11, 10]],
    ['groups', 2, [1, 3, 8, 12]],
    ['shared', 1, [2, 3, 23]],
    ['groups', 1, [2, 3, 23]],
    ['shared', 3, [1, 3, 5, 6, 7]],
    ['groups', 3, [1, 3, 5, 6, 7]],
  ] as const)('is the dilated convolution alone at first: %s, %i axes, %j', async (method, axes, shape) => {
    const made = smoothedDilation({ inChannels: 3, outChannels: 4, rate: 4, method, axes });
    const plain = convolution(3, 4, 3, { dilation: 4, padding: 4, axes });
    const parameters = initialize(made);
    const x = picture(shape);
    const [y, wanted] = [made.apply(parameters, x), plain.apply(pick(parameters, 'conv'), x)];
    expect(y.shape).toEqual(wanted.shape);
    const [got, expected] = [await y.data(), await wanted.data()];
    for (let i = 0; i < expected.length; i++) expect(got[i]).toBeCloseTo(expected[i]!, 5);
  });

  it('leaves no holes where the dilated convolution alone has them', () => {
    const plain = convolution(1, 1, 3, { dilation: 4, padding: 4 });
    const smooth = smoothedDilation({ inChannels: 1, outChannels: 1, rate: 4 });
    expect(fieldOf(plain, [1, 1, 40, 40]).holes).toBeGreaterThan(0);
    const { holes, axes } = fieldOf(smooth, [1, 1, 40, 40]);
    expect(holes).toBe(0);
    // 1 + 2 · 4 of the dilated convolution, 2 · 4 − 2 of the shared one
    expect(axes.map(({ size }) => size)).toEqual([15, 15]);
  });

  it('lets every group of outputs depend on every group of inputs', async () => {
    const made = smoothedDilation({ inChannels: 1, outChannels: 1, rate: 2, method: 'groups', axes: 1 });
    const base = initialize(made);
    const parameters = { ...base, interaction: tensor([1, 0.5, 0.25, 1], [2, 2]) };
    const at = async (position: number) => {
      const data = new Float32Array(8);
      data[position] = 1;
      const x = tensor(data, [1, 1, 8]);
      const [y, zero] = [
        await made.apply(parameters, x).data(),
        await made.apply(parameters, tensor(new Float32Array(8), [1, 1, 8])).data(),
      ];
      return Array.from(y, (value, i) => value !== zero[i]);
    };
    // input 4 is of the even group: taps at 2, 4, 6, and the odd outputs that stand beside them
    expect(await at(4)).toEqual([false, false, true, true, true, true, true, true]);
    expect(await at(3)).toEqual([true, true, true, true, true, true, false, false]);
  });

  it('says what does not fit', () => {
    const sizes = { inChannels: 1, outChannels: 1 };
    expect(() => smoothedDilation({ ...sizes, rate: 2, method: 'both' as 'shared' })).toThrow(
      /^smoothedDilation: method must be 'shared' or 'groups' but is 'both'$/,
    );
    expect(() => smoothedDilation({ ...sizes, rate: 3, kernel: 2 })).toThrow(/kernel 2 with dilation 3/);
    for (const bad of [{ rate: 0 }, { rate: 2.5 }, { rate: 2, axes: 5 as 1 }])
      expect(() => smoothedDilation({ ...sizes, ...bad })).toThrow(OptionError);
  });
});

describe('drnTail', () => {
  it('has the published names, by kind', () => {
    const namesOf = (made: Block) => Object.keys(made.parameters).filter((name) => /weight$/.test(name));
    expect(namesOf(drnTail({ inChannels: 512 }))).toEqual(
      ['layer7', 'layer8'].flatMap((layer) =>
        ['conv1', 'bn1', 'conv2', 'bn2'].map((child) => `${layer}.0.${child}.weight`),
      ),
    );
    expect(namesOf(drnTail({ inChannels: 512, kind: 'D', depth: 2 }))).toEqual(
      ['layer7', 'layer8'].flatMap((layer) => [0, 1, 3, 4].map((i) => `${layer}.${i}.weight`)),
    );
  });

  it.each(['C', 'D'] as const)('%s has no shortcut: what the convolutions drop is gone', async (kind) => {
    const made = drnTail({ inChannels: 3, channels: 3, kind });
    const parameters = Object.fromEntries(
      Object.entries(initialize(made)).map(([name, value]) => [
        name,
        /^layer7\.0\.(conv1\.)?weight$/.test(name)
          ? tensor(new Float32Array(value.dataSync().length), value.shape)
          : value,
      ]),
    );
    const [a, b] = [1, 2].map((seed) => made.apply(parameters, picture([1, 3, 6, 5], seed)));
    expect(await a!.data()).toEqual(await b!.data());
  });

  it.each(['C', 'D'] as const)('%s fills the holes that a level of rate 4 leaves', (kind) => {
    const level6 = [4, 4].map((rate) => convolution(2, 2, 3, { dilation: rate, padding: rate }));
    const tail = drnTail({ inChannels: 2, channels: 2, kind });
    expect(fieldOf(sequential(level6), [1, 2, 60, 60]).holes).toBeGreaterThan(0);
    expect(fieldOf(sequential([...level6, tail]), [1, 2, 60, 60]).holes).toBe(0);
  });

  it('says what does not fit', () => {
    expect(() => drnTail({ inChannels: 2, rates: [2, 1, 1] as unknown as [number, number] })).toThrow(
      /^drnTail: rates \[2, 1, 1\] must have 2 entries, one for level 7 and one for level 8$/,
    );
    expect(() => drnTail({ inChannels: 2, kind: 'E' as 'C' })).toThrow(
      /^drnTail: kind must be 'C' or 'D' but is 'E'$/,
    );
    expect(() => drnTail({ inChannels: 2, depth: 0 })).toThrow(OptionError);
    expect(() => drnTail({ inChannels: 2, depth: 1e9 })).toThrow(
      /^drnTail: depth must be at most 100 but is 1000000000$/,
    );
  });
});
