import { input, OptionError, tensor, trace } from '@atrous/core';
import { coverage } from '@atrous/rf';
import { describe, expect, it } from 'vitest';
import { type Block, duc, hdcRates, hdcStages, hdcVerdict, initialize, resnet } from '../src/index.js';

describe('hdcRates', () => {
  it('are those of the paper for ResNet-101', () => {
    expect(hdcRates({ depth: 101, schedule: 'rf' })).toEqual({
      layer3: [...new Array(7).fill([1, 2, 3]).flat(), 2, 2],
      layer4: [3, 4, 5],
    });
    expect(hdcRates({ depth: 101 })).toEqual({
      layer3: [...new Array(5).fill([1, 2, 5, 9]).flat(), 1, 2, 5],
      layer4: [5, 9, 17],
    });
  });

  it.each([18, 34, 50, 101, 152] as const)('give ResNet-%i one rate per block, and no holes', (depth) => {
    for (const schedule of ['rf', 'bigger'] as const) {
      const { layer3, layer4 } = hdcRates({ depth, schedule });
      const names = Object.keys(resnet({ depth, width: 1 }).parameters);
      const blocks = (layer: string) =>
        new Set(names.filter((name) => name.startsWith(`${layer}.`)).map((name) => name.split('.')[1])).size;
      expect([layer3.length, layer4.length]).toEqual([blocks('layer3'), blocks('layer4')]);
      const block = depth < 50 ? 'basic' : 'bottleneck';
      expect(hdcVerdict({ block, rates: [...layer3, ...layer4] }).holeFree).toBe(true);
    }
  });

  it('refuses an unknown depth or schedule', () => {
    expect(() => hdcRates({ depth: 42 as 50 })).toThrow(
      /^hdcRates: depth must be 18, 34, 50, 101, 152 but is 42$/,
    );
    expect(() => hdcRates({ depth: 50, schedule: 'small' as 'rf' })).toThrow(
      /^hdcRates: schedule must be 'rf' or 'bigger' but is 'small'$/,
    );
  });
});

describe('hdcStages', () => {
  const atStride8 = (depth: 18 | 50 | 101) => resnet({ depth, outputStride: 8, width: 4 });

  it.each([18, 50, 101] as const)('has the parameters of ResNet-%i, so its weights load', (depth) => {
    const stages = Object.entries(atStride8(depth).parameters).filter(([name]) => /^layer[34]\./.test(name));
    expect(hdcStages({ depth, width: 4 }).parameters).toEqual(Object.fromEntries(stages));
  });

  it('takes the features of layer2 and gives those of layer4', () => {
    const made = hdcStages({ depth: 50 });
    const features = resnet({ depth: 50, outputStride: 8, returns: { low: 'layer2' } });
    const x = input([1, features.channels.low, 9, 8]);
    expect(made.apply(initialize(made), x).shape).toEqual([1, 2048, 9, 8]);
  });

  it('has no holes where the plain dilated stages have them', () => {
    const holesOf = (made: Block) => {
      const parameters = initialize(made);
      return coverage(trace((x) => made.apply(parameters, x), input([1, 2, 300, 300])).graph).holes;
    };
    const plain = { layer3: [2, 2], layer4: [4, 4] };
    expect(holesOf(hdcStages({ depth: 18, width: 1, rates: plain }))).toBeGreaterThan(0);
    expect(holesOf(hdcStages({ depth: 18, width: 1 }))).toBe(0);
  });

  it('refuses rates that are not one per block', () => {
    expect(() => hdcStages({ depth: 18, rates: { layer3: [1], layer4: [1, 2] } })).toThrow(
      /^hdcStages: rates of layer3 \[1\] must have 2 entries, one per block of ResNet-18$/,
    );
    expect(() => hdcStages({ depth: 18, rates: { layer3: [1, 0], layer4: [1, 2] } })).toThrow(OptionError);
    expect(() => hdcStages({ depth: 18, width: 0.5 })).toThrow(OptionError);
    expect(() => hdcStages({ depth: 18, rates: { layer3: [1, 2] } as never })).toThrow(
      /^hdcStages: layer4: rates must be a list of positive integers/,
    );
  });
});

describe('duc', () => {
  it('lays the channels of a class out as rows and columns of a block', async () => {
    const made = duc({ inChannels: 1, numClasses: 2, factor: 2, kernel: 1 });
    const parameters = {
      'conv.weight': tensor([1, 2, 3, 4, 10, 20, 30, 40], [8, 1, 1, 1]),
      'conv.bias': tensor(new Float32Array(8), [8]),
    };
    const y = made.apply(parameters, tensor([1, 100], [1, 1, 1, 2]));
    expect(y.shape).toEqual([1, 2, 2, 4]);
    expect([...(await y.data())]).toEqual(
      [
        [1, 2, 100, 200, 3, 4, 300, 400],
        [10, 20, 1000, 2000, 30, 40, 3000, 4000],
      ].flat(),
    );
  });

  it('grows 1, 2 and 3 axes by the factor', () => {
    for (const axes of [1, 2, 3] as const) {
      const made = duc({ inChannels: 3, numClasses: 2, factor: 4, axes });
      expect(made.parameters['conv.weight']!.shape).toEqual([2 * 4 ** axes, 3, ...[3, 3, 3].slice(0, axes)]);
      const size = [2, 3, 4].slice(0, axes);
      expect(made.apply(initialize(made), input([1, 3, ...size])).shape).toEqual([
        1,
        2,
        ...size.map((n) => 4 * n),
      ]);
    }
  });

  it('refuses unusable sizes', () => {
    expect(() => duc({ inChannels: 3, numClasses: 2, factor: 0 })).toThrow(
      /^duc: factor must be a positive integer but is 0$/,
    );
  });
});
