import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { OptionError, ShapeError } from '@atrous/core';
import { FileError } from '@atrous/tiling/files';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNifti, writeNifti } from '../src/volume/index.js';
import { type NiftiFields, nifti } from './volume-files.js';

const folder = mkdtempSync(join(tmpdir(), 'atrous-volume-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

const sform = [
  [0, -2, 0.25, 10],
  [0.125, 0, 3, -20],
  [-1.5, 0, 0, 30],
];
const placed: NiftiFields = {
  type: 'int16',
  values: Array.from({ length: 24 }, (_, n) => 100 * n),
  sform,
  qform: [0.5, 0.5, -0.5, 1, 2, 3],
  pixdim: [-1, 1.5, 2, 3, 0, 0, 0, 0],
  slope: 3,
  inter: 4,
};
const labels = Uint8Array.from({ length: 24 }, (_, n) => n % 3);
const classes = ['background', 'White Matter', 'Grey Matter', 'Ærø'];

describe('writeNifti', () => {
  const kinds = ([1, 2] as const).flatMap((version) =>
    [true, false].flatMap((littleEndian) =>
      ['.nii', '.nii.gz'].map((ending) => ({ version, littleEndian, ending })),
    ),
  );
  test.each(kinds)('version $version, little endian $littleEndian, $ending', async (kind) => {
    const { ending, ...fields } = kind;
    const like = await readNifti(nifti({ ...placed, ...fields }));
    const path = at(`labels-${fields.version}-${fields.littleEndian}${ending}`);
    await writeNifti(path, labels, like, { classes });
    const back = await readNifti(path);
    expect([...back.data]).toEqual([...labels]);
    expect(back).toMatchObject({ size: like.size, affine: like.affine, slope: 1, inter: 0 });
    expect(back.header).toMatchObject({ ...fields, placedBy: 'sform', type: { name: 'uint8' } });

    // what is not for labels is as in the input, byte for byte: pixdim, both forms, units
    const file = readFileSync(path);
    const bytes = ending === '.nii.gz' ? gunzipSync(file) : file;
    expect(file[0] === 0x1f).toBe(ending === '.nii.gz');
    const kept = {
      1: [
        [76, 108],
        [123, 124],
        [252, 328],
      ],
      2: [
        [104, 168],
        [344, 496],
        [500, 504],
      ],
    }[fields.version];
    for (const [from, to] of kept)
      expect([...bytes.subarray(from, to)]).toEqual([...like.header.bytes.subarray(from, to)]);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const intent =
      fields.version === 1 ? view.getInt16(68, fields.littleEndian) : view.getInt32(504, fields.littleEndian);
    expect(intent).toBe(1002);

    // the comment: length, code 6, text
    const start = fields.version === 1 ? 348 : 540;
    expect(bytes[start]).toBe(1);
    const length = view.getInt32(start + 4, fields.littleEndian);
    expect(view.getInt32(start + 8, fields.littleEndian)).toBe(6);
    expect(length % 16).toBe(0);
    expect(start + 4 + length).toBe(back.header.offset);
    const text = bytes.toString('utf8', start + 12, start + 4 + length).replace(/\0+$/, '');
    expect(text).toBe('0 background\n1 White Matter\n2 Grey Matter\n3 Ærø\n');
  });

  test('a volume with a qform alone, or with none, keeps its place too', async () => {
    for (const fields of [
      { ...placed, sform: undefined },
      { type: 'int16', values: placed.values } as const,
    ]) {
      const like = await readNifti(nifti(fields as NiftiFields));
      await writeNifti(at('other.nii'), labels, like);
      const back = await readNifti(at('other.nii'));
      expect(back.affine).toEqual(like.affine);
      expect(back.header).toMatchObject({ placedBy: like.header.placedBy, offset: 352 });
    }
  });

  test('what does not fit is refused, and nothing is written', async () => {
    const like = await readNifti(nifti(placed));
    await expect(writeNifti(at('x.mgz'), labels, like)).rejects.toThrow(OptionError);
    await expect(writeNifti(at('x.nii'), labels.slice(1), like)).rejects.toThrow(ShapeError);
    await expect(writeNifti(at('missing/x.nii'), labels, like)).rejects.toThrow(FileError);
    await expect(writeNifti(at('missing/x.nii'), labels, like)).rejects.toThrow(
      /missing\/x\.nii: cannot write \(ENOENT/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('x'))).toEqual([]);
  });

  test('a signal cancels, and what stood there before stays', async () => {
    const size = [256, 256, 64] as const;
    const like = await readNifti(nifti({ size, values: new Uint8Array(2 ** 22) }));
    const path = at('kept.nii.gz');
    await writeNifti(path, new Uint8Array(2 ** 22), like);
    const before = readFileSync(path);
    const reason = new Error('enough');
    const controller = new AbortController();
    const noise = Uint8Array.from({ length: 2 ** 22 }, (_, n) => Math.imul(n, 0x9e3779b1) >>> 24);
    const writing = writeNifti(path, noise, like, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(writing).rejects.toBe(reason);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}.part`)).toBe(false);
  });
});

const mountable = process.platform === 'linux' && process.getuid?.() === 0 && tryMount();
function tryMount(): boolean {
  mkdirSync(at('disk'));
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at('disk')]).status === 0;
}

describe.skipIf(!mountable)(`a full disk${mountable ? '' : ' (needs leave to mount a tmpfs)'}`, () => {
  beforeAll(() => expect(existsSync(at('disk'))).toBe(true));
  afterAll(() => void spawnSync('umount', [at('disk')]));

  test('gives a FileError and leaves nothing behind', async () => {
    const like = await readNifti(nifti({ size: [128, 128, 128], values: new Uint8Array(2 ** 21) }));
    const writing = writeNifti(at('disk/labels.nii'), new Uint8Array(2 ** 21).fill(1), like);
    await expect(writing).rejects.toThrow(FileError);
    await expect(writing).rejects.toThrow(/labels\.nii: cannot write \(ENOSPC/);
    expect(readdirSync(at('disk'))).toEqual([]);
  });
});

const python = '/usr/bin/python3';
const hasNibabel = spawnSync(python, ['-c', 'import nibabel']).status === 0;

describe.skipIf(!hasNibabel)(`nibabel${hasNibabel ? '' : ' (needs python3-nibabel)'}`, () => {
  test.each([1, 2] as const)('reads what is written (version %d)', async (version) => {
    const like = await readNifti(nifti({ ...placed, version }));
    const path = at(`for-nibabel-${version}.nii.gz`);
    await writeNifti(path, labels, like, { classes });
    const script = `
import json, sys, nibabel, numpy
image = nibabel.load(sys.argv[1])
print(json.dumps({
  "kind": type(image).__name__, "type": str(image.get_data_dtype()), "intent": image.header.get_intent()[0],
  "labels": numpy.asarray(image.dataobj).ravel(order="F").tolist(), "affine": image.affine[:3].tolist(),
  "qform": image.header.get_qform()[:3].tolist(), "codes": [int(image.header["sform_code"]), int(image.header["qform_code"])],
  "comments": [extension.get_content().decode() for extension in image.header.extensions]}))`;
    const { stdout, stderr } = spawnSync(python, ['-c', script, path], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: `Nifti${version}Image`,
      type: 'uint8',
      intent: 'label',
      labels: [...labels],
      affine: sform,
      codes: [2, 1],
      comments: ['0 background\n1 White Matter\n2 Grey Matter\n3 Ærø\n'],
    });
  });
});
