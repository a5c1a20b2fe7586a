import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { add, cast, mul, type Tensor } from '@atrous/core';
import { knownModel, logitsOf, luminance, pictureInput, waterModel } from '@atrous/segment/models';
import type { Source } from '@atrous/tiling';
import { openPicture } from '@atrous/tiling/files';

const { description } = knownModel('water');
// from dist and from src alike
const inRoot = (path: string) => new URL(`../../../${path}`, import.meta.url);

/** The shipped network, from luminance bytes `[1, 1, H, W]` to logits `[1, 2, H, W]`. */
export async function waterLogits(): Promise<(x: Tensor) => Tensor> {
  const weights = await readFile(inRoot('packages/segment/assets/water-net.safetensors'));
  const logits = logitsOf(waterModel(new Uint8Array(weights)), description);
  const { scale, mean, std } = pictureInput(description);
  const factor = scale / std[0]!;
  const offset = -mean[0]! / std[0]!;
  return (x) => logits(add(mul(cast(x, 'float32'), factor), offset));
}

/** The luminance of the app's sample picture, `[1, 1, H, W]`. */
export async function sampleLuminance(): Promise<{ bytes: Uint8Array; shape: readonly number[] }> {
  const picture = await openPicture(fileURLToPath(inRoot('apps/segmentation/assets/sample.png')));
  const [height, width] = picture.shape.slice(2) as [number, number];
  const planes = await picture.read({ start: [0, 0], size: [height, width] }, {});
  const pixels = width * height;
  const data = new Uint8Array(4 * pixels).fill(255);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) data[4 * i + c] = planes[c * pixels + i]!;
  return { bytes: luminance({ width, height, data }), shape: [1, 1, height, width] };
}

/** A picture of any size: the sample, mirrored at its borders again and again. */
export function mirrored(bytes: Uint8Array, shape: readonly number[], side: number): Source {
  const [height, width] = shape.slice(2) as [number, number];
  const fold = (at: number, length: number) => {
    const position = at % (2 * length);
    return position < length ? position : 2 * length - 1 - position;
  };
  return {
    shape: [1, 1, side, side],
    dtype: 'uint8',
    read({ start, size }) {
      const [rows, columns] = size as [number, number];
      const values = new Uint8Array(rows * columns);
      for (let y = 0; y < rows; y++) {
        const row = fold(start[0]! + y, height) * width;
        for (let x = 0; x < columns; x++) values[y * columns + x] = bytes[row + fold(start[1]! + x, width)]!;
      }
      return values;
    },
  };
}
