import { tensor } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backends, first, numbers, typed } from './operator-case.js';

/** What breaks compositions that are nearly right. */
const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0.49999997,
  -0.3,
  3.7,
  1e-45,
  -1e-45,
  1.17549435e-38,
  4194303.5,
  8388607.5,
  8388609,
  16777216,
  2147483648,
  -2147483648,
  3.4e38,
  -3.4e38,
  Infinity,
  -Infinity,
  Number.NaN,
].map(Math.fround);

const float = fc.oneof(fc.constantFrom(...special), fc.float());
const floats = fc.array(fc.tuple(float, float), { minLength: 1, maxLength: 24 });
const integer = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const integers = fc.array(fc.tuple(integer, integer), { minLength: 1, maxLength: 24 });

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  Equal: (a, b) => a === b,
  Greater: (a, b) => a > b,
  GreaterOrEqual: (a, b) => a >= b,
  Less: (a, b) => a < b,
  LessOrEqual: (a, b) => a <= b,
};

/** Halves to even. */
function round(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (!Number.isFinite(x) || rest === 0) return x;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

const functions: Record<string, (x: number) => number> = {
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: round,
  Sign: Math.sign,
};

describe.each(backends)('exact compositions on %s', (_, createBackend) => {
  test('comparisons of floats, NaN and infinities included', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(comparisons)), floats, async (name, pairs) => {
        const a = tensor(Float32Array.from(pairs, ([x]) => x));
        const b = tensor(Float32Array.from(pairs, ([, y]) => y));
        const expected = pairs.map(([x, y]) => Number(comparisons[name]!(Math.fround(x), Math.fround(y))));
        expect(await numbers(first(name, [a, b]), backend)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
    await backend.dispose();
  });

  test('comparisons of integers, the largest and smallest included', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(comparisons)), integers, async (name, pairs) => {
        const a = tensor(Int32Array.from(pairs, ([x]) => x));
        const b = tensor(Int32Array.from(pairs, ([, y]) => y));
        const expected = pairs.map(([x, y]) => Number(comparisons[name]!(x, y)));
        expect(await numbers(first(name, [a, b]), backend)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
    await backend.dispose();
  });

  test('rounding and sign of any float', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(functions)),
        fc.array(float, { minLength: 1, maxLength: 24 }),
        async (name, values) => {
          const x = tensor(Float32Array.from(values));
          const expected = values.map((value) => functions[name]!(Math.fround(value)) + 0);
          expect((await numbers(first(name, [x]), backend)).map((value) => value + 0)).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
    await backend.dispose();
  });

  test('Where picks without touching what it leaves: NaN and infinities there do not matter', async () => {
    const backend = await createBackend();
    const x = tensor([1, -0, Number.NaN, Infinity, -3, 0]);
    const y = tensor([Number.NaN, Infinity, 2, Number.NaN, -Infinity, -0]);
    const condition = tensor([1, 1, 0, 1, 0, 0], [6], 'uint8');
    expect(await numbers(first('Where', [condition, x, y]), backend)).toEqual([
      1,
      -0,
      2,
      Infinity,
      -Infinity,
      -0,
    ]);
    await backend.dispose();
  });

  test('narrow integers keep their lowest bits', async () => {
    const backend = await createBackend();
    const bytes = (values: number[]) => typed(tensor(values, [values.length], 'uint8'), 'uint8');
    const small = (values: number[]) => typed(tensor(values, [values.length], 'int32'), 'int8');
    expect(await numbers(first('Add', [bytes([250, 3]), bytes([10, 4])]), backend)).toEqual([4, 7]);
    expect(await numbers(first('Sub', [bytes([3]), bytes([10])]), backend)).toEqual([249]);
    expect(await numbers(first('Mul', [small([100, -100]), small([2, 2])]), backend)).toEqual([-56, 56]);
    await backend.dispose();
  });

  test('integers divide towards zero; remainders have the sign of the divisor, or of the dividend with fmod', async () => {
    const backend = await createBackend();
    const a = tensor([7, -7, 7, -7], [4], 'int32');
    const b = tensor([3, 3, -3, -3], [4], 'int32');
    expect(await numbers(first('Div', [a, b]), backend)).toEqual([2, -2, -2, 2]);
    expect(await numbers(first('Mod', [a, b]), backend)).toEqual([1, 2, -2, -1]);
    expect(await numbers(first('Mod', [a, b], { attributes: { fmod: 1 } }), backend)).toEqual([1, -1, 1, -1]);
    await backend.dispose();
  });

  test('reductions of infinities', async () => {
    const backend = await createBackend();
    const x = tensor([
      [-Infinity, -Infinity],
      [0, Infinity],
      [1e38, 3e38],
      [1, 2],
    ]);
    const options = { attributes: { keepdims: 0 } };
    const axes = tensor([1], [1], 'int32');
    expect((await numbers(first('ReduceLogSumExp', [x, axes], options), backend)).slice(0, 3)).toEqual([
      -Infinity,
      Infinity,
      Math.fround(3e38),
    ]);
    expect(await numbers(first('ReduceMin', [x, axes], options), backend)).toEqual([
      -Infinity,
      0,
      Math.fround(1e38),
      1,
    ]);
    const extremes = tensor([-(2 ** 31), 2 ** 31 - 1, 5], [3], 'int32');
    expect(await numbers(first('ReduceMin', [extremes]), backend)).toEqual([-(2 ** 31)]);
    expect(await numbers(first('ArgMin', [extremes]), backend)).toEqual([0]);
    await backend.dispose();
  });
});
