/** A picture as it travels to where it is segmented. */
import { FormatError, OptionError, ShapeError } from '@atrous/core';
import type { Picture } from '../models/index.js';
import type { PictureSource } from '../types.js';

export type PictureMessage =
  | { readonly kind: 'bitmap'; readonly bitmap: ImageBitmap }
  | { readonly kind: 'blob'; readonly blob: Blob }
  /** A complete address, or a path in Node. */
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'pixels'; readonly picture: Picture };

/** Bytes as they are in the file, as other decoders give them. */
export const asStored: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

/**
 * Makes a picture ready to travel. Elements, which only the page has, become bitmaps; what belongs to the caller is
 * copied unless it is handed over.
 *
 * @throws OptionError for what is no picture, or has none yet; FormatError for an image element that failed
 */
export async function messageOf(source: PictureSource, transfer: boolean): Promise<PictureMessage> {
  if (typeof source === 'string' || source instanceof URL)
    return { kind: 'address', address: absolute(source) };
  if (source instanceof Blob) return { kind: 'blob', blob: source };
  if (isA(source, 'ImageBitmap'))
    return { kind: 'bitmap', bitmap: transfer ? source : await createImageBitmap(source) };
  if (isA(source, 'HTMLVideoElement') && source.readyState < 2)
    throw new OptionError('the video has no picture yet; wait for its event loadeddata', {
      readyState: source.readyState,
    });
  if (isA(source, 'HTMLImageElement')) await complete(source);
  if (
    isA(source, 'HTMLVideoElement') ||
    isA(source, 'HTMLImageElement') ||
    isA(source, 'HTMLCanvasElement') ||
    isA(source, 'OffscreenCanvas')
  )
    return { kind: 'bitmap', bitmap: await bitmapOf(source) };
  const picture = checkedPixels(source);
  return { kind: 'pixels', picture: transfer ? picture : { ...picture, data: picture.data.slice() } };
}

/** What can be handed over instead of copied. */
export function transferables(message: PictureMessage): Transferable[] {
  if (message.kind === 'bitmap') return [message.bitmap];
  return message.kind === 'pixels' ? [message.picture.data.buffer as ArrayBuffer] : [];
}

interface Elements {
  readonly ImageBitmap: ImageBitmap;
  readonly HTMLVideoElement: HTMLVideoElement;
  readonly HTMLImageElement: HTMLImageElement;
  readonly HTMLCanvasElement: HTMLCanvasElement;
  readonly OffscreenCanvas: OffscreenCanvas;
}

/** Whether something is of a class that may not exist here. */
function isA<K extends keyof Elements>(source: unknown, name: K): source is Elements[K] {
  const type = (globalThis as unknown as Partial<Record<K, new () => unknown>>)[name];
  return type !== undefined && source instanceof type;
}

/** Relative addresses are those of the page; workers have another base. */
export function absolute(address: string | URL): string {
  if (typeof address !== 'string') return address.href;
  const base = globalThis.document?.baseURI;
  return base === undefined ? address : new URL(address, base).href;
}

async function complete(image: HTMLImageElement): Promise<void> {
  try {
    await image.decode();
  } catch {
    throw new FormatError(
      `the image element has no picture: ${image.currentSrc || 'its src is empty'} cannot be decoded`,
      {
        src: image.currentSrc,
      },
    );
  }
}

async function bitmapOf(
  source: HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas,
): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(source, asStored);
  } catch (error) {
    throw new OptionError(`no picture can be taken from ${String(source)}: ${(error as Error).message}`, {
      reason: (error as Error).message,
    });
  }
}

function checkedPixels(source: unknown): Picture {
  const { width, height, data } = Object(source) as Partial<Picture>;
  const bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!bytes || !Number.isInteger(width) || !Number.isInteger(height))
    throw new OptionError(
      `a picture is an ImageBitmap, ImageData, Blob, an element with one, an address, or { width, height, data } with RGBA bytes, not ${data === undefined ? typeof source : `data of ${typeof data}`}`,
      { width, height },
    );
  if (width! < 1 || height! < 1 || data.length !== 4 * width! * height!)
    throw new ShapeError(
      `a picture of ${width}×${height} pixels has ${4 * width! * height!} bytes of RGBA, not ${data.length}`,
      { width, height, bytes: data.length },
    );
  return { width: width!, height: height!, data };
}
