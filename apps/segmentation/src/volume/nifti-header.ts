import { FormatError, MemoryError, UnsupportedError } from '@atrous/core';
import { isNIFTI1, isNIFTI2, NIFTI1, NIFTI2 } from 'nifti-reader-js';
import { type Affine, affineOf, affineProblem, length, rotation, type Triple } from './affine.js';
import { type VoxelArray, voxels } from './volume.js';

/** Bytes of the two versions' headers. */
const headerBytes = { 1: 348, 2: 540 } as const;
export const longestHeader = headerBytes[2];

/** What a file says about its voxels, checked. */
export interface NiftiHeader {
  readonly version: 1 | 2;
  /** The header as it is in the file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly littleEndian: boolean;
  readonly size: Triple;
  readonly type: VoxelType;
  /** Where the voxels begin, in bytes from the beginning of the file. */
  readonly offset: number;
  readonly slope: number;
  readonly inter: number;
  readonly affine: Affine;
  /** Which part of the header says where the volume lies; `'none'`: only the voxel's size is known. */
  readonly placedBy: 'sform' | 'qform' | 'none';
}

interface VoxelType {
  readonly name: string;
  readonly bits: number;
  readonly array: new (buffer: ArrayBuffer) => VoxelArray;
}

/** Codes of nifti1.h. Whole numbers of 64 bits become doubles, which are exact up to 2⁵³. */
const types: Readonly<Record<number, VoxelType>> = {
  2: { name: 'uint8', bits: 8, array: Uint8Array },
  4: { name: 'int16', bits: 16, array: Int16Array },
  8: { name: 'int32', bits: 32, array: Int32Array },
  16: { name: 'float32', bits: 32, array: Float32Array },
  64: { name: 'float64', bits: 64, array: Float64Array },
  256: { name: 'int8', bits: 8, array: Int8Array },
  512: { name: 'uint16', bits: 16, array: Uint16Array },
  768: { name: 'uint32', bits: 32, array: Uint32Array },
  1024: { name: 'int64', bits: 64, array: Float64Array },
  1280: { name: 'uint64', bits: 64, array: Float64Array },
};
const otherTypes: Readonly<Record<number, string>> = {
  1: 'single bits',
  32: 'complex numbers',
  128: 'RGB colours',
  1536: 'floats of 128 bits',
  1792: 'complex numbers',
  2048: 'complex numbers',
  2304: 'RGBA colours',
};

/** Millimetres per unit, by the code in `xyzt_units`: unknown (taken for mm), metre, millimetre, micrometre. */
const millimetres: Readonly<Record<number, number>> = { 0: 1, 1: 1000, 2: 1, 3: 0.001 };

/** The version of a file by its first bytes. @throws FormatError if it is no NIfTI file */
export function niftiVersion(start: Uint8Array<ArrayBuffer>, name: string): 1 | 2 {
  const { buffer } = start;
  if (isNIFTI1(buffer)) return 1;
  if (isNIFTI2(buffer)) return 2;
  if (isNIFTI1(buffer, true) || isNIFTI2(buffer, true))
    throw new UnsupportedError(
      `${name}: is the header of a pair of files (.hdr and .img); make one .nii file of them, for example with fslchfiletype NIFTI_GZ`,
      { name },
    );
  throw new FormatError(`${name}: is not a NIfTI file`, { name });
}

export const bytesOfHeader = (version: 1 | 2): number => headerBytes[version];

/** The library's view of a header, whose fields can be changed and written again. Its `affine` holds the sform's rows. */
export function decodeHeader(bytes: Uint8Array<ArrayBuffer>, version: 1 | 2, name: string): NIFTI1 | NIFTI2 {
  const header = version === 1 ? new NIFTI1() : new NIFTI2();
  // exactly the header's bytes: the library would read extensions of any size from what follows
  const exact = bytes.slice(0, headerBytes[version]);
  const view = new DataView(exact.buffer);
  // the library's own error for this has no type
  if (view.getInt32(0, true) !== exact.length && view.getInt32(0, false) !== exact.length)
    throw new FormatError(`${name}: is not a NIfTI file; its header has the wrong length`, { name });
  header.readHeader(exact.buffer);
  // of version 1 the library gives the qform in its place where that has the larger code
  if (header instanceof NIFTI1)
    header.affine = [0, 1, 2, 3].map((row) =>
      [0, 1, 2, 3].map((at) =>
        row === 3 ? Number(at === 3) : view.getFloat32(280 + 4 * (4 * row + at), header.littleEndian),
      ),
    );
  return header;
}

/**
 * Checks a header; nothing but its own bytes is allocated.
 *
 * @param bytes at least the header's own
 * @param available bytes that the file has at most, decompressed
 * @throws FormatError if the header is damaged or declares more than the file has; UnsupportedError for what is not one
 * volume of real numbers; MemoryError if the voxels take more than `maxMemory` bytes
 */
export function checkHeader(
  bytes: Uint8Array<ArrayBuffer>,
  version: 1 | 2,
  { name, available, maxMemory }: { name: string; available: number; maxMemory: number },
): NiftiHeader {
  const header = decodeHeader(bytes, version, name);
  const size = sizeOf(header, name);
  const type = types[header.datatypeCode];
  if (!type)
    throw new UnsupportedError(
      `${name}: its voxels are ${otherTypes[header.datatypeCode] ?? `of the unknown type ${header.datatypeCode}`}; one real number each is read`,
      { datatype: header.datatypeCode },
    );
  if (header.numBitsPerVoxel !== type.bits)
    throw new FormatError(
      `${name}: declares ${type.name} voxels of ${header.numBitsPerVoxel} bits; the header is damaged`,
      { type: type.name, bits: header.numBitsPerVoxel },
    );
  const smallest = headerBytes[version] + 4;
  const offset = header.vox_offset === 0 ? smallest : header.vox_offset;
  if (!Number.isSafeInteger(offset) || offset < smallest)
    throw new FormatError(`${name}: its voxels cannot begin at byte ${offset}; the header is damaged`, {
      offset,
    });
  const bytesOfVoxels = voxels(size) * (type.bits / 8);
  if (offset + bytesOfVoxels > available)
    throw new FormatError(
      `${name}: declares ${size.join(' × ')} voxels of ${type.name}, which end at byte ${offset + bytesOfVoxels}, but the file has ${available} at most; it is truncated or damaged`,
      { size, type: type.name, offset, available },
    );
  if (bytesOfVoxels > maxMemory)
    throw new MemoryError(
      `${name}: ${size.join(' × ')} voxels of ${type.name} take ${bytesOfVoxels} bytes, and at most ${maxMemory} are allowed; raise maxMemory or resample the volume`,
      { size, type: type.name, bytes: bytesOfVoxels, maxMemory },
    );
  return {
    version,
    bytes: bytes.slice(0, headerBytes[version]),
    littleEndian: header.littleEndian,
    size,
    type,
    offset,
    ...scaleOf(header, name),
    ...placeOf(header, name),
  };
}

function sizeOf({ dims }: NIFTI1 | NIFTI2, name: string): Triple {
  const [rank, ...lengths] = dims as [number, ...number[]];
  const used = lengths.slice(0, rank);
  if (!(rank >= 1 && rank <= 7) || used.some((length) => !Number.isSafeInteger(length) || length < 1))
    throw new FormatError(`${name}: declares the sizes ${dims.join(', ')}; the header is damaged`, { dims });
  if (rank < 3)
    throw new UnsupportedError(`${name}: has ${rank} axes (${used.join(' × ')}); a volume has three`, {
      dims,
    });
  if (used.slice(3).some((length) => length > 1))
    throw new UnsupportedError(
      `${name}: holds more than one volume (${used.join(' × ')}); take one out, for example with fslroi`,
      { dims },
    );
  return [used[0]!, used[1]!, used[2]!];
}

/** A slope of 0, or none, means that voxels are not scaled. */
function scaleOf({ scl_slope: slope, scl_inter: inter }: NIFTI1 | NIFTI2, name: string) {
  if (slope === 0 || Number.isNaN(slope)) return { slope: 1, inter: 0 };
  if (!Number.isFinite(slope) || !Number.isFinite(inter))
    throw new FormatError(`${name}: scales its voxels by ${slope} and ${inter}; the header is damaged`, {
      slope,
      inter,
    });
  return { slope, inter };
}

/**
 * The sform if there is one, else the qform, else the voxel's size alone (methods 3, 2 and 1 of nifti1.h), in
 * millimetres.
 */
function placeOf(header: NIFTI1 | NIFTI2, name: string): Pick<NiftiHeader, 'affine' | 'placedBy'> {
  const placedBy = header.sform_code > 0 ? 'sform' : header.qform_code > 0 ? 'qform' : 'none';
  const unit = millimetres[header.xyzt_units & 7];
  if (unit === undefined)
    throw new FormatError(`${name}: its unit of length has the unknown code ${header.xyzt_units & 7}`, {
      units: header.xyzt_units,
    });
  const raw =
    placedBy === 'sform' ? (header.affine as unknown as Affine) : placedByPixels(header, placedBy, name);
  const scaled = raw.slice(0, 3).map((row) => row.map((value) => value * unit)) as unknown as Affine;
  const problem = affineProblem(scaled);
  if (problem)
    throw new FormatError(
      `${name}: its ${placedBy === 'none' ? 'voxel size' : placedBy} ${problem} ([${scaled.map((row) => row.join(', ')).join('; ')}])`,
      { affine: scaled, placedBy },
    );
  return { affine: scaled, placedBy };
}

function placedByPixels(header: NIFTI1 | NIFTI2, placedBy: 'qform' | 'none', name: string): Affine {
  const [x, y, z] = header.pixDims.slice(1, 4).map(Math.abs) as [number, number, number];
  if (placedBy === 'none')
    return affineOf(
      [
        [x, 0, 0],
        [0, y, 0],
        [0, 0, z],
      ],
      [0, 0, 0],
    );
  const quaternion: Triple = [header.quatern_b, header.quatern_c, header.quatern_d];
  // rounding to float32 makes it longer than 1 by far less
  if (length(quaternion) > 1.0001)
    throw new FormatError(
      `${name}: its qform has the quaternion ${quaternion.join(', ')}, which is longer than 1; the header is damaged`,
      { quaternion },
    );
  const [u, v, w] = rotation(quaternion);
  const flip = header.pixDims[0]! < 0 ? -z : z;
  return affineOf(
    [
      [u[0] * x, u[1] * x, u[2] * x],
      [v[0] * y, v[1] * y, v[2] * y],
      [w[0] * flip, w[1] * flip, w[2] * flip],
    ],
    [header.qoffset_x, header.qoffset_y, header.qoffset_z],
  );
}
