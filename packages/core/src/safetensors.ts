/** Reading and writing `.safetensors`, the weight format of PyTorch's ecosystem (huggingface/safetensors, "Format"). */
import { tensor } from './create.js';
import { FormatError, OptionError } from './errors.js';
import type { DType, Values } from './graph.js';
import { halfToFloat } from './half.js';
import { bytesPerElement, elementCount, formatShape, maxElements, maxRank } from './shape.js';
import { Tensor } from './tensor.js';

export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** The file's own `__metadata__`: text by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The largest header that is read, in bytes; the limit of the format's own implementation. */
const maxHeaderBytes = 100_000_000;

interface StoredType {
  readonly bytes: number;
  readonly dtype: DType;
  /** Reads one element, for types that are not one of atrous's. */
  readonly read?: (view: DataView, offset: number) => number;
}

const storedTypes: Readonly<Record<string, StoredType>> = {
  F32: { bytes: 4, dtype: 'float32' },
  I32: { bytes: 4, dtype: 'int32' },
  U8: { bytes: 1, dtype: 'uint8' },
  BOOL: { bytes: 1, dtype: 'uint8' },
  F64: { bytes: 8, dtype: 'float32', read: (view, offset) => view.getFloat64(offset, true) },
  F16: { bytes: 2, dtype: 'float32', read: (view, offset) => halfToFloat(view.getUint16(offset, true)) },
  BF16: { bytes: 2, dtype: 'float32', read: (view, offset) => brainToFloat(view.getUint16(offset, true)) },
  I64: { bytes: 8, dtype: 'int32', read: (view, offset) => Number(view.getBigInt64(offset, true)) },
  U32: { bytes: 4, dtype: 'int32', read: (view, offset) => view.getUint32(offset, true) },
  I16: { bytes: 2, dtype: 'int32', read: (view, offset) => view.getInt16(offset, true) },
  U16: { bytes: 2, dtype: 'int32', read: (view, offset) => view.getUint16(offset, true) },
  I8: { bytes: 1, dtype: 'int32', read: (view, offset) => view.getInt8(offset) },
};

const word = new Uint32Array(1);
const asFloat = new Float32Array(word.buffer);

function brainToFloat(bits: number): number {
  word[0] = bits << 16;
  return asFloat[0]!;
}

/**
 * Reads a `.safetensors` file. float32, int32 and uint8 are read without copying where they are aligned; other types
 * are converted: half and double precision to float32, other integers to int32.
 *
 * @throws FormatError if the file is truncated, tensors overlap or lie outside, or an integer does not fit into int32
 */
export function readSafetensors(file: Uint8Array | ArrayBuffer): Safetensors {
  const bytes = file instanceof ArrayBuffer ? new Uint8Array(file) : file;
  if (!(bytes instanceof Uint8Array))
    throw new OptionError('readSafetensors: file must be a Uint8Array or an ArrayBuffer');
  const { header, start } = readHeader(bytes);
  const tensors: Record<string, Tensor> = Object.create(null);
  let metadata: Record<string, string> = {};
  const ranges: [number, number, string][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = checkMetadata(entry);
      continue;
    }
    const { stored, shape, from, to } = checkEntry(name, entry, bytes.length - start);
    ranges.push([from, to, name]);
    tensors[name] = tensor(
      readValues(name, bytes, start + from, elementCount(shape), stored),
      shape,
      stored.dtype,
      name,
    );
  }
  checkRanges(ranges, bytes.length - start);
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8)
    throw new FormatError(`readSafetensors: the file has ${bytes.length} bytes, too few for a header`, {
      bytes: bytes.length,
    });
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > maxHeaderBytes || 8 + length > bytes.length)
    throw new FormatError(
      `readSafetensors: the header should have ${length} bytes but the file has ${bytes.length}; it is truncated or no .safetensors file`,
      { header: length, bytes: bytes.length },
    );
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (cause) {
    throw new FormatError(
      `readSafetensors: the header is not JSON (${cause instanceof Error ? cause.message : cause})`,
    );
  }
  if (!isRecord(header)) throw new FormatError('readSafetensors: the header must be a JSON object');
  return { header, start: 8 + length };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string'))
    throw new FormatError('readSafetensors: __metadata__ must be an object of strings');
  return entry as Record<string, string>;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkEntry(name: string, entry: unknown, available: number) {
  const at = `readSafetensors: tensor '${name}'`;
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const stored =
    typeof dtype === 'string' && Object.hasOwn(storedTypes, dtype) ? storedTypes[dtype]! : undefined;
  if (stored === undefined)
    throw new FormatError(
      `${at} has dtype ${JSON.stringify(dtype)}; possible are ${Object.keys(storedTypes).join(', ')}`,
      { dtype },
    );
  if (
    !Array.isArray(shape) ||
    !shape.every(isCount) ||
    shape.length > maxRank ||
    elementCount(shape) > maxElements
  )
    throw new FormatError(`${at} has the unusable shape ${JSON.stringify(shape)?.slice(0, 100)}`, { shape });
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw new FormatError(`${at} has unusable data_offsets ${JSON.stringify(offsets)?.slice(0, 100)}`, {
      offsets,
    });
  const [from, to] = offsets as [number, number];
  const needed = elementCount(shape) * stored.bytes;
  if (to - from !== needed)
    throw new FormatError(
      `${at} ${String(dtype)} ${formatShape(shape)} needs ${needed} bytes but its offsets ${from} to ${to} span ${to - from}`,
      { from, to },
    );
  if (to > available)
    throw new FormatError(
      `${at} ends at byte ${to} of the data but the file has ${available}; it is truncated`,
      { to, available },
    );
  return { stored, shape: shape as number[], from, to };
}

function checkRanges(ranges: [number, number, string][], available: number): void {
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let end = 0;
  for (const [from, to, name] of ranges) {
    if (from !== end)
      throw new FormatError(
        `readSafetensors: tensor '${name}' starts at byte ${from} of the data but the one before ends at ${end}; tensors must neither overlap nor leave gaps`,
        { from, end },
      );
    end = to;
  }
  if (end !== available)
    throw new FormatError(`readSafetensors: ${available - end} bytes follow the last tensor`, {
      end,
      available,
    });
}

function readValues(
  name: string,
  bytes: Uint8Array,
  start: number,
  count: number,
  { bytes: size, dtype, read }: StoredType,
): Values {
  if (read === undefined) {
    if (dtype === 'uint8') return bytes.subarray(start, start + count);
    const aligned = (bytes.byteOffset + start) % 4 === 0;
    const buffer = aligned ? bytes.buffer : bytes.slice(start, start + count * size).buffer;
    const offset = aligned ? bytes.byteOffset + start : 0;
    return dtype === 'float32'
      ? new Float32Array(buffer, offset, count)
      : new Int32Array(buffer, offset, count);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, count * size);
  const values = dtype === 'float32' ? new Float32Array(count) : new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = read(view, i * size);
    values[i] = value;
    if (dtype === 'int32' && values[i] !== value)
      throw new FormatError(
        `readSafetensors: tensor '${name}' holds ${value} at index ${i}, which does not fit into int32`,
        { name, index: i, value },
      );
  }
  return values;
}

const storedNames: Readonly<Record<DType, string>> = { float32: 'F32', int32: 'I32', uint8: 'U8' };

/**
 * Writes tensors as a `.safetensors` file; names in alphabetical order, data aligned to 8 bytes.
 *
 * @param tensors tensors that hold data (evaluate them first)
 * @throws OptionError for an unusable name; UnsupportedError for a tensor that is not evaluated
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  // Wider types first, so that every tensor is aligned to its own size.
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) => bytesPerElement[y.dtype] - bytesPerElement[x.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  );
  for (const [name, value] of entries) {
    if (name === '__metadata__')
      throw new OptionError("writeSafetensors: a tensor cannot be called '__metadata__'; rename it");
    if (!(value instanceof Tensor)) throw new OptionError(`writeSafetensors: '${name}' is no tensor`);
    const end = offset + value.dataSync().byteLength;
    header[name] = { dtype: storedNames[value.dtype], shape: value.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.fill(0x20, 8, start);
  file.set(text, 8);
  let at = start;
  for (const [, value] of entries) {
    const { buffer, byteOffset, byteLength } = value.dataSync();
    file.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return file;
}
