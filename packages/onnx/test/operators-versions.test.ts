/** What versions of the operator set changed, where ONNX's test data has no case of it. */
import { compile, cpu, input, reference, type Tensor, tensor, trace } from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { first, node, numbers, typed } from './operator-case.js';

const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 29) % 13) - 5);
const ints = (...values: number[]) => tensor(Int32Array.from(values));
const backend = reference();
const values = (t: Tensor) => numbers(t, backend);

async function expectEqual(a: Tensor, b: Tensor) {
  expect(a.shape).toEqual(b.shape);
  expect(await values(a)).toEqual(await values(b));
}

describe('attributes that became inputs', () => {
  const x = tensor(ramp(24), [2, 3, 4]);
  test.each([
    ['ReduceMean', 17, 18],
    ['ReduceMax', 17, 18],
    ['ReduceL2', 17, 18],
    ['ReduceSum', 12, 13],
  ])('axes of %s', async (name, before, after) => {
    const old = first(name, [x], { attributes: { axes: [0, -1], keepdims: 0 }, opset: before });
    const now = first(name, [x, ints(0, -1)], { attributes: { keepdims: 0 }, opset: after });
    expect(old.shape).toEqual([3]);
    await expectEqual(old, now);
  });
  test('axes of ReduceSum: none means all, or nothing with noop_with_empty_axes', async () => {
    expect(first('ReduceSum', [x]).shape).toEqual([1, 1, 1]);
    await expectEqual(first('ReduceSum', [x, undefined], { attributes: { noop_with_empty_axes: 1 } }), x);
  });
  test('axes of Squeeze and Unsqueeze', () => {
    const wide = tensor(ramp(6), [1, 6, 1]);
    expect(first('Squeeze', [wide], { attributes: { axes: [0] }, opset: 11 }).shape).toEqual([6, 1]);
    expect(first('Squeeze', [wide, ints(-1)]).shape).toEqual([1, 6]);
    expect(first('Squeeze', [wide]).shape).toEqual([6]);
    expect(first('Unsqueeze', [x], { attributes: { axes: [0, 4] }, opset: 11 }).shape).toEqual([
      1, 2, 3, 4, 1,
    ]);
    expect(first('Unsqueeze', [x, ints(-1, 1)]).shape).toEqual([2, 1, 3, 4, 1]);
    expect(() => first('Squeeze', [x, ints(1)])).toThrow(/axis 1 of data \[2,3,4\] has size 3/);
    expect(() => first('Unsqueeze', [x, ints(1, 1)])).toThrow(/name one axis twice/);
  });
  test('starts, ends and axes of Slice; ends beyond the axis', async () => {
    const old = first('Slice', [x], {
      attributes: { starts: [1, -2], ends: [2 ** 31 - 1, 4], axes: [1, 2] },
      opset: 9,
    });
    expect(old.shape).toEqual([2, 2, 2]);
    await expectEqual(old, first('Slice', [x, ints(1, -2), ints(2 ** 31 - 1, 4), ints(1, 2)]));
    const backwards = first('Slice', [x, ints(-1), ints(-(2 ** 31)), ints(2), ints(-2)]);
    expect((await values(backwards)).slice(0, 2)).toEqual([ramp(24)[3], ramp(24)[1]]);
  });
  test('split and num_outputs of Split; the last part may be smaller', () => {
    const shapes = (...args: Parameters<typeof node>) =>
      node(...args).map(({ tensor: part }) => part.shape[2]);
    expect(shapes('Split', [x], { attributes: { axis: 2, split: [1, 3] }, opset: 11, outputs: 2 })).toEqual([
      1, 3,
    ]);
    expect(shapes('Split', [x, ints(3, 1)], { attributes: { axis: -1 }, outputs: 2 })).toEqual([3, 1]);
    expect(shapes('Split', [x], { attributes: { axis: 2 }, opset: 13, outputs: 2 })).toEqual([2, 2]);
    expect(shapes('Split', [x], { attributes: { axis: 2, num_outputs: 3 }, outputs: 3 })).toEqual([2, 2, 0]);
    const tooMany = { attributes: { num_outputs: 2 ** 31 - 1 } };
    expect(() => shapes('Split', [x], tooMany)).toThrow(/num_outputs 2147483647/);
  });
  test('min and max of Clip, known or not', async () => {
    const y = first('Clip', [x], { attributes: { min: -1, max: 2 }, opset: 6 });
    await expectEqual(y, first('Clip', [x, tensor(-1), tensor(2)]));
    await expectEqual(first('Clip', [x, tensor(3), tensor(2)]), first('Clip', [x, tensor(2), tensor(2)]));
    const program = await compile((low: Tensor) => first('Clip', [x, low, undefined]), input([], 'float32'), {
      backend,
    });
    const result = await program.run(tensor(1));
    expect([...result.dataSync()]).toEqual([...ramp(24)].map((value) => Math.max(value, 1)));
  });
  test('shape of Reshape, with 0, −1 and allowzero', () => {
    expect(first('Reshape', [x], { attributes: { shape: [0, -1] }, opset: 1 }).shape).toEqual([2, 12]);
    expect(first('Reshape', [x, ints(4, -1, 3)]).shape).toEqual([4, 2, 3]);
    const empty = tensor(new Float32Array(0), [0, 3]);
    expect(first('Reshape', [empty, ints(3, 0)], { attributes: { allowzero: 1 } }).shape).toEqual([3, 0]);
    expect(() => first('Reshape', [x, ints(5, -1)])).toThrow(/24 elements/);
    expect(() => first('Reshape', [x, ints(2, 3, 4, 0)])).toThrow(/keeps axis 3/);
  });
  test('ratio of Dropout, and its mask', async () => {
    await expectEqual(first('Dropout', [x], { attributes: { ratio: 0.5 }, opset: 7 }), x);
    const [y, mask] = node('Dropout', [x, tensor(0.5)], { outputs: 2 });
    await expectEqual(y!.tensor, x);
    expect(mask!.type).toBe('bool');
    expect(await values(mask!.tensor)).toEqual(new Array(24).fill(1));
    const training = tensor([1], [], 'uint8');
    expect(() => node('Dropout', [x, tensor(0.5), training])).toThrow(/training mode/);
  });
  test('pads of Pad', async () => {
    const attributes = { pads: [0, 0, 1, 0, 1, 0], value: 2 };
    await expectEqual(
      first('Pad', [x], { attributes, opset: 2 }),
      first('Pad', [x, ints(1, 0, 0, 1), tensor(2), ints(2, 1)]),
    );
    await expectEqual(
      first('Pad', [x], { attributes: { paddings: [0, 0, 1, 0, 1, 0], value: 2 }, opset: 1 }),
      first('Pad', [x], { attributes, opset: 2 }),
    );
  });
  test('repeats of Tile', async () => {
    await expectEqual(
      first('Tile', [x, tensor([2]), tensor([1])], { opset: 1 }),
      first('Tile', [x, ints(1, 2, 1)], { opset: 6 }),
    );
  });
});

describe('changed meanings', () => {
  test('Softmax before version 13 joins all axes from its own on', async () => {
    const x = tensor(ramp(12), [2, 3, 2]);
    const joined = await values(first('Softmax', [x], { opset: 11 }));
    expect(joined.slice(0, 6).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
    const last = await values(first('Softmax', [x], { opset: 13 }));
    expect(last[0]! + last[1]!).toBeCloseTo(1, 6);
  });
  test('operands before version 7 are aligned from an axis on', async () => {
    const a = tensor(ramp(24), [2, 3, 4]);
    const b = tensor(ramp(3), [3]);
    await expectEqual(
      first('Add', [a, b], { attributes: { broadcast: 1, axis: 1 }, opset: 6 }),
      first('Add', [a, tensor(ramp(3), [3, 1])]),
    );
    expect(() => first('Add', [a, b])).toThrow(/do not broadcast/);
  });
  test('PRelu before version 7 has a slope per channel', async () => {
    const x = tensor(ramp(24), [1, 2, 3, 4]);
    const slope = tensor([0.5, 2]);
    await expectEqual(
      first('PRelu', [x, slope], { opset: 6 }),
      first('PRelu', [x, tensor([0.5, 2], [2, 1, 1])]),
    );
  });
  test('GroupNormalization: scale per group in 18, per channel in 21', async () => {
    const x = tensor(ramp(32), [1, 4, 8]);
    const attributes = { num_groups: 2 };
    await expectEqual(
      first('GroupNormalization', [x, tensor([2, 3]), tensor([1, -1])], { attributes, opset: 18 }),
      first('GroupNormalization', [x, tensor([2, 2, 3, 3]), tensor([1, 1, -1, -1])], {
        attributes,
        opset: 21,
      }),
    );
    expect(() =>
      first('GroupNormalization', [x, tensor([1, 1, 1]), tensor([1, 1, 1])], { attributes, opset: 18 }),
    ).toThrow(/one value per group/);
  });
  test('BatchNormalization rejects statistics of the batch', () => {
    const c = tensor([1, 1]);
    const inputs = [tensor(ramp(8), [1, 2, 4]), c, c, c, c];
    expect(() => node('BatchNormalization', inputs, { attributes: { training_mode: 1 } })).toThrow(
      /training/,
    );
    expect(() => node('BatchNormalization', inputs, { attributes: { spatial: 0 }, opset: 7 })).toThrow(
      /spatial/,
    );
  });
  test('AveragePool 19 has dilations', async () => {
    const x = tensor(ramp(8), [1, 1, 8]);
    const y = first('AveragePool', [x], { attributes: { kernel_shape: [2], dilations: [3] } });
    const r = ramp(8);
    expect(await values(y)).toEqual(Array.from({ length: 5 }, (_, i) => (r[i]! + r[i + 3]!) / 2));
  });
  test('Gelu 20, exact and by tanh; Mish 18', async () => {
    const x = tensor([-2, -0.5, 0, 1, 3]);
    const exact = await values(first('Gelu', [x]));
    const near = await values(first('Gelu', [x], { attributes: { approximate: 'tanh' } }));
    expect(exact[3]).toBeCloseTo(0.8413447, 6);
    expect(near[3]).toBeCloseTo(0.841192, 6);
    expect((await values(first('Mish', [x])))[3]).toBeCloseTo(0.8650984, 6);
    expect(() => first('Gelu', [x], { attributes: { approximate: 'fast' } })).toThrow(/approximate 'fast'/);
  });
  test('LpNormalization', async () => {
    const x = tensor([
      [3, 4],
      [-6, 8],
    ]);
    expect((await values(first('LpNormalization', [x]))).map((v) => Number(v.toFixed(6)))).toEqual([
      0.6, 0.8, -0.6, 0.8,
    ]);
    const one = first('LpNormalization', [x], { attributes: { p: 1, axis: 0 } });
    expect((await values(one))[0]).toBeCloseTo(1 / 3, 6);
  });
  test('Quantization per axis', async () => {
    const x = typed(tensor(Int32Array.from([-128, 0, 127, 1]), [2, 2]), 'int8');
    const scale = tensor([0.5, 2]);
    const zero = typed(tensor(Int32Array.from([0, 1])), 'int8');
    expect(await values(first('DequantizeLinear', [x, scale, zero], { attributes: { axis: 0 } }))).toEqual([
      -64, 0, 252, 0,
    ]);
    const [back] = node(
      'QuantizeLinear',
      [
        tensor([
          [-64.2, 0.25],
          [252, 1e9],
        ]),
        scale,
        zero,
      ],
      { attributes: { axis: 0 } },
    );
    expect(back!.type).toBe('int8');
    expect(await values(back!.tensor)).toEqual([-128, 0, 127, 127]);
  });
  test('Cast: narrow integers wrap, bool is what is not 0', async () => {
    const cast = (x: Tensor, to: number) => values(first('Cast', [x], { attributes: { to } }));
    expect(await cast(ints(300, -1, 127), 3)).toEqual([44, -1, 127]);
    expect(await cast(ints(300, -1, 127), 2)).toEqual([44, 255, 127]);
    expect(await cast(tensor([0, -0, 0.25, Number.NaN]), 9)).toEqual([0, 0, 1, 1]);
    expect(await cast(tensor([2.7, -2.7]), 7)).toEqual([2, -2]);
    expect(() => first('Cast', [ints(1)], { attributes: { to: 8 } })).toThrow(/string/);
  });
});

describe('broadcasting across ranks and layouts', () => {
  test('weights that are turned over stay one constant in every trace', () => {
    const weight = tensor(ramp(12), [4, 3]);
    const constants = (rows: number) =>
      trace((x: Tensor) => first('MatMul', [x, weight]), input([rows, 4])).graph.nodes.flatMap((each) =>
        each.kind === 'constant' ? [each.value] : [],
      );
    expect(constants(2)).toHaveLength(1);
    expect(constants(2)[0]).toBe(constants(5)[0]);
  });
  test('MatMul of vectors, matrices and stacks of them', async () => {
    const shape = (a: number[], b: number[]) =>
      first('MatMul', [
        tensor(ramp(a.reduce((p, s) => p * s, 1)), a),
        tensor(ramp(b.reduce((p, s) => p * s, 1)), b),
      ]).shape;
    expect(shape([3], [3])).toEqual([]);
    expect(shape([3], [3, 2])).toEqual([2]);
    expect(shape([4, 3], [3])).toEqual([4]);
    expect(shape([2, 1, 4, 3], [5, 3, 2])).toEqual([2, 5, 4, 2]);
    const dot = first('MatMul', [tensor([1, 2, 3]), tensor([4, 5, 6])]);
    expect(await values(dot)).toEqual([32]);
    expect(() => first('MatMul', [ints(1, 2), ints(3, 4)])).toThrow(/int64/);
  });
  test('Gemm with every transposition, factors and a bias of any shape', async () => {
    const a = tensor([
      [1, 2],
      [3, 4],
    ]);
    const b = tensor([
      [5, 6],
      [7, 8],
    ]);
    const gemm = (attributes: Record<string, number>, c?: Tensor) =>
      values(first('Gemm', [a, b, c], { attributes }));
    expect(await gemm({})).toEqual([19, 22, 43, 50]);
    expect(await gemm({ transA: 1, transB: 1 })).toEqual([23, 31, 34, 46]);
    expect(await gemm({ transB: 1, beta: 2 }, tensor([1, 10]))).toEqual([19, 43, 41, 73]);
    expect(await gemm({ alpha: 2 }, tensor([[1], [10]]))).toEqual([39, 45, 96, 110]);
  });
  test('Gather of regular, irregular, negative and nested indices', async () => {
    const x = tensor(ramp(12), [3, 4]);
    const nested = first('Gather', [x, tensor([3, 0, -1, -1], [2, 2], 'int32')], { attributes: { axis: 1 } });
    expect(nested.shape).toEqual([3, 2, 2]);
    const r = ramp(12);
    expect((await values(nested)).slice(0, 4)).toEqual([r[3], r[0], r[3], r[3]]);
    expect(first('Gather', [x, tensor([1], [], 'int32')]).shape).toEqual([4]);
    expect(first('Gather', [x, tensor(new Int32Array(0), [0])]).shape).toEqual([0, 4]);
    expect(() => first('Gather', [x, ints(3)])).toThrow(/index 3 is outside axis 0/);
  });
  test('DepthToSpace and SpaceToDepth are inverse in both orders', async () => {
    const x = tensor(ramp(32), [1, 8, 2, 2]);
    const attributes = { blocksize: 2 };
    await expectEqual(first('SpaceToDepth', [first('DepthToSpace', [x], { attributes })], { attributes }), x);
    expect(() => first('DepthToSpace', [x], { attributes: { blocksize: 2, mode: 'XYZ' } })).toThrow(
      /mode 'XYZ'/,
    );
  });
  test('LayerNormalization on any axis, with its statistics, on cpu too', async () => {
    const x = ramp(24);
    const engine = await cpu();
    for (const each of [reference(), engine]) {
      const [y, average, inverse] = node(
        'LayerNormalization',
        [tensor(x, [2, 3, 4]), tensor(new Float32Array(12).fill(1), [3, 4])],
        { attributes: { axis: 1 }, outputs: 3 },
      ).map(({ tensor: t }) => t);
      const row = [...x.subarray(0, 12)];
      const m = row.reduce((a, b) => a + b, 0) / 12;
      const v = row.reduce((a, b) => a + (b - m) ** 2, 0) / 12;
      expect(average!.shape).toEqual([2, 1, 1]);
      expect((await numbers(average!, each))[0]).toBeCloseTo(m, 5);
      expect((await numbers(inverse!, each))[0]).toBeCloseTo(1 / Math.sqrt(v + 1e-5), 5);
      expect((await numbers(y!, each))[0]).toBeCloseTo((row[0]! - m) / Math.sqrt(v + 1e-5), 5);
    }
    await engine.dispose();
  });
  test('a shape in a file allocates nothing', () => {
    const shape = ints(2000, 2000, 500);
    expect(first('ConstantOfShape', [shape]).shape).toEqual([2000, 2000, 500]);
    expect(() => first('ConstantOfShape', [ints(65536, 65536)])).toThrow(/elements/);
    expect(() =>
      first(
        'Range',
        [ints(0), ints(2 ** 30), ints(1)].map((t) => tensor(t.dataSync(), [])),
      ),
    ).toThrow(/1073741824 numbers/);
    expect(() =>
      first(
        'Range',
        [0, 1, 0].map((v) => tensor(v)),
      ),
    ).toThrow(/numbers/);
  });
});
