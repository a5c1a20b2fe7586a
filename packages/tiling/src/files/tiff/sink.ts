import { type DType, FormatError, OptionError, type Shape, type Values } from '@atrous/core';
import { arrayOf, type Region } from '../../region.js';
import { bytesOf, DiskFile, Turns } from '../disk-file.js';
import { checkRegion, type FileSink, type Palette, pictureShape } from '../file.js';
import { nativeEndianness, toNative } from '../samples.js';
import { directoryBytes, encodeDirectory, type Field, fieldType, type Variant } from './directory.js';
import { type Georeference, georeferenceFields, scaled } from './georeference.js';

export interface TiffSinkOptions {
  /** Edge of the file's own tiles in pixels, a multiple of 16. Default 512. */
  readonly tile?: number | undefined;
  /** The place of the picture that was read; scaled where the result has another size. */
  readonly georeference?: Georeference | undefined;
  /**
   * Pixels of that picture per pixel of the result, down and across. Default: its size divided by the result's.
   */
  readonly step?: readonly [down: number, across: number] | undefined;
  /** Colours of the classes 0, 1 … of a one-band uint8 result: red, green, blue, 0 to 255. */
  readonly palette?: Palette | undefined;
}

const formats: Readonly<Record<DType, number>> = { uint8: 1, int32: 2, float32: 3 };
/** A classic TIFF file has 32-bit offsets. */
const mostClassic = 2 ** 32 - 1;

/** The header of a result, and where its tiles lie behind it. */
interface Plan {
  readonly header: Uint8Array;
  readonly dataAt: number;
  readonly tile: number;
  readonly bands: number;
  readonly height: number;
  readonly width: number;
  readonly dtype: DType;
  readonly length: number;
}

function planOf(shape: Shape, dtype: DType, path: string, options: TiffSinkOptions): Plan {
  const { tile = 512, georeference, palette } = options;
  const [bands, height, width] = pictureShape(shape, path);
  if (bands > 65535) throw new OptionError(`${path}: TIFF has at most 65535 bands, not ${bands}`, { bands });
  if (palette && (dtype !== 'uint8' || bands !== 1))
    throw new OptionError(
      `${path}: a palette colours one band of uint8 classes, and the result has ${bands} of ${dtype}`,
      { bands, dtype },
    );
  const bytes = arrayOf[dtype].BYTES_PER_ELEMENT;
  const tiles = Math.ceil(height / tile) * Math.ceil(width / tile) * bands;
  const tileBytes = tile * tile * bytes;
  const rgb = dtype === 'uint8' && (bands === 3 || bands === 4);
  const short = (tag: number, ...values: number[]): Field => ({ tag, type: fieldType.short, values });
  const each = (value: number) => new Array<number>(bands).fill(value);
  const extra = bands - (rgb ? 3 : 1);
  const placed =
    georeference &&
    scaled(
      georeference,
      height,
      width,
      options.step ?? [georeference.height / height, georeference.width / width],
    );
  const fields = (dataAt: number, offsetType: 4 | 16): Field[] => [
    { tag: 256, type: fieldType.long, values: [width] },
    { tag: 257, type: fieldType.long, values: [height] },
    short(258, ...each(bytes * 8)),
    short(259, 1),
    short(262, palette ? 3 : rgb ? 2 : 1),
    short(277, bands),
    // bands apart from each other: a region of a band is written without touching the others
    short(284, bands > 1 ? 2 : 1),
    ...(palette ? [short(320, ...colourMap(palette))] : []),
    short(322, tile),
    short(323, tile),
    {
      tag: 324,
      type: offsetType,
      values: Float64Array.from({ length: tiles }, (_, i) => dataAt + i * tileBytes),
    },
    { tag: 325, type: fieldType.long, values: new Float64Array(tiles).fill(tileBytes) },
    // 2 is unassociated alpha, 0 anything
    ...(extra > 0 ? [short(338, ...new Array<number>(extra).fill(rgb ? 2 : 0))] : []),
    short(339, ...each(formats[dtype])),
    ...(placed ? georeferenceFields(placed, dtype) : []),
  ];
  const sized = (variant: Variant, offsetType: 4 | 16) => {
    const dataAt = Math.ceil(directoryBytes(fields(0, offsetType), variant) / 4096) * 4096;
    const length = dataAt + tiles * tileBytes;
    const header = () => encodeDirectory(fields(dataAt, offsetType), variant);
    return { dataAt, length, header };
  };
  const classic = sized('classic', fieldType.long);
  const { dataAt, length, header } = classic.length <= mostClassic ? classic : sized('big', fieldType.long8);
  return { header: header(), dataAt, length, tile, bands, height, width, dtype };
}

function colourMap(palette: Palette): number[] {
  const wrong = palette.flat().find((value) => !Number.isInteger(value) || value < 0 || value > 255);
  if (wrong !== undefined || palette.length > 256)
    throw new OptionError(
      `palette: up to 256 colours of three integers from 0 to 255, not ${palette.length} with ${wrong}`,
      { palette },
    );
  return [0, 1, 2].flatMap((channel) =>
    Array.from({ length: 256 }, (_, i) => (palette[i]?.[channel] ?? 0) * 257),
  );
}

/**
 * Writes a result `[1, bands, H, W]` as an uncompressed tiled TIFF, BigTIFF from 4 GiB on. Regions may come in any
 * order and need no alignment: each goes to its place at once, so that memory does not grow and a job that was stopped
 * goes on in the same file. Coordinate system, transform, nodata and metadata of `georeference` are kept.
 *
 * @throws OptionError for unusable options; FileError if the file cannot be written; FormatError if an unfinished file
 * is not the one that the journal tells of
 */
export function tiffSink(path: string, options: TiffSinkOptions = {}): FileSink {
  const { tile = 512, step } = options;
  if (!Number.isInteger(tile) || tile < 16 || tile > 4096 || tile % 16 !== 0)
    throw new OptionError(`${path}: tile must be a multiple of 16 up to 4096 but is ${tile}`, { tile });
  if (step?.some((length) => !(length > 0 && length < Infinity)))
    throw new OptionError(`${path}: step must be two positive numbers but is ${step.join(', ')}`, { step });
  if (options.palette) colourMap(options.palette);
  const turns = new Turns();
  let opened: Promise<{ file: DiskFile; plan: Plan }> | undefined;

  const open = async (shape: Shape, dtype: DType, kept: number) => {
    const plan = planOf(shape, dtype, path, options);
    const file = await DiskFile.open(path, kept > 0 ? 'r+' : 'w+');
    try {
      if (kept > 0) await checkUnfinished(file, plan);
      else {
        await file.truncate(plan.length);
        await file.write(0, plan.header);
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    return { file, plan };
  };

  return {
    path,
    async begin({ shape, dtype }, kept) {
      opened ??= open(shape, dtype, kept);
      await opened;
    },
    async write(region: Region, values: Values, { shape, dtype }) {
      checkRegion(region, shape, path);
      opened ??= open(shape, dtype, 0);
      const { file, plan } = await opened;
      // parts of one tile are read, changed and written: one region after the other
      await turns.take(() => writeRegion(file, plan, region, values));
    },
    flush: () => turns.take(async () => (await opened)?.file.sync()),
    close: () =>
      turns.take(async () => {
        const current = await opened?.catch(() => undefined);
        opened = undefined;
        await current?.file.sync();
        await current?.file.close();
      }),
  };
}

/** The header follows from the result alone, so an unfinished file of the same job begins with the very bytes. */
async function checkUnfinished(file: DiskFile, plan: Plan): Promise<void> {
  const size = await file.size();
  const same =
    size === plan.length && Buffer.compare(await file.read(0, plan.header.length), plan.header) === 0;
  if (!same)
    throw new FormatError(
      `${file.path}: is not the unfinished result that the journal tells of; start again with an empty journal`,
      { size, expected: plan.length },
    );
}

async function writeRegion(file: DiskFile, plan: Plan, region: Region, values: Values): Promise<void> {
  const { tile, bands, height, width, dtype, dataAt } = plan;
  const [top, left] = region.start as [number, number];
  const [high, wide] = region.size as [number, number];
  const size = arrayOf[dtype].BYTES_PER_ELEMENT;
  const [rows, columns] = [Math.ceil(height / tile), Math.ceil(width / tile)];
  const own = nativeEndianness === 'little' ? bytesOf(values) : bytesOf(values).slice();
  toNative(own, size, 'little');
  for (let band = 0; band < bands; band++)
    for (let row = Math.floor(top / tile); row * tile < top + high; row++)
      for (let column = Math.floor(left / tile); column * tile < left + wide; column++) {
        const [y, x] = [row * tile, column * tile];
        const [first, last] = [Math.max(y, top), Math.min(y + tile, top + high)];
        const [begin, end] = [Math.max(x, left), Math.min(x + tile, left + wide)];
        const at = dataAt + (((band * rows + row) * columns + column) * tile + first - y) * tile * size;
        const lines = new Uint8Array((last - first) * tile * size);
        // what other regions have written into these lines stays
        if (begin > x || end < Math.min(x + tile, width)) await file.readInto(lines, at);
        for (let line = first; line < last; line++) {
          const from = ((band * high + line - top) * wide + begin - left) * size;
          lines.set(
            own.subarray(from, from + (end - begin) * size),
            ((line - first) * tile + begin - x) * size,
          );
        }
        await file.write(at, lines);
      }
}
