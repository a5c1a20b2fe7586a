import { crc32 } from 'node:zlib';
import { type DType, FormatError, type Shape, type Values } from '@atrous/core';
import { arrayOf, elements, type Region } from '../region.js';
import { bytesOf, DiskFile, Turns } from './disk-file.js';
import type { FileSink } from './file.js';
import { type SampleType, samplesOf, toNative } from './samples.js';

/** One region of a result, as it stands in the partial result of a shard. */
export interface PartRecord {
  readonly region: Region;
  readonly values: Values;
  readonly shape: Shape;
  readonly dtype: DType;
}

interface Header extends Omit<PartRecord, 'values'> {
  readonly checksum: number;
}

/** Before each record: these four bytes, and the length of the description as a little-endian 32-bit number. */
const signature = Buffer.from('ATRP');
const prefix = 8;
const mostDescription = 2 ** 16;

/** The record at a byte, and where the next one begins; undefined if it is cut short or damaged. */
async function recordAt(
  file: DiskFile,
  at: number,
  size: number,
): Promise<{ record: PartRecord; next: number } | undefined> {
  if (at + prefix > size) return undefined;
  const head = Buffer.from(await file.read(at, prefix));
  const length = head.readUInt32LE(4);
  if (!head.subarray(0, 4).equals(signature) || length > mostDescription || at + prefix + length > size)
    return undefined;
  const text = new TextDecoder().decode(await file.read(at + prefix, length));
  let header: Header;
  try {
    header = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { region, shape, dtype, checksum } = header;
  const count = shape[0]! * shape[1]! * elements(region.size);
  const bytes = count * (arrayOf[dtype]?.BYTES_PER_ELEMENT ?? Number.NaN);
  const next = at + prefix + length + bytes;
  if (!(next <= size)) return undefined;
  const stored = await file.read(at + prefix + length, bytes);
  if (crc32(stored) !== checksum) return undefined;
  toNative(stored, arrayOf[dtype].BYTES_PER_ELEMENT, 'little');
  return { record: { region, shape, dtype, values: samplesOf(stored, dtype as SampleType) as Values }, next };
}

/**
 * Writes the regions of one shard one behind the other, for `mergeParts`. A region that a crash cut short is dropped
 * when the shard goes on.
 */
export function partSink(path: string): FileSink {
  const turns = new Turns();
  let opened: Promise<DiskFile> | undefined;
  let end = 0;
  const open = async (kept: number) => {
    const file = await DiskFile.open(path, kept > 0 ? 'r+' : 'w+');
    const size = await file.size();
    let whole = 0;
    end = 0;
    for (let found = await recordAt(file, end, size); found; found = await recordAt(file, end, size)) {
      end = found.next;
      whole++;
    }
    if (whole >= kept) return file;
    await file.close();
    throw new FormatError(
      `${path}: holds ${whole} regions where the journal tells of ${kept}; it is not the partial result of this shard, or damaged`,
      { found: whole, kept },
    );
  };
  return {
    path,
    async begin(_, kept) {
      opened ??= open(kept);
      await opened;
    },
    write: (region, values, { shape, dtype }) =>
      turns.take(async () => {
        opened ??= open(0);
        const file = await opened;
        const bytes = bytesOf(values).slice();
        toNative(bytes, arrayOf[dtype].BYTES_PER_ELEMENT, 'little');
        const header: Header = { region, shape, dtype, checksum: crc32(bytes) };
        const text = new TextEncoder().encode(JSON.stringify(header));
        const head = Buffer.alloc(prefix);
        signature.copy(head);
        head.writeUInt32LE(text.length, 4);
        await file.truncate(end);
        await file.write(end, Buffer.concat([head, text]));
        await file.write(end + prefix + text.length, bytes);
        end += prefix + text.length + bytes.length;
      }),
    flush: () => turns.take(async () => (await opened)?.sync()),
    close: () =>
      turns.take(async () => {
        const file = await opened?.catch(() => undefined);
        opened = undefined;
        await file?.sync();
        await file?.close();
      }),
  };
}

/** The regions of a partial result, one in memory at a time. A shard without tiles has no file. */
export async function* readPart(path: string): AsyncGenerator<PartRecord> {
  const file = await DiskFile.open(path, 'r').catch((error) => {
    if (error?.details?.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const size = await file.size();
    for (let at = 0; at < size; ) {
      const found = await recordAt(file, at, size);
      // the journal tells whether this was one that counts
      if (!found) return;
      yield found.record;
      at = found.next;
    }
  } finally {
    await file.close();
  }
}
