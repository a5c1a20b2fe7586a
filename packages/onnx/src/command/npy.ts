import { AtrousError, FormatError, type Shape, type Values } from '@atrous/core';
import { halfToFloat } from '@atrous/core/model';

/** An array of NumPy's, its last axis moving fastest. */
export interface NpyArray {
  readonly shape: Shape;
  /** Floats as float32, `u1` and `b1` as uint8, other integers as int32. */
  readonly data: Values;
}

type Read = (view: DataView, at: number, little: boolean) => number;

interface Stored {
  readonly bytes: number;
  readonly array: new (length: number) => Values;
  readonly read: Read;
}

const stored: Readonly<Record<string, Stored>> = {
  f2: { bytes: 2, array: Float32Array, read: (view, at, little) => halfToFloat(view.getUint16(at, little)) },
  f4: { bytes: 4, array: Float32Array, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, array: Float32Array, read: (view, at, little) => view.getFloat64(at, little) },
  b1: { bytes: 1, array: Uint8Array, read: (view, at) => view.getUint8(at) },
  u1: { bytes: 1, array: Uint8Array, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, array: Int32Array, read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, array: Int32Array, read: (view, at, little) => view.getUint16(at, little) },
  i2: { bytes: 2, array: Int32Array, read: (view, at, little) => view.getInt16(at, little) },
  u4: { bytes: 4, array: Int32Array, read: (view, at, little) => int32(view.getUint32(at, little)) },
  i4: { bytes: 4, array: Int32Array, read: (view, at, little) => view.getInt32(at, little) },
  u8: { bytes: 8, array: Int32Array, read: (view, at, little) => int32(view.getBigUint64(at, little)) },
  i8: { bytes: 8, array: Int32Array, read: (view, at, little) => int32(view.getBigInt64(at, little)) },
};

function int32(value: number | bigint): number {
  const number = Number(value);
  if (number === (number | 0)) return number;
  throw new FormatError(`the integer ${value} does not fit into 32 bits`, { value });
}

const magic = '\x93NUMPY';

/**
 * Reads a .npy file (NumPy's format, versions 1 to 3), also big-endian and in Fortran order.
 *
 * @param name what the file is called in messages
 * @throws FormatError if it is none, damaged, or has elements other than numbers and truth values
 */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  try {
    return decode(bytes);
  } catch (error) {
    throw error instanceof AtrousError ? error.within(name) : error;
  }
}

function decode(bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = (length: number) => String.fromCharCode(...bytes.subarray(0, length));
  if (bytes.byteLength < 12 || start(6) !== magic) throw new FormatError('this is no .npy file');
  const wide = bytes[6]! > 1;
  const headerAt = wide ? 12 : 10;
  const dataAt = headerAt + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (dataAt > bytes.byteLength)
    throw new FormatError(`the header ends at byte ${dataAt} of ${bytes.byteLength}: the file is cut off`, {
      bytes: bytes.byteLength,
    });
  const header = new TextDecoder('latin1').decode(bytes.subarray(headerAt, dataAt));
  const [, order, type] = /'descr':\s*'([<>|=]?)([a-z]\d+)'/i.exec(header) ?? [];
  const [, sizes] = /'shape':\s*\(([\d\s,]*)\)/.exec(header) ?? [];
  const [, fortran] = /'fortran_order':\s*(True|False)/.exec(header) ?? [];
  if (sizes === undefined || fortran === undefined)
    throw new FormatError(`the header cannot be read: ${header.trim().slice(0, 200)}`, { header });
  const element = type === undefined ? undefined : stored[type];
  if (element === undefined)
    throw new FormatError(
      `elements of type ${type ?? header.trim().slice(0, 200)} are not read; save one of ${Object.keys(stored).join(', ')}`,
      { type },
    );
  const shape = sizes.split(',').flatMap((size) => (size.trim() ? Number(size) : []));
  const count = shape.reduce((product, size) => product * size, 1);
  const found = bytes.byteLength - dataAt;
  if (found !== count * element.bytes)
    throw new FormatError(
      `[${shape.join(', ')}] of ${type} takes ${count * element.bytes} bytes but the file has ${found}`,
      { shape, bytes: found },
    );
  const data = new element.array(count);
  const positions = fortran === 'True' ? fortranPositions(shape) : undefined;
  for (let i = 0; i < count; i++) {
    const at = positions ? positions.next().value! : i;
    data[i] = element.read(view, dataAt + at * element.bytes, order !== '>');
  }
  return { shape, data };
}

/** Where each element lies in Fortran order, in the order of rows. */
function* fortranPositions(shape: Shape): Generator<number, undefined> {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const index = shape.map(() => 0);
  for (let at = 0; ; ) {
    yield at;
    let axis = shape.length - 1;
    for (; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return undefined;
  }
}

/** An array as a .npy file, version 1. */
export function writeNpy({ shape, data }: NpyArray): Uint8Array {
  const type = data instanceof Float32Array ? '<f4' : data instanceof Int32Array ? '<i4' : '|u1';
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy wants the data to start at a multiple of 64
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const size = data.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(10 + length + data.byteLength);
  bytes.set(latin1(`${magic}\x01\x00`));
  const view = new DataView(bytes.buffer);
  view.setUint16(8, length, true);
  bytes.set(latin1(`${text.padEnd(length - 1)}\n`), 10);
  for (let i = 0, at = 10 + length; i < data.length; i++, at += size)
    if (data instanceof Float32Array) view.setFloat32(at, data[i]!, true);
    else if (size === 4) view.setInt32(at, data[i]!, true);
    else bytes[at] = data[i]!;
  return bytes;
}

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
