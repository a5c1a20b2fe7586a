import { input, OptionError, tensor } from '@atrous/core';
import { describe, expect, it } from 'vitest';
import { type Block, espModule, initialize, type Parameters } from '../src/index.js';

const weightsOf = (made: Block) =>
  Object.entries(made.parameters)
    .filter(([name]) => /^(reduce|branches)/.test(name))
    .reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);

const shapeOf = (made: Block, shape: readonly number[]) => made.apply(initialize(made), input(shape)).shape;

describe('espModule', () => {
  it('has the weights that section 3.1 counts: M N / K + (n N)² / K', () => {
    for (const [m, n, k] of [
      [100, 100, 5],
      [64, 128, 4],
      [30, 60, 6],
    ] as const)
      expect(weightsOf(espModule({ inChannels: m, outChannels: n, branches: k }))).toBe(
        (m * n) / k + (3 * n) ** 2 / k ** 2 + ((k - 1) * (3 * n) ** 2) / k ** 2,
      );
  });

  it('gives the branch of rate 1 the channels that are left over', () => {
    const { parameters } = espModule({ inChannels: 22, branches: 4 });
    const outputs = [0, 1, 2, 3].map((k) => parameters[`branches.${k}.weight`]!.shape[0]);
    expect(outputs).toEqual([7, 5, 5, 5]);
    expect(parameters['reduce.weight']!.shape).toEqual([5, 22, 1, 1]);
    expect(parameters['act.weight']).toEqual({ shape: [22], init: 0.25, trained: true });
  });

  it('adds each branch to those of smaller rates, from rate 2 on', async () => {
    const made = espModule({ inChannels: 4, branches: 4, activation: 'relu', residual: false });
    const values: Parameters = Object.fromEntries(
      Object.entries(initialize(made)).map(([name, value]) => {
        const branch = /^branches\.(\d)\.weight$/.exec(name);
        if (name !== 'reduce.weight' && branch === null) return [name, value];
        const data = new Float32Array(value.dataSync().length);
        // the reduction copies channel 0, branch k multiplies it by 10^k
        data[branch === null ? 0 : 4] = branch === null ? 1 : 10 ** Number(branch[1]);
        return [name, tensor(data, value.shape)];
      }),
    );
    const y = await made.apply(values, tensor([1, 0, 0, 0], [1, 4, 1, 1])).data();
    const scale = 1 / Math.sqrt(1 + 1e-5);
    expect([...y].map((value) => value / scale)).toEqual(
      [1, 10, 110, 1110].map((value) => expect.closeTo(value, 2)),
    );
  });

  it('halves the size with stride 2', () => {
    const made = espModule({ inChannels: 6, outChannels: 10, stride: 2 });
    expect(shapeOf(made, [1, 6, 15, 14])).toEqual([1, 10, 8, 7]);
    expect(made.parameters['reduce.weight']!.shape).toEqual([2, 6, 3, 3]);
    expect(shapeOf(espModule({ inChannels: 8, axes: 3 }), [1, 8, 5, 6, 7])).toEqual([1, 8, 5, 6, 7]);
  });

  it('says what does not fit', () => {
    expect(() => espModule({ inChannels: 4, branches: 5 })).toThrow(
      /^espModule: 4 output channels are too few for 5 branches; give fewer branches$/,
    );
    expect(() => espModule({ inChannels: 8, outChannels: 16, residual: true })).toThrow(
      /^espModule: the input can only be added where inChannels 8 equals outChannels 16 and the stride 1 is 1; use residual: false$/,
    );
    expect(() => espModule({ inChannels: 8, activation: 'gelu' as 'relu' })).toThrow(
      /^espModule: activation must be 'prelu' or 'relu' but is 'gelu'$/,
    );
    expect(() => espModule({ inChannels: 8, stride: 0 })).toThrow(OptionError);
    expect(() => espModule({ inChannels: 1e9, branches: 1e9 })).toThrow(
      /^espModule: branches must be at most 31, because rates double, but is 1000000000$/,
    );
  });
});
