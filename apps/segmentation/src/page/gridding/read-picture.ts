import { OptionError } from '@atrous/core';
import { decodePicture } from '../decode-picture.js';
import { outputStride } from './network.js';
import { smallestSide } from './spectrum.js';

/** Longest side of a picture that is measured; larger ones are made smaller. */
const longestSide = 1024;

/**
 * Decodes a picture, in a worker.
 *
 * @throws FormatError for a file that is damaged or no picture; MemoryError for one that is too large; OptionError for
 * one that is too small for a spectrum
 */
export async function readPicture(file: Blob, name: string): Promise<ImageData> {
  const whole = await decodePicture(file, name);
  const scale = Math.min(1, longestSide / Math.max(whole.width, whole.height));
  const [width, height] = [Math.round(whole.width * scale), Math.round(whole.height * scale)];
  const least = outputStride * smallestSide;
  if (Math.min(width, height) < least)
    throw new OptionError(
      `${name}: ${whole.width}×${whole.height} pixels are too few for a spectrum of the feature maps, which have a cell for every ${outputStride}×${outputStride} pixels; give a picture of at least ${least}×${least}${scale < 1 ? `, once its longer side is ${longestSide}` : ''}`,
      { width: whole.width, height: whole.height, least },
    );
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(whole, 0, 0, width, height);
  whole.close();
  return context.getImageData(0, 0, width, height);
}
