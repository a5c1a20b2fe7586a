import { rename, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { type DType, MemoryError, OptionError, type Shape, UnsupportedError } from '@atrous/core';
import { ArraySink } from '../region.js';
import { DiskFile, onFile } from './disk-file.js';
import { type FileSink, type Palette, pictureShape } from './file.js';

export interface PngSinkOptions {
  /** Colours of the classes 0, 1 … of a one-band result: red, green, blue, 0 to 255. */
  readonly palette?: Palette | undefined;
  /** Largest picture that is collected, in pixels. Default 100 million. */
  readonly maxPixels?: number | undefined;
}

const compressed = promisify(deflate);
const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Colour types of the PNG specification by number of bands: gray, gray and alpha, RGB, RGBA. */
const colourTypes = [0, 4, 2, 6];
const indexed = 3;

/**
 * Collects a uint8 result `[1, 1 … 4, H, W]` and writes it as a PNG file when it is closed. A stopped job cannot go on
 * in a PNG file; write a TIFF where that matters.
 *
 * @throws OptionError for results that no PNG holds; MemoryError above `maxPixels`; FileError if it cannot be written
 */
export function pngSink(path: string, { palette, maxPixels = 1e8 }: PngSinkOptions = {}): FileSink {
  const wrong = palette?.flat().find((value) => !Number.isInteger(value) || value < 0 || value > 255);
  if (wrong !== undefined || (palette && (palette.length < 1 || palette.length > 256)))
    throw new OptionError(
      `${path}: a palette has 1 to 256 colours of three integers from 0 to 255, not ${palette?.length} with ${wrong}`,
      { palette },
    );
  const collected = new ArraySink();
  const check = (shape: Shape, dtype: DType) => {
    const [bands, height, width] = pictureShape(shape, path);
    if (dtype !== 'uint8' || bands > 4 || (palette && bands !== 1))
      throw new OptionError(
        `${path}: PNG holds uint8 results of 1 to 4 bands, of one with a palette, and this one has ${bands} of ${dtype}; write a TIFF file`,
        { bands, dtype },
      );
    if (width * height > maxPixels)
      throw new MemoryError(
        `${path}: ${width} × ${height} pixels, and at most ${maxPixels} are collected for a PNG file; write a TIFF file, which is written in parts`,
        { width, height, maxPixels },
      );
  };
  return {
    path,
    begin({ shape, dtype }, kept) {
      check(shape, dtype);
      if (kept > 0 && !collected.data)
        throw new UnsupportedError(
          `${path}: a job cannot go on in a PNG file, which is written at its end; write a TIFF file, or start with an empty journal`,
          { kept },
        );
    },
    write(region, values, result) {
      if (!collected.data) check(result.shape, result.dtype);
      collected.write(region, values, result);
    },
    flush: async () => {},
    async close() {
      const { shape, data } = collected;
      if (!shape || !data) return;
      const bytes = await encode(data as Uint8Array, pictureShape(shape, path), palette);
      // a half-written picture never stands under the name
      const draft = `${path}.part`;
      const file = await DiskFile.open(draft, 'w');
      try {
        await file.write(0, bytes);
        await file.sync();
      } catch (error) {
        await unlink(draft).catch(() => {});
        throw error;
      } finally {
        await file.close();
      }
      await onFile(path, 'write', () => rename(draft, path));
    },
  };
}

async function encode(
  data: Uint8Array,
  [bands, height, width]: readonly [number, number, number],
  palette: PngSinkOptions['palette'],
): Promise<Buffer> {
  // each row begins with its filter: none
  const rows = Buffer.alloc(height * (1 + width * bands));
  const count = height * width;
  for (let y = 0; y < height; y++)
    for (let band = 0; band < bands; band++) {
      const to = y * (1 + width * bands) + 1 + band;
      for (let x = 0; x < width; x++) rows[to + x * bands] = data[band * count + y * width + x]!;
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  header.writeUInt8(palette ? indexed : colourTypes[bands - 1]!, 9);
  const colours = palette && Array.from({ length: 256 }, (_, i) => palette[i] ?? [0, 0, 0]).flat();
  return Buffer.concat([
    Buffer.from(signature),
    chunk('IHDR', header),
    ...(colours ? [chunk('PLTE', Buffer.from(colours))] : []),
    chunk('IDAT', await compressed(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const named = Buffer.concat([Buffer.from(name), body]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}
