import {
  add,
  full,
  input,
  type NestedNumbers,
  OptionError,
  ones,
  relu,
  ShapeError,
  type Tensor,
  tensor,
  UnsupportedError,
  zeros,
} from '@atrous/core';
import { describe, expect, expectTypeOf, test } from 'vitest';

describe('tensor()', () => {
  test('nested arrays give their own shape', () => {
    const t = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([t.shape, t.dtype]).toEqual([[2, 3], 'float32']);
    expect(t.dataSync()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  test('flat values take a shape; a number is a scalar', () => {
    expect(tensor([1, 2, 3, 4], [2, 2]).shape).toEqual([2, 2]);
    expect(tensor(5).shape).toEqual([]);
    expect(tensor([[]]).shape).toEqual([1, 0]);
  });

  test('typed arrays are adopted and keep their dtype', () => {
    const values = Uint8Array.of(1, 2);
    const t = tensor(values);
    expect(t.dataSync()).toBe(values);
    expectTypeOf(tensor(Int32Array.of(1))).toExtend<Tensor>();
    expect(tensor(Int32Array.of(1)).dtype).toBe('int32');
    expect(tensor(values, [2], 'float32').dataSync()).toEqual(Float32Array.of(1, 2));
  });

  test('the shape cannot be changed', () => {
    const shape = [2];
    const t = tensor([1, 2], shape);
    shape[0] = 7;
    expect(t.shape).toEqual([2]);
    expect(() => {
      (t.shape as number[])[0] = 3;
    }).toThrow(TypeError);
  });

  const deep = Array.from({ length: 9 }).reduce<NestedNumbers>((inner) => [inner], 1);
  const circular: NestedNumbers[] = [];
  circular.push(circular);
  test.each([
    [() => tensor([1, 2, 3], [2, 2]), ShapeError, 'tensor: shape [2, 2] holds 4 values but 3 were given'],
    [
      () => tensor([[1, 2], [3]]),
      ShapeError,
      'tensor: nested arrays are ragged: axis 1 has 2 entries in the first row but 1 in another',
    ],
    [
      () => tensor([[1, 2], 3 as never]),
      ShapeError,
      'tensor: nested arrays are ragged: axis 1 has 2 entries in the first row but 3 in another',
    ],
    [() => tensor(['a'] as never), OptionError, "tensor: values must be numbers but one is 'a'"],
    [() => tensor(null as never), OptionError, 'tensor: values must be numbers but one is null'],
    [() => tensor(deep), ShapeError, 'tensor: values are nested more than 8 deep'],
    [() => tensor(circular), ShapeError, 'tensor: values are nested more than 8 deep'],
    [
      () => tensor([1, 2.5], [2], 'int32'),
      OptionError,
      'tensor: value 2.5 at index 1 is no int32 (integers from -2147483648 to 2147483647); round it or use float32',
    ],
    [
      () => tensor([256], [1], 'uint8'),
      OptionError,
      'tensor: value 256 at index 0 is no uint8 (integers from 0 to 255); round it or use float32',
    ],
    [
      () => tensor(new Float64Array(2) as never),
      OptionError,
      'tensor: values must be a Float32Array, Int32Array, Uint8Array, nested arrays or a number but is Float64Array; convert it first',
    ],
    [
      () => tensor([1], [1], 'float64' as never),
      OptionError,
      "tensor: dtype must be 'float32', 'int32' or 'uint8' but is 'float64'",
    ],
    [
      () => zeros([1e6, 1e6]),
      ShapeError,
      'zeros: shape [1000000, 1000000] has 1000000000000 elements; one tensor holds at most 2147483647. Work on tiles instead',
    ],
    [() => zeros([2, -1]), ShapeError, 'zeros: shape [2, -1] must hold non-negative integers, not -1'],
    [
      () => input([1, Number.NaN]),
      ShapeError,
      'input: shape [1, NaN] must hold non-negative integers, not NaN',
    ],
    [() => input(3 as never), OptionError, 'input: shape must be a list of sizes but is 3'],
    [() => full([2], Number.NaN), OptionError, 'full: value must be a number but is NaN'],
  ] as const)('%#: %s', (make, type, message) => {
    expect(make).toThrow(type);
    expect(make).toThrow(message);
  });
});

test('zeros, ones, full', () => {
  expect(zeros([2]).dataSync()).toEqual(Float32Array.of(0, 0));
  expect(ones([2], 'int32').dataSync()).toEqual(Int32Array.of(1, 1));
  expect(full([1, 2], 7, 'uint8').dataSync()).toEqual(Uint8Array.of(7, 7));
});

describe('evaluation', () => {
  test('data() computes once; afterwards the tensor holds its data', async () => {
    const y = relu(add(tensor([-2, 1]), 0.5));
    expect(() => y.dataSync()).toThrow(UnsupportedError);
    expect(() => y.dataSync()).toThrow(
      'dataSync: Tensor float32 [2] (result of unary, not evaluated); call `await tensor.data()`',
    );
    const data = await y.data();
    expect(data).toEqual(Float32Array.of(0, 1.5));
    expect(await y.data()).toBe(data);
    expect(y.dataSync()).toBe(data);
  });

  test('toNested() has one level per axis', async () => {
    expect(
      await add(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        1,
      ).toNested(),
    ).toEqual([
      [2, 3],
      [4, 5],
    ]);
    expect(await tensor(3).toNested()).toBe(3);
  });

  test('what depends on an input is refused by name', async () => {
    await expect(relu(input([2], 'float32', 'picture')).data()).rejects.toThrow(
      "the result depends on the input 'picture' [2], which has no value here; pass it to the compiled function",
    );
  });
});

test('toString shows the values, shortened, or the op', () => {
  expect(
    String(
      tensor([
        [1, 2.5],
        [1 / 3, 4],
      ]),
    ),
  ).toBe('Tensor float32 [2, 2] [[1, 2.5], [0.333333, 4]]');
  expect(String(tensor([1, 2, 3, 4, 5, 6, 7, 8], [8], 'uint8', 'mask'))).toBe(
    "Tensor uint8 [8] 'mask' [1, 2, 3, 4, 5, 6, …]",
  );
  expect(String(input([1, 3, 4, 4], 'float32', 'image'))).toBe(
    "Tensor float32 [1, 3, 4, 4] 'image' (an input)",
  );
  expect(String(tensor(1.5))).toBe('Tensor float32 [] 1.5');
});
