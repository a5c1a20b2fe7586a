import { FormatError, OptionError, UnsupportedError } from '@atrous/core';
import type { Picture } from '../models/index.js';
import { readSource } from '../read-source.js';
import { checkSize, inspect } from './inspect.js';
import { asStored, type PictureMessage } from './message.js';

/** Encoded pictures of more bytes are refused. */
const maximumBytes = 2 ** 30;

/**
 * The pixels of a picture that has travelled. Browsers decode with what they have; in Node PNG and JPEG are decoded.
 *
 * @throws FormatError for a picture that is damaged or none; MemoryError for one that is too large, before it is decoded
 */
export async function readPicture(message: PictureMessage, signal?: AbortSignal): Promise<Picture> {
  switch (message.kind) {
    case 'pixels':
      checkSize(message.picture, 'the picture');
      return message.picture;
    case 'bitmap':
      return pixelsOf(message.bitmap, 'the picture');
    case 'blob': {
      const { blob } = message;
      const bytes = await readSource(blob, { maxBytes: maximumBytes });
      return await decode(bytes, blob, (blob as Partial<File>).name || 'the picture');
    }
    case 'address': {
      const { address } = message;
      const bytes = await readSource(address, { maxBytes: maximumBytes, signal });
      return await decode(bytes, undefined, address);
    }
  }
}

async function decode(bytes: Uint8Array, blob: Blob | undefined, name: string): Promise<Picture> {
  const file = inspect(bytes, name);
  if (globalThis.createImageBitmap === undefined) {
    const { decodeInNode } = await import('./decode.js');
    return decodeInNode(bytes, file, name);
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob ?? new Blob([bytes as Uint8Array<ArrayBuffer>]), asStored);
  } catch {
    throw new FormatError(`${name}: damaged, or a kind of ${file.type} that this browser cannot read`, {
      name,
      type: file.type,
    });
  }
  return pixelsOf(bitmap, name);
}

/** Kept between calls: frames of a video have one size. */
let canvas: OffscreenCanvas | undefined;

/** The pixels of a bitmap, which is closed. */
function pixelsOf(bitmap: ImageBitmap, name: string): Picture {
  const { width, height } = bitmap;
  try {
    checkSize(bitmap, name);
    if (globalThis.OffscreenCanvas === undefined)
      throw new UnsupportedError('this browser has no OffscreenCanvas, which decoding pictures needs', {});
    canvas ??= new OffscreenCanvas(width, height);
    // resizing also clears
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new UnsupportedError('this browser gives no canvas to decode pictures with', {});
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, data };
  } catch (error) {
    if ((error as Error).name !== 'SecurityError') throw error;
    throw new OptionError(
      `${name}: is of another origin without CORS, so its pixels cannot be read; set crossorigin and let the server allow it`,
      { name },
    );
  } finally {
    bitmap.close();
  }
}
