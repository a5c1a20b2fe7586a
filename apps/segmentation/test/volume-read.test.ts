import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gunzip, gzipSync } from 'node:zlib';
import { AtrousError, FormatError, MemoryError, UnsupportedError } from '@atrous/core';
import { FileError } from '@atrous/tiling/files';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { type Affine, orientationOf, readNifti, voxelSize } from '../src/volume/index.js';
import { type NiftiFields, nifti, type TypeName, types } from './volume-files.js';

const folder = mkdtempSync(join(tmpdir(), 'atrous-volume-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, bytes: Uint8Array) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

const small = Array.from({ length: 24 }, (_, n) => n + 1);
const identity = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
];

const expectAffine = (affine: Affine, wanted: readonly (readonly number[])[]) => {
  for (const [n, value] of affine.flat().entries()) expect(value).toBeCloseTo(wanted.flat()[n]!, 5);
};

describe('readNifti: values', () => {
  const kinds = (Object.keys(types) as TypeName[]).flatMap((type) =>
    ([1, 2] as const).flatMap((version) =>
      [true, false].map((littleEndian) => ({ type, version, littleEndian })),
    ),
  );
  test.each(kinds)(
    '$type, version $version, little endian $littleEndian, plain and compressed',
    async (kind) => {
      const signed = !kind.type.startsWith('u');
      const values = small.map((value) => (signed && value % 3 === 0 ? -value : value));
      for (const gzip of [false, true]) {
        const volume = await readNifti(nifti({ ...kind, values, gzip }));
        expect([...volume.data]).toEqual(values);
        expect(volume).toMatchObject({
          size: [2, 3, 4],
          strides: [1, 2, 6],
          slope: 1,
          inter: 0,
          nonFinite: 0,
        });
      }
    },
  );

  test('extremes of each type', async () => {
    const ends: Partial<Record<TypeName, number[]>> = {
      uint8: [0, 255],
      int8: [-128, 127],
      int16: [-32768, 32767],
      uint16: [0, 65535],
      int32: [-(2 ** 31), 2 ** 31 - 1],
      uint32: [0, 2 ** 32 - 1],
      int64: [-(2 ** 53), 2 ** 53],
      uint64: [0, 2 ** 53],
      float32: [-(2 ** 100), 2 ** -100],
      float64: [-1e300, 1e-300],
    };
    for (const [type, values] of Object.entries(ends))
      for (const littleEndian of [true, false]) {
        const { data } = await readNifti(
          nifti({ type: type as TypeName, littleEndian, size: [2, 1, 1], values }),
        );
        expect([...data]).toEqual(values);
      }
  });

  test('slope and intercept; a slope of 0 or none is no scaling', async () => {
    const read = (fields: NiftiFields) => readNifti(nifti({ values: small, ...fields }));
    expect(await read({ slope: 0.5, inter: -3 })).toMatchObject({ slope: 0.5, inter: -3 });
    expect(await read({ slope: 0, inter: 7 })).toMatchObject({ slope: 1, inter: 0 });
    expect(await read({ slope: Number.NaN, inter: Number.NaN })).toMatchObject({ slope: 1, inter: 0 });
  });

  test('NaN and infinite voxels become 0 and are counted', async () => {
    const values = [1, Number.NaN, 3, Infinity, -Infinity, 6, 7, 8];
    const { data, nonFinite } = await readNifti(nifti({ type: 'float32', size: [2, 2, 2], values }));
    expect([...data]).toEqual([1, 0, 3, 0, 0, 6, 7, 8]);
    expect(nonFinite).toBe(3);
    const scaled = await readNifti(nifti({ type: 'float64', size: [2, 2, 2], values, slope: 2, inter: 10 }));
    expect(scaled.data[1]! * scaled.slope + scaled.inter).toBe(0);
  });

  test('voxels may begin later, and a fourth axis of length 1 is none', async () => {
    const bytes = nifti({ values: small, offset: 1024, dims: [4, 2, 3, 4, 1, 1, 1, 1] });
    bytes.fill(0xff, 352, 1024);
    for (const packed of [bytes, new Uint8Array(gzipSync(bytes))])
      expect([...(await readNifti(packed)).data]).toEqual(small);
  });

  test('a file is read as its bytes are, by content and not by name', async () => {
    const path = file('named.nii', nifti({ values: small, gzip: true }));
    expect(await readNifti(path)).toMatchObject({ name: path, size: [2, 3, 4] });
  });
});

describe('readNifti: where the volume lies', () => {
  const affineOf = async (fields: NiftiFields) => {
    const { affine, header } = await readNifti(nifti({ values: small, ...fields }));
    return { affine, placedBy: header.placedBy };
  };

  test.each([1, 2] as const)('sform, before a qform (version %d)', async (version) => {
    const sform = [
      [0, -2, 0, 10],
      [0, 0, 3, -20],
      [-1.5, 0, 0, 30],
    ];
    // even if the qform has the larger code
    const { affine, placedBy } = await affineOf({ version, sform, sformCode: 1, qform: [0, 0, 0, 5, 5, 5] });
    expectAffine(affine, sform);
    expect(placedBy).toBe('sform');
    expect(voxelSize(affine)).toEqual([1.5, 2, 3]);
    // i goes down, j to the left, k to the front
    expect(orientationOf(affine)).toBe('ILA');
  });

  test.each([1, 2] as const)('qform: a turn by 90° about z (version %d)', async (version) => {
    const half = Math.SQRT1_2;
    const fields = { version, qform: [0, 0, half, 1, 2, 3], pixdim: [1, 2, 3, 4, 0, 0, 0, 0] };
    const { affine, placedBy } = await affineOf(fields);
    // R = [0 −1 0; 1 0 0; 0 0 1], columns times 2, 3, 4
    expectAffine(affine, [
      [0, -3, 0, 1],
      [2, 0, 0, 2],
      [0, 0, 4, 3],
    ]);
    expect(placedBy).toBe('qform');
  });

  test('qform: pixdim[0] = −1 turns k around', async () => {
    // LAS from a half turn about y: a = 0, c = 1 makes diag(−1, 1, −1), and k is turned once more
    const { affine } = await affineOf({ qform: [0, 1, 0, 90, -126, -72], pixdim: [-1, 1, 1, 2, 0, 0, 0, 0] });
    expectAffine(affine, [
      [-1, 0, 0, 90],
      [0, 1, 0, -126],
      [0, 0, 2, -72],
    ]);
    expect(orientationOf(affine)).toBe('LAS');
  });

  test('qform: an oblique quaternion', async () => {
    // a = b = c = d = ½ takes x to y, y to z, z to x
    const { affine } = await affineOf({ qform: [0.5, 0.5, 0.5, 0, 0, 0], pixdim: [1, 2, 3, 4, 0, 0, 0, 0] });
    expectAffine(affine, [
      [0, 0, 4, 0],
      [2, 0, 0, 0],
      [0, 3, 0, 0],
    ]);
  });

  test('neither: the size of voxels alone', async () => {
    const { affine, placedBy } = await affineOf({ pixdim: [1, 2, 3, 4, 0, 0, 0, 0] });
    expectAffine(affine, [
      [2, 0, 0, 0],
      [0, 3, 0, 0],
      [0, 0, 4, 0],
    ]);
    expect(placedBy).toBe('none');
  });

  test('micrometres and metres become millimetres', async () => {
    const sform = identity.map((row) => row.map((value) => value * 500));
    expect(voxelSize((await affineOf({ sform, units: 3 })).affine)).toEqual([0.5, 0.5, 0.5]);
    const metres = identity.map((row) => row.map((value) => value / 1024));
    expect(voxelSize((await affineOf({ sform: metres, units: 1 })).affine)[0]).toBeCloseTo(1000 / 1024, 6);
  });
});

describe('readNifti: what is refused', () => {
  const zero = identity.map(() => [0, 0, 0, 0]);
  const flat = [
    [1, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 1, 0],
  ];
  const cases: [string, NiftiFields, new (message: string) => Error, RegExp][] = [
    ['no NIfTI', { magic: 'abc\0' }, FormatError, /is not a NIfTI file/],
    ['a pair', { magic: 'ni1\0' }, UnsupportedError, /pair of files/],
    [
      'two volumes',
      { dims: [4, 2, 3, 2, 2, 1, 1, 1] },
      UnsupportedError,
      /more than one volume \(2 × 3 × 2 × 2\)/,
    ],
    ['vectors', { dims: [5, 2, 3, 1, 1, 4, 1, 1] }, UnsupportedError, /more than one volume/],
    ['a picture', { dims: [2, 4, 6, 1, 1, 1, 1, 1] }, UnsupportedError, /has 2 axes/],
    ['no axes', { dims: [0, 2, 3, 4, 1, 1, 1, 1] }, FormatError, /declares the sizes 0, 2/],
    ['too many axes', { dims: [9, 2, 3, 4, 1, 1, 1, 1] }, FormatError, /declares the sizes 9/],
    ['a length of 0', { dims: [3, 2, 0, 4, 1, 1, 1, 1] }, FormatError, /declares the sizes 3, 2, 0/],
    ['a negative length', { dims: [3, 2, -3, 4, 1, 1, 1, 1] }, FormatError, /declares the sizes 3, 2, -3/],
    ['more voxels than bytes', { size: [2, 3, 5] }, FormatError, /end at byte 382, but the file has 376/],
    ['complex numbers', { code: 32, bits: 64 }, UnsupportedError, /complex numbers/],
    ['colours', { code: 128, bits: 24 }, UnsupportedError, /RGB colours/],
    ['an unknown type', { code: 77 }, UnsupportedError, /unknown type 77/],
    ['wrong bits', { bits: 16 }, FormatError, /uint8 voxels of 16 bits/],
    ['an offset inside the header', { offset: 100 }, FormatError, /cannot begin at byte 100/],
    ['an infinite slope', { slope: Infinity }, FormatError, /scales its voxels by Infinity/],
    ['an intercept of NaN', { slope: 2, inter: Number.NaN }, FormatError, /by 2 and NaN/],
    ['an unknown unit', { units: 5 }, FormatError, /unknown code 5/],
    ['an sform of zeros', { sform: zero }, FormatError, /sform has voxels of 0 × 0 × 0 mm/],
    ['a singular sform', { sform: flat }, FormatError, /sform is singular/],
    [
      'NaN in the sform',
      { sform: [[Number.NaN, 0, 0, 0], ...identity.slice(1)] },
      FormatError,
      /not a number/,
    ],
    ['an infinite offset', { qform: [0, 0, 0, Infinity, 0, 0] }, FormatError, /qform has an entry/],
    ['a NaN quaternion', { qform: [Number.NaN, 0, 0, 0, 0, 0] }, FormatError, /qform has an entry/],
    ['a quaternion longer than 1', { qform: [0.8, 0.8, 0, 0, 0, 0] }, FormatError, /which is longer than 1/],
    [
      'voxels without size',
      { pixdim: [1, 1, 0, 1, 0, 0, 0, 0] },
      FormatError,
      /voxel size has voxels of 1 × 0/,
    ],
  ];
  test.each(cases)('%s', async (_, fields, type, message) => {
    const reading = readNifti(nifti({ values: small, ...fields }), { name: 'brain.nii' });
    await expect(reading).rejects.toThrow(type);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(/^brain\.nii: /);
  });

  test('memory is bounded before it is taken', async () => {
    const bytes = nifti({ type: 'float64', values: small });
    await expect(readNifti(bytes, { maxMemory: 191 })).rejects.toThrow(MemoryError);
    await expect(readNifti(bytes, { maxMemory: 191 })).rejects.toThrow(/take 192 bytes, and at most 191/);
    await expect(readNifti(bytes, { maxMemory: 192 })).resolves.toBeDefined();
  });

  test('a small compressed file that declares a huge volume takes no memory', async () => {
    const bytes = nifti({ version: 2, size: [32000, 32000, 32000], type: 'float64', gzip: true });
    await expect(readNifti(bytes, { maxMemory: 2 ** 50 })).rejects.toThrow(/truncated or damaged/);
  });

  test('a compressed file that expands without end is left', async () => {
    const bomb = Buffer.concat([nifti({ values: small }), Buffer.alloc(2 ** 28)]);
    const packed = new Uint8Array(gzipSync(bomb));
    const expanded = vi.spyOn(Gunzip.prototype, 'push');
    await expect(readNifti(packed)).rejects.toThrow(/goes on for more than 1048576 bytes/);
    const bytes = expanded.mock.calls.reduce((sum, [chunk]) => sum + (chunk?.length ?? 0), 0);
    expanded.mockRestore();
    expect(bytes).toBeGreaterThan(2 ** 20);
    expect(bytes).toBeLessThan(2 ** 22);
  });

  test('compressed data with a wrong checksum, or cut off anywhere', async () => {
    const packed = nifti({ type: 'int16', values: small, gzip: true });
    const wrong = packed.slice();
    wrong[wrong.length - 6]! ^= 1;
    await expect(readNifti(wrong)).rejects.toThrow(/compressed data are damaged or truncated/);
    for (let length = 2; length < packed.length; length++)
      await expect(readNifti(packed.slice(0, length))).rejects.toThrow(FormatError);
  });

  test('a plain file cut off anywhere', async () => {
    const bytes = nifti({ values: small });
    for (let length = 0; length < bytes.length; length += 5)
      await expect(readNifti(bytes.slice(0, length))).rejects.toThrow(FormatError);
  });

  test('what the system refuses', async () => {
    await expect(readNifti(join(folder, 'missing.nii'))).rejects.toThrow(FileError);
    await expect(readNifti(join(folder, 'missing.nii'))).rejects.toThrow(
      /missing\.nii: cannot read \(ENOENT/,
    );
    await expect(readNifti(folder)).rejects.toThrow(/is not a file/);
    await expect(readNifti(file('empty.nii', new Uint8Array(0)))).rejects.toThrow(/is truncated/);
  });

  test('a signal cancels', async () => {
    const path = file('long.nii', nifti({ size: [200, 200, 200], values: randomBytes(8_000_000) }));
    const reason = new Error('enough');
    await expect(readNifti(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const reading = readNifti(path, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(reading).rejects.toBe(reason);
  });

  test('changed bytes give a volume or an error of ours, and nothing hangs', async () => {
    const change = fc.record({
      at: fc.integer({ min: 0, max: 560 }),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    const shape = fc.record({
      version: fc.constantFrom(1 as const, 2 as const),
      littleEndian: fc.boolean(),
      type: fc.constantFrom(...(Object.keys(types) as TypeName[])),
      gzip: fc.boolean(),
    });
    const property = fc.asyncProperty(
      shape,
      fc.array(change, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async ({ gzip, ...fields }, changes, packedToo) => {
        const bytes = nifti({ ...fields, values: small, sform: identity });
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        const stored = gzip ? new Uint8Array(gzipSync(bytes)) : bytes;
        if (packedToo) for (const { at, byte } of changes) if (at < stored.length) stored[at] = byte;
        try {
          const volume = await readNifti(stored, { maxMemory: 2 ** 20 });
          expect(volume.data.length).toBe(volume.size.reduce((a, b) => a * b, 1));
          expect(volume.affine.flat().every(Number.isFinite)).toBe(true);
        } catch (error) {
          if (!(error instanceof AtrousError)) throw error;
        }
      },
    );
    await fc.assert(property, { numRuns: 2000 });
  });
});
