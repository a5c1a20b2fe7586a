import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { FormatError, UnsupportedError } from '@atrous/core';
import { getDecoder } from 'geotiff';
import {
  bytesPerSample,
  type Endianness,
  type SampleArray,
  type SampleType,
  samplesOf,
  toNative,
} from '../samples.js';

const inflated = promisify(inflate);

/** How the samples of a tile or strip are stored. */
export interface BlockCoding {
  readonly compression: number;
  readonly predictor: number;
  readonly order: Endianness;
  readonly type: SampleType;
  /** Samples side by side at one pixel: all bands, or 1 where bands are stored apart. */
  readonly perPixel: number;
  readonly width: number;
  /** Tables that all JPEG blocks of a file share, and parameters of LERC. */
  readonly jpegTables?: Float64Array | undefined;
  readonly lercParameters?: Float64Array | undefined;
}

const deflate = [8, 32946];
/** Those that the geotiff library decodes by itself; WebP it leaves to browsers. */
const byLibrary: Readonly<Record<number, string>> = {
  5: 'LZW',
  7: 'JPEG',
  32773: 'PackBits',
  34887: 'LERC',
  50000: 'Zstandard',
};

/** @throws UnsupportedError naming the compression or predictor that is not read */
export function checkCoding({ compression, predictor, type }: BlockCoding, name: string): void {
  const convert = 'convert it, for example with gdal_translate -co COMPRESS=DEFLATE';
  if (compression !== 1 && !deflate.includes(compression) && !byLibrary[compression])
    throw new UnsupportedError(
      `${name}: TIFF compression ${compression} is not read (none, Deflate, ${Object.values(byLibrary).join(', ')} are); ${convert}`,
      { compression },
    );
  const fits = predictor === 1 || predictor === 2 || (predictor === 3 && /float/.test(type));
  if (!fits)
    throw new UnsupportedError(
      `${name}: TIFF predictor ${predictor} with ${type} samples is not read; ${convert} -co PREDICTOR=1`,
      { predictor },
    );
}

/**
 * The samples of one tile or strip.
 *
 * @param rows rows that it must hold at least
 * @throws FormatError if it is damaged
 */
export async function decodeBlock(
  stored: Uint8Array<ArrayBuffer>,
  rows: number,
  coding: BlockCoding,
  name: string,
): Promise<SampleArray> {
  const { type, perPixel, width, predictor, order, compression } = coding;
  const size = bytesPerSample(type);
  const needed = rows * width * perPixel * size;
  const whole = await decompress(stored, needed, coding).catch((cause) => {
    throw new FormatError(
      `${name}: damaged TIFF (a block of ${stored.length} bytes cannot be decompressed: ${cause instanceof Error ? cause.message : cause})`,
      { bytes: stored.length, compression },
    );
  });
  if (whole.length < needed)
    throw new FormatError(
      `${name}: damaged TIFF (a block gives ${whole.length} bytes where ${needed} are expected)`,
      { bytes: whole.length, needed },
    );
  const bytes = whole.subarray(0, needed);
  if (predictor === 3) undoFloats(bytes, rows, width * perPixel, perPixel, size);
  else if (compression !== 34887) toNative(bytes, size, order);
  const samples = samplesOf(bytes, type);
  if (predictor === 2) undoDifferences(samples, width * perPixel, perPixel);
  return samples;
}

async function decompress(
  stored: Uint8Array<ArrayBuffer>,
  needed: number,
  { compression, type, perPixel, width, jpegTables, lercParameters }: BlockCoding,
): Promise<Uint8Array<ArrayBuffer>> {
  if (compression === 1) return stored;
  if (deflate.includes(compression)) {
    // some writers fill the last strip up; nothing gives more than a row or two too many
    const bytes = await inflated(stored, { maxOutputLength: 2 * needed + 65536 });
    return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  }
  const parameters = {
    tileWidth: width,
    tileHeight: needed / (width * perPixel * bytesPerSample(type)),
    predictor: 1,
    bitsPerSample: new Array<number>(perPixel).fill(bytesPerSample(type) * 8),
    planarConfiguration: 1,
    samplesPerPixel: perPixel,
    ...(jpegTables && { JPEGTables: Uint8Array.from(jpegTables) }),
    ...(lercParameters && { LercParameters: [...lercParameters] }),
  };
  const decoder = await getDecoder(compression, parameters);
  // the decoders take a buffer of their own
  const own = stored.buffer.byteLength === stored.byteLength ? stored : stored.slice();
  return new Uint8Array((await decoder.decode(own.buffer)) as ArrayBuffer);
}

/** Predictor 2: each sample was stored as its difference from the pixel before (TIFF 6.0, section 14). */
function undoDifferences(samples: SampleArray, row: number, step: number): void {
  for (let first = 0; first < samples.length; first += row)
    for (let i = first + step; i < first + row; i++) samples[i] = samples[i]! + samples[i - step]!;
}

/** Predictor 3: bytes by significance, and of those the differences (Adobe Photoshop TIFF Technical Note 3). */
function undoFloats(bytes: Uint8Array, rows: number, row: number, step: number, size: number): void {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  for (let y = 0; y < rows; y++) {
    const line = bytes.subarray(y * row * size, (y + 1) * row * size);
    for (let i = step; i < line.length; i++) line[i] = line[i]! + line[i - step]!;
    const planes = line.slice();
    for (let i = 0; i < row; i++)
      for (let k = 0; k < size; k++) line[i * size + (little ? size - 1 - k : k)] = planes[k * row + i]!;
  }
}
