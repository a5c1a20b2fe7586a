import { FormatError, OptionError } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conform, type Triple, type Volume, type VoxelArray, volumeSource } from '../src/volume/index.js';

const affine = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
] as const;
const volume = (size: Triple, data: VoxelArray, slope = 1, inter = 0): Volume => ({
  name: 'made',
  size,
  affine,
  data,
  strides: [1, size[0], size[0] * size[1]],
  slope,
  inter,
});
const everything = (size: readonly number[]) => ({ start: [0, 0, 0], size });

describe('volumeSource', () => {
  test('gives [1, 1, D, H, W] = (i, j, k) of a file and of a conformed volume', async () => {
    const size: Triple = [2, 3, 4];
    const file = volume(
      size,
      Int16Array.from({ length: 24 }, (_, n) => n),
    );
    const source = await volumeSource(file, { normalisation: 'minimum-maximum' });
    expect(source).toMatchObject({ shape: [1, 1, 2, 3, 4], dtype: 'float32', limits: { low: 0, high: 23 } });
    const values = await source.read(everything(size), {});
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 3; j++)
        for (let k = 0; k < 4; k++)
          expect(values[(i * 3 + j) * 4 + k]).toBe(Math.fround((i + 2 * (j + 3 * k)) / 23));
    const part = await source.read({ start: [1, 1, 2], size: [1, 2, 2] }, {});
    expect([...part]).toEqual([15, 21, 17, 23].map((n) => Math.fround(n / 23)));

    const bytes = await conform(
      volume(
        [4, 4, 4],
        Uint8Array.from({ length: 64 }, (_, n) => n),
      ),
      {
        size: 4,
        orientation: 'RAS',
      },
    );
    const conformed = await volumeSource(bytes, { normalisation: 'minimum-maximum' });
    const corner = await conformed.read({ start: [3, 2, 1], size: [1, 1, 1] }, {});
    expect(corner[0]).toBe(Math.fround((3 + 4 * 2 + 16 * 1) / 63));
  });

  test('minimum and maximum are those of the whole volume, scaled', async () => {
    const file = volume([4, 1, 1], Uint8Array.from([0, 5, 20, 10]), -2, 30);
    const source = await volumeSource(file, { normalisation: 'minimum-maximum' });
    expect(source.limits).toEqual({ low: -10, high: 30 });
    expect([...(await source.read({ start: [1, 0, 0], size: [2, 1, 1] }, {}))]).toEqual([0.75, 0]);
  });

  test('quantiles are values at ⌊n · lower⌋ and ⌈n · upper⌉ − 1 of all, sorted', async () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e150, max: 1e150 }),
      fc.integer({ min: -3, max: 3 }),
    );
    const property = fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 60 }),
      fc.double({ noNaN: true, min: 0, max: 0.49 }),
      fc.double({ noNaN: true, min: 0.5, max: 1 }),
      async (values, lower, upper) => {
        const n = values.length;
        const sorted = [...values].sort((a, b) => a - b);
        const low = sorted[Math.floor(n * lower)]!;
        const high = sorted[Math.ceil(n * upper) - 1]!;
        const made = volume([n, 1, 1], Float64Array.from(values));
        const source = volumeSource(made, { normalisation: { lower, upper } });
        if (!(high > low)) await expect(source).rejects.toThrow(FormatError);
        else expect((await source).limits).toEqual({ low, high });
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  test('clips if asked to, as the default quantiles do', async () => {
    const made = volume(
      [100, 1, 1],
      Float32Array.from({ length: 100 }, (_, n) => n),
    );
    const read = async (normalisation: Parameters<typeof volumeSource>[1]['normalisation']) => {
      const source = await volumeSource(made, { normalisation });
      return [source.limits, await source.read(everything([100, 1, 1]), {})] as const;
    };
    const [ends, clipped] = await read('quantiles');
    expect(ends).toEqual({ low: 2, high: 97 });
    expect([clipped[0], clipped[2], clipped[97], clipped[99]]).toEqual([0, 0, 1, 1]);
    const [, open] = await read({ lower: 0.02, upper: 0.98 });
    expect(open[0]).toBe(Math.fround(-2 / 95));
    expect(open[99]).toBe(Math.fround(97 / 95));
    expect(await read({ lower: 0.02, upper: 0.98, clip: true })).toEqual([ends, clipped]);
  });

  test('refuses what cannot be divided, and unusable options', async () => {
    const flat = volume([2, 2, 2], new Uint8Array(8).fill(7));
    const normalised = volumeSource(flat, { normalisation: 'minimum-maximum' });
    await expect(normalised).rejects.toThrow(FormatError);
    await expect(normalised).rejects.toThrow('made: cannot be normalised, because all voxels are 7');
    const mostly = volume([100, 1, 1], new Uint8Array(100).fill(1, 99));
    await expect(volumeSource(mostly, { normalisation: 'quantiles' })).rejects.toThrow(
      /both quantiles are 0/,
    );
    for (const normalisation of [{ lower: 0.5, upper: 0.5 }, { lower: -1, upper: 1 }, 'range', undefined])
      await expect(volumeSource(mostly, { normalisation: normalisation as 'quantiles' })).rejects.toThrow(
        OptionError,
      );
  });

  test('a signal cancels', async () => {
    const reason = new Error('enough');
    const options = { normalisation: 'quantiles', signal: AbortSignal.abort(reason) } as const;
    await expect(volumeSource(volume([2, 2, 2], new Uint8Array(8)), options)).rejects.toBe(reason);
  });
});
