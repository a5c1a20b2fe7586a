/** Decodes, paints and encodes pictures beside the page, which is never held up by them. */
import { luminance, type SegmentationClass } from '@atrous/segment/models';
import { expose, transfer } from 'comlink';
import { labelsOfMask } from '../../model.js';
import { type Scores, score } from '../../scores.js';
import { decodePicture } from '../decode-picture.js';

/** Longest side of what is shown; larger pictures are shown smaller. */
const shownSide = 2048;

/** A picture that the worker has. */
export interface OpenedPicture {
  readonly width: number;
  readonly height: number;
  /** For the screen. */
  readonly shown: ImageBitmap;
}

/** What a segmentation says of a picture's pixels; arrays are handed over. */
export interface Labelled {
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly confidence: Float32Array<ArrayBuffer>;
  readonly image: ImageData;
  readonly classes: readonly SegmentationClass[];
}

export interface PaintedLabels {
  /** The colours of the classes, for the screen. */
  readonly shown: ImageBitmap;
  /** How well they match the reference, where one is known and means these classes. */
  readonly scores?: Scores | undefined;
}

export interface PixelReport {
  readonly label: number;
  readonly confidence: number;
}

export type SavedKind = 'mask' | 'overlay';

interface Entry {
  readonly bitmap: ImageBitmap;
  readonly mask?: Uint8Array | undefined;
  result?: Labelled | undefined;
}

const entries = new Map<number, Entry>();

const api = {
  /**
   * Decodes a picture; `mask` is its reference, white where there is water.
   *
   * @throws FormatError for a file that is damaged or no picture; MemoryError for one that is too large
   */
  async open(id: number, file: Blob, name: string, mask?: Blob): Promise<OpenedPicture> {
    const [bitmap, reference] = await Promise.all([
      decodePicture(file, name),
      mask && decodePicture(mask, `${name}: mask`),
    ]);
    return await add(id, { bitmap, mask: reference && labelsOfMask(luminance(pixelsOf(reference))) });
  },
  /** Takes a frame of a video. */
  frame: (id: number, bitmap: ImageBitmap): Promise<OpenedPicture> => add(id, { bitmap }),
  /** Takes what was found on a picture, and scores it against the reference, if there is one, where asked to. */
  async label(id: number, result: Labelled, compare: boolean): Promise<PaintedLabels> {
    const entry = known(id);
    entry.result = result;
    const { mask } = entry;
    const scores = compare && mask ? score(result.labels, mask, result.classes.length) : undefined;
    const shown = await forScreen(overlayOf(result), false);
    return transfer({ shown, scores }, [shown]);
  },
  /** The picture as a network sees it that takes luminance. */
  async luminance(id: number): Promise<ImageBitmap> {
    const { width, height, data } = pixelsOf(known(id).bitmap);
    const gray = luminance({ width, height, data });
    const image = new ImageData(width, height);
    for (const [i, value] of gray.entries()) image.data.set([value, value, value, 255], 4 * i);
    const shown = await forScreen(image, true);
    return transfer(shown, [shown]);
  },
  /** What was found at a pixel. */
  at(id: number, x: number, y: number): PixelReport | undefined {
    const entry = known(id);
    const { labels, confidence } = entry.result ?? {};
    const index = y * entry.bitmap.width + x;
    return labels && { label: labels[index]!, confidence: confidence![index]! };
  },
  /** A PNG at full size: the classes, or them over the picture, as opaque as from 0 to 1. */
  async save(id: number, kind: SavedKind, opacity: number): Promise<Blob> {
    const { bitmap, result } = known(id);
    const { width, height } = bitmap;
    const labels = await createImageBitmap(kind === 'mask' ? result!.image : overlayOf(result!));
    const [canvas, context] = canvasOf(width, height);
    if (kind === 'overlay') {
      context.drawImage(bitmap, 0, 0);
      context.globalAlpha = opacity;
    }
    context.drawImage(labels, 0, 0);
    labels.close();
    return await canvas.convertToBlob({ type: 'image/png' });
  },
  /** Forgets a picture. */
  release(id: number): void {
    entries.get(id)?.bitmap.close();
    entries.delete(id);
  },
};

export type PictureApi = typeof api;
expose(api);

function known(id: number): Entry {
  const entry = entries.get(id);
  if (!entry) throw new Error('this picture has been closed');
  return entry;
}

async function add(id: number, entry: Entry): Promise<OpenedPicture> {
  entries.get(id)?.bitmap.close();
  entries.set(id, entry);
  const { width, height } = entry.bitmap;
  const shown = await forScreen(entry.bitmap, true);
  return transfer({ width, height, shown }, [shown]);
}

/** The colours of the classes; where there is nothing but background, the picture stays as it is. */
function overlayOf({ image, labels, classes }: Labelled): ImageData {
  const background = classes.findIndex(({ name }) => name === 'background');
  if (background < 0) return image;
  const copy = new ImageData(image.data.slice(), image.width, image.height);
  for (let i = 0; i < labels.length; i++) if (labels[i] === background) copy.data[4 * i + 3] = 0;
  return copy;
}

/** A copy that is small enough for the screen; labels keep their colours. */
async function forScreen(picture: ImageBitmap | ImageData, smooth: boolean): Promise<ImageBitmap> {
  const { width, height } = picture;
  const scale = Math.min(1, shownSide / Math.max(width, height));
  if (scale === 1) return await createImageBitmap(picture);
  return await createImageBitmap(picture, {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: smooth ? 'medium' : 'pixelated',
  });
}

function canvasOf(width: number, height: number): [OffscreenCanvas, OffscreenCanvasRenderingContext2D] {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error(`this browser gives no canvas of ${width}×${height} pixels`);
  return [canvas, context];
}

function pixelsOf(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap;
  const [, context] = canvasOf(width, height);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}
