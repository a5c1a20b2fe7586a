import { gzipSync } from 'node:zlib';
import type { Triple } from '../src/volume/index.js';

type Put = (view: DataView, at: number, value: number, littleEndian: boolean) => void;
const type = (code: number, bits: number, put: Put) => ({ code, bits, put });

/** Codes and bits of nifti1.h, and how a value is stored. */
export const types = {
  uint8: type(2, 8, (view, at, value) => view.setUint8(at, value)),
  int16: type(4, 16, (view, at, value, little) => view.setInt16(at, value, little)),
  int32: type(8, 32, (view, at, value, little) => view.setInt32(at, value, little)),
  float32: type(16, 32, (view, at, value, little) => view.setFloat32(at, value, little)),
  float64: type(64, 64, (view, at, value, little) => view.setFloat64(at, value, little)),
  int8: type(256, 8, (view, at, value) => view.setInt8(at, value)),
  uint16: type(512, 16, (view, at, value, little) => view.setUint16(at, value, little)),
  uint32: type(768, 32, (view, at, value, little) => view.setUint32(at, value, little)),
  int64: type(1024, 64, (view, at, value, little) => view.setBigInt64(at, BigInt(value), little)),
  uint64: type(1280, 64, (view, at, value, little) => view.setBigUint64(at, BigInt(value), little)),
};
export type TypeName = keyof typeof types;

export interface NiftiFields {
  version?: 1 | 2;
  littleEndian?: boolean;
  type?: TypeName;
  /** Override the code and the bits of `type`. */
  code?: number;
  bits?: number;
  size?: Triple;
  /** Overrides the rank and the lengths of the axes. */
  dims?: readonly number[];
  values?: ArrayLike<number>;
  /** Rows of the sform. */
  sform?: readonly (readonly number[])[];
  sformCode?: number;
  /** Quaternion b, c, d and offset x, y, z. */
  qform?: readonly number[];
  pixdim?: readonly number[];
  slope?: number;
  inter?: number;
  units?: number;
  offset?: number;
  magic?: string;
  gzip?: boolean;
}

/** The bytes of a NIfTI file, written field by field after nifti1.h and nifti2.h, independent of what reads them. */
export function nifti(fields: NiftiFields): Uint8Array<ArrayBuffer> {
  const { version = 1, littleEndian = true, size = [2, 3, 4], values = [], gzip = false } = fields;
  const one = version === 1;
  const { code, bits, put } = types[fields.type ?? 'uint8'];
  const smallest = one ? 352 : 544;
  const offset = fields.offset ?? smallest;
  const start = Math.max(offset, smallest);
  const bytes = new Uint8Array(start + (values.length * bits) / 8);
  const view = new DataView(bytes.buffer);
  const short = (at: number, value: number) => view.setInt16(at, value, littleEndian);
  const whole = (at: number, value: number) => view.setInt32(at, value, littleEndian);
  const long = (at: number, value: number) => view.setBigInt64(at, BigInt(value), littleEndian);
  const real = (at: number, value: number) =>
    one ? view.setFloat32(at, value, littleEndian) : view.setFloat64(at, value, littleEndian);
  const reals = (at: number, list: readonly number[] = []) =>
    list.forEach((value, n) => {
      real(at + (one ? 4 : 8) * n, value);
    });

  whole(0, one ? 348 : 540);
  const magic = fields.magic ?? (one ? 'n+1\0' : 'n+2\0\r\n\x1a\n');
  bytes.set(Buffer.from(magic, 'latin1'), one ? 344 : 4);
  for (const [n, length] of (fields.dims ?? [3, ...size, 1, 1, 1, 1]).entries())
    if (one) short(40 + 2 * n, length);
    else long(16 + 8 * n, length);
  short(one ? 70 : 12, fields.code ?? code);
  short(one ? 72 : 14, fields.bits ?? bits);
  reals(one ? 76 : 104, fields.pixdim ?? [1, 1, 1, 1, 0, 0, 0, 0]);
  if (one) real(108, offset);
  else long(168, offset);
  reals(one ? 112 : 176, [fields.slope ?? 0, fields.inter ?? 0]);
  if (one) bytes[123] = fields.units ?? 2;
  else whole(500, fields.units ?? 2);
  const [qform, sform] = [fields.qform ? 1 : 0, fields.sformCode ?? (fields.sform ? 2 : 0)];
  if (one) {
    short(252, qform);
    short(254, sform);
  } else {
    whole(344, qform);
    whole(348, sform);
  }
  reals(one ? 256 : 352, fields.qform);
  reals(one ? 280 : 400, fields.sform?.flat());
  for (let n = 0; n < values.length; n++) put(view, start + (n * bits) / 8, values[n]!, littleEndian);
  return gzip ? new Uint8Array(gzipSync(bytes)) : bytes;
}
