import {
  type DType,
  FormatError,
  MemoryError,
  OptionError,
  UnsupportedError,
  type Values,
} from '@atrous/core';
import { arrayOf } from '../../region.js';
import { DiskFile } from '../disk-file.js';
import { checkLengths, checkRegion, type FileSource, type Palette } from '../file.js';
import { bytesPerSample, dtypeOf, type SampleArray, sampleTypeOf } from '../samples.js';
import { type BlockCoding, checkCoding, decodeBlock } from './blocks.js';
import { Directory } from './directory.js';
import { readGeoreference } from './georeference.js';

export interface TiffSourceOptions {
  /** Bands to read, counted from 0, in this order. Default: all. */
  readonly bands?: readonly number[] | undefined;
  /** What samples are read as. Default: uint8 for uint8, int32 for integers that fit into it, else float32. */
  readonly dtype?: DType | undefined;
  /** Bytes of decoded tiles and strips that are kept for the windows to come. Default 64 MiB. */
  readonly cacheBytes?: number | undefined;
}

const defaultCacheBytes = 2 ** 26;
/** A larger tile or strip is refused before it is decoded. */
const mostBlockBytes = 2 ** 28;
const mostBlocks = 2 ** 24;

const tags = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  perPixel: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  planar: 284,
  predictor: 317,
  colourMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  format: 339,
  jpegTables: 347,
  lercParameters: 50674,
} as const;

/** What samples mean. */
const photometric = { whiteIsZero: 0, blackIsZero: 1, palette: 3, yCbCr: 6 } as const;

/**
 * A TIFF, BigTIFF or GeoTIFF file, tiled or in strips, as `[1, bands, H, W]`: its first picture, whatever overviews and
 * masks follow. Read window by window; decoded tiles and strips are kept up to `cacheBytes`.
 *
 * Samples stay as they are stored: palette indices (see `palette`), scaled reflectances and nodata (see
 * `georeference.nodata`) are not changed.
 *
 * @throws FormatError if the file is damaged; UnsupportedError for codings that are not read; MemoryError for tiles or
 * strips above 256 MiB; OptionError for bands that it does not have
 */
export async function tiffSource(path: string, options: TiffSourceOptions = {}): Promise<FileSource> {
  const file = await DiskFile.open(path, 'r');
  try {
    return await openTiff(file, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where the tiles or strips of a picture lie. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly across: number;
  readonly down: number;
  readonly planar: boolean;
  readonly offsets: Float64Array;
  readonly bytes: Float64Array;
  readonly coding: BlockCoding;
}

async function openTiff(file: DiskFile, options: TiffSourceOptions): Promise<FileSource> {
  const { path } = file;
  const { cacheBytes = defaultCacheBytes } = options;
  const directory = await Directory.read(file);
  const [width, height] = [await directory.value(tags.width, 0), await directory.value(tags.height, 0)];
  const count = await directory.value(tags.perPixel, 1);
  checkLengths([count, height, width], path);
  const bands = options.bands ?? Array.from({ length: count }, (_, band) => band);
  if (bands.length === 0 || bands.some((band) => !Number.isInteger(band) || band < 0 || band >= count))
    throw new OptionError(
      `${path}: has bands 0 to ${count - 1}, and ${bands.join(', ') || 'none'} are asked for`,
      {
        bands,
        count,
      },
    );
  const layout = await layoutOf(file, directory, width, height, count);
  const { coding } = layout;
  const dtype = dtypeOf(coding.type, options.dtype, path);
  const georeference = await readGeoreference(directory, height, width);
  const palette = count === 1 && coding.type === 'uint8' ? await readPalette(directory, path) : undefined;
  const fill = georeference?.nodata ?? 0;
  const cache = new Cache(cacheBytes);

  /** The samples of one tile or strip; undefined where nothing was ever written, as GDAL's sparse files have it. */
  const block = (row: number, column: number, plane: number): Promise<SampleArray | undefined> => {
    const rows = Math.ceil(height / layout.down);
    const index = (plane * rows + row) * Math.ceil(width / layout.across) + column;
    return cache.get(index, async () => {
      const [at, length] = [layout.offsets[index]!, layout.bytes[index]!];
      if (length === 0) return undefined;
      const lines = directory.has(tags.tileOffsets)
        ? layout.down
        : Math.min(layout.down, height - row * layout.down);
      const decoded = lines * layout.across * coding.perPixel * bytesPerSample(coding.type);
      if (length > 2 * decoded + 65536)
        throw new FormatError(`${path}: damaged TIFF (a block of ${decoded} bytes is stored in ${length})`, {
          length,
        });
      return decodeBlock(await file.read(at, length), lines, coding, path);
    });
  };

  return {
    path,
    format: 'tiff',
    shape: [1, bands.length, height, width],
    dtype,
    georeference,
    palette,
    async read(region, { signal } = {}) {
      checkRegion(region, [1, bands.length, height, width], path);
      const [top, left] = region.start as [number, number];
      const [high, wide] = region.size as [number, number];
      const values = new arrayOf[dtype](bands.length * high * wide);
      for (const plane of layout.planar ? new Set(bands) : [0])
        for (let row = Math.floor(top / layout.down); row * layout.down < top + high; row++)
          for (
            let column = Math.floor(left / layout.across);
            column * layout.across < left + wide;
            column++
          ) {
            signal?.throwIfAborted();
            const samples = await block(row, column, plane);
            const [y, x] = [row * layout.down, column * layout.across];
            bands.forEach((band, k) => {
              if (layout.planar && band !== plane) return;
              const offset = layout.planar ? 0 : band;
              const to = { values, start: k * high * wide, top, left, high, wide };
              copyBlock(samples, fill, { y, x, offset, layout }, to);
            });
          }
      return values;
    },
    close: () => file.close(),
  };
}

/** What the bytes of a picture of one band stand for, where that is not their own gray. */
async function readPalette(directory: Directory, path: string): Promise<Palette | undefined> {
  const meaning = await directory.value(tags.photometric, photometric.blackIsZero);
  if (meaning === photometric.whiteIsZero)
    return Array.from({ length: 256 }, (_, value) => [255 - value, 255 - value, 255 - value] as const);
  if (meaning !== photometric.palette) return undefined;
  const map = (await directory.values(tags.colourMap)) ?? [];
  if (map.length !== 3 * 256)
    throw new FormatError(
      `${path}: damaged TIFF (a palette of bytes has 768 values, and this one has ${map.length})`,
      { length: map.length },
    );
  // of 16 bits, though some programs write 8
  const divisor = Math.max(...map) > 255 ? 257 : 1;
  const at = (index: number) => Math.round(map[index]! / divisor);
  return Array.from({ length: 256 }, (_, value) => [at(value), at(256 + value), at(512 + value)] as const);
}

/** Copies what a block and a window have in common, of one band. */
function copyBlock(
  samples: SampleArray | undefined,
  fill: number,
  from: { y: number; x: number; offset: number; layout: Layout },
  to: { values: Values; start: number; top: number; left: number; high: number; wide: number },
): void {
  const { across, down, coding } = from.layout;
  const [first, last] = [Math.max(from.y, to.top), Math.min(from.y + down, to.top + to.high)];
  const [begin, end] = [Math.max(from.x, to.left), Math.min(from.x + across, to.left + to.wide)];
  for (let y = first; y < last; y++) {
    const target = to.start + (y - to.top) * to.wide - to.left;
    if (!samples) {
      to.values.fill(fill, target + begin, target + end);
      continue;
    }
    const line = (y - from.y) * across - from.x;
    if (coding.perPixel === 1) to.values.set(samples.subarray(line + begin, line + end), target + begin);
    else
      for (let x = begin; x < end; x++)
        to.values[target + x] = samples[(line + x) * coding.perPixel + from.offset]!;
  }
}

async function layoutOf(
  file: DiskFile,
  directory: Directory,
  width: number,
  height: number,
  count: number,
): Promise<Layout> {
  const { path } = file;
  const tiled = directory.has(tags.tileOffsets);
  const across = tiled ? await directory.value(tags.tileWidth, 0) : width;
  const down = tiled
    ? await directory.value(tags.tileHeight, 0)
    : Math.min(height, (await directory.value(tags.rowsPerStrip, height)) || height);
  checkLengths([down, across], path);
  const planar = (await directory.value(tags.planar, 1)) === 2 && count > 1;
  const same = async (tag: number, otherwise: number) => {
    const values = (await directory.values(tag)) ?? [otherwise];
    if (values.some((value) => value !== values[0]))
      throw new UnsupportedError(
        `${path}: bands of several types (${[...values].join(', ')}) are not read; convert it, for example with gdal_translate -ot Float32`,
      );
    return values[0]!;
  };
  const type = sampleTypeOf(await same(tags.format, 1), await same(tags.bits, 1), path);
  if ((await directory.value(tags.photometric, photometric.blackIsZero)) === photometric.yCbCr)
    throw new UnsupportedError(
      `${path}: YCbCr samples are not read; convert it with gdal_translate -co PHOTOMETRIC=RGB`,
    );
  const coding: BlockCoding = {
    type,
    compression: await directory.value(tags.compression, 1),
    predictor: await directory.value(tags.predictor, 1),
    order: directory.order,
    perPixel: planar ? 1 : count,
    width: across,
    jpegTables: await directory.values(tags.jpegTables),
    lercParameters: await directory.values(tags.lercParameters),
  };
  checkCoding(coding, path);
  const blockBytes = across * down * coding.perPixel * bytesPerSample(type);
  if (blockBytes > mostBlockBytes)
    throw new MemoryError(
      `${path}: one ${tiled ? 'tile' : 'strip'} of ${down} × ${across} pixels holds ${blockBytes} bytes and at most ${mostBlockBytes} are decoded at once; convert it with gdal_translate -co TILED=YES`,
      { blockBytes },
    );
  const blocks = Math.ceil(width / across) * Math.ceil(height / down) * (planar ? count : 1);
  const [offsetTag, bytesTag] = tiled
    ? ([tags.tileOffsets, tags.tileBytes] as const)
    : ([tags.stripOffsets, tags.stripBytes] as const);
  for (const tag of [offsetTag, bytesTag])
    if (directory.count(tag) !== blocks || blocks > mostBlocks)
      throw new FormatError(
        `${path}: damaged TIFF (${blocks} tiles or strips are needed, at most ${mostBlocks}, and tag ${tag} tells of ${directory.count(tag)})`,
        { blocks, tag },
      );
  const offsets = (await directory.values(offsetTag))!;
  const bytes = (await directory.values(bytesTag))!;
  return { width, height, across, down, planar, offsets, bytes, coding };
}

/** The blocks used last, up to a number of bytes. */
class Cache {
  readonly #most: number;
  readonly #blocks = new Map<number, { block: Promise<SampleArray | undefined>; bytes: number }>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async get(index: number, make: () => Promise<SampleArray | undefined>): Promise<SampleArray | undefined> {
    const found = this.#blocks.get(index);
    if (found) {
      this.#blocks.delete(index);
      this.#blocks.set(index, found);
      return found.block;
    }
    const entry = { block: make(), bytes: 0 };
    this.#blocks.set(index, entry);
    try {
      const samples = await entry.block;
      // several windows read at the same time: it may be out of the cache before it is decoded
      if (this.#blocks.get(index) !== entry) return samples;
      // decoders may give a view of something larger
      entry.bytes = samples?.buffer.byteLength ?? 0;
      this.#bytes += entry.bytes;
      for (const [oldest, { bytes }] of this.#blocks) {
        if (this.#bytes <= this.#most || oldest === index) break;
        this.#blocks.delete(oldest);
        this.#bytes -= bytes;
      }
      return samples;
    } catch (error) {
      if (this.#blocks.get(index) === entry) this.#blocks.delete(index);
      throw error;
    }
  }
}
