import { FormatError, MemoryError } from '@atrous/core';
import { imageSize } from 'image-size';

/** The largest picture that is decoded, in megapixels; decoding takes up to about 20 bytes per pixel. */
export const maximumMegapixels = 100;

export interface PictureFile {
  /** `png`, `jpg`, `webp` …, by content. */
  readonly type: string;
  /** Before it is turned upright. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8; 1 is upright. */
  readonly orientation: number;
}

/**
 * What kind of picture some bytes are and how large, without decoding them.
 *
 * @param name stands in messages
 * @throws FormatError if they are none, or damaged; MemoryError if it is too large
 */
export function inspectPicture(bytes: Uint8Array, name: string): PictureFile {
  const type = sniff(bytes);
  let size: ReturnType<typeof imageSize>;
  try {
    size = imageSize(bytes);
  } catch {
    throw type === undefined
      ? new FormatError(`${name}: is not a picture`, { name })
      : new FormatError(`${name}: damaged ${type.toUpperCase()} (its size cannot be read)`, { name, type });
  }
  const { width, height, orientation = 1 } = size;
  const megapixels = (width * height) / 1e6;
  if (megapixels > maximumMegapixels)
    throw new MemoryError(
      `${name}: ${width}×${height} pixels are ${megapixels.toFixed(1)} megapixels and at most ${maximumMegapixels} are read; make it smaller or cut it`,
      { width, height },
    );
  return { type: type ?? size.type ?? 'unknown', width, height, orientation };
}

// the two that matter most, so that a damaged file is named as what it is
function sniff(bytes: Uint8Array): 'png' | 'jpeg' | undefined {
  const starts = (...signature: number[]) => signature.every((byte, i) => bytes[i] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  return starts(0xff, 0xd8, 0xff) ? 'jpeg' : undefined;
}
