import { input, OptionError, ShapeError, tensor, trace } from '@atrous/core';
import { coverage, receptiveField } from '@atrous/rf';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Block,
  foldWeightNorm,
  initialize,
  loadParameters,
  meshnet,
  tcn,
  tcnBlock,
  tcnParameters,
  wavenet,
} from '../src/index.js';

const graphOf = (made: Block, shape: readonly number[]) => {
  const parameters = initialize(made);
  return trace((x) => made.apply(parameters, x), input(shape)).graph;
};

const rates = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const kernel = fc.integer({ min: 1, max: 4 });
const length = 24;

const causal: readonly (readonly [string, fc.Arbitrary<Block>])[] = [
  [
    'wavenet',
    fc
      .record({ rates, kernel })
      .map((options) =>
        wavenet({ inChannels: 2, residualChannels: 3, skipChannels: 4, outChannels: 2, ...options }),
      ),
  ],
  [
    'tcn',
    fc
      .record({ rates, kernel })
      .map((options) =>
        tcn({ inChannels: 2, channels: options.rates.map((_, i) => 2 + (i % 2)), ...options }),
      ),
  ],
  [
    'tcnBlock',
    fc
      .record({ rate: fc.integer({ min: 1, max: 9 }), kernel, outChannels: fc.integer({ min: 1, max: 3 }) })
      .map((options) => tcnBlock({ inChannels: 2, ...options })),
  ],
];

const sequence = (seed: number) =>
  Float32Array.from({ length: 2 * length }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));

describe.each(causal)('%s', (_, anyBlock) => {
  it('is causal: outputs before t do not change with inputs from t on', async () => {
    await fc.assert(
      fc.asyncProperty(anyBlock, fc.integer({ min: 1, max: length - 1 }), async (made, t) => {
        const parameters = initialize(made);
        const before = sequence(1);
        const after = before.map((value, i) => (i % length < t ? value : value + 3));
        const [y, z] = await Promise.all(
          [before, after].map((data) => made.apply(parameters, tensor(data, [1, 2, length])).data()),
        );
        const earlier = (values: ArrayLike<number>) => Array.from(values).filter((__, i) => i % length < t);
        expect(earlier(z!)).toEqual(earlier(y!));
        expect(Array.from(z!)).not.toEqual(Array.from(y!));
      }),
      { numRuns: 40 },
    );
  });
});

describe('wavenet', () => {
  const sizes = { inChannels: 1, residualChannels: 2, skipChannels: 2, outChannels: 2 };

  it('sees 1024 samples, all of them in the past, without holes', () => {
    const { axes, holes } = coverage(graphOf(wavenet(sizes), [1, 1, 1200]));
    expect(axes[0]!.size).toBe(1024);
    expect(holes).toBe(0);
  });

  it('has a field of 1 + (kernel − 1) · sum of rates', () => {
    fc.assert(
      fc.property(rates, kernel, (given, taps) => {
        const made = wavenet({ ...sizes, rates: given, kernel: taps });
        const [size] = receptiveField(graphOf(made, [1, 1, 90])).size;
        expect(size).toBe(1 + (taps - 1) * given.reduce((a, b) => a + b, 0));
      }),
      { numRuns: 40 },
    );
  });

  it('has the names of a PyTorch module, the unused last residual included', () => {
    const names = Object.keys(wavenet({ ...sizes, rates: [1, 2] }).parameters);
    expect(names.filter((name) => name.endsWith('weight'))).toEqual(
      [
        'input',
        'filter.0',
        'filter.1',
        'gate.0',
        'gate.1',
        'res.0',
        'res.1',
        'skip.0',
        'skip.1',
        'out1',
        'out2',
      ].map((name) => `${name}.weight`),
    );
  });

  it('says what does not fit', () => {
    expect(() => wavenet({ ...sizes, skipChannels: 0 })).toThrow(
      /^wavenet: skipChannels must be a positive integer but is 0$/,
    );
    expect(() => wavenet({ ...sizes, rates: [] })).toThrow(/^wavenet: rates must be a list/);
    const made = wavenet({ ...sizes, rates: [1] });
    expect(() => made.apply(initialize(made), input([1, 1, 8, 8]))).toThrow(/^input: conv1d: x must/);
  });
});

describe('tcn', () => {
  it('has the field of its formula: 1 + 2 (kernel − 1) (2ⁿ − 1)', () => {
    for (const [n, taps] of [
      [1, 2],
      [3, 3],
      [4, 7],
    ] as const) {
      const made = tcn({ inChannels: 1, channels: new Array<number>(n).fill(2), kernel: taps });
      const [size] = receptiveField(graphOf(made, [1, 1, 400])).size;
      expect(size).toBe(1 + 2 * (taps - 1) * (2 ** n - 1));
    }
  });

  it('loads a state dict of the published code: weight normalisation, convolutions under two names', () => {
    const made = tcn({ inChannels: 2, channels: [3] });
    const [g, bias] = [tensor([1, 2, 3], [3, 1, 1]), tensor([0, 0, 0], [3])];
    const conv = (inChannels: number) => ({
      weight_g: g,
      weight_v: tensor(new Float32Array(3 * inChannels * 2).fill(2), [3, inChannels, 2]),
      bias,
    });
    const under = (prefix: string, tensors: object) =>
      Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`${prefix}.${name}`, value]));
    const stored = {
      ...under('network.0.conv1', conv(2)),
      ...under('network.0.conv2', conv(3)),
      ...under('network.0.net.0', conv(2)),
      ...under('network.0.net.4', conv(3)),
      ...under('network.0.downsample', { weight: tensor(new Float32Array(6), [3, 2, 1]), bias }),
    };
    const loaded = loadParameters(made, tcnParameters(stored));
    // four equal taps of length 1, 2, 3
    expect([...loaded['network.0.conv1.weight']!.dataSync()]).toEqual(
      [0.5, 1, 1.5].flatMap((value) => [value, value, value, value]),
    );
  });

  it('says what does not fit', () => {
    expect(() => tcn({ inChannels: 1, channels: [2, 2], rates: [1] })).toThrow(
      /^tcn: rates \[1\] must have 2 entries, one per block of channels \[2, 2\]$/,
    );
    expect(() => tcn({ inChannels: 1, channels: [] })).toThrow(/^tcn: channels must be a list/);
    expect(() => tcn({ inChannels: 1, channels: 3 as unknown as number[] })).toThrow(OptionError);
    expect(() => tcn({ inChannels: 1, channels: [0] })).toThrow(
      /^tcnBlock: outChannels must be a positive integer but is 0$/,
    );
  });
});

describe('foldWeightNorm', () => {
  const g = tensor([10, -5], [2, 1, 1]);
  const v = tensor([3, 4, 0, 2], [2, 1, 2]);

  it.each([
    ['weight_g and weight_v', 'weight_g', 'weight_v', 'weight'],
    ['in a module', 'a.b.weight_g', 'a.b.weight_v', 'a.b.weight'],
    [
      'parametrizations',
      'a.parametrizations.weight.original0',
      'a.parametrizations.weight.original1',
      'a.weight',
    ],
  ])('multiplies magnitude and direction: %s', (_, magnitude, direction, target) => {
    const bias = tensor([1, 2], [2]);
    const folded = foldWeightNorm({ bias, [direction]: v, [magnitude]: g });
    expect(Object.keys(folded).sort()).toEqual(['bias', target].sort());
    expect(folded.bias).toBe(bias);
    expect(folded[target]!.shape).toEqual([2, 1, 2]);
    expect([...folded[target]!.dataSync()]).toEqual([6, 8, -0, -5]);
  });

  it('says what is wrong', () => {
    expect(() => foldWeightNorm({ 'a.weight_g': g })).toThrow(
      /^foldWeightNorm: a\.weight_g is there but a\.weight_v is missing$/,
    );
    expect(() => foldWeightNorm(undefined as never)).toThrow(
      /^foldWeightNorm: parameters must be an object of tensors by name but is undefined/,
    );
    expect(() => tcnParameters(g as never)).toThrow(/^tcnParameters: parameters must be an object/);
    expect(() => foldWeightNorm({ weight_g: 1 as never, weight_v: v })).toThrow(OptionError);
    expect(() => foldWeightNorm({ weight_g: g, weight_v: v, weight: v })).toThrow(
      /^foldWeightNorm: weight_g and weight are both there; leave one out$/,
    );
    expect(() => foldWeightNorm({ weight_g: tensor([1, 2], [2]), weight_v: v })).toThrow(ShapeError);
    expect(() => foldWeightNorm({ weight_g: g, weight_v: tensor([0, 0, 1, 1], [2, 1, 2]) })).toThrow(
      /^foldWeightNorm: the direction of weight is 0 in output channel 0$/,
    );
  });
});

describe('meshnet', () => {
  it.each([
    [undefined, 93],
    [[1, 2, 4, 8, 4, 2, 1], 45],
    [[1, 1, 1, 2, 4, 8, 16, 1], 69],
  ] as const)('sees rates %j without holes: %i along every axis', (given, size) => {
    const volume = graphOf(meshnet({ channels: 1, numClasses: 1, rates: given }), [1, 1, 100, 100, 100]);
    expect(receptiveField(volume).size).toEqual([size, size, size]);
    const line = graphOf(meshnet({ channels: 1, numClasses: 1, rates: given, axes: 1 }), [1, 1, 200]);
    expect(coverage(line)).toMatchObject({ holes: 0, axes: [{ size }] });
  });

  it('keeps the size over 1, 2 and 3 axes', () => {
    for (const axes of [1, 2, 3] as const) {
      const made = meshnet({ channels: 2, numClasses: 4, axes });
      const size = [5, 6, 7].slice(0, axes);
      expect(made.apply(initialize(made), input([2, 1, ...size])).shape).toEqual([2, 4, ...size]);
    }
  });

  it('refuses unusable sizes', () => {
    expect(() => meshnet({ channels: 2, numClasses: 0 })).toThrow(
      /^meshnet: numClasses must be a positive integer but is 0$/,
    );
    expect(() => meshnet({ channels: 2, numClasses: 2, rates: [0] })).toThrow(OptionError);
    expect(() => meshnet({ channels: 2, numClasses: 2, axes: 4 as 3 })).toThrow(OptionError);
  });
});
