import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { conform, orientationOf, readNifti } from '../src/volume/index.js';

/** Files that nibabel wrote, and what it and SciPy say of them: see make.py beside them. */
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/volumes/${name}`, import.meta.url));
const { size, spacing, files } = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as {
  size: number;
  spacing: number;
  files: Record<
    string,
    {
      size: number[];
      affine: number[][];
      orientation: string;
      values: number[];
      conformed: { affine: number[][]; bytes: string };
    }
  >;
};

const differences = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from({ length: a.length }, (_, n) => Math.abs(a[n]! - b[n]!));

describe.each(Object.entries(files))('%s', (name, expected) => {
  test('has the size, place and values that nibabel reads', async () => {
    expect(existsSync(fixture(name))).toBe(true);
    const volume = await readNifti(fixture(name));
    expect(volume.size).toEqual(expected.size);
    expect(Math.max(...differences(volume.affine.flat(), expected.affine.flat()))).toBeLessThan(1e-5);
    expect(orientationOf(volume.affine)).toBe(expected.orientation);
    const values = Array.from(volume.data, (element) => volume.slope * element + volume.inter);
    expect(values.length).toBe(expected.values.length);
    expect(Math.max(...differences(values, expected.values))).toBeLessThan(1e-8);
  });

  test('is conformed as SciPy interpolates it and FreeSurfer scales it', async () => {
    const conformed = await conform(await readNifti(fixture(name)), { size, spacing });
    expect(Math.max(...differences(conformed.affine.flat(), expected.conformed.affine.flat()))).toBeLessThan(
      1e-4,
    );
    const wanted = Buffer.from(expected.conformed.bytes, 'base64');
    const apart = differences(conformed.data, wanted);
    // a value that lies between two bytes may be rounded either way
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(apart.filter((difference) => difference > 0).length).toBeLessThan(wanted.length / 1000);
    expect(wanted.filter((byte) => byte > 0).length).toBeGreaterThan(90);
  });
});
