import { FormatError } from '@atrous/core';
import { inspectPicture } from '../../inspect-picture.js';

/** A picture that is only looked at: nothing is computed from its pixels. */
export interface OpenedPicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly pixels: ImageBitmap;
  /** The same, not larger than it is ever drawn as a whole. */
  readonly small: ImageBitmap;
}

/** The longest side of a picture drawn as a whole. */
const overview = 1200;

/**
 * Opens a picture without blocking the page.
 *
 * @throws FormatError if it is none, or damaged; MemoryError if it is too large
 */
export async function openPicture(file: Blob, name: string): Promise<OpenedPicture> {
  const { type } = inspectPicture(new Uint8Array(await file.arrayBuffer()), name);
  try {
    const pixels = await createImageBitmap(file);
    const { width, height } = pixels;
    const scale = Math.min(1, overview / Math.max(width, height));
    const small = await createImageBitmap(file, {
      resizeWidth: Math.max(1, Math.round(width * scale)),
      resizeHeight: Math.max(1, Math.round(height * scale)),
      resizeQuality: 'medium',
    });
    return { name, width, height, pixels, small };
  } catch {
    throw new FormatError(`${name}: damaged, or a kind of ${type} that this browser cannot read`, {
      name,
      type,
    });
  }
}

/** The picture that is shown first. */
export async function openSample(): Promise<OpenedPicture> {
  const url = new URL('../../../assets/sample.png', import.meta.url);
  const response = await fetch(url);
  if (!response.ok)
    throw new FormatError(`the sample cannot be loaded: ${url.pathname} gives ${response.status}`, {
      status: response.status,
    });
  return openPicture(await response.blob(), 'sample.png');
}
