import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import type { DType, Values } from '@atrous/core';
import fc from 'fast-check';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import {
  type FileSink,
  openPicture,
  pngSink,
  rawSink,
  rawSource,
  type SampleType,
  tiffSink,
  tiffSource,
} from '../src/files/index.js';
import { arrayOf, arraySource, copyRegion, elements, type Region } from '../src/region.js';
import { scratch } from './support/folder.js';

const at = scratch();

function numbers(count: number, dtype: DType, seed = 1): Values {
  const values = new arrayOf[dtype](count);
  for (let i = 0; i < count; i++) {
    const mixed = Math.imul(i + seed, 0x9e3779b1) >>> 0;
    values[i] =
      dtype === 'float32' ? (mixed / 2 ** 32 - 0.5) * 1e3 : dtype === 'int32' ? mixed | 0 : mixed & 255;
  }
  return values;
}

/** Cuts a size into boxes along every axis and shuffles them. */
const cutting = (size: readonly number[]) =>
  fc
    .tuple(...size.map((length) => fc.uniqueArray(fc.integer({ min: 0, max: length - 1 }), { maxLength: 4 })))
    .chain((cuts) => {
      const spans = cuts.map((places, axis) => {
        const edges = [...new Set([0, ...places, size[axis]!])].sort((a, b) => a - b);
        return edges.slice(1).map((end, i) => [edges[i]!, end - edges[i]!] as const);
      });
      const boxes = spans.reduce<(readonly [number, number])[][]>(
        (all, list) => all.flatMap((head) => list.map((item) => [...head, item])),
        [[]],
      );
      const regions = boxes.map(
        (box): Region => ({ start: box.map(([from]) => from), size: box.map(([, length]) => length) }),
      );
      return fc.shuffledSubarray(regions, { minLength: regions.length, maxLength: regions.length });
    });

async function writeAll(
  sink: FileSink,
  data: Values,
  shape: readonly number[],
  dtype: DType,
  regions: Region[],
) {
  const source = arraySource(data as Uint8Array, shape, dtype as 'uint8');
  for (const region of regions) await sink.write(region, await source.read(region, {}), { shape, dtype });
  await sink.close();
}

const whole = (shape: readonly number[]): Region => ({
  start: shape.slice(2).map(() => 0),
  size: shape.slice(2),
});

/** What a box of an array holds. */
function boxOf(data: Values, shape: readonly number[], { start, size }: Region): Values {
  const planes = shape[0]! * shape[1]!;
  const values = data.slice(0, planes * elements(size)) as Values;
  copyRegion(
    data,
    shape.slice(2),
    start,
    values,
    size,
    size.map(() => 0),
    size,
    planes,
  );
  return values;
}

const aPicture = fc
  .record({
    bands: fc.integer({ min: 1, max: 4 }),
    height: fc.integer({ min: 1, max: 70 }),
    width: fc.integer({ min: 1, max: 70 }),
    dtype: fc.constantFrom<DType>('uint8', 'int32', 'float32'),
  })
  .chain(({ bands, height, width, dtype }) =>
    fc.record({
      shape: fc.constant([1, bands, height, width]),
      dtype: fc.constant(dtype),
      writes: cutting([height, width]),
      reads: cutting([height, width]),
    }),
  );

describe('a TIFF source that several workers read at once', () => {
  test('gives each its window and keeps the last blocks, no more and no fewer', async () => {
    const shape = [1, 1, 256, 256];
    const data = numbers(256 * 256, 'uint8') as Uint8Array;
    await writeAll(tiffSink(at('blocks.tif'), { tile: 16 }), data, shape, 'uint8', [
      { start: [0, 0], size: [256, 256] },
    ]);
    const source = await tiffSource(at('blocks.tif'), { cacheBytes: 2 * 256 });
    const block = (i: number): Region => ({
      start: [16 * Math.floor(i / 16), 16 * (i % 16)],
      size: [16, 16],
    });
    const want = arraySource(data, shape, 'uint8');
    const all = Array.from({ length: 256 }, (_, i) => i);
    for (let round = 0; round < 20; round++) {
      const read = await Promise.all(all.map((i) => source.read(block(i), {})));
      for (const i of all) expect(read[i]).toEqual(await want.read(block(i), {}));
    }
    for (const i of [0, 1]) await source.read(block(i), {});
    truncateSync(at('blocks.tif'), 8);
    for (const i of [0, 1]) expect(await source.read(block(i), {})).toEqual(await want.read(block(i), {}));
    await expect(source.read(block(2), {})).rejects.toMatchObject({ name: 'FormatError' });
    await source.close();
  });
});

describe('regions in any order give the whole, and any box is read as it was written', () => {
  test('TIFF', async () => {
    await fc.assert(
      fc.asyncProperty(
        aPicture,
        fc.constantFrom(16, 32, 64),
        async ({ shape, dtype, writes, reads }, tile) => {
          const data = numbers(elements(shape), dtype);
          await writeAll(tiffSink(at('any.tif'), { tile }), data, shape, dtype, writes);
          const source = await openPicture(at('any.tif'), { cacheBytes: 10_000 });
          expect([source.shape, source.dtype]).toEqual([shape, dtype]);
          for (const region of reads)
            expect(await source.read(region, {})).toEqual(boxOf(data, shape, region));
          await source.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('raw numbers of 1 to 3 axes, in both byte orders', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        sizes.chain((size) =>
          fc.record({ size: fc.constant(size), writes: cutting(size), reads: cutting(size) }),
        ),
        fc.constantFrom<DType>('uint8', 'int32', 'float32'),
        fc.constantFrom('little' as const, 'big' as const),
        async ({ size, writes, reads }, dtype, endianness) => {
          const shape = [2, 3, ...size];
          const data = numbers(elements(shape), dtype);
          await writeAll(rawSink(at('any.raw'), { endianness }), data, shape, dtype, writes);
          const source = await rawSource(at('any.raw'), { shape, type: dtype, endianness });
          for (const region of reads)
            expect(await source.read(region, {})).toEqual(boxOf(data, shape, region));
          await source.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('raw files', () => {
  test.each<[SampleType, DType, number[]]>([
    ['uint8', 'uint8', [0, 255]],
    ['int8', 'int32', [-128, 127]],
    ['uint16', 'int32', [0, 65535]],
    ['int16', 'int32', [-32768, 32767]],
    ['uint32', 'float32', [0, 2 ** 31]],
    ['int32', 'int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['float32', 'float32', [0.5, -Infinity]],
    ['float64', 'float32', [0.25, 1e30]],
  ])('%s is read as %s, behind a header', async (type, dtype, values) => {
    const bytes = Buffer.alloc(
      3 + 2 * (type.endsWith('64') ? 8 : type.endsWith('32') ? 4 : type.endsWith('16') ? 2 : 1),
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset + 3, bytes.length - 3);
    const step = view.byteLength / 2;
    const set = `set${type[0]!.toUpperCase()}${type.slice(1)}` as 'setFloat64';
    for (const [i, value] of values.entries()) view[set](i * step, value, false);
    writeFileSync(at('typed.raw'), bytes);
    const source = await rawSource(at('typed.raw'), { shape: [1, 1, 2], type, offset: 3, endianness: 'big' });
    expect(source.dtype).toBe(dtype);
    expect([...(await source.read(whole([1, 1, 2]), {}))]).toEqual(
      values.map((value) => (dtype === 'float32' ? Math.fround(value) : value)),
    );
    await source.close();
  });

  test('a file that is too short, a dtype that loses values, a box outside', async () => {
    writeFileSync(at('short.raw'), new Uint8Array(10));
    const open = (more: object) => rawSource(at('short.raw'), { shape: [1, 1, 3], type: 'float32', ...more });
    await expect(open({})).rejects.toThrow(
      /has 10 bytes, and \[1, 1, 3\] float32 samples from byte 0 are 12/,
    );
    await expect(open({ dtype: 'uint8' })).rejects.toThrow(/read as float32, not as uint8/);
    await expect(open({ shape: [1, 1, 2 ** 40] })).rejects.toThrow(/above 2³¹ − 1/);
    await expect(open({ offset: -1 })).rejects.toThrow(/offset must be/);
    const source = await open({ shape: [1, 1, 2] });
    await expect(source.read({ start: [1], size: [2] }, {}) as Promise<Values>).rejects.toThrow(
      /\[1\] of \[2\] is not inside \[2\]/,
    );
    await source.close();
    await expect(rawSource(at('absent.raw'), { shape: [1, 1, 1], type: 'uint8' })).rejects.toMatchObject({
      name: 'FileError',
      message: expect.stringContaining('there is no such file'),
    });
  });
});

describe('PNG and JPEG', () => {
  const shape = [1, 3, 20, 30];
  const rgb = numbers(elements(shape), 'uint8') as Uint8Array;

  test.each([1, 2, 3, 4])('a PNG of %i bands is what an independent reader sees', async (bands) => {
    const data = numbers(bands * 600, 'uint8');
    await writeAll(pngSink(at('bands.png')), data, [1, bands, 20, 30], 'uint8', [
      { start: [10, 0], size: [10, 30] },
      { start: [0, 0], size: [10, 30] },
    ]);
    const { width, height, data: pixels } = PNG.sync.read(readFileSync(at('bands.png')));
    expect([width, height]).toEqual([30, 20]);
    const plane = (band: number) => Uint8Array.from({ length: 600 }, (_, i) => pixels[4 * i + band]!);
    const band = (k: number) => data.slice(600 * k, 600 * (k + 1));
    for (let k = 0; k < 3; k++) expect(plane(k)).toEqual(band(bands < 3 ? 0 : k));
    if (bands === 2 || bands === 4) expect(plane(3)).toEqual(band(bands - 1));
  });

  test('a palette colours classes', async () => {
    const palette = [
      [1, 2, 3],
      [250, 0, 9],
    ] as const;
    await writeAll(pngSink(at('mask.png'), { palette }), Uint8Array.of(0, 1, 1), [1, 1, 1, 3], 'uint8', [
      whole([1, 1, 1, 3]),
    ]);
    const source = await openPicture(at('mask.png'));
    expect([...(await source.read(whole(source.shape), {}))]).toEqual([1, 250, 250, 2, 0, 0, 3, 9, 9]);
  });

  test('a TIFF says what its numbers stand for', async () => {
    const palette = [
      [1, 2, 3],
      [250, 0, 9],
    ] as const;
    const numbers = Uint8Array.of(0, 1, 1);
    const shape = [1, 1, 1, 3];
    await writeAll(tiffSink(at('palette.tif'), { palette }), numbers, shape, 'uint8', [whole(shape)]);
    const source = await openPicture(at('palette.tif'));
    expect(await source.read(whole(shape), {})).toEqual(numbers);
    expect(source.palette).toHaveLength(256);
    expect(source.palette!.slice(0, 3)).toEqual([...palette, [0, 0, 0]]);

    await writeAll(tiffSink(at('plain.tif')), numbers, shape, 'uint8', [whole(shape)]);
    expect((await openPicture(at('plain.tif'))).palette).toBeUndefined();
    const file = readFileSync(at('plain.tif'));
    const black = file.indexOf(Uint8Array.of(0x06, 0x01, 3, 0, 1, 0, 0, 0, 1, 0));
    file[black + 8] = 0;
    writeFileSync(at('negative.tif'), file);
    expect((await openPicture(at('negative.tif'))).palette!.slice(0, 2)).toEqual([
      [255, 255, 255],
      [254, 254, 254],
    ]);
    file[black + 8] = 3;
    writeFileSync(at('damaged.tif'), file);
    await expect(openPicture(at('damaged.tif'))).rejects.toThrow(/has 768 values, and this one has 0/);
  });

  test('is recognised by its content and read box by box', async () => {
    await writeAll(pngSink(at('wrong-name.jpg')), rgb, shape, 'uint8', [whole(shape)]);
    const source = await openPicture(at('wrong-name.jpg'));
    expect(source).toMatchObject({ format: 'png', shape, dtype: 'uint8' });
    const region = { start: [3, 4], size: [5, 6] };
    expect(await source.read(region, {})).toEqual(boxOf(rgb, shape, region));
  });

  test('a JPEG is turned upright', async () => {
    const pixels = Buffer.alloc(16 * 8 * 4, 255);
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 16; x++) pixels.fill(x < 8 ? 0 : 255, 4 * (16 * y + x), 4 * (16 * y + x) + 3);
    const plain = jpeg.encode({ width: 16, height: 8, data: pixels }, 95).data;
    // EXIF with one tag: orientation 6, to be turned right
    const exif = Buffer.from(
      'ffe1002245786966000049492a0008000000010012010300010000000600000000000000',
      'hex',
    );
    writeFileSync(at('turned.jpg'), Buffer.concat([plain.subarray(0, 2), exif, plain.subarray(2)]));
    const source = await openPicture(at('turned.jpg'));
    expect(source.shape).toEqual([1, 3, 16, 8]);
    const values = await source.read(whole(source.shape), {});
    expect(values[0]!).toBeLessThan(30);
    expect(values[15 * 8]!).toBeGreaterThan(225);
  });

  test('too many pixels are refused before they are decoded, damage is named', async () => {
    const bytes = readFileSync(at('wrong-name.jpg'));
    await expect(openPicture(at('wrong-name.jpg'), { maxPixels: 599 })).rejects.toMatchObject({
      name: 'MemoryError',
    });
    writeFileSync(at('cut.png'), bytes.subarray(0, 300));
    await expect(openPicture(at('cut.png'))).rejects.toMatchObject({ name: 'FormatError' });
    const huge = Buffer.from(bytes);
    huge.writeUInt32BE(2 ** 31 - 1, 16);
    writeFileSync(at('huge.png'), huge);
    await expect(openPicture(at('huge.png'))).rejects.toThrow(/convert it to a tiled TIFF/);
    await expect(
      writeAll(pngSink(at('x.png'), { maxPixels: 10 }), rgb, shape, 'uint8', [whole(shape)]),
    ).rejects.toMatchObject({ name: 'MemoryError' });
    await expect(
      writeAll(pngSink(at('x.png')), numbers(4, 'float32'), [1, 1, 2, 2], 'float32', [whole([1, 1, 2, 2])]),
    ).rejects.toThrow(/write a TIFF file/);
  });
});

describe('damaged and hostile TIFF files', () => {
  const shape = [1, 1, 40, 40];
  const make = async (name: string) => {
    await writeAll(tiffSink(at(name), { tile: 16 }), numbers(1600, 'uint8'), shape, 'uint8', [whole(shape)]);
    return at(name);
  };
  /** Where the 12-byte entry of a tag begins in a classic file. */
  const entry = (bytes: Buffer, tag: number) => {
    const count = bytes.readUInt16LE(8);
    for (let i = 0; i < count; i++) if (bytes.readUInt16LE(10 + 12 * i) === tag) return 10 + 12 * i;
    throw new Error(`no tag ${tag}`);
  };
  const readAll = async (path: string) => {
    const source = await tiffSource(path);
    try {
      return await source.read(whole(source.shape), {});
    } finally {
      await source.close();
    }
  };

  test('cut off anywhere, it ends in a FormatError', async () => {
    const path = await make('cut.tif');
    const { size } = statSync(path);
    for (const length of [size - 1, 4096 + 100, 200, 12, 8, 4]) {
      truncateSync(path, length);
      await expect(readAll(path)).rejects.toMatchObject({ name: 'FormatError' });
    }
  });

  test.each([
    ['a width of 2³² − 1', 256, 4, 2 ** 32 - 1, 'MemoryError'],
    ['no width', 256, 4, 0, 'FormatError'],
    ['2³¹ − 1 columns but few tiles', 256, 4, 2 ** 31 - 1, 'FormatError'],
    ['tiles of 2³⁰ rows', 323, 4, 2 ** 30, 'MemoryError'],
    ['an unknown compression', 259, 3, 50001, 'UnsupportedError'],
    ['samples of 12 bits', 258, 3, 12, 'UnsupportedError'],
    ['65535 bands', 277, 3, 65535, 'FormatError'],
  ] as const)('%s', async (title, tag, type, value, name) => {
    const path = await make('hostile.tif');
    const bytes = readFileSync(path);
    const place = entry(bytes, tag);
    bytes.writeUInt16LE(type, place + 2);
    bytes.writeUInt32LE(value, place + 8);
    writeFileSync(path, bytes);
    const failure = await readAll(path).catch((error) => error);
    expect(failure.name, title).toMatch(name === 'FormatError' ? /FormatError|MemoryError/ : name);
    expect(failure.message).toContain('hostile.tif');
  });

  test('offsets whose count would take 16 GB, and offsets beyond the end', async () => {
    const path = await make('counts.tif');
    const bytes = readFileSync(path);
    const place = entry(bytes, 324);
    bytes.writeUInt32LE(2 ** 32 - 1, place + 4);
    writeFileSync(path, bytes);
    await expect(readAll(path)).rejects.toThrow(/9 tiles or strips are needed.*tells of 4294967295/);
    bytes.writeUInt32LE(9, place + 4);
    bytes.writeUInt32LE(2 ** 31, bytes.readUInt32LE(place + 8));
    writeFileSync(path, bytes);
    await expect(readAll(path)).rejects.toThrow(/file is truncated/);
  });

  test('what is no picture at all, a folder, a device', async () => {
    writeFileSync(at('text.tif'), 'hello');
    await expect(openPicture(at('text.tif'))).rejects.toThrow(/is no TIFF, PNG or JPEG file/);
    writeFileSync(at('empty'), '');
    await expect(openPicture(at('empty'))).rejects.toMatchObject({ name: 'FormatError' });
    await expect(openPicture(at('.'))).rejects.toThrow(/is not a file/);
    await expect(openPicture('/dev/zero')).rejects.toThrow(/is not a file/);
  });

  test('options that cannot be meant', async () => {
    const path = await make('options.tif');
    await expect(tiffSource(path, { bands: [1] })).rejects.toThrow(/has bands 0 to 0, and 1 are asked for/);
    expect(() => tiffSink(path, { tile: 100 })).toThrow(/multiple of 16/);
    expect(() => tiffSink(path, { palette: [[0, 0, 256]] })).toThrow(/integers from 0 to 255/);
    expect(() => tiffSink(path, { step: [0, 1] })).toThrow(/two positive numbers/);
    const sink = tiffSink(at('volume.tif'));
    await expect(
      (async () =>
        sink.write({ start: [0, 0, 0], size: [1, 1, 1] }, new Uint8Array(1), {
          shape: [1, 1, 1, 1, 1],
          dtype: 'uint8',
        }))(),
    ).rejects.toThrow(/write volumes and batches as raw files/);
  });
});
