import {
  aspp,
  block,
  convolution,
  deepLabV3,
  describe as describeBlock,
  initialize,
  linear,
  resnet,
  sequential,
} from '@atrous/blocks';
import {
  add,
  globalAvgPool,
  input,
  OptionError,
  reference,
  ShapeError,
  type Tensor,
  trace,
} from '@atrous/core';
import { describe, expect, it } from 'vitest';

const chain = (rates: readonly number[], axes: 1 | 2 | 3) =>
  sequential(rates.map((rate) => convolution(2, 2, 3, { axes, dilation: rate, padding: rate })));

describe('describe', () => {
  it.each([1, 2, 3] as const)('counts a chain of dilated convolutions over %i axes', (axes) => {
    const size = 20;
    const made = describeBlock(chain([1, 2, 5], axes), [1, 2, ...Array<number>(axes).fill(size)]);
    const weights = 3 * (2 * 2 * 3 ** axes + 2);
    expect(made.parameters).toEqual({ count: weights, trained: weights, bytes: 4 * weights });
    expect(made.macs).toBe(3 * 2 * 2 * 3 ** axes * size ** axes);
    expect(made.outputs).toEqual([{ name: 'output', shape: [1, 2, ...Array<number>(axes).fill(size)] }]);
    expect(made.dilations).toEqual([1, 2, 5]);
    expect(made.field?.size).toEqual(Array(axes).fill(17));
    expect(made.coverage).toMatchObject({ fraction: 1, holes: 0, lattices: 1 });
    // taps of rate 5 outside a line of 20: 5 positions lose the first, 5 the last
    expect(made.taps.map(({ name }) => name)).toEqual(['1', '2']);
    expect(made.taps[1]!.fraction).toBeCloseTo(((3 * size - 10) / (3 * size)) ** axes, 12);
    expect(made.missing).toEqual([]);
  });

  it('finds the holes and lattices of equal rates', () => {
    const { coverage } = describeBlock(chain([2, 2, 2], 2), [1, 2, 30, 30]);
    expect(coverage).toMatchObject({ area: 169, touched: 49, holes: 120, lattices: 4 });
  });

  it('holds as much memory as a program does', async () => {
    const made = chain([1, 2], 2);
    const { memory } = describeBlock(made, [1, 2, 16, 16]);
    expect(memory).toEqual({ activations: 2 * 2 * 256 * 4, weights: 304, total: 4096 + 304 });
    const parameters = initialize(made);
    const { graph } = trace((x: Tensor) => made.apply(parameters, x), input([1, 2, 16, 16]));
    const program = await reference().compile(graph);
    // the reference keeps the sum of each convolution and its bias apart, so it needs no less
    expect(program.memory).toBeGreaterThanOrEqual(memory.total);
    program.dispose();
  });

  it('tells the field with and without global pooling', () => {
    const made = describeBlock(aspp({ inChannels: 4, depth: 2 }), [1, 4, 33, 33]);
    expect(made.unbounded).toBe(true);
    expect(made.field?.size).toEqual([Infinity, Infinity]);
    expect(made.bounded?.size).toEqual([37, 37]);
    expect(made.coverage).toMatchObject({ touched: 25, area: 1369, lattices: 36 });
    expect(made.taps.map(({ name }) => name)).toEqual(['atrous_block6', 'atrous_block12', 'atrous_block18']);
    expect(made.taps.map(({ fraction }) => fraction.toFixed(2))).toEqual(['0.77', '0.57', '0.40']);
  });

  it('says when nothing but the whole map is read, as by a classifier', () => {
    const made = describeBlock(resnet({ depth: 18, width: 4, numClasses: 10 }), [1, 3, 64, 64]);
    expect(made.outputs).toEqual([{ name: 'output', shape: [1, 10] }]);
    expect(made.field?.size).toEqual([Infinity, Infinity]);
    expect(made.bounded).toBeUndefined();
    expect(made.missing).toEqual(['bounded field and coverage: every path reads the whole map']);
  });

  it('takes several inputs and outputs', () => {
    const two = block({ a: chain([3], 2), b: chain([1], 2) }, (m, x: Tensor, y: Tensor) => ({
      sum: add(m.a(x), m.b(y)),
      mean: globalAvgPool(y),
    }));
    const shapes = [
      [1, 2, 9, 9],
      [1, 2, 9, 9],
    ];
    expect(describeBlock(two, shapes).outputs).toEqual([
      { name: 'sum', shape: [1, 2, 9, 9] },
      { name: 'mean', shape: [1, 2, 1, 1] },
    ]);
    expect(describeBlock(two, shapes).field?.size).toEqual([7, 7]);
    expect(describeBlock(two, shapes, { input: 1 }).field?.size).toEqual([3, 3]);
    expect(describeBlock(two, shapes, { input: 1, output: 1 }).field?.size).toEqual([Infinity, Infinity]);
    // no path from the first input to the mean
    const { field, missing } = describeBlock(two, shapes, { output: 1 });
    expect(field).toBeUndefined();
    expect(missing[0]).toMatch(/does not depend on the input/);
  });

  it('describes DeepLab v3 on ResNet-50 without making its weights', () => {
    const made = describeBlock(deepLabV3({ numClasses: 21, aux: true }), [1, 3, 513, 513]);
    // as torchvision counts them
    expect(made.parameters.trained).toBe(42_004_074);
    expect(made.memory.weights).toBe(4 * made.parameters.count);
    expect(made.dilations).toEqual([1, 2, 4, 12, 24, 36]);
    expect(made.coverage?.fraction).toBe(1);
    expect(describeBlock(resnet({ depth: 50, outputStride: 8 }), [1, 3, 513, 513]).field?.size).toEqual([
      427, 427,
    ]);
  });

  it('reads well', () => {
    expect(`${describeBlock(chain([1, 2], 2), [1, 2, 16, 16])}`).toBe(
      [
        'input                 [1, 2, 16, 16]',
        'output                [1, 2, 16, 16]',
        'parameters            76 (304 B)',
        'multiply-accumulates  18.4 k',
        'receptive field       7 × 7',
        'stride                1 × 1',
        'coverage              100 %, 49 of 49 read, 0 holes',
        'lattices              1',
        'dilations             1, 2',
        'taps on the map       rate 2 on 16×16: 84 %, 3×3 remain (1)',
        'memory                4.4 kB: activations 4.1 kB, weights 304 B',
      ].join('\n'),
    );
  });

  it('says what is wrong', () => {
    const made = chain([1], 2);
    expect(() => describeBlock(made, [])).toThrow(OptionError);
    expect(() => describeBlock(made, 7 as never)).toThrow(/^describe: inputShape must be a shape such as/);
    expect(() => describeBlock(made, [[1, 2, 4, 4], 3] as never)).toThrow(/but 3 is none$/);
    expect(() => describeBlock(made, [1, 2, 4, 4], { input: 1 })).toThrow(
      /^describe: input must be an integer from 0 to 0 but is 1$/,
    );
    expect(() => describeBlock(made, [1, 2, 4, 4], { output: -1 })).toThrow(OptionError);
    expect(() => describeBlock(made, [1, 3, 4, 4])).toThrow(ShapeError);
    expect(() => describeBlock(linear(2, 2), [1, 3])).toThrow(ShapeError);
  });
});
