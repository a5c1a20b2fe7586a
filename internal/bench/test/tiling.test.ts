import { expect, test } from 'vitest';
import { parseOptions } from '../src/options.js';
import { runTiling } from '../src/tiling/run.js';
import { mirrored, sampleLuminance } from '../src/water.js';

const nowhere = new URL('file:///nowhere/tiling.md');
const options = (...args: string[]) => parseOptions(['--tiling', ...args], {});

test('--only names the parts', async () => {
  await expect(runTiling(options('--only', '3000'), nowhere)).rejects.toThrow(
    /--only takes accuracy, 2000, 8000, 20000, but got 3000/,
  );
});

test('--write never loses rows of a table', async () => {
  await expect(runTiling(options('--only', '2000', '--write'), nowhere)).rejects.toThrow(
    /--write puts in the whole table/,
  );
});

test('large pictures are the sample, mirrored at its borders', async () => {
  const source = mirrored(Uint8Array.of(1, 2, 3, 4, 5, 6), [1, 1, 2, 3], 7);
  const read = async (start: number[], size: number[]) => [...(await source.read({ start, size }, {}))];
  expect(source.shape).toEqual([1, 1, 7, 7]);
  expect(await read([0, 0], [1, 7])).toEqual([1, 2, 3, 3, 2, 1, 1]);
  expect(await read([0, 1], [5, 1])).toEqual([2, 5, 5, 2, 2]);
  expect(await read([2, 3], [2, 2])).toEqual([6, 5, 3, 2]);
});

test('the sample is read as luminance', async () => {
  const { bytes, shape } = await sampleLuminance();
  expect(shape).toEqual([1, 1, 800, 800]);
  expect(new Set(bytes).size).toBeGreaterThan(50);
});
