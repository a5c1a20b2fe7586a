import { OptionError, ShapeError } from '@atrous/core';
import { apply, column, type Grid, indexMap } from './affine.js';
import { inParts, networkStrides, voxels, type WorkOptions } from './volume.js';

/** Voxels that are looked up before events get their turn. */
const part = 2 ** 19;

/**
 * Brings labels back to the grid of the volume that was conformed: each voxel takes the label that is nearest to its
 * centre, and 0 where the labels do not reach.
 *
 * @param labels classes 0 … 255 of the grid `of`, `[D, H, W]` = (i, j, k), row-major: what a network gives
 * @param of grid of the labels: the conformed volume
 * @param like grid of the result: the volume from the file
 * @returns labels in the order in which NIfTI stores them, i contiguous
 * @throws ShapeError if there is not one label per voxel; OptionError for labels outside 0 … 255
 */
export async function resampleLabels(
  labels: Uint8Array | Int32Array,
  of: Grid,
  like: Grid,
  { signal, onProgress }: WorkOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (labels.length !== voxels(of.size))
    throw new ShapeError(
      `resampleLabels: ${labels.length} labels for a grid of ${of.size.join(' × ')} voxels`,
      { labels: labels.length, size: of.size },
    );
  const map = indexMap(like, of);
  const [nx, ny, nz] = of.size;
  const [sx, sy] = networkStrides(of.size);
  const [dx, dy, dz] = column(map, 0);
  const [length, rows] = like.size;
  const lines = rows * like.size[2];
  const result = new Uint8Array(voxels(like.size));
  await inParts(lines, Math.max(1, Math.floor(part / length)), signal, (from, to) => {
    for (let line = from; line < to; line++) {
      const [x0, y0, z0] = apply(map, [0, line % rows, Math.floor(line / rows)]);
      for (let i = 0; i < length; i++) {
        const x = Math.round(x0 + i * dx);
        const y = Math.round(y0 + i * dy);
        const z = Math.round(z0 + i * dz);
        if (!(x >= 0 && x < nx && y >= 0 && y < ny && z >= 0 && z < nz)) continue;
        const label = labels[x * sx + y * sy + z]!;
        if (label < 0 || label > 255)
          throw new OptionError(`resampleLabels: label ${label}; a byte per voxel holds 0 to 255`, { label });
        result[line * length + i] = label;
      }
    }
    onProgress?.({ done: to * length, total: lines * length });
  });
  return result;
}
