import { type DType, FormatError, OptionError, type Shape, type Values } from '@atrous/core';
import { elements, type Region } from '../region.js';
import { bytesOf, DiskFile } from './disk-file.js';
import { checkLengths, checkRegion, type FileSink, type FileSource } from './file.js';
import {
  bytesPerSample,
  dtypeOf,
  type Endianness,
  isSampleType,
  type SampleType,
  samplesOf,
  toNative,
  toValues,
} from './samples.js';

export interface RawOptions {
  /** `[N, C, …]`, row-major. */
  readonly shape: Shape;
  /** How numbers are stored. */
  readonly type: SampleType;
  /** Bytes before the first number. Default 0. */
  readonly offset?: number | undefined;
  /** Default `'little'`. */
  readonly endianness?: Endianness | undefined;
  /** What they are read as. Default: uint8 for uint8, int32 for integers that fit into it, else float32. */
  readonly dtype?: DType | undefined;
}

/** Reads and writes that are under way at once. */
const parallel = 16;

/** The pieces of a box that lie in one piece in a row-major array, as element offsets. */
function* runs(
  { start, size }: Region,
  shape: Shape,
): Generator<readonly [at: number, inBox: number, length: number]> {
  const whole = [elements(shape.slice(0, 2)), ...shape.slice(2)];
  const from = [0, ...start];
  const box = [whole[0]!, ...size];
  let axis = box.length - 1;
  while (axis > 0 && box[axis] === whole[axis]) axis--;
  const inner = elements(whole.slice(axis + 1));
  const length = box[axis]! * inner;
  const count = elements(box.slice(0, axis));
  for (let run = 0; run < count; run++) {
    let [at, rest] = [from[axis]!, run];
    let stride = whole[axis]!;
    for (let outer = axis - 1; outer >= 0; outer--) {
      at += ((rest % box[outer]!) + from[outer]!) * stride;
      rest = Math.floor(rest / box[outer]!);
      stride *= whole[outer]!;
    }
    yield [at * inner, run * length, length];
  }
}

async function inParallel<T>(items: Iterable<T>, action: (item: T) => Promise<void>): Promise<void> {
  let batch: Promise<void>[] = [];
  for (const item of items) {
    batch.push(action(item));
    if (batch.length < parallel) continue;
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new OptionError(`raw file: offset must be a number of bytes but is ${offset}`, { offset });
}

/**
 * A file of plain numbers, read box by box.
 *
 * @throws OptionError for an unknown type, or a dtype that would lose values; FormatError if the file is too short
 */
export async function rawSource(path: string, options: RawOptions): Promise<FileSource> {
  const { shape, type, offset = 0, endianness = 'little' } = options;
  if (!isSampleType(type)) throw new OptionError(`raw file: unknown type ${String(type)}`, { type });
  if (shape.length < 3)
    throw new OptionError(`raw file: the shape must be [N, C, …] but is [${shape.join(', ')}]`, { shape });
  checkOffset(offset);
  checkLengths(shape, path);
  const dtype = dtypeOf(type, options.dtype, path);
  const width = bytesPerSample(type);
  const needed = offset + elements(shape) * width;
  const file = await DiskFile.open(path, 'r');
  const size = await file.size();
  if (size < needed) {
    await file.close();
    throw new FormatError(
      `${path}: has ${size} bytes, and [${shape.join(', ')}] ${type} samples from byte ${offset} are ${needed}`,
      { size, needed },
    );
  }
  return {
    path,
    format: 'raw',
    shape,
    dtype,
    async read(region, { signal } = {}) {
      checkRegion(region, shape, path);
      const bytes = new Uint8Array(shape[0]! * shape[1]! * elements(region.size) * width);
      await inParallel(runs(region, shape), async ([at, inBox, length]) => {
        signal?.throwIfAborted();
        await file.readInto(bytes.subarray(inBox * width, (inBox + length) * width), offset + at * width);
      });
      toNative(bytes, width, endianness);
      return toValues(samplesOf(bytes, type), type, dtype);
    },
    close: () => file.close(),
  };
}

/**
 * Writes results as plain numbers of the result's dtype, `[N, C, …]` row-major.
 *
 * @param options `offset`: bytes that are left as they are before the first number, default 0; `endianness`: default
 * `'little'`
 */
export function rawSink(
  path: string,
  { offset = 0, endianness = 'little' }: Pick<RawOptions, 'offset' | 'endianness'> = {},
): FileSink {
  checkOffset(offset);
  let opened: Promise<DiskFile> | undefined;
  const open = async (bytes: number, kept: number) => {
    const fresh = kept === 0 && offset === 0;
    const file = await DiskFile.open(path, fresh ? 'w+' : 'r+');
    const size = await file.size();
    if (kept > 0 && size !== offset + bytes) {
      await file.close();
      throw new FormatError(
        `${path}: has ${size} bytes and an unfinished result has ${offset + bytes}; the file is not the one that the journal tells of`,
        { size, expected: offset + bytes },
      );
    }
    if (kept === 0) await file.truncate(offset + bytes);
    return file;
  };
  const bytesIn = (shape: Shape, dtype: DType) => elements(shape) * bytesPerSample(dtype);
  return {
    path,
    async begin({ shape, dtype }, kept) {
      opened ??= open(bytesIn(shape, dtype), kept);
      await opened;
    },
    async write(region: Region, values: Values, { shape, dtype }) {
      checkRegion(region, shape, path);
      opened ??= open(bytesIn(shape, dtype), 0);
      const file = await opened;
      const width = bytesPerSample(dtype);
      const bytes = bytesOf(values).slice();
      toNative(bytes, width, endianness);
      await inParallel(runs(region, shape), ([at, inBox, length]) =>
        file.write(offset + at * width, bytes.subarray(inBox * width, (inBox + length) * width)),
      );
    },
    flush: async () => (await opened)?.sync(),
    async close() {
      const file = await opened?.catch(() => undefined);
      opened = undefined;
      await file?.sync();
      await file?.close();
    },
  };
}
