import { tensor } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backends, first, numbers } from './operator-case.js';

/** The specification's formulas, one axis, one output at a time. */
interface Axis {
  readonly input: number;
  readonly output: number;
  readonly from: number;
  readonly to: number;
  readonly roi: readonly [number, number];
}

const sources: Record<string, (x: number, axis: Axis) => number> = {
  half_pixel: (x, { from, to }) => ((x + 0.5) * from) / to - 0.5,
  pytorch_half_pixel: (x, { from, to, output }) => (output > 1 ? ((x + 0.5) * from) / to - 0.5 : 0),
  half_pixel_symmetric(x, { input, output, from, to }) {
    const adjustment = (output * from) / (to * input);
    const center = input / 2;
    return center * (1 - adjustment) + ((x + 0.5) * from) / to - 0.5;
  },
  align_corners: (x, { input, output }) => (output > 1 ? (x * (input - 1)) / (output - 1) : 0),
  asymmetric: (x, { from, to }) => (x * from) / to,
  tf_half_pixel_for_nn: (x, { from, to }) => ((x + 0.5) * from) / to,
  tf_crop_and_resize: (x, { input, output, roi: [start, end] }) =>
    output > 1
      ? start * (input - 1) + (x * (end - start) * (input - 1)) / (output - 1)
      : 0.5 * (start + end) * (input - 1),
};

const roundings: Record<string, (x: number) => number> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
};

const clamp = (i: number, input: number) => Math.min(Math.max(i, 0), input - 1);

function expectedLine(
  x: readonly number[],
  axis: Axis,
  coordinate: string,
  mode: string,
  rounding: string,
): number[] {
  return Array.from({ length: axis.output }, (_, o) => {
    const source = sources[coordinate]!(o, axis);
    if (coordinate === 'tf_crop_and_resize' && (source < 0 || source > axis.input - 1)) return -7;
    if (mode === 'nearest') return x[clamp(roundings[rounding]!(source), axis.input)]!;
    const low = Math.floor(source);
    const part = source - low;
    return x[clamp(low, axis.input)]! * (1 - part) + x[clamp(low + 1, axis.input)]! * part;
  });
}

const line = (length: number) => Float32Array.from({ length }, (_, i) => ((i * 37) % 11) - 3);

describe.each(backends)('Resize on %s', (_, createBackend) => {
  test('every coordinate and rounding mode as the formulas say, by sizes', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(sources)),
        fc.constantFrom('nearest', 'linear'),
        fc.constantFrom(...Object.keys(roundings)),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 17 }),
        async (coordinate, mode, rounding, input, output) => {
          const x = line(input);
          const roi = [0.25, 0.5] as const;
          const y = first(
            'Resize',
            [
              tensor(x, [1, 1, input]),
              tensor([0, 0, roi[0], 1, 1, roi[1]]),
              undefined,
              tensor([1, 1, output], [3], 'int32'),
            ],
            {
              attributes: {
                mode,
                coordinate_transformation_mode: coordinate,
                nearest_mode: rounding,
                extrapolation_value: -7,
              },
            },
          );
          const axis = { input, output, from: input, to: output, roi };
          const expected = expectedLine([...x], axis, coordinate, mode, rounding);
          const got = await numbers(y, backend);
          expect(y.shape).toEqual([1, 1, output]);
          for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 4);
        },
      ),
      { numRuns: 300 },
    );
    await backend.dispose();
  });

  test('scales of a file are float32, and lengths are rounded down', async () => {
    const backend = await createBackend();
    const x = tensor(line(10), [1, 1, 10]);
    const y = first('Resize', [x, undefined, tensor([1, 1, 0.7])], { attributes: { mode: 'linear' } });
    const axis: Axis = { input: 10, output: 7, from: 1, to: Math.fround(0.7), roi: [0, 1] };
    const expected = expectedLine([...line(10)], axis, 'half_pixel', 'linear', '');
    const got = await numbers(y, backend);
    expect(y.shape).toEqual([1, 1, 7]);
    for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 4);
    await backend.dispose();
  });

  test('extrapolates where the region reaches beyond the picture', async () => {
    const backend = await createBackend();
    const roi = [-0.5, 1.25] as const;
    const y = first(
      'Resize',
      [
        tensor(line(5), [1, 1, 5]),
        tensor([0, 0, roi[0], 1, 1, roi[1]]),
        undefined,
        tensor([1, 1, 9], [3], 'int32'),
      ],
      {
        attributes: {
          mode: 'linear',
          coordinate_transformation_mode: 'tf_crop_and_resize',
          extrapolation_value: -7,
        },
      },
    );
    const axis: Axis = { input: 5, output: 9, from: 5, to: 9, roi };
    const expected = expectedLine([...line(5)], axis, 'tf_crop_and_resize', 'linear', '');
    expect(expected.filter((value) => value === -7).length).toBeGreaterThan(2);
    const got = await numbers(y, backend);
    for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 4);
    await backend.dispose();
  });

  test('any axes, batch and channels among them, are resized one after the other', async () => {
    const backend = await createBackend();
    const x = tensor(line(12), [3, 4]);
    const y = first('Resize', [x, undefined, undefined, tensor([2, 6], [2], 'int32')], {
      attributes: { mode: 'linear' },
    });
    const columns = [0, 1, 2].flatMap((row) =>
      expectedLine(
        [...line(12)].slice(4 * row, 4 * row + 4),
        { input: 4, output: 6, from: 4, to: 6, roi: [0, 1] },
        'half_pixel',
        'linear',
        '',
      ),
    );
    const expected = Array.from({ length: 6 }, (_, c) =>
      expectedLine(
        [columns[c]!, columns[6 + c]!, columns[12 + c]!],
        { input: 3, output: 2, from: 3, to: 2, roi: [0, 1] },
        'half_pixel',
        'linear',
        '',
      ),
    );
    const got = await numbers(y, backend);
    expect(y.shape).toEqual([2, 6]);
    for (let r = 0; r < 2; r++)
      for (let c = 0; c < 6; c++) expect(got[6 * r + c]).toBeCloseTo(expected[c]![r]!, 4);
    await backend.dispose();
  });

  test('version 18: axes, and policies that keep the proportions', async () => {
    const shapeOf = (policy: string) =>
      first('Resize', [tensor(line(24), [1, 1, 4, 6]), undefined, undefined, tensor([6, 7], [2], 'int32')], {
        attributes: { axes: [2, 3], keep_aspect_ratio_policy: policy },
      }).shape;
    expect(shapeOf('stretch')).toEqual([1, 1, 6, 7]);
    expect(shapeOf('not_larger')).toEqual([1, 1, 5, 7]);
    expect(shapeOf('not_smaller')).toEqual([1, 1, 6, 9]);
  });

  test('Upsample 7 and 9 and Resize 10: asymmetric; shrinking takes the sample above', async () => {
    const backend = await createBackend();
    const x = tensor(Float32Array.from([1, 2, 3, 4, 5]), [1, 1, 5]);
    const doubled = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5];
    const attributes = { mode: 'nearest', scales: [1, 1, 2] };
    expect(await numbers(first('Upsample', [x], { opset: 7, attributes }), backend)).toEqual(doubled);
    expect(await numbers(first('Upsample', [x, tensor([1, 1, 2])], { opset: 9 }), backend)).toEqual(doubled);
    expect(await numbers(first('Resize', [x, tensor([1, 1, 2])], { opset: 10 }), backend)).toEqual(doubled);
    expect(await numbers(first('Resize', [x, tensor([1, 1, 0.6])], { opset: 10 }), backend)).toEqual([
      1, 3, 5,
    ]);
    await backend.dispose();
  });
});

describe('Resize rejects by name', () => {
  const x = tensor(line(8), [1, 1, 8]);
  const sizes = tensor([1, 1, 4], [3], 'int32');
  test.each([
    [{ mode: 'cubic' }, /mode 'cubic' is not supported/],
    [{ mode: 'linear', antialias: 1 }, /antialias 1 is not supported/],
    [{ coordinate_transformation_mode: 'elsewhere' }, /coordinate_transformation_mode 'elsewhere'/],
    [{ nearest_mode: 'up' }, /nearest_mode 'up'/],
  ])('%o', (attributes, message) => {
    expect(() => first('Resize', [x, undefined, undefined, sizes], { attributes })).toThrow(message);
  });
  test('a region for other axes', () => {
    const attributes = { coordinate_transformation_mode: 'tf_crop_and_resize' };
    expect(() => first('Resize', [x, tensor([0, 1]), undefined, sizes], { attributes })).toThrow(
      /roi \[0,1\]/,
    );
  });
  test('sizes without the number of axes, and sizes of 0', () => {
    expect(() => first('Resize', [x, undefined, undefined, tensor([4], [1], 'int32')])).toThrow(/3 positive/);
    expect(() => first('Resize', [x, undefined, undefined, tensor([1, 1, 0], [3], 'int32')])).toThrow(
      /3 positive/,
    );
  });
});
