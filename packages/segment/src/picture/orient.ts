import type { Picture } from '../models/index.js';

/** EXIF orientation: whether rows and columns swap, then whether columns and rows count backwards. */
const turns: Readonly<Record<number, readonly [swap: boolean, backX: boolean, backY: boolean]>> = {
  2: [false, true, false],
  3: [false, true, true],
  4: [false, false, true],
  5: [true, false, false],
  6: [true, false, true],
  7: [true, true, true],
  8: [true, true, false],
};

/** Turns a picture upright, given the EXIF orientation (1 to 8) of its file. */
export function orient(picture: Picture, orientation: number): Picture {
  const turn = turns[orientation];
  if (!turn) return picture;
  const [swap, backX, backY] = turn;
  const [width, height] = swap ? [picture.height, picture.width] : [picture.width, picture.height];
  const from = pixelsOf(picture.data);
  const data = new Uint8Array(picture.data.length);
  const to = pixelsOf(data);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = swap ? [y, x] : [x, y];
      const sourceX = backX ? picture.width - 1 - u : u;
      const sourceY = backY ? picture.height - 1 - v : v;
      to[y * width + x] = from[sourceY * picture.width + sourceX]!;
    }
  return { width, height, data };
}

const pixelsOf = ({ buffer, byteOffset, byteLength }: Picture['data']): Uint32Array =>
  new Uint32Array(buffer, byteOffset, byteLength / 4);
