import { endianness } from 'node:os';
import { type DType, OptionError, UnsupportedError, type Values } from '@atrous/core';
import { arrayOf } from '../region.js';

const arrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** How numbers are stored in files. */
export type SampleType = keyof typeof arrays;
export type SampleArray = InstanceType<(typeof arrays)[SampleType]>;

/** The dtypes that a stored type may be read as, the default first. Only float32 rounds, and only 32 and 64 bits. */
const readAs: Readonly<Record<SampleType, readonly DType[]>> = {
  uint8: ['uint8', 'int32', 'float32'],
  int8: ['int32', 'float32'],
  uint16: ['int32', 'float32'],
  int16: ['int32', 'float32'],
  uint32: ['float32'],
  int32: ['int32', 'float32'],
  float32: ['float32'],
  float64: ['float32'],
};

export const isSampleType = (name: unknown): name is SampleType => Object.hasOwn(arrays, String(name));
export const bytesPerSample = (type: SampleType): number => arrays[type].BYTES_PER_ELEMENT;

/** @throws OptionError if the stored type cannot be read as `dtype` without losing values */
export function dtypeOf(type: SampleType, dtype: DType | undefined, name: string): DType {
  const possible = readAs[type];
  if (dtype === undefined) return possible[0]!;
  if (possible.includes(dtype)) return dtype;
  throw new OptionError(
    `${name}: holds ${type} samples, which are read as ${possible.join(' or ')}, not as ${String(dtype)}`,
    { type, dtype },
  );
}

export type Endianness = 'little' | 'big';
export const nativeEndianness: Endianness = endianness() === 'BE' ? 'big' : 'little';

/** Turns the byte order of every sample around, in place, unless it is the machine's own. */
export function toNative(bytes: Uint8Array, size: number, order: Endianness): void {
  if (order === nativeEndianness || size === 1) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

/** Bytes in the machine's own order as samples. */
export function samplesOf(bytes: Uint8Array<ArrayBuffer>, type: SampleType): SampleArray {
  const of = arrays[type];
  const aligned = bytes.byteOffset % of.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new of(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / of.BYTES_PER_ELEMENT));
}

export function toValues(samples: SampleArray, type: SampleType, dtype: DType): Values {
  return (type === dtype ? samples : arrayOf[dtype].from(samples as ArrayLike<number>)) as Values;
}

/** @throws UnsupportedError for sample types that no map has */
export function sampleTypeOf(format: number, bits: number, name: string): SampleType {
  const kind = ({ 1: 'uint', 2: 'int', 3: 'float' } as const)[format as 1];
  const type = `${kind}${bits}`;
  if (isSampleType(type)) return type;
  throw new UnsupportedError(
    `${name}: samples of ${bits} bits (sample format ${format}) are not read; convert it, for example with gdal_translate -ot Float32`,
    { format, bits },
  );
}
