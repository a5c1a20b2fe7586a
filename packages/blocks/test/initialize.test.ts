import { OptionError, tensor } from '@atrous/core';
import { describe, expect, it } from 'vitest';
import { type Block, block, convBnRelu, convolution, initialize, prelu, sequential } from '../src/index.js';
import { hash, xoshiro128 } from '../src/random.js';

const weightOf = (made: Block, name: string, seed = 0) =>
  initialize(made, { seed })[name]!.dataSync() as Float32Array;

describe('xoshiro128', () => {
  it('gives the numbers of the published implementation from state 1, 2, 3, 4', () => {
    const next = xoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('starts from well-spread words for texts that hardly differ', () => {
    const words = Array.from({ length: 2000 }, (_, i) => hash(`0/0/convs.${i}.weight`));
    expect(new Set(words).size).toBe(2000);
    for (let bit = 0; bit < 32; bit++) {
      const set = words.filter((word) => (word >>> bit) & 1).length;
      expect(Math.abs(set - 1000)).toBeLessThan(5 * Math.sqrt(500));
    }
  });
});

describe('initialize', () => {
  it.each([
    ['a dense kernel', convolution(64, 96, 3), 64 * 9],
    ['a group', convolution(64, 128, 3, { groups: 4 }), 16 * 9],
    ['a depthwise kernel', convolution(4096, 4096, 3, { groups: 4096 }), 9],
    ['a volume', convolution(16, 32, 3, { axes: 3 }), 16 * 27],
  ])('draws %s uniformly with variance 2 / fan-in', (_, made, fanIn) => {
    const weight = weightOf(made, 'weight');
    const bound = Math.sqrt(6 / fanIn);
    const count = weight.length;
    const mean = weight.reduce((sum, w) => sum + w, 0) / count;
    const variance = weight.reduce((sum, w) => sum + w * w, 0) / count;
    const deviation = bound / Math.sqrt(3);
    expect(Math.abs(mean)).toBeLessThan((4 * deviation) / Math.sqrt(count));
    // the variance of w² is bound⁴ · 4 / 45
    expect(Math.abs(variance - 2 / fanIn)).toBeLessThan(4 * bound ** 2 * Math.sqrt(4 / 45 / count));
    expect(Math.max(...weight.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    expect(Math.max(...weight)).toBeGreaterThan(0.99 * bound);
    expect(Math.min(...weight)).toBeLessThan(-0.99 * bound);
    for (const part of [0, 1, 2, 3]) {
      const quarter = weight.filter((w) => Math.floor((w / bound + 1) * 2) === part).length;
      expect(Math.abs(quarter - count / 4)).toBeLessThan(4 * Math.sqrt((count * 3) / 16));
    }
  });

  it('keeps the size of activations through ReLU layers', async () => {
    const made = sequential(Array.from({ length: 8 }, () => convBnRelu(64, 64, 1)));
    const x = tensor(
      weightOf(convolution(64, 100, 1, { bias: false }), 'weight', 9).slice(),
      [100, 64, 1, 1],
    );
    const squares = (values: ArrayLike<number>) =>
      Array.from(values).reduce((sum, value) => sum + value * value, 0);
    const y = made.apply(initialize(made), x);
    const ratio = squares(await y.data()) / squares(x.dataSync());
    expect(ratio).toBeGreaterThan(1 / 4);
    expect(ratio).toBeLessThan(4);
  });

  it('gives the same values for ever', () => {
    const first = (seed?: number) => [...weightOf(convolution(2, 2, 3), 'weight', seed).slice(0, 4)];
    expect(first()).toEqual(first(0));
    expect(first(0)).toEqual([
      0.3103516399860382, 0.08821115642786026, -0.4862147867679596, -0.11000322550535202,
    ]);
    expect(first(1)).toEqual([
      0.3173484802246094, -0.4542572796344757, -0.47380566596984863, -0.39501067996025085,
    ]);
    expect(first(2 ** 53 - 1)).toEqual([
      -0.362461656332016, -0.13932682573795319, 0.4461405575275421, -0.19699980318546295,
    ]);
  });

  it('depends on the name and the seed, and on nothing else of the network', () => {
    const small = block({ a: convolution(2, 2, 1) }, (m, x) => m.a(x as never));
    const large = block({ z: convolution(4, 4, 1), a: convolution(2, 2, 1) }, (m, x) => m.a(x as never));
    expect(weightOf(large, 'a.weight')).toEqual(weightOf(small, 'a.weight'));
    expect(weightOf(large, 'a.weight', 1)).not.toEqual(weightOf(small, 'a.weight'));
    const twin = block({ a: convolution(2, 2, 1), b: convolution(2, 2, 1) }, (m, x) => m.b(x as never));
    expect(weightOf(twin, 'b.weight')).not.toEqual(weightOf(twin, 'a.weight'));
  });

  it('starts biases at 0 and batch norm as the identity', () => {
    const parameters = initialize(sequential([convolution(2, 2, 1), convBnRelu(2, 2, 1)]));
    const values = Object.entries(parameters)
      .filter(([name]) => name !== '0.weight' && name !== '1.conv.weight')
      .map(([name, value]) => [name, ...value.dataSync()]);
    expect(values).toEqual([
      ['0.bias', 0, 0],
      ['1.bn.weight', 1, 1],
      ['1.bn.bias', 0, 0],
      ['1.bn.running_mean', 0, 0],
      ['1.bn.running_var', 1, 1],
    ]);
  });

  it.each([
    ['dense', convolution(3, 3, 3, { padding: 2, dilation: 2, init: 'identity' }), [1, 3, 4, 5]],
    ['grouped', convolution(6, 6, [3, 5], { groups: 2, padding: [1, 2], init: 'identity' }), [2, 6, 3, 6]],
    ['depthwise', convolution(4, 4, 3, { groups: 4, padding: 1, init: 'identity' }), [1, 4, 3, 3]],
    ['over a volume', convolution(2, 2, 3, { axes: 3, padding: 'same', init: 'identity' }), [1, 2, 3, 4, 2]],
    ['causal', convolution(2, 2, 2, { axes: 1, padding: 'causal', init: 'identity' }), [1, 2, 7]],
  ])('with identity makes a %s convolution give its input back', async (_, made, shape) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const x = tensor(
      Float32Array.from({ length: count }, (_, i) => i + 1),
      shape,
    );
    expect(await made.apply(initialize(made), x).data()).toEqual(x.dataSync());
  });

  it('with features copies each to all outputs of its kind and adds the copies up, with noise elsewhere', () => {
    const weightOfInit = (init: { identity: number; noise?: number }) =>
      initialize(convolution(4, 8, 3, { bias: false, init })).weight!.dataSync();
    const weight = weightOfInit({ identity: 2 });
    for (let o = 0; o < 8; o++)
      for (let i = 0; i < 4; i++)
        for (let tap = 0; tap < 9; tap++)
          // 8 outputs of 2 features: each reads the 2 inputs of its own with weight 2 / 8
          expect(weight[(o * 4 + i) * 9 + tap]).toBe(
            tap === 4 && Math.floor(o / 4) === Math.floor(i / 2) ? 0.25 : 0,
          );
    const noisy = Array.from(weightOfInit({ identity: 2, noise: 0.1 })).filter((value) => value !== 0.25);
    expect(noisy.length).toBe(8 * 4 * 9 - 16);
    const deviation = Math.sqrt(noisy.reduce((sum, value) => sum + value * value, 0) / noisy.length);
    expect(deviation).toBeGreaterThan(0.022);
    expect(deviation).toBeLessThan(0.028);
    expect(() => weightOfInit({ identity: 3 })).toThrow(
      /^initialize: identity of 'weight' must divide its 8 output and 4 input channels but is 3$/,
    );
  });

  it('refuses a parameter that is too large before it takes memory', () => {
    expect(() => initialize(convolution(2 ** 16, 2 ** 15, 1))).toThrow(
      /^initialize: 'weight' \[32768, 65536, 1, 1\] would have 2147483648 elements; a tensor has fewer than 2\^31$/,
    );
  });

  it('fills with a number', () => {
    expect([...initialize(prelu(3)).weight!.dataSync()]).toEqual([0.25, 0.25, 0.25]);
  });

  it('names the tensors, so that a graph can', () => {
    expect(initialize(sequential([convolution(1, 1, 1)]))['0.weight']!.name).toBe('0.weight');
  });

  it('refuses unusable seeds and initialisations', () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => initialize(convolution(1, 1, 1), { seed })).toThrow(OptionError);
    const odd = block({ w: { shape: [1], init: 'normal' as 'ones', trained: true } }, (_, x) => x);
    expect(() => initialize(odd)).toThrow(
      /^initialize: init of 'w' must be 'kaiming', 'zeros', 'ones', 'identity', a number or \{ identity, noise \} but is normal$/,
    );
  });
});
