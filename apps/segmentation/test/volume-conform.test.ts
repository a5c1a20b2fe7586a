import { OptionError, ShapeError } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Affine,
  conform,
  orientationOf,
  resampleLabels,
  type Triple,
  type Volume,
  type VoxelArray,
} from '../src/volume/index.js';

/** A volume as it would come from a file: i contiguous. */
function volume(size: Triple, affine: Affine, data: VoxelArray): Volume {
  return { name: 'made', size, affine, data, strides: [1, size[0], size[0] * size[1]], slope: 1, inter: 0 };
}

type Rows = number[][];
/** Rows of turns about x, y and z, one after the other, in degrees. */
function turned(...degrees: readonly number[]): Rows {
  let matrix: Rows = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  for (const [axis, angle] of degrees.entries()) {
    const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    const [i, j] = [0, 1, 2].filter((n) => n !== axis) as [number, number];
    matrix = matrix.map((row) =>
      row.map((value, n) =>
        n === i ? c * row[i]! + s * row[j]! : n === j ? c * row[j]! - s * row[i]! : value,
      ),
    );
  }
  return matrix;
}
const placed = (matrix: Rows, sizes: Triple, offset: Triple): Affine =>
  matrix.map((row, r) => [...row.map((value, c) => value * sizes[c]!), offset[r]!]) as unknown as Affine;

const ras: Affine = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
];

/** The same volume with its axes in another order and some of them turned around. */
function stored({ size, affine, data }: Volume, order: Triple, flips: readonly boolean[]): Volume {
  const size2 = order.map((axis) => size[axis]!) as unknown as Triple;
  const result = data.slice();
  for (let n = 0; n < data.length; n++) {
    const at = [n % size2[0], Math.floor(n / size2[0]) % size2[1], Math.floor(n / size2[0] / size2[1])];
    const from = [0, 0, 0];
    for (const [axis, old] of order.entries())
      from[old] = flips[axis] ? size2[axis]! - 1 - at[axis]! : at[axis]!;
    result[n] = data[from[0]! + size[0] * (from[1]! + size[1] * from[2]!)]!;
  }
  const affine2 = affine.map((row) => {
    const offset = order.reduce<number>(
      (sum, old, axis) => sum + (flips[axis] ? (size2[axis]! - 1) * row[old]! : 0),
      row[3],
    );
    return [...order.map((old, axis) => (flips[axis] ? -1 : 1) * row[old]!), offset];
  }) as unknown as Affine;
  return volume(size2, affine2, result);
}

const orders: Triple[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];
const arrangement = fc.record({
  order: fc.constantFrom(...orders),
  flips: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
});

describe('conform: the grid', () => {
  test('256³ voxels of 1 mm, to the left, down and to the front, with the middle of the volume in the middle', async () => {
    // voxels of 1, 2, 3 mm: the middle, voxel (1.5, 1, 0.5), is at (11.5, 22, 31.5)
    const affine = placed(turned(), [1, 2, 3], [10, 20, 30]);
    const result = await conform(volume([4, 3, 2], affine, new Uint8Array(24).fill(9)));
    expect(result.size).toEqual([256, 256, 256]);
    expect(orientationOf(result.affine)).toBe('LIA');
    // 11.5 + 127.5, 22 − 127.5, 31.5 + 127.5
    expect(result.affine).toEqual([
      [-1, 0, 0, 139],
      [0, 0, 1, -105.5],
      [0, -1, 0, 159],
    ]);
    // the volume is 4 × 6 × 6 mm large: i (left) 126 … 129, j (down) 125 … 130, k (front) 125 … 130
    const inside: number[][] = [];
    for (let n = 0; n < result.data.length; n++)
      if (result.data[n] === 9) inside.push([n >> 16, (n >> 8) & 255, n & 255]);
    expect(inside.length).toBe(4 * 6 * 6);
    for (const [axis, [low, high]] of [
      [126, 129],
      [125, 130],
      [125, 130],
    ].entries()) {
      expect(Math.min(...inside.map((at) => at[axis]!))).toBe(low);
      expect(Math.max(...inside.map((at) => at[axis]!))).toBe(high);
    }
    expect(result.whole).toBe(true);
  });

  test('interpolates between neighbours', async () => {
    // voxels of 2 mm with the values 0, 80, 160, 240 along x, read every mm from x = −0.5 on
    const values = Uint8Array.from({ length: 64 }, (_, n) => 80 * (n % 4));
    const made = volume([4, 4, 4], placed(turned(), [2, 2, 2], [0, 0, 0]), values);
    const { data, affine } = await conform(made, { size: 8, orientation: 'RAS' });
    expect(affine[0]).toEqual([1, 0, 0, -0.5]);
    const row = Array.from({ length: 8 }, (_, i) => data[i * 64 + 4 * 8 + 4]);
    // at x = 0.5 a quarter of the way from 0 to 80, and so on; the border goes on for half a voxel
    expect(row).toEqual([0, 20, 60, 100, 140, 180, 220, 240]);
  });

  test('other sizes, spacings and orientations', async () => {
    const made = volume([2, 2, 2], ras, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]));
    const { data, affine } = await conform(made, { size: 2, orientation: 'SPR' });
    // i up, j to the back, k to the right
    expect([...data]).toEqual([3, 4, 1, 2, 7, 8, 5, 6]);
    expect(affine).toEqual([
      [0, 0, 1, 0],
      [0, -1, 0, 1],
      [1, 0, 0, 0],
    ]);
  });

  test('axes: nearest keeps the axes of an oblique volume, world turns it', async () => {
    const affine = placed(turned(10, -15, 20), [1, 1, 1], [3, 4, 5]);
    const values = Uint8Array.from({ length: 512 }, (_, n) => (n * 37) % 251);
    const made = volume([8, 8, 8], affine, values);
    const nearest = await conform(made, { size: 8, orientation: 'RAS', axes: 'nearest' });
    for (let n = 0; n < 512; n++)
      expect(nearest.data[n]).toBe(values[(n >> 6) + 8 * ((n >> 3) & 7) + 64 * (n & 7)]);
    for (const [n, value] of nearest.affine.flat().entries()) expect(value).toBeCloseTo(affine.flat()[n]!, 9);
    const lia = await conform(made, { size: 8, axes: 'nearest' });
    expect(orientationOf(lia.affine)).toBe('LIA');
    expect([...lia.data].sort()).toEqual([...values].sort());
    const world = await conform(made, { size: 8 });
    expect(world.affine.map((row) => row.slice(0, 3))).toEqual([
      [-1, 0, 0],
      [0, 0, 1],
      [0, -1, 0],
    ]);
    expect([...world.data]).not.toEqual([...lia.data]);
  });

  test('bytes that lie on such a grid stay as they are, wherever it is', async () => {
    const affine: Affine = [
      [-1, 0, 0, 127.6],
      [0, 0, 1, -133.48],
      [0, -1, 0, 134.48],
    ];
    const values = Uint8Array.from({ length: 32 ** 3 }, (_, n) => (n * 7919) % 256);
    const result = await conform(volume([32, 32, 32], affine, values), { size: 32 });
    expect(result.affine).toEqual(affine);
    for (let n = 0; n < values.length; n++)
      expect(result.data[n]).toBe(values[(n >> 10) + 32 * ((n >> 5) & 31) + 1024 * (n & 31)]);
  });

  test('says when a part of the volume does not fit', async () => {
    const made = volume([9, 2, 2], ras, new Uint8Array(36).fill(1));
    expect((await conform(made, { size: 9 })).whole).toBe(true);
    expect((await conform(made, { size: 8 })).whole).toBe(false);
  });

  test('does not depend on how the file stores its axes', async () => {
    const sized = fc.tuple(
      ...[0, 1, 2].map(() => fc.integer({ min: 1, max: 9 })),
    ) as unknown as fc.Arbitrary<Triple>;
    const angle = fc.integer({ min: -180, max: 180 });
    const spacing = fc.constantFrom(0.5, 1, 1.25, 2);
    const made = fc.record({
      size: sized,
      angles: fc.oneof(fc.constant<Triple>([0, 0, 0]), fc.tuple(angle, angle, angle)),
      spacings: fc.tuple(spacing, spacing, spacing),
      seed: fc.integer({ min: 1, max: 1e6 }),
      whole: fc.boolean(),
    });
    const property = fc.asyncProperty(
      made,
      arrangement,
      async ({ size, angles, spacings, seed, whole }, { order, flips }) => {
        const count = size.reduce((a, b) => a * b, 1);
        const value = (n: number) => (Math.imul(n + seed, 0x9e3779b1) >>> 8) % 256;
        const data = whole
          ? Uint8Array.from({ length: count }, (_, n) => value(n))
          : Float32Array.from({ length: count }, (_, n) => value(n) / 7 - 9);
        const first = volume(size, placed(turned(...angles), spacings, [3, -4, 5]), data);
        const a = await conform(first, { size: 12 });
        const b = await conform(stored(first, order, flips), { size: 12 });
        for (const [n, mm] of a.affine.flat().entries()) expect(b.affine.flat()[n]).toBeCloseTo(mm, 9);
        // only a value that lies half way between two bytes may be rounded differently
        const apart = a.data.map((byte, n) => Math.abs(byte - b.data[n]!));
        expect(Math.max(...apart)).toBeLessThanOrEqual(angles.every((turn) => turn === 0) ? 0 : 1);
        expect(apart.filter((difference) => difference > 0).length).toBeLessThanOrEqual(3);
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
});

describe('conform: bytes', () => {
  const line = (values: VoxelArray) => volume([values.length, 1, 1], ras, values);
  const bytes = async (made: Volume) => {
    const { data } = await conform(made, { size: made.size[0], orientation: 'RAS' });
    const middle = Math.floor((made.size[0] - 1) / 2);
    return Array.from(
      { length: made.size[0] },
      (_, i) => data[(i * made.size[0] + middle) * made.size[0] + middle]!,
    );
  };

  test('the tenth of a percent with the largest values is clipped', async () => {
    const values = Float32Array.from({ length: 101 }, (_, n) => n * 10);
    // fewer than 1000 voxels: nothing is left out; the rule ends two edges below the one that has them all, at 998
    expect(await bytes(line(values))).toEqual(
      Array.from(values, (value) => Math.min(255, Math.round((value * 255) / 998))),
    );
  });

  test('one outlier among many voxels does not darken the rest', async () => {
    const size: Triple = [20, 20, 20];
    const data = Float32Array.from({ length: 8000 }, (_, n) => 1 + (n % 100));
    data[4210] = 1000;
    const { data: result } = await conform(volume(size, ras, data), { size: 20, orientation: 'RAS' });
    const found = new Set(result);
    // 8 of 8000 may be clipped: the range ends two edges below the bin of 100, so that 99 is clipped with it
    expect(Math.max(...found)).toBe(255);
    expect(found.size).toBe(99);
  });

  test('equal values give zeros, few far values do not divide by zero', async () => {
    const { data: none } = await conform(volume([2, 2, 2], ras, new Int16Array(8).fill(-7)), { size: 2 });
    expect([...none]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    const far = new Float32Array(20 ** 3).fill(1);
    far[4210] = 1e6;
    const { data } = await conform(volume([20, 20, 20], ras, far), { size: 20, orientation: 'RAS' });
    expect([...new Set(data)].sort()).toEqual([0, 255]);
  });

  test('slope and intercept count; a scaled byte is no byte', async () => {
    const values = Uint8Array.from([0, 10, 20, 30, 40]);
    expect(await bytes(line(values))).toEqual([...values]);
    const scaled = { ...line(values), slope: -2, inter: 90 };
    // 90 … 10, so that the last is the smallest
    const result = await bytes(scaled);
    expect(result[4]).toBe(0);
    expect(result[0]).toBe(255);
    expect(result[2]).toBe(Math.round((40 * 255) / (80 * 0.998)));
  });

  test('values beyond all doubles are refused', async () => {
    const made = line(Float64Array.from([1e308, -1e308]));
    await expect(conform(made, { size: 2 })).rejects.toThrow(/made: its values reach from -1e\+308/);
  });
});

describe('conform: work', () => {
  const made = volume(
    [40, 40, 40],
    ras,
    new Float32Array(64_000).map((_, n) => n % 99),
  );

  test('reports progress', async () => {
    const reports: { done: number; total: number }[] = [];
    await conform(made, { size: 128, onProgress: (progress) => reports.push(progress) });
    expect(reports.length).toBeGreaterThan(5);
    expect(reports.at(-1)).toEqual({ done: 128 ** 3, total: 128 ** 3 });
    expect(reports.every(({ done }, n) => n === 0 || done > reports[n - 1]!.done)).toBe(true);
  });

  test('a signal cancels in the middle', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    let reports = 0;
    const running = conform(made, {
      size: 128,
      signal: controller.signal,
      onProgress: () => {
        if (++reports === 2) controller.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    expect(reports).toBe(2);
  });

  test.each([
    [{ size: 0 }, /size must be an integer from 1 to 512 but is 0/],
    [{ size: 513 }, /is 513/],
    [{ spacing: Number.NaN }, /spacing must be/],
    [{ orientation: 'LIX' }, /orientation: LIX is none/],
    [{ orientation: 'LRA' }, /orientation: LRA is none/],
    [{ axes: 'oblique' as 'world' }, /axes must be 'world' or 'nearest'/],
  ])('%o is refused', async (options, message) => {
    await expect(conform(made, options)).rejects.toThrow(OptionError);
    await expect(conform(made, options)).rejects.toThrow(message);
  });
});

describe('resampleLabels', () => {
  test('labels of big blobs come back', async () => {
    const spacing = fc.integer({ min: 70, max: 110 }).map((n) => n / 100);
    const angle = fc.integer({ min: -180, max: 180 });
    const property = fc.asyncProperty(
      fc.tuple(spacing, spacing, spacing),
      fc.tuple(angle, angle, angle),
      fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 16, max: 30 }))),
      async (spacings, angles, centre) => {
        const size: Triple = [46, 47, 48];
        const radius = 15;
        const labels = Uint8Array.from({ length: 46 * 47 * 48 }, (_, n) => {
          const at = [n % 46, Math.floor(n / 46) % 47, Math.floor(n / 46 / 47)];
          return Math.hypot(...at.map((index, axis) => index - centre[axis]!)) < radius ? 1 : 0;
        });
        const input = volume(
          size,
          placed(turned(...angles), spacings, [9, 8, 7]),
          labels.map((label) => 200 * label),
        );
        const conformed = await conform(input, { size: 96 });
        expect(conformed.whole).toBe(true);
        const found = conformed.data.map((byte) => (byte > 100 ? 1 : 0));
        const back = await resampleLabels(found, conformed, input);
        const kept = back.filter((label, n) => label === labels[n]).length;
        expect(kept / labels.length).toBeGreaterThan(0.99);
        expect(back.filter((label) => label === 1).length).toBeGreaterThan(12_000);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  test('on the same voxels, stored otherwise, every label comes back', async () => {
    const property = fc.asyncProperty(arrangement, async ({ order, flips }) => {
      const labels = Uint8Array.from({ length: 8 * 6 * 4 }, (_, n) => n % 200);
      const input = stored(volume([8, 6, 4], ras, labels), order, flips);
      const conformed = await conform(input, { size: 10 });
      expect(await resampleLabels(conformed.data, conformed, input)).toEqual(input.data);
    });
    await fc.assert(property, { numRuns: 48 });
  });

  test('0 where the labels do not reach; int32 labels; progress and signal', async () => {
    const of = { size: [2, 2, 2] as Triple, affine: ras };
    const like = { size: [4, 1, 1] as Triple, affine: ras };
    const reports: number[] = [];
    const labels = Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    const result = await resampleLabels(labels, of, like, { onProgress: ({ done }) => reports.push(done) });
    expect([...result]).toEqual([1, 5, 0, 0]);
    expect(reports).toEqual([4]);
    const reason = new Error('enough');
    await expect(resampleLabels(labels, of, like, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  test('refuses labels that do not fit', async () => {
    const of = { size: [2, 2, 2] as Triple, affine: ras };
    await expect(resampleLabels(new Uint8Array(7), of, of)).rejects.toThrow(ShapeError);
    await expect(resampleLabels(new Int32Array(8).fill(256), of, of)).rejects.toThrow(/label 256/);
    await expect(resampleLabels(new Int32Array(8).fill(-1), of, of)).rejects.toThrow(OptionError);
  });
});
