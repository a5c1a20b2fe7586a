import { FormatError } from '@atrous/core';
import { inspectPicture } from '../inspect-picture.js';

/**
 * Decodes a picture, in a worker: bytes as they are in the file, as the command and the network read them.
 *
 * @throws FormatError if it is none, damaged, or of a kind that this browser cannot read; MemoryError if it is too large
 */
export async function decodePicture(file: Blob, name: string): Promise<ImageBitmap> {
  const { type } = inspectPicture(new Uint8Array(await file.arrayBuffer()), name);
  try {
    return await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch {
    throw new FormatError(`${name}: damaged, or a kind of ${type} that this browser cannot read`, {
      name,
      type,
    });
  }
}
