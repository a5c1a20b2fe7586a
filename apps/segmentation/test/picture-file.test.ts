import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tiffSink } from '@atrous/tiling/files';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPictureFile, preparedSource } from '../src/node/picture-file.js';
import { asset } from './fixtures.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-picture-'));
});
afterAll(() => rm(folder, { recursive: true }));

const maxMemory = 1e8;

/** RGBA that JPEG keeps well. */
function smooth(width: number, height: number) {
  const data = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.set([x * 4, y * 4, 128, 255], 4 * (y * width + x));
  return { width, height, data };
}

async function saved(bytes: Uint8Array, name = 'picture'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function read(bytes: Uint8Array, name?: string) {
  const file = await openPictureFile(await saved(bytes, name), { maxMemory });
  const { width, height } = file;
  const pixels = await file.pixels({ start: [0, 0], size: [height, width] });
  await file.close();
  return pixels;
}

function png({ width, height, data }: ReturnType<typeof smooth>): Buffer {
  const file = new PNG({ width, height });
  file.data = data;
  return PNG.sync.write(file);
}

/** The same JPEG with an EXIF segment that holds nothing but an orientation. */
function withOrientation(file: Uint8Array, orientation: number): Uint8Array {
  const entry = [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
  const tiff = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, ...entry, 0, 0, 0, 0];
  const body = [...Buffer.from('Exif\0\0', 'latin1'), ...tiff];
  const segment = [0xff, 0xe1, 0, body.length + 2, ...body];
  return Uint8Array.from([...file.subarray(0, 2), ...segment, ...file.subarray(2)]);
}

/** A TIFF with so many bands, each filled with its own number. */
async function tiff(bands: number, dtype: 'uint8' | 'int32' = 'uint8'): Promise<string> {
  const path = join(folder, `bands-${bands}-${dtype}.tif`);
  const sink = tiffSink(path);
  const numbers = Array.from({ length: bands * 12 }, (_, i) => 10 + Math.floor(i / 12));
  const values = dtype === 'uint8' ? Uint8Array.from(numbers) : Int32Array.from(numbers);
  await sink.write({ start: [0, 0], size: [3, 4] }, values, { shape: [1, bands, 3, 4], dtype });
  await sink.close();
  return path;
}

describe('what is read', () => {
  test('a PNG, exactly, opacity included', async () => {
    const picture = smooth(13, 7);
    for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = i % 256;
    const { width, height, data } = await read(png(picture));
    expect([width, height]).toEqual([13, 7]);
    expect([...data]).toEqual([...picture.data]);
  });

  test('a JPEG, whatever its name ends with', async () => {
    const picture = smooth(40, 24);
    const { width, height, data } = await read(jpeg.encode(picture, 95).data, 'really-a-jpeg.png');
    expect([width, height]).toEqual([40, 24]);
    const errors = [...data].map((value, i) => Math.abs(value - picture.data[i]!));
    expect(Math.max(...errors)).toBeLessThan(16);
  });

  test.each([
    [1, [40, 24], 0],
    [3, [40, 24], 24 * 40 - 1],
    // the first pixel of the stored picture is at the top right
    [6, [24, 40], 23],
    [8, [24, 40], 39 * 24],
  ])('a JPEG is turned upright: EXIF orientation %i', async (orientation, size, first) => {
    const file = jpeg.encode(smooth(40, 24), 95).data;
    const stored = await read(file);
    const turned = await read(withOrientation(file, orientation));
    expect([turned.width, turned.height]).toEqual(size);
    expect([...turned.data.subarray(4 * first, 4 * first + 4)]).toEqual([...stored.data.subarray(0, 4)]);
  });

  test.each([
    [1, [10, 10, 10, 255]],
    [2, [10, 10, 10, 255]],
    [3, [10, 11, 12, 255]],
    [5, [10, 11, 12, 255]],
  ])('a TIFF with %i bands', async (bands, expected) => {
    const file = await openPictureFile(await tiff(bands), { maxMemory });
    const { data } = await file.pixels({ start: [1, 1], size: [1, 2] });
    expect(file.bands).toBe(bands);
    expect([...data]).toEqual([...expected, ...expected]);
    await file.close();
  });

  test('the colours of a palette, or its numbers', async () => {
    const path = join(folder, 'palette.tif');
    const palette = [
      [1, 2, 3],
      [250, 0, 9],
    ] as const;
    const sink = tiffSink(path, { palette });
    const all = { start: [0, 0], size: [1, 2] };
    await sink.write(all, Uint8Array.of(1, 0), { shape: [1, 1, 1, 2], dtype: 'uint8' });
    await sink.close();
    const pixels = async (numbers: boolean) => {
      const file = await openPictureFile(path, { maxMemory, numbers });
      const { data } = await file.pixels(all);
      await file.close();
      return [...data];
    };
    expect(await pixels(false)).toEqual([250, 0, 9, 255, 1, 2, 3, 255]);
    expect(await pixels(true)).toEqual([1, 1, 1, 255, 0, 0, 0, 255]);
  });
});

test('parts that are prepared equal the whole that is prepared', async () => {
  const file = await openPictureFile(await saved(await readFile(asset('sample.png'))), { maxMemory });
  const source = preparedSource(file, {
    kind: 'picture',
    channels: 'rgb',
    scale: 1 / 255,
    mean: [0.1, 0.2, 0.3],
    std: [1, 2, 3],
  });
  const [top, left, high, wide] = [300, 20, 500, 700] as const;
  const values = await source.read({ start: [top, left], size: [high, wide] }, {});
  const { data } = await file.pixels({ start: [top, left], size: [high, wide] });
  for (const [c, i] of [
    [0, 0],
    [1, 123_456],
    [2, high * wide - 1],
  ] as const)
    expect(values[c * high * wide + i]).toBeCloseTo((data[4 * i + c]! / 255 - (c + 1) / 10) / (c + 1), 6);
  await file.close();
});

describe('what is refused', () => {
  test.each([
    ['is no TIFF, PNG or JPEG file', () => new Uint8Array(0)],
    ['is no TIFF, PNG or JPEG file', () => Buffer.from('no picture at all')],
    ['damaged PNG', () => png(smooth(8, 8)).subarray(0, 12)],
    ['damaged PNG', () => png(smooth(64, 64)).subarray(0, 200)],
    ['damaged JPEG', () => jpeg.encode(smooth(64, 64), 90).data.subarray(0, 700)],
  ])('%s', async (message, bytes) => {
    await expect(openPictureFile(await saved(bytes()), { maxMemory })).rejects.toThrow(message);
  });

  test('a picture that would not fit into memory, before it is decoded', async () => {
    const path = await saved(png(smooth(60, 60)));
    await expect(openPictureFile(path, { maxMemory: 20 * 3599 })).rejects.toThrow(
      /60 × 60 pixels, and at most 3599 are decoded at once/,
    );
  });

  test('samples that are no bytes', async () => {
    await expect(openPictureFile(await tiff(1, 'int32'), { maxMemory })).rejects.toThrow(
      /its samples are no bytes .*gdal_translate -ot Byte -scale$/,
    );
  });

  test('a folder', async () => {
    await expect(openPictureFile(folder, { maxMemory })).rejects.toThrow(/: is not a file$/);
  });
});
