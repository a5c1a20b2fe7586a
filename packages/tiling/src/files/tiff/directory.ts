import { FormatError, MemoryError } from '@atrous/core';
import type { DiskFile } from '../disk-file.js';
import type { Endianness } from '../samples.js';

/** Field types of TIFF 6.0 and BigTIFF: bytes per value and how a DataView reads and writes one. */
const types = {
  1: { bytes: 1, get: 'getUint8', set: 'setUint8' },
  2: { bytes: 1, get: 'getUint8', set: 'setUint8' },
  3: { bytes: 2, get: 'getUint16', set: 'setUint16' },
  4: { bytes: 4, get: 'getUint32', set: 'setUint32' },
  6: { bytes: 1, get: 'getInt8', set: 'setInt8' },
  7: { bytes: 1, get: 'getUint8', set: 'setUint8' },
  8: { bytes: 2, get: 'getInt16', set: 'setInt16' },
  9: { bytes: 4, get: 'getInt32', set: 'setInt32' },
  11: { bytes: 4, get: 'getFloat32', set: 'setFloat32' },
  12: { bytes: 8, get: 'getFloat64', set: 'setFloat64' },
  16: { bytes: 8, get: 'getBigUint64', set: 'setBigUint64' },
} as const;
type FieldType = keyof typeof types;
export const fieldType = { byte: 1, ascii: 2, short: 3, long: 4, double: 12, long8: 16 } as const;

/** A tag with its values; text is given as bytes. */
export interface Field {
  readonly tag: number;
  readonly type: FieldType;
  readonly values: ArrayLike<number>;
}

/** Sizes that differ between TIFF and BigTIFF. */
const variants = {
  classic: { magic: 42, header: 8, count: 2, entry: 12, offset: 4 },
  big: { magic: 43, header: 16, count: 8, entry: 20, offset: 8 },
} as const;
export type Variant = keyof typeof variants;

const mostFields = 4096;
const mostFieldBytes = 2 ** 28;

function readValue(view: DataView, type: FieldType, at: number, little: boolean): number {
  return Number(view[types[type].get](at, little));
}

/** The first directory of a file: what its tags say. */
export class Directory {
  readonly order: Endianness;
  readonly #file: DiskFile;
  readonly #entries: ReadonlyMap<number, { type: FieldType; count: number; at: number }>;

  private constructor(
    file: DiskFile,
    order: Endianness,
    entries: ReadonlyMap<number, { type: FieldType; count: number; at: number }>,
  ) {
    this.#file = file;
    this.order = order;
    this.#entries = entries;
  }

  /** @throws FormatError if it is no TIFF, or damaged */
  static async read(file: DiskFile): Promise<Directory> {
    const { path } = file;
    const header = new DataView((await file.read(0, 8)).buffer);
    const little = header.getUint16(0) === 0x4949;
    const magic = header.getUint16(2, little);
    const variant = magic === 43 ? variants.big : magic === 42 ? variants.classic : undefined;
    if (!variant || (!little && header.getUint16(0) !== 0x4d4d))
      throw new FormatError(`${path}: is not a TIFF file`, { path });
    const big = variant === variants.big;
    const unsigned = (view: DataView, at: number, bytes: number) =>
      readValue(view, bytes === 8 ? 16 : bytes === 4 ? 4 : 3, at, little);
    const first = big
      ? readValue(new DataView((await file.read(8, 8)).buffer), 16, 0, little)
      : header.getUint32(4, little);
    const counted = new DataView((await file.read(first, variant.count)).buffer);
    const count = unsigned(counted, 0, variant.count);
    if (count < 1 || count > mostFields)
      throw new FormatError(`${path}: damaged TIFF (its directory has ${count} tags)`, { path, count });
    const start = first + variant.count;
    const view = new DataView((await file.read(start, count * variant.entry)).buffer);
    const entries = new Map<number, { type: FieldType; count: number; at: number }>();
    for (let i = 0; i < count; i++) {
      const at = i * variant.entry;
      const type = view.getUint16(at + 2, little);
      // unknown types are to be skipped, says the specification
      if (!(type in types)) continue;
      const values = unsigned(view, at + 4, variant.offset);
      const inline = at + 4 + variant.offset;
      const fits = values * types[type as FieldType].bytes <= variant.offset;
      entries.set(view.getUint16(at, little), {
        type: type as FieldType,
        count: values,
        at: fits ? start + inline : unsigned(view, inline, variant.offset),
      });
    }
    return new Directory(file, little ? 'little' : 'big', entries);
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** How many values a tag has; 0 if it is absent. */
  count(tag: number): number {
    return this.#entries.get(tag)?.count ?? 0;
  }

  /** The values of a tag, undefined if it is absent. */
  async values(tag: number): Promise<Float64Array | undefined> {
    const entry = this.#entries.get(tag);
    if (!entry) return undefined;
    const { bytes } = types[entry.type];
    const { path } = this.#file;
    if (entry.count * bytes > mostFieldBytes)
      throw new MemoryError(
        `${path}: tag ${tag} has ${entry.count} values and at most ${mostFieldBytes} bytes are read`,
        { tag, count: entry.count },
      );
    const size = await this.#file.size();
    if (entry.at + entry.count * bytes > size)
      throw new FormatError(
        `${path}: damaged TIFF (the ${entry.count} values of tag ${tag} at byte ${entry.at} lie beyond its end at ${size})`,
        { tag, size },
      );
    const view = new DataView((await this.#file.read(entry.at, entry.count * bytes)).buffer);
    return Float64Array.from({ length: entry.count }, (_, i) =>
      readValue(view, entry.type, i * bytes, this.order === 'little'),
    );
  }

  /** The first value of a tag, or the default. */
  async value(tag: number, otherwise: number): Promise<number> {
    return (await this.values(tag))?.[0] ?? otherwise;
  }

  /** The text of a tag. */
  async text(tag: number): Promise<string | undefined> {
    const values = await this.values(tag);
    return values && new TextDecoder().decode(Uint8Array.from(values)).replace(/\0+$/, '');
  }
}

/** How many bytes the header and its one directory take. */
export function directoryBytes(fields: readonly Field[], variant: Variant): number {
  const { header, count, entry, offset } = variants[variant];
  const outside = fields.reduce((sum, field) => {
    const bytes = field.values.length * types[field.type].bytes;
    return sum + (bytes > offset ? Math.ceil(bytes / 8) * 8 : 0);
  }, 0);
  return Math.ceil((header + count + fields.length * entry + offset) / 8) * 8 + outside;
}

/** The header of a little-endian file with one directory. */
export function encodeDirectory(fields: readonly Field[], variant: Variant): Uint8Array {
  const { magic, header, count, entry, offset } = variants[variant];
  const view = new DataView(new ArrayBuffer(directoryBytes(fields, variant)));
  const unsigned = (at: number, bytes: number, value: number) =>
    bytes === 8
      ? view.setBigUint64(at, BigInt(value), true)
      : bytes === 4
        ? view.setUint32(at, value, true)
        : view.setUint16(at, value, true);
  view.setUint16(0, 0x4949);
  view.setUint16(2, magic, true);
  if (variant === 'big') view.setUint16(4, 8, true);
  unsigned(header - offset, offset, header);
  unsigned(header, count, fields.length);
  let outside = Math.ceil((header + count + fields.length * entry + offset) / 8) * 8;
  [...fields]
    .sort((a, b) => a.tag - b.tag)
    .forEach(({ tag, type, values }, i) => {
      const at = header + count + i * entry;
      const { bytes, set } = types[type];
      view.setUint16(at, tag, true);
      view.setUint16(at + 2, type, true);
      unsigned(at + 4, offset, values.length);
      let place = at + 4 + offset;
      if (values.length * bytes > offset) {
        unsigned(place, offset, outside);
        place = outside;
        outside += Math.ceil((values.length * bytes) / 8) * 8;
      }
      for (let k = 0; k < values.length; k++)
        if (set === 'setBigUint64') view.setBigUint64(place + k * bytes, BigInt(values[k]!), true);
        else view[set](place + k * bytes, values[k]!, true);
    });
  return new Uint8Array(view.buffer);
}
