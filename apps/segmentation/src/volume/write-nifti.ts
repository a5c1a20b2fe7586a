import { open, rename, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { OptionError, ShapeError } from '@atrous/core';
import { NIFTI1, NIFTIEXTENSION } from 'nifti-reader-js';
import { onFile } from './file-error.js';
import { bytesOfHeader, decodeHeader } from './nifti-header.js';
import type { NiftiVolume } from './read-nifti.js';
import { voxels } from './volume.js';

export interface WriteNiftiOptions {
  /** Names of the classes 0, 1 …; they are kept in the file as a comment, one line each. */
  readonly classes?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Codes of nifti1.h: one byte per voxel; values are labels; an extension of plain text. */
const [uint8, label, comment] = [2, 1002, 6];

/**
 * Writes labels as a NIfTI file, compressed if its name ends with `.nii.gz`: one byte per voxel, version, place in space
 * (sform, qform, units) and voxel size as in the file that `like` was read from, intent "label". The file appears under
 * its name when it is complete.
 *
 * @param labels one per voxel, i contiguous, as `resampleLabels` gives them
 * @throws OptionError if the name ends otherwise; ShapeError if there is not one label per voxel; FileError if it cannot
 * be written, for example because the disk is full
 */
export async function writeNifti(
  path: string,
  labels: Uint8Array,
  like: Pick<NiftiVolume, 'size' | 'header'>,
  { classes, signal }: WriteNiftiOptions = {},
): Promise<void> {
  const ending = /\.nii(\.gz)?$/i.exec(path);
  if (!ending) throw new OptionError(`${path}: the name of a NIfTI file ends with .nii or .nii.gz`, { path });
  if (labels.length !== voxels(like.size))
    throw new ShapeError(`${path}: ${labels.length} labels for a volume of ${like.size.join(' × ')} voxels`, {
      labels: labels.length,
      size: like.size,
    });
  const header = labelHeader(like, classes);
  function* pieces() {
    yield header;
    for (let at = 0; at < labels.length; at += 2 ** 20) yield labels.subarray(at, at + 2 ** 20);
  }
  // a half-written volume never stands under the name
  const draft = `${path}.part`;
  try {
    await onFile(path, 'write', async () => {
      const file = await open(draft, 'w');
      const content = Readable.from(pieces(), { objectMode: false });
      const end = file.createWriteStream({ flush: true });
      await (ending[1]
        ? pipeline(content, createGzip(), end, { signal })
        : pipeline(content, end, { signal }));
      await rename(draft, path);
    });
  } catch (error) {
    await unlink(draft).catch(() => {});
    signal?.throwIfAborted();
    throw error;
  }
}

function labelHeader(
  { size, header: like }: Pick<NiftiVolume, 'size' | 'header'>,
  classes: readonly string[] = [],
) {
  const header = decodeHeader(like.bytes, like.version, 'header');
  header.dims = [3, ...size, 1, 1, 1, 1];
  header.datatypeCode = uint8!;
  header.numBitsPerVoxel = 8;
  Object.assign(header, { scl_slope: 1, scl_inter: 0, cal_min: 0, cal_max: 0 });
  Object.assign(header, { intent_code: label, intent_p1: 0, intent_p2: 0, intent_p3: 0, intent_name: '' });
  Object.assign(header, { description: 'labels', aux_file: '' });
  // the library drops the zero bytes of the magic numbers
  header.magic = header instanceof NIFTI1 ? 'n+1\0' : 'n+2\0\r\n\x1a\n';
  header.extensions = classes.length > 0 ? [commentOf(classes, like.littleEndian)] : [];
  header.vox_offset = header.extensions.reduce(
    (sum, { esize }) => sum + esize,
    bytesOfHeader(like.version) + 4,
  );
  return new Uint8Array(header.toArrayBuffer(classes.length > 0));
}

function commentOf(classes: readonly string[], littleEndian: boolean): NIFTIEXTENSION {
  const text = new TextEncoder().encode(classes.map((name, index) => `${index} ${name}\n`).join(''));
  // with its own eight bytes, an extension is a multiple of 16 long
  const data = new Uint8Array(Math.ceil((text.length + 8) / 16) * 16 - 8);
  data.set(text);
  return new NIFTIEXTENSION(data.length + 8, comment!, data.buffer, littleEndian);
}
