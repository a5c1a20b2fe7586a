/**
 * Checked access to flatbuffers. The library trusts its input and no verifier exists for JavaScript, so every offset
 * and every length is compared with the file before it is followed.
 */
import { FormatError } from '@atrous/core';
import { ByteBuffer } from 'flatbuffers';

/** A file, and how much of it may still be read: tables may share parts, so what is read can exceed what is stored. */
export class Source {
  readonly buffer: ByteBuffer;
  #budget: number;

  constructor(readonly bytes: Uint8Array) {
    this.buffer = new ByteBuffer(bytes);
    this.#budget = 16 * bytes.byteLength + 4096;
  }

  /** Throws unless `length` bytes from `start` lie in the file. */
  within(what: string, start: number, length: number): number {
    if (start < 0 || start + length > this.bytes.byteLength)
      throw new FormatError(
        `tflite: ${what} takes bytes ${start} to ${start + length} but the file has ${this.bytes.byteLength}; it is cut off or damaged, get it again`,
        { start, length, bytes: this.bytes.byteLength },
      );
    return start;
  }

  /** Counts bytes that are decoded. */
  spend(what: string, bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0)
      throw new FormatError(
        `tflite: ${what}: parts of the file are used over and over; more than 16 times its ${this.bytes.byteLength} bytes would be decoded`,
        { bytes: this.bytes.byteLength },
      );
  }

  /** The position that an offset stored at `at` points to. */
  follow(what: string, at: number): number {
    this.within(what, at, 4);
    const target = at + this.buffer.readUint32(at);
    return this.within(what, target, 4);
  }

  root(): Table {
    return new Table(this, 'model', this.follow('model', 0));
  }
}

/** A table: fields by their number in the schema; absent fields have the default that the schema gives. */
export class Table {
  readonly #fields: number;
  readonly #fieldBytes: number;
  readonly #size: number;

  constructor(
    readonly source: Source,
    readonly what: string,
    readonly position: number,
  ) {
    source.spend(what, 8);
    source.within(what, position, 4);
    this.#fields = position - source.buffer.readInt32(position);
    source.within(what, this.#fields, 4);
    this.#fieldBytes = source.buffer.readUint16(this.#fields);
    this.#size = source.buffer.readUint16(this.#fields + 2);
    source.within(what, this.#fields, this.#fieldBytes);
    source.within(what, position, this.#size);
    if (this.#fieldBytes < 4)
      throw new FormatError(`tflite: the field list of ${what} has ${this.#fieldBytes} bytes; it needs 4`, {
        position,
      });
  }

  /** Where a field of `bytes` bytes stands, or undefined if it is absent. */
  #at(field: number, bytes: number): number | undefined {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#fieldBytes) return undefined;
    const offset = this.source.buffer.readUint16(this.#fields + entry);
    if (offset === 0) return undefined;
    if (offset + bytes > this.#size)
      throw new FormatError(
        `tflite: field ${field} of ${this.what} stands at ${offset} in a table of ${this.#size} bytes`,
        { field, offset },
      );
    return this.position + offset;
  }

  has(field: number): boolean {
    return this.#at(field, 0) !== undefined;
  }
  int8(field: number, otherwise = 0): number {
    const at = this.#at(field, 1);
    return at === undefined ? otherwise : this.source.buffer.readInt8(at);
  }
  uint8(field: number, otherwise = 0): number {
    const at = this.#at(field, 1);
    return at === undefined ? otherwise : this.source.buffer.readUint8(at);
  }
  bool(field: number): boolean {
    return this.uint8(field) !== 0;
  }
  int32(field: number, otherwise = 0): number {
    const at = this.#at(field, 4);
    return at === undefined ? otherwise : this.source.buffer.readInt32(at);
  }
  uint32(field: number, otherwise = 0): number {
    return this.int32(field, otherwise) >>> 0;
  }
  float32(field: number, otherwise = 0): number {
    const at = this.#at(field, 4);
    return at === undefined ? otherwise : this.source.buffer.readFloat32(at);
  }
  uint64(field: number): number {
    const at = this.#at(field, 8);
    return at === undefined ? 0 : Number(this.source.buffer.readUint64(at));
  }

  /** First byte and length of a vector. */
  #vector(field: number, bytesPerElement: number): { start: number; length: number } | undefined {
    const at = this.#at(field, 4);
    if (at === undefined) return undefined;
    const what = `field ${field} of ${this.what}`;
    const position = this.source.follow(what, at);
    const length = this.source.buffer.readUint32(position);
    this.source.within(what, position + 4, length * bytesPerElement);
    return { start: position + 4, length };
  }

  /** The bytes of a vector: a view, not a copy. */
  bytes(field: number): Uint8Array | undefined {
    const vector = this.#vector(field, 1);
    return vector && this.source.bytes.subarray(vector.start, vector.start + vector.length);
  }

  string(field: number): string | undefined {
    const bytes = this.bytes(field);
    if (bytes === undefined) return undefined;
    this.source.spend(this.what, bytes.byteLength);
    return new TextDecoder().decode(bytes);
  }

  ints(field: number): number[] {
    const vector = this.#vector(field, 4);
    if (vector === undefined) return [];
    this.source.spend(this.what, 4 * vector.length);
    return Array.from({ length: vector.length }, (_, i) =>
      this.source.buffer.readInt32(vector.start + 4 * i),
    );
  }

  /** Number of elements of a vector. */
  length(field: number): number {
    return this.#vector(field, 1)?.length ?? 0;
  }

  table(field: number, what: string): Table | undefined {
    const at = this.#at(field, 4);
    return at === undefined ? undefined : new Table(this.source, what, this.source.follow(what, at));
  }

  tables(field: number, what: string): Table[] {
    const vector = this.#vector(field, 4);
    return Array.from({ length: vector?.length ?? 0 }, (_, i) => {
      const name = `${what} ${i}`;
      return new Table(this.source, name, this.source.follow(name, vector!.start + 4 * i));
    });
  }
}
