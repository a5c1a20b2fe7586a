import { FormatError, type Shape, type Tensor, tensor, UnsupportedError } from '@atrous/core';
import { halfToFloat } from '@atrous/core/model';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { ExternalData } from './external.js';
import type { ElementType, Value } from './operator.js';
import { dtypeOf } from './operators/values.js';
import type { TensorProto } from './schema/onnx_pb.js';

interface StoredType {
  readonly type: ElementType;
  /** Bytes per element in `raw_data` and in external files. */
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
  /** The list that holds the elements where they are not raw. */
  readonly list: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
}

const maxInt = 2 ** 31 - 1;
const maxRank = 8;

/** Integers beyond int32 stand for "as far as it goes" (the end of a slice) and are saturated. */
export const saturated = (value: bigint | number): number => {
  const number = Number(value);
  return number > maxInt ? maxInt : Math.max(number, -maxInt - 1);
};

/** TensorProto.DataType, as far as it is read. */
const storedTypes: Readonly<Record<number, StoredType>> = {
  1: { type: 'float', bytes: 4, list: 'floatData', read: (view, at) => view.getFloat32(at, true) },
  2: { type: 'uint8', bytes: 1, list: 'int32Data', read: (view, at) => view.getUint8(at) },
  3: { type: 'int8', bytes: 1, list: 'int32Data', read: (view, at) => view.getInt8(at) },
  4: { type: 'uint16', bytes: 2, list: 'int32Data', read: (view, at) => view.getUint16(at, true) },
  5: { type: 'int16', bytes: 2, list: 'int32Data', read: (view, at) => view.getInt16(at, true) },
  6: { type: 'int32', bytes: 4, list: 'int32Data', read: (view, at) => view.getInt32(at, true) },
  7: {
    type: 'int64',
    bytes: 8,
    list: 'int64Data',
    read: (view, at) => saturated(view.getBigInt64(at, true)),
  },
  9: { type: 'bool', bytes: 1, list: 'int32Data', read: (view, at) => view.getUint8(at) },
  10: {
    type: 'float16',
    bytes: 2,
    list: 'int32Data',
    read: (view, at) => halfToFloat(view.getUint16(at, true)),
  },
  11: { type: 'double', bytes: 8, list: 'doubleData', read: (view, at) => view.getFloat64(at, true) },
  12: {
    type: 'uint32',
    bytes: 4,
    list: 'uint64Data',
    read: (view, at) => saturated(view.getUint32(at, true)),
  },
};

const otherTypes: Readonly<Record<number, string>> = {
  8: 'string',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
};

/** @throws UnsupportedError for the types that are not read, by name */
export function storedType(code: number): StoredType {
  const stored = storedTypes[code];
  if (stored) return stored;
  throw new UnsupportedError(
    `element type ${otherTypes[code] ?? code} is not read; convert it to ${Object.values(storedTypes)
      .map(({ type }) => type)
      .join(', ')}`,
    { type: code },
  );
}

/** Every dimension and the number of elements, checked before anything is allocated. */
function shapeOf(dims: readonly bigint[]): { shape: Shape; count: number } {
  if (dims.length > maxRank)
    throw new FormatError(`a tensor has ${dims.length} axes; at most ${maxRank} are possible`, {
      axes: dims.length,
    });
  const shape = dims.map(Number);
  const bad = shape.find((size) => !(size >= 0 && size <= maxInt));
  if (bad !== undefined)
    throw new FormatError(`dimension ${bad} of [${shape.join(', ')}] is not from 0 to ${maxInt}`, { shape });
  const count = shape.reduce((a, b) => a * b, 1);
  if (count > maxInt)
    throw new FormatError(`[${shape.join(', ')}] has ${count} elements; at most ${maxInt} are possible`, {
      shape,
    });
  return { shape, count };
}

/**
 * A tensor of the file. Floats, int32 and uint8 that lie aligned in the file's bytes are not copied.
 *
 * @throws FormatError if the data does not have the size that the shape says; UnsupportedError for other types
 */
export function readTensor(proto: TensorProto, external: ExternalData): Value {
  const stored = storedType(proto.dataType);
  const { shape, count } = shapeOf(proto.dims);
  const raw = proto.dataLocation === 1 ? external.read(proto, count * stored.bytes) : proto.rawData;
  const values = raw ? fromRaw(raw, stored, count) : fromList(proto, stored, count);
  const dtype = dtypeOf(stored.type);
  const made = tensor(values as Float32Array, shape, dtype, proto.name || undefined) as Tensor;
  return { tensor: made, type: stored.type };
}

const arrayOf = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

function fromRaw(raw: Uint8Array, { type, bytes, read }: StoredType, count: number) {
  if (raw.byteLength !== count * bytes)
    throw new FormatError(
      `raw_data has ${raw.byteLength} bytes but ${count} elements of ${type} take ${count * bytes}`,
      { bytes: raw.byteLength, expected: count * bytes },
    );
  const array = arrayOf[dtypeOf(type)];
  const same = type === 'float' || type === 'int32' || type === 'uint8' || type === 'bool';
  if (same && raw.byteOffset % bytes === 0 && isLittleEndian)
    return new array(raw.buffer as ArrayBuffer, raw.byteOffset, count);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = new array(count);
  for (let i = 0; i < count; i++) values[i] = read(view, i * bytes);
  return values;
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Packed lists: fixed-size floats, or varints. */
function fromList(proto: TensorProto, { type, list }: StoredType, count: number) {
  const chunks = proto[list];
  const wrongLength = (found: number | string) =>
    new FormatError(`${list} has ${found} elements of ${type} but the shape has ${count}`, {
      list,
      found,
      expected: count,
    });
  if (list === 'floatData' || list === 'doubleData') {
    const size = list === 'floatData' ? 4 : 8;
    const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    if (length !== count * size) throw wrongLength(length / size);
    const joined = chunks.length === 1 ? chunks[0]! : join(chunks, length);
    const read = (view: DataView, at: number) =>
      size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
    return fromRaw(joined, { type, bytes: size, list, read }, count);
  }
  // a varint takes at least one byte
  const longest = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  if (longest < count) throw wrongLength(`at most ${longest}`);
  const values = new arrayOf[dtypeOf(type)](count);
  let found = 0;
  for (const chunk of chunks) {
    const reader = new BinaryReader(chunk);
    for (; reader.pos < reader.len; found++) {
      const value = varint(reader, list);
      if (found < count)
        values[found] = type === 'float16' ? halfToFloat(Number(value)) : saturated(BigInt(value));
    }
  }
  if (found !== count) throw wrongLength(found);
  return values;
}

function varint(reader: BinaryReader, list: string): bigint | string {
  try {
    return list === 'uint64Data' ? reader.uint64() : reader.int64();
  } catch (error) {
    throw new FormatError(`${list} is damaged at byte ${reader.pos}: ${(error as Error).message}`, { list });
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}
