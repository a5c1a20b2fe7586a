import { FormatError } from '@atrous/core';
import { DiskFile } from './disk-file.js';
import type { FileSource } from './file.js';
import { type PictureOptions, pictureSource } from './picture.js';
import { type TiffSourceOptions, tiffSource } from './tiff/source.js';

type Format = 'tiff' | 'png' | 'jpeg';

const signatures: readonly (readonly [Format, ...number[]])[] = [
  ['png', 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  ['jpeg', 0xff, 0xd8, 0xff],
  ['tiff', 0x49, 0x49, 42, 0],
  ['tiff', 0x4d, 0x4d, 0, 42],
  ['tiff', 0x49, 0x49, 43, 0],
  ['tiff', 0x4d, 0x4d, 0, 43],
];

/**
 * Opens a TIFF, PNG or JPEG file, told apart by its content, whatever its name.
 *
 * @throws FormatError for anything else and for damaged files; FileError if it cannot be read; what `tiffSource` and
 * `pictureSource` throw
 */
export async function openPicture(
  path: string,
  options: TiffSourceOptions & PictureOptions = {},
): Promise<FileSource> {
  const file = await DiskFile.open(path, 'r');
  let start: Uint8Array;
  try {
    start = await file.read(0, Math.min(8, await file.size()));
  } finally {
    await file.close();
  }
  const found = signatures.find(([, ...bytes]) => bytes.every((byte, i) => start[i] === byte));
  if (!found)
    throw new FormatError(`${path}: is no TIFF, PNG or JPEG file; convert it to one of them`, { path });
  return found[0] === 'tiff' ? tiffSource(path, options) : pictureSource(path, found[0], options);
}
