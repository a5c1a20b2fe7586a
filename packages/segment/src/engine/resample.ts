/** Bilinear resizing with half-pixel centres, as `interpolate` does it, on pixels and on rows of maps. */
import { channelsOf, type Picture, type PictureInput, prepare } from '../models/index.js';

/** For each output position the two inputs around it and the weight of the second. */
export interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

export function tapsOf(from: number, to: number): Taps {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const weight = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    low[i] = Math.min(Math.floor(at), from - 1);
    high[i] = Math.min(low[i]! + 1, from - 1);
    weight[i] = at - low[i]!;
  }
  return { low, high, weight };
}

/**
 * A picture as the network's input `[1, C, h, w]`, resized. Equals preparing and then resizing; only the pixels that are
 * read are prepared, so a large picture takes no memory.
 */
export function prepareResized(
  { width, height, data }: Picture,
  input: PictureInput,
  [h, w]: readonly [height: number, width: number],
): Float32Array {
  if (h === height && w === width) return prepare({ width, height, data }, input);
  const rows = tapsOf(height, h);
  const columns = tapsOf(width, w);
  const channels = channelsOf(input);
  const out = new Float32Array(channels * h * w);
  // the pixels around an output, four by four
  const around = { width: 4 * w, height: 1, data: new Uint8Array(16 * w) };
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++)
      for (let corner = 0; corner < 4; corner++) {
        const row = (corner & 2 ? rows.high : rows.low)[y]!;
        const column = (corner & 1 ? columns.high : columns.low)[x]!;
        const from = 4 * (row * width + column);
        const to = 4 * (4 * x + corner);
        for (let c = 0; c < 4; c++) around.data[to + c] = data[from + c]!;
      }
    const values = prepare(around, input);
    const v = rows.weight[y]!;
    for (let channel = 0; channel < channels; channel++)
      for (let x = 0; x < w; x++) {
        const at = channel * 4 * w + 4 * x;
        const u = columns.weight[x]!;
        const top = values[at]! + u * (values[at + 1]! - values[at]!);
        const bottom = values[at + 2]! + u * (values[at + 3]! - values[at + 2]!);
        out[(channel * h + y) * w + x] = top + v * (bottom - top);
      }
  }
  return out;
}

/** Writes a row of the map `[h, w]` that begins at `offset`, resized to `row.length`, at the output's row `y`. */
export function resizedRow(
  map: Float32Array,
  offset: number,
  w: number,
  rows: Taps,
  columns: Taps,
  y: number,
  row: Float32Array,
): void {
  const top = offset + rows.low[y]! * w;
  const bottom = offset + rows.high[y]! * w;
  const v = rows.weight[y]!;
  const { low, high, weight } = columns;
  for (let x = 0; x < row.length; x++) {
    const u = weight[x]!;
    const [l, h] = [low[x]!, high[x]!];
    const above = map[top + l]! + u * (map[top + h]! - map[top + l]!);
    const below = map[bottom + l]! + u * (map[bottom + h]! - map[bottom + l]!);
    row[x] = above + v * (below - above);
  }
}
