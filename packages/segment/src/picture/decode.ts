/** Decoding in Node, which has no decoder of its own. */
import { FormatError } from '@atrous/core';
import type { Picture } from '../models/index.js';
import type { PictureFile } from './inspect.js';
import { orient } from './orient.js';

/**
 * Decodes a PNG or JPEG; JPEGs are turned upright as their EXIF orientation says.
 *
 * @throws FormatError for other kinds and damaged files
 */
export function decodeInNode(bytes: Uint8Array, { type, orientation }: PictureFile, name: string): Picture {
  if (type !== 'png' && type !== 'jpeg')
    throw new FormatError(`${name}: is a picture of type ${type}; PNG and JPEG are read, convert it first`, {
      name,
      type,
    });
  try {
    if (type === 'png') {
      const { PNG } = decoder('pngjs') as typeof import('pngjs');
      return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    const jpeg = decoder('jpeg-js') as typeof import('jpeg-js');
    const decoded = jpeg.decode(bytes, {
      useTArray: true,
      tolerantDecoding: false,
      maxMemoryUsageInMB: 4096,
    });
    return orient(decoded, orientation);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`${name}: damaged ${type.toUpperCase()} (${reason})`, { name, type });
  }
}

/** Required, not imported: bundlers for pages must not follow it, because it needs modules of Node. */
const decoder = (name: string): unknown =>
  globalThis.process.getBuiltinModule('node:module').createRequire(import.meta.url)(name);
