import { OptionError } from '@atrous/core';

export type Triple = readonly [number, number, number];
type Row = readonly [number, number, number, number];

/** Three rows that take the indices (i, j, k, 1) of a voxel to millimetres towards right, anterior and superior. */
export type Affine = readonly [Row, Row, Row];

/** A grid of voxels in space. Index 0 is the centre of the first voxel. */
export interface Grid {
  /** Voxels along i, j, k. */
  readonly size: Triple;
  readonly affine: Affine;
}

export const axes = [0, 1, 2] as const;
type Axis = (typeof axes)[number];

const triple = (of: (axis: Axis) => number): Triple => [of(0), of(1), of(2)];
const rows = (of: (row: Axis, column: 0 | 1 | 2 | 3) => number): Affine => {
  const row = (r: Axis): Row => [of(r, 0), of(r, 1), of(r, 2), of(r, 3)];
  return [row(0), row(1), row(2)];
};

/** @param columns directions, in millimetres per voxel; @param offset where voxel (0, 0, 0) is */
export const affineOf = (columns: readonly [Triple, Triple, Triple], offset: Triple): Affine =>
  rows((row, column) => (column === 3 ? offset[row] : columns[column][row]));

export const column = (affine: Affine, axis: Axis): Triple => triple((row) => affine[row][axis]);

export const length = ([x, y, z]: Triple): number => Math.hypot(x, y, z);

/** Millimetres from a voxel to the next along i, j, k. */
export const voxelSize = (affine: Affine): Triple => triple((axis) => length(column(affine, axis)));

export const apply = (affine: Affine, [i, j, k]: Triple): Triple =>
  triple((row) => affine[row][0] * i + affine[row][1] * j + affine[row][2] * k + affine[row][3]);

/** First `inner`, then `outer`. */
export function compose(outer: Affine, inner: Affine): Affine {
  return rows((row, to) => {
    const sum = axes.reduce<number>((total, axis) => total + outer[row][axis] * inner[axis][to], 0);
    return to === 3 ? sum + outer[row][3] : sum;
  });
}

function cross([a, b, c]: Triple, [x, y, z]: Triple): Triple {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}
const dot = ([a, b, c]: Triple, [x, y, z]: Triple): number => a * x + b * y + c * z;

const unit = (vector: Triple): Triple => triple((axis) => vector[axis] / length(vector));

/** How far the three directions are from lying in a plane: 1 for a rectangular grid, 0 for none. */
const independence = (affine: Affine): number =>
  Math.abs(dot(unit(column(affine, 0)), cross(unit(column(affine, 1)), unit(column(affine, 2)))));

export function invert(affine: Affine): Affine {
  const [u, v, w] = [column(affine, 0), column(affine, 1), column(affine, 2)];
  const determinant = dot(u, cross(v, w));
  const inverse = [cross(v, w), cross(w, u), cross(u, v)] as const;
  const offset: Triple = [affine[0][3], affine[1][3], affine[2][3]];
  return rows((row, to) => (to === 3 ? -dot(inverse[row], offset) : inverse[row][to]) / determinant);
}

/** The range of voxel sizes, in millimetres, that a volume may have. */
const sizes = [1e-6, 1e6] as const;

/** @returns why a volume cannot lie like this, or undefined */
export function affineProblem(affine: Affine): string | undefined {
  if (!affine.flat().every(Number.isFinite)) return 'has an entry that is not a number';
  if (voxelSize(affine).some((size) => !(size >= sizes[0] && size <= sizes[1])))
    return `has voxels of ${voxelSize(affine).join(' × ')} mm, outside ${sizes[0]} … ${sizes[1]}`;
  if (!(independence(affine) > 1e-4)) return 'is singular: its axes lie in one plane';
  return undefined;
}

const letters = ['LR', 'PA', 'IS'] as const;

/** Where the axes of a grid point: three unit vectors, for example of `'LIA'`: i to the left, j down, k to the front. */
export function directions(orientation: string): readonly [Triple, Triple, Triple] {
  const found = [...orientation].map((letter) => {
    const world = letters.findIndex((pair) => pair.includes(letter));
    return { world, sign: world < 0 ? 0 : 2 * letters[world]!.indexOf(letter) - 1 };
  });
  if (found.length !== 3 || axes.some((world) => !found.some((axis) => axis.world === world)))
    throw new OptionError(
      `orientation: ${orientation} is none; it takes one letter each of L or R, P or A, I or S, such as LIA`,
      { orientation },
    );
  const vector = (axis: Axis) => triple((row) => (found[axis]!.world === row ? found[axis]!.sign : 0));
  return [vector(0), vector(1), vector(2)];
}

const permutations: readonly Triple[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** For each axis of a grid the axis of the world (0 right, 1 anterior, 2 superior) that it is nearest to, each once. */
export function nearestAxes(affine: Affine): readonly [Axis, Axis, Axis] {
  const along = axes.map((axis) => unit(column(affine, axis)));
  const agreement = (worlds: Triple) =>
    worlds.reduce((sum, world, axis) => sum + Math.abs(along[axis]![world as Axis]), 0);
  const best = permutations.reduce((a, b) => (agreement(b) > agreement(a) ? b : a));
  return best as readonly [Axis, Axis, Axis];
}

/** The three letters of a grid, such as `'RAS'`: where i, j and k point, to the nearest axis of the world. */
export function orientationOf(affine: Affine): string {
  return nearestAxes(affine)
    .map((world, axis) => letters[world][affine[world][axis as Axis] > 0 ? 1 : 0])
    .join('');
}

/** The directions of a grid itself, in the order and with the signs that come nearest to `orientation`. */
export function nearestDirections(affine: Affine, orientation: string): readonly [Triple, Triple, Triple] {
  const worlds = nearestAxes(affine);
  const wanted = directions(orientation);
  const vector = (axis: Axis): Triple => {
    const world = axes.find((row) => wanted[axis][row] !== 0)!;
    const along = unit(column(affine, worlds.indexOf(world) as Axis));
    const sign = Math.sign(along[world] * wanted[axis][world]) || 1;
    return triple((row) => sign * along[row]);
  };
  return [vector(0), vector(1), vector(2)];
}

/** The rotation of a unit quaternion (b, c, d; a ≥ 0 follows), as columns. Source: nifti1.h, "QUATERNION REPRESENTATION". */
export function rotation([b, c, d]: Triple): readonly [Triple, Triple, Triple] {
  const rest = 1 - (b * b + c * c + d * d);
  // rounded to float32, (b, c, d) may be a little too long
  const a = Math.sqrt(Math.max(rest, 0));
  const scale = rest < 0 ? 1 / length([b, c, d]) : 1;
  const [x, y, z] = [b * scale, c * scale, d * scale];
  return [
    [a * a + x * x - y * y - z * z, 2 * (x * y + a * z), 2 * (x * z - a * y)],
    [2 * (x * y - a * z), a * a + y * y - x * x - z * z, 2 * (y * z + a * x)],
    [2 * (x * z + a * y), 2 * (y * z - a * x), a * a + z * z - x * x - y * y],
  ];
}

/** The indices of `from` as indices of `to`, rounded to 2⁻³⁰ so that grids that share voxels meet them exactly. */
export function indexMap(from: Grid, to: Grid): Affine {
  const exact = compose(invert(to.affine), from.affine);
  return rows((row, to) => Math.round(exact[row][to] * 2 ** 30) / 2 ** 30);
}
