import { OptionError, UnsupportedError } from '@atrous/core';
import { channelsOf, type Picture, type PictureInput, prepare } from '@atrous/segment/models';
import type { Region, Source } from '@atrous/tiling';
import {
  type FileSource,
  type Georeference,
  openPicture,
  type Palette,
  tiffSource,
} from '@atrous/tiling/files';

/** A picture in a file, read in parts where the format allows it. */
export interface PictureFile {
  readonly path: string;
  readonly format: 'tiff' | 'png' | 'jpeg';
  readonly width: number;
  readonly height: number;
  /** Bands of the file. */
  readonly bands: number;
  readonly georeference: Georeference | undefined;
  /** Bytes that stay in memory until it is closed. */
  readonly memory: number;
  /** RGBA pixels of a part. */
  pixels(region: Region, signal?: AbortSignal): Promise<Picture>;
  close(): Promise<void>;
}

export interface PictureFileOptions {
  /** Bytes that decoding may take. */
  readonly maxMemory: number;
  /** Whether the numbers of a TIFF's palette are read instead of its colours. Default false. */
  readonly numbers?: boolean | undefined;
}

/** While a PNG or JPEG is decoded it takes so many bytes for each pixel. */
const decodingBytes = 20;
const mostPixels = 1e8;
const mostCacheBytes = 2 ** 26;

/**
 * Opens a PNG, JPEG or TIFF file of bytes, told apart by content: one band is gray or has a palette, the first three of
 * more are red, green and blue. PNG and JPEG are decoded as a whole.
 *
 * @throws what `openPicture` throws; UnsupportedError for samples that are no bytes
 */
export async function openPictureFile(
  path: string,
  { maxMemory, numbers = false }: PictureFileOptions,
): Promise<PictureFile> {
  const cacheBytes = Math.min(mostCacheBytes, Math.floor(maxMemory / 4));
  const maxPixels = Math.min(mostPixels, Math.floor(maxMemory / decodingBytes));
  const opened = await openPicture(path, { maxPixels, cacheBytes, alpha: true });
  const source = await firstBands(opened, cacheBytes);
  try {
    return pictureFile(source, opened.shape[1]!, cacheBytes, numbers ? undefined : source.palette);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Of a TIFF with many bands only those that are a picture are read. */
async function firstBands(opened: FileSource, cacheBytes: number): Promise<FileSource> {
  const bands = opened.shape[1]!;
  if (opened.format !== 'tiff' || bands === 1 || bands === 3) return opened;
  await opened.close();
  return await tiffSource(opened.path, { bands: bands < 3 ? [0] : [0, 1, 2], cacheBytes });
}

function pictureFile(
  source: FileSource,
  bands: number,
  cacheBytes: number,
  palette: Palette | undefined,
): PictureFile {
  const { path, format, dtype, shape, georeference } = source;
  const [, channels, height, width] = shape as [number, number, number, number];
  if (format === 'raw') throw new UnsupportedError(`${path}: raw numbers are no picture`);
  if (dtype !== 'uint8')
    throw new UnsupportedError(
      `${path}: its samples are no bytes (they are read as ${dtype}), and networks for pictures take bytes; convert it, for example with gdal_translate -ot Byte -scale`,
      { dtype },
    );
  return {
    path,
    format,
    width,
    height,
    bands,
    georeference,
    memory: format === 'tiff' ? cacheBytes : channels * width * height,
    async pixels(region, signal) {
      const values = (await source.read(region, signal ? { signal } : {})) as Uint8Array;
      const [height, width] = region.size as [number, number];
      const data = palette ? coloured(values, palette) : rgba(values, channels, height * width);
      return { width, height, data };
    },
    close: () => source.close(),
  };
}

/** Planes as pixels. */
function rgba(planes: Uint8Array, channels: number, count: number): Uint8Array {
  const data = new Uint8Array(4 * count);
  const [green, blue] = channels === 1 ? [0, 0] : [count, 2 * count];
  for (let i = 0, to = 0; i < count; i++, to += 4) {
    data[to] = planes[i]!;
    data[to + 1] = planes[green + i]!;
    data[to + 2] = planes[blue + i]!;
    data[to + 3] = channels === 4 ? planes[3 * count + i]! : 255;
  }
  return data;
}

function coloured(values: Uint8Array, palette: Palette): Uint8Array {
  const data = new Uint8Array(4 * values.length);
  for (const [i, value] of values.entries()) data.set([...palette[value]!, 255], 4 * i);
  return data;
}

/** Pixels that are prepared at once. */
const part = 2 ** 18;

/** A picture as the network's input `[1, C, H, W]`, prepared where it is read. */
export function preparedSource(picture: PictureFile, input: PictureInput): Source {
  const { width, height } = picture;
  const { minimum = 1 } = input;
  if (Math.min(width, height) < minimum)
    throw new OptionError(
      `${picture.path}: has ${width}×${height} pixels, and the network needs at least ${minimum}×${minimum}`,
      { width, height, minimum },
    );
  const channels = channelsOf(input);
  return {
    shape: [1, channels, height, width],
    dtype: 'float32',
    async read({ start, size }, { signal }) {
      const [high, wide] = size as [number, number];
      const count = high * wide;
      const values = new Float32Array(channels * count);
      const rows = Math.max(1, Math.floor(part / wide));
      for (let y = 0; y < high; y += rows) {
        const strip = { start: [start[0]! + y, start[1]!], size: [Math.min(rows, high - y), wide] };
        const prepared = prepare(await picture.pixels(strip, signal), input);
        const length = strip.size[0]! * wide;
        for (let c = 0; c < channels; c++)
          values.set(prepared.subarray(c * length, (c + 1) * length), c * count + y * wide);
      }
      return values;
    },
  };
}
