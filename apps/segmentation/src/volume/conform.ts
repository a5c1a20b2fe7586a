import { OptionError } from '@atrous/core';
import {
  type Affine,
  affineOf,
  apply,
  axes,
  column,
  directions,
  type Grid,
  indexMap,
  nearestDirections,
  type Triple,
} from './affine.js';
import { byteScale } from './intensity.js';
import { inParts, networkStrides, type Volume, voxels, type WorkOptions } from './volume.js';

export interface ConformOptions extends WorkOptions {
  /** Voxels along each axis. Default 256. */
  readonly size?: number | undefined;
  /** Millimetres per voxel. Default 1. */
  readonly spacing?: number | undefined;
  /**
   * Where i, j and k point: one letter each of L(eft) or R(ight), P(osterior) or A(nterior), I(nferior) or S(uperior).
   * Default `'LIA'`, FreeSurfer's: i to the left, j down, k to the front.
   */
  readonly orientation?: string | undefined;
  /**
   * `'world'`, the default and FreeSurfer's: the axes are exactly those of the scanner, and an oblique volume is turned.
   * `'nearest'`: the volume's own axes, each as the one of `orientation` that it is nearest to; nothing is turned.
   */
  readonly axes?: 'world' | 'nearest' | undefined;
}

/** A volume on the grid that a network was trained on. */
export interface ConformedVolume extends Volume {
  /** `[D, H, W]` = (i, j, k), row-major. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whether all of the input lies inside; otherwise what sticks out was cut off. */
  readonly whole: boolean;
}

/** Output voxels that are computed before events get their turn. */
const part = 2 ** 17;

/**
 * Resamples a volume as `mri_convert --conform` of FreeSurfer does: 256³ voxels of 1 mm, bytes, axes LIA, trilinear.
 * Outside the volume there are zeros, and so there are where the interpolated value is exactly zero.
 *
 * The middle of the volume stays the middle, whatever the order and direction in which the file stores its axes.
 * FreeSurfer takes voxel N/2, one of the two next to the middle, so its grid lies up to one voxel of the input beside
 * this one if an axis is stored the other way round; the affine says where each voxel is. Bytes that already lie on such
 * a grid come out unchanged.
 *
 * Sources: FreeSurfer (`MRIconform`, `MRIchangeType`) and FastSurfer (`conform.py`), which scales after interpolation,
 * as is done here.
 *
 * @throws OptionError for unusable options; FormatError for values without limit; what `signal` gives as its reason
 */
export async function conform(volume: Volume, options: ConformOptions = {}): Promise<ConformedVolume> {
  const { signal, onProgress } = options;
  const grid = conformedGrid(volume, options);
  const { low, scale } = await byteScale(volume, signal);
  const map = indexMap(grid, volume);
  const [, rows, length] = grid.size;
  const data = new Uint8ClampedArray(voxels(grid.size));
  const line = new Float64Array(length);
  const lines = grid.size[0] * rows;
  await inParts(lines, Math.max(1, Math.floor(part / length)), signal, (from, to) => {
    for (let n = from; n < to; n++) {
      interpolate(volume, map, Math.floor(n / rows), n % rows, line);
      const at = n * length;
      // rounds to the nearest byte, halves to the even one, and clips
      for (let k = 0; k < length; k++) data[at + k] = line[k] === 0 ? 0 : (line[k]! - low) * scale;
    }
    onProgress?.({ done: to * length, total: lines * length });
  });
  return {
    ...grid,
    name: volume.name,
    data: new Uint8Array(data.buffer),
    strides: networkStrides(grid.size),
    slope: 1,
    inter: 0,
    whole: holds(grid, volume),
  };
}

function conformedGrid(
  volume: Grid,
  { size = 256, spacing = 1, orientation = 'LIA', axes: kind = 'world' }: ConformOptions,
): Grid {
  if (!Number.isInteger(size) || size < 1 || size > 512)
    throw new OptionError(`conform: size must be an integer from 1 to 512 but is ${size}`, { size });
  if (!(spacing >= 1e-3 && spacing <= 1e3))
    throw new OptionError(`conform: spacing must be 0.001 to 1000 mm but is ${spacing}`, { spacing });
  if (kind !== 'world' && kind !== 'nearest')
    throw new OptionError(`conform: axes must be 'world' or 'nearest' but is ${String(kind)}`, {
      axes: kind,
    });
  const along = kind === 'world' ? directions(orientation) : nearestDirections(volume.affine, orientation);
  const scaled = ([x, y, z]: Triple): Triple => [x * spacing, y * spacing, z * spacing];
  const columns = [scaled(along[0]), scaled(along[1]), scaled(along[2])] as const;
  const conformed: Grid = { size: [size, size, size], affine: affineOf(columns, [0, 0, 0]) };
  const same = axes.every(
    (axis) =>
      volume.size[axis] === size &&
      column(volume.affine, axis).every((mm, row) => Math.abs(mm - columns[axis][row]!) < 1e-4 * spacing),
  );
  if (same) return { size: conformed.size, affine: volume.affine };
  const middle = apply(volume.affine, middleOf(volume));
  const moved = apply(conformed.affine, middleOf(conformed));
  return {
    size: conformed.size,
    affine: affineOf(columns, [middle[0] - moved[0], middle[1] - moved[1], middle[2] - moved[2]]),
  };
}

const middleOf = ({ size: [i, j, k] }: Grid): Triple => [(i - 1) / 2, (j - 1) / 2, (k - 1) / 2];

/** Whether the centres of all voxels of `inner` lie inside `outer`. */
function holds(outer: Grid, inner: Grid): boolean {
  const map = indexMap(inner, outer);
  const ends = inner.size.map((length) => [0, length - 1] as const);
  return ends[0]!.every((i) =>
    ends[1]!.every((j) =>
      ends[2]!.every((k) =>
        apply(map, [i, j, k]).every((at, axis) => at >= -0.5 && at < outer.size[axis as 0]! - 0.5),
      ),
    ),
  );
}

/**
 * One line of voxels (i, j, 0 …), each trilinear between its eight neighbours. A voxel reaches half way to the next, so
 * at the border its own value goes on for half a voxel; beyond there is 0.
 */
function interpolate(
  { data, size, strides, slope, inter }: Volume,
  map: Affine,
  i: number,
  j: number,
  line: Float64Array,
): void {
  const [nx, ny, nz] = size;
  const [sx, sy, sz] = strides;
  const [x0, y0, z0] = apply(map, [i, j, 0]);
  const [dx, dy, dz] = column(map, 2);
  for (let k = 0; k < line.length; k++) {
    let [x, y, z] = [x0 + k * dx, y0 + k * dy, z0 + k * dz];
    if (!(x >= -0.5 && x <= nx - 0.5 && y >= -0.5 && y <= ny - 0.5 && z >= -0.5 && z <= nz - 0.5)) {
      line[k] = 0;
      continue;
    }
    x = Math.min(Math.max(x, 0), nx - 1);
    y = Math.min(Math.max(y, 0), ny - 1);
    z = Math.min(Math.max(z, 0), nz - 1);
    const [ix, iy, iz] = [Math.floor(x), Math.floor(y), Math.floor(z)];
    const [fx, fy, fz] = [x - ix, y - iy, z - iz];
    const at = ix * sx + iy * sy + iz * sz;
    // on the last voxel of an axis there is no next one, and it has no weight
    const [ax, ay, az] = [fx > 0 ? sx : 0, fy > 0 ? sy : 0, fz > 0 ? sz : 0];
    const near = data[at]! + fx * (data[at + ax]! - data[at]!);
    const far = data[at + ay]! + fx * (data[at + ay + ax]! - data[at + ay]!);
    const front = near + fy * (far - near);
    const nearBack = data[at + az]! + fx * (data[at + az + ax]! - data[at + az]!);
    const farBack = data[at + az + ay]! + fx * (data[at + az + ay + ax]! - data[at + az + ay]!);
    const back = nearBack + fy * (farBack - nearBack);
    line[k] = slope * (front + fz * (back - front)) + inter;
  }
}
