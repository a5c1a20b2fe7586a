import { FormatError, MemoryError } from '@atrous/core';
import { imageSize } from 'image-size';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { arraySource } from '../region.js';
import { DiskFile } from './disk-file.js';
import { checkLengths, type FileSource } from './file.js';

export interface PictureOptions {
  /**
   * Largest picture that is decoded, in pixels; decoding takes up to about 20 bytes for each. Default 100 million.
   */
  readonly maxPixels?: number | undefined;
  /** Whether opacity is read as a fourth band. Default false. */
  readonly alpha?: boolean | undefined;
}

const defaultMaxPixels = 1e8;
const mostBytes = 2 ** 30;

/** EXIF orientation: whether rows and columns swap, then whether columns and rows count backwards. */
const turns: readonly (readonly [swap: boolean, backX: boolean, backY: boolean])[] = [
  [false, false, false],
  [false, true, false],
  [false, true, true],
  [false, false, true],
  [true, false, false],
  [true, false, true],
  [true, true, true],
  [true, true, false],
];

/**
 * A PNG or JPEG file as `[1, 3, H, W]`, uint8: red, green, blue, upright as its EXIF orientation says; with `alpha`
 * a fourth band. Decoded as a whole, because neither format can be read in parts.
 *
 * @throws FormatError if it is damaged; MemoryError above `maxPixels`, before it is decoded
 */
export async function pictureSource(
  path: string,
  format: 'png' | 'jpeg',
  { maxPixels = defaultMaxPixels, alpha = false }: PictureOptions = {},
): Promise<FileSource> {
  const file = await DiskFile.open(path, 'r');
  try {
    const length = await file.size();
    if (length > mostBytes)
      throw new MemoryError(`${path}: has ${length} bytes and at most ${mostBytes} are decoded`, { length });
    const bytes = await file.read(0, length);
    const damaged = (reason: unknown) =>
      new FormatError(
        `${path}: damaged ${format.toUpperCase()} (${reason instanceof Error ? reason.message : String(reason)})`,
        { path, format },
      );
    let size: ReturnType<typeof imageSize>;
    try {
      size = imageSize(bytes);
    } catch (cause) {
      throw damaged(cause);
    }
    checkLengths([size.height, size.width], path);
    if (size.width * size.height > maxPixels)
      throw new MemoryError(
        `${path}: ${size.width} × ${size.height} pixels, and at most ${maxPixels} are decoded at once; convert it to a tiled TIFF, which is read in parts`,
        { width: size.width, height: size.height, maxPixels },
      );
    try {
      const { width, height, data } =
        format === 'png'
          ? PNG.sync.read(Buffer.from(bytes.buffer))
          : jpeg.decode(bytes, {
              useTArray: true,
              tolerantDecoding: false,
              maxResolutionInMP: maxPixels / 1e6 + 1,
              maxMemoryUsageInMB: 4096,
            });
      const bands = alpha ? 4 : 3;
      const upright = planes(data, bands, width, height, turns[(size.orientation ?? 1) - 1] ?? turns[0]!);
      const source = arraySource(upright.data, [1, bands, upright.height, upright.width], 'uint8');
      return { ...source, path, format, close: async () => {} };
    } catch (cause) {
      throw damaged(cause);
    }
  } finally {
    await file.close();
  }
}

/** RGBA pixels as planes of red, green, blue and, with four bands, opacity, turned. */
function planes(
  pixels: Uint8Array,
  bands: 3 | 4,
  width: number,
  height: number,
  [swap, backX, backY]: (typeof turns)[number],
): { data: Uint8Array; width: number; height: number } {
  const [wide, high] = swap ? [height, width] : [width, height];
  const count = wide * high;
  const data = new Uint8Array(bands * count);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const [u, v] = swap ? [y, x] : [x, y];
      const from = 4 * ((backY ? height - 1 - v : v) * width + (backX ? width - 1 - u : u));
      const to = y * wide + x;
      for (let band = 0; band < bands; band++) data[band * count + to] = pixels[from + band]!;
    }
  return { data, width: wide, height: high };
}
