import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FormatError, MemoryError } from '@atrous/core';
import { ByteReader } from './byte-reader.js';
import { onFile } from './file-error.js';
import { bytesOfHeader, checkHeader, longestHeader, type NiftiHeader, niftiVersion } from './nifti-header.js';
import { fileStrides, inParts, type Volume, type VoxelArray, voxels } from './volume.js';

/** A volume from a file, in the order of the file. */
export interface NiftiVolume extends Volume {
  readonly header: NiftiHeader;
  /** Voxels that were NaN or infinite; they are 0 now, as FreeSurfer takes them. */
  readonly nonFinite: number;
}

export interface ReadNiftiOptions {
  /** Bytes that the voxels may take. Default 1 GiB. */
  readonly maxMemory?: number | undefined;
  /** Stands in messages. Default: the path, or `'volume'`. */
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Deflate makes at most so many bytes of one. Source: zlib's technical details. */
const largestRatio = 1032;
/** Bytes that may follow the voxels of a compressed file. */
const mostSurplus = 2 ** 20;

/**
 * Reads one volume: NIfTI-1 or NIfTI-2, plain or compressed by gzip (told apart by content), either byte order, all real
 * types. What the header declares is checked against the file's length and `maxMemory` before the voxels' memory is
 * taken; a compressed file is expanded as far as its voxels reach, and its checksum is verified.
 *
 * @throws FormatError if the file is damaged, truncated or lies nowhere (a singular affine); UnsupportedError for
 * several volumes, colours and complex numbers; MemoryError above `maxMemory`; FileError if the system cannot read it
 */
export async function readNifti(
  source: string | Uint8Array,
  {
    maxMemory = 2 ** 30,
    name = typeof source === 'string' ? source : 'volume',
    signal,
  }: ReadNiftiOptions = {},
): Promise<NiftiVolume> {
  signal?.throwIfAborted();
  const { length, start, stream } = await open(source, name);
  const compressed = start[0] === 0x1f && start[1] === 0x8b;
  const plain = stream(signal);
  // errors reach the reader through the stream that it reads
  const unpacked: Readable = compressed ? pipeline(plain, createGunzip(), () => {}) : plain;
  const reader = new ByteReader(unpacked, name);
  try {
    const available = compressed ? length * largestRatio : length;
    const header = await readHeader(reader, { name, available, maxMemory });
    await reader.skip(header.offset - bytesOfHeader(header.version));
    const buffer = allocate((voxels(header.size) * header.type.bits) / 8, name);
    await reader.fill(new Uint8Array(buffer));
    if (compressed && !(await reader.endsWithin(mostSurplus)))
      throw new FormatError(
        `${name}: goes on for more than ${mostSurplus} bytes after the voxels that its header declares; it is damaged`,
        { size: header.size, type: header.type.name },
      );
    const data = await toNumbers(buffer, header, signal);
    const { size, affine, slope, inter } = header;
    const nonFinite = await clearNonFinite(data, inter === 0 ? 0 : -inter / slope, signal);
    return { name, size, affine, data, strides: fileStrides(size), slope, inter, header, nonFinite };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    plain.destroy();
    unpacked.destroy();
  }
}

/** The length of a source, its first two bytes, and how to read it. */
async function open(source: string | Uint8Array, name: string) {
  if (typeof source !== 'string') {
    const stream = (signal?: AbortSignal) =>
      Readable.from(pieces(source), { objectMode: false, ...(signal && { signal }) });
    return { length: source.length, start: source, stream };
  }
  const info = await onFile(source, 'read', () => stat(source));
  // a device or pipe has no length to check sizes against
  if (!info.isFile()) throw new FormatError(`${name}: is not a file`, { name });
  const start = await onFile(source, 'read', async () => {
    for await (const chunk of createReadStream(source, { end: 1 })) return chunk as Buffer;
    return Buffer.alloc(0);
  });
  const stream = (signal?: AbortSignal) =>
    createReadStream(source, { highWaterMark: 2 ** 20, ...(signal && { signal }) });
  return { length: info.size, start, stream };
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 2 ** 20) yield bytes.subarray(at, at + 2 ** 20);
}

async function readHeader(
  reader: ByteReader,
  limits: { name: string; available: number; maxMemory: number },
): Promise<NiftiHeader> {
  const first = await reader.take(bytesOfHeader(1));
  const version = niftiVersion(first, limits.name);
  if (version === 1) return checkHeader(first, version, limits);
  const bytes = new Uint8Array(longestHeader);
  bytes.set(first);
  bytes.set(await reader.take(longestHeader - first.length), first.length);
  return checkHeader(bytes, version, limits);
}

function allocate(bytes: number, name: string): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw new MemoryError(`${name}: this machine has no ${bytes} bytes for its voxels`, { bytes });
  }
}

/** Values that are looked at before events get their turn. */
const part = 2 ** 20;

/** What turns the byte order around, by bits; single bytes have none. */
const swaps: Readonly<Record<number, 'swap16' | 'swap32' | 'swap64'>> = {
  16: 'swap16',
  32: 'swap32',
  64: 'swap64',
};

async function toNumbers(
  buffer: ArrayBuffer,
  { type, littleEndian }: NiftiHeader,
  signal: AbortSignal | undefined,
): Promise<VoxelArray> {
  const data = new type.array(buffer);
  const swap = littleEndian === (endianness() === 'LE') ? undefined : swaps[type.bits];
  const integers =
    type.name === 'int64'
      ? new BigInt64Array(buffer)
      : type.name === 'uint64'
        ? new BigUint64Array(buffer)
        : undefined;
  if (swap || integers)
    await inParts(data.length, part, signal, (from, to) => {
      const size = data.BYTES_PER_ELEMENT;
      if (swap) Buffer.from(buffer, from * size, (to - from) * size)[swap]();
      // in place: both take eight bytes
      if (integers) for (let n = from; n < to; n++) data[n] = Number(integers[n]);
    });
  return data;
}

/** @param zero the element that means 0 */
async function clearNonFinite(
  data: VoxelArray,
  zero: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return 0;
  let found = 0;
  await inParts(data.length, part, signal, (from, to) => {
    for (let n = from; n < to; n++)
      if (!Number.isFinite(data[n])) {
        data[n] = zero;
        found++;
      }
  });
  return found;
}
