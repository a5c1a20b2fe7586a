import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError, MemoryError, OptionError, ShapeError } from '@atrous/core';
import { DownloadError } from '@atrous/segment';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf, transferables } from '../src/picture/message.js';
import { orient } from '../src/picture/orient.js';
import { readPicture } from '../src/picture/read.js';
import { fixture, readPng } from './fixtures.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A smooth picture, which JPEG keeps nearly as it is. */
function smooth(width: number, height: number) {
  const data = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) {
    data[4 * i] = Math.round((200 * (i % width)) / width);
    data[4 * i + 1] = Math.round((200 * Math.floor(i / width)) / height);
    data[4 * i + 2] = 90;
  }
  return { width, height, data };
}

/** The bytes of a PNG header that announces a size; no data follows. */
function pngHeader(width: number, height: number): Uint8Array {
  const bytes = Buffer.alloc(33);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);
  bytes.write('IHDR', 12, 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.set([8, 2, 0, 0, 0], 24);
  return bytes;
}

/** The same JPEG with an EXIF segment that holds nothing but an orientation. */
function withOrientation(file: Uint8Array, orientation: number): Uint8Array {
  const tiff = Buffer.from('49492a000800000001001201030001000000000000000000000000', 'hex');
  tiff[18] = orientation;
  const body = [...Buffer.from('Exif\0\0', 'latin1'), ...tiff];
  return Uint8Array.from([
    ...file.subarray(0, 2),
    0xff,
    0xe1,
    0,
    body.length + 2,
    ...body,
    ...file.subarray(2),
  ]);
}

const blob = (bytes: Uint8Array) =>
  ({ kind: 'blob', blob: new File([Uint8Array.from(bytes)], 'a') }) as const;

describe('what is read in Node', () => {
  test('a PNG by its path and by its address, exactly', async () => {
    const path = fixture('east-africa_256_rgb.png');
    const want = readPng(path);
    for (const source of [path, new URL(`file://${path}`)]) {
      const read = await readPicture(await messageOf(source, false));
      expect([read.width, read.height]).toEqual([want.width, want.height]);
      expect(Buffer.compare(Buffer.from(read.data), Buffer.from(want.data))).toBe(0);
    }
  });

  test('a JPEG as a Blob, whatever its name, turned upright', async () => {
    const picture = smooth(40, 24);
    const file = jpeg.encode(picture, 95).data;
    const upright = await readPicture(blob(file));
    expect([upright.width, upright.height]).toEqual([40, 24]);
    const errors = Array.from(upright.data, (value, i) => Math.abs(value - picture.data[i]!));
    expect(Math.max(...errors)).toBeLessThan(16);
    const turned = await readPicture(blob(withOrientation(file, 6)));
    expect([turned.width, turned.height]).toEqual([24, 40]);
    // the first pixel of the stored picture is at the top right
    expect([...turned.data.subarray(4 * 23, 4 * 24)]).toEqual([...upright.data.subarray(0, 4)]);
  });

  test('pixels, which are copied unless they are handed over', async () => {
    const picture = { ...smooth(5, 4), data: Uint8Array.from(smooth(5, 4).data) };
    const copied = await messageOf(picture, false);
    expect(transferables(copied)[0]).not.toBe(picture.data.buffer);
    expect((await readPicture(copied)).data).toEqual(picture.data);
    expect(transferables(await messageOf(picture, true))).toEqual([picture.data.buffer]);
  });
});

describe('what is refused', () => {
  test.each([
    ['a: is not a picture', FormatError, () => new Uint8Array(0)],
    ['a: is not a picture', FormatError, () => Buffer.from('no picture at all')],
    ['a: damaged PNG (its size cannot be read)', FormatError, () => pngHeader(1, 1).subarray(0, 12)],
    [
      'a: is a picture of type gif; PNG and JPEG are read, convert it first',
      FormatError,
      () => Buffer.from('GIF89a\x02\0\x02\0\0\0\0', 'latin1'),
    ],
    [
      'a: 20000×6000 pixels are 120.0 megapixels and at most 100 are read; make it smaller or cut it',
      MemoryError,
      () => pngHeader(20000, 6000),
    ],
    ['a: damaged PNG (', FormatError, () => pngHeader(10, 10)],
    ['a: damaged JPEG (', FormatError, () => jpeg.encode(smooth(64, 64), 90).data.subarray(0, 700)],
  ])('%s', async (message, type, bytes) => {
    const work = readPicture(blob(bytes()));
    await expect(work).rejects.toBeInstanceOf(type);
    await expect(work).rejects.toThrow(message);
  });

  test('a damaged file, by its path', async () => {
    const path = join(folder, 'half.png');
    await writeFile(path, (await readFile(fixture('east-africa_256_rgb.png'))).subarray(0, 40_000));
    await expect(messageOf(path, false).then((m) => readPicture(m))).rejects.toThrow(
      new RegExp(`${path}: damaged PNG \\(`),
    );
    await expect(messageOf(folder, false).then((m) => readPicture(m))).rejects.toThrow(/is not a file/);
  });

  test('an address that cannot be reached', async () => {
    const work = readPicture({ kind: 'address', address: 'http://127.0.0.1:1/a.png' });
    await expect(work).rejects.toBeInstanceOf(DownloadError);
    await expect(work).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:1\/a\.png cannot be read: .*is there a connection/,
    );
  });

  test.each([
    [
      { width: 2, height: 2, data: new Uint8Array(12) },
      ShapeError,
      /2×2 pixels has 16 bytes of RGBA, not 12/,
    ],
    [{ width: 0, height: 2, data: new Uint8Array(0) }, ShapeError, /0×2/],
    [{ width: 2.5, height: 2, data: new Uint8Array(20) }, OptionError, /a picture is/],
    [{ width: 1, height: 1, data: [0, 0, 0, 255] }, OptionError, /a picture is/],
    [undefined, OptionError, /a picture is .*, not undefined/],
    [7, OptionError, /a picture is .*, not number/],
  ])('%o', async (source, type, message) => {
    const work = messageOf(source as never, false);
    await expect(work).rejects.toBeInstanceOf(type);
    await expect(work).rejects.toThrow(message);
  });
});

test.each([
  [1, '123 456'],
  [2, '321 654'],
  [3, '654 321'],
  [4, '456 123'],
  [5, '14 25 36'],
  [6, '41 52 63'],
  [7, '63 52 41'],
  [8, '36 25 14'],
  [9, '123 456'],
])('EXIF orientation %i gives %s', (orientation, expected) => {
  // 3×2 pixels, red counts 1 to 6
  const data = Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap((red) => [red, 0, 0, 255]));
  const turned = orient({ width: 3, height: 2, data }, orientation);
  const reds = [...turned.data].filter((_, i) => i % 4 === 0);
  const rows = Array.from({ length: turned.height }, (_, y) =>
    reds.slice(y * turned.width, (y + 1) * turned.width).join(''),
  );
  expect(rows.join(' ')).toBe(expected);
});

test('a PNG with transparency keeps it', async () => {
  const png = new PNG({ width: 2, height: 1 });
  png.data = Buffer.from([10, 20, 30, 255, 40, 50, 60, 7]);
  const { data } = await readPicture(blob(PNG.sync.write(png)));
  expect([...data]).toEqual([10, 20, 30, 255, 40, 50, 60, 7]);
});
