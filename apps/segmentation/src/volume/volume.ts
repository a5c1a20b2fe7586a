import { setImmediate } from 'node:timers/promises';
import type { Grid, Triple } from './affine.js';

export type VoxelArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Numbers on a grid in space, one per voxel. */
export interface Volume extends Grid {
  /** For messages: the path of the file. */
  readonly name: string;
  readonly data: VoxelArray;
  /** Elements of `data` from a voxel to the next along i, j, k. */
  readonly strides: Triple;
  /** A voxel has the value `slope` · element + `inter`. */
  readonly slope: number;
  readonly inter: number;
}

/** As networks take it, `[D, H, W]` = (i, j, k): k is contiguous. */
export const networkStrides = ([, j, k]: Triple): Triple => [j * k, k, 1];
/** As NIfTI stores it: i is contiguous. */
export const fileStrides = ([i, j]: Triple): Triple => [1, i, i * j];

export const voxels = ([i, j, k]: Triple): number => i * j * k;

export interface WorkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/** Does `action` for `[from, to)` in parts; between them events get their turn, and `signal` cancels. */
export async function inParts(
  count: number,
  part: number,
  signal: AbortSignal | undefined,
  action: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += part) {
    signal?.throwIfAborted();
    action(from, Math.min(from + part, count));
    await setImmediate();
  }
  signal?.throwIfAborted();
}
