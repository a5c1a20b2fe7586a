/**
 * How tensors of any rank lie in the three dimensions that gpu.js has.
 *
 * A tensor is resident as its flat row-major values. Every kernel chooses the view of them that suits it, so reshapes
 * cost nothing and no layout is ever converted. Coordinates stay whole numbers below 2^24, which float32 holds exactly.
 */
import type { Shape } from '@atrous/core';
import type { View } from './kernel.js';

/** Whole numbers up to here are exact in float32. */
export const maxSide = 2 ** 24;

/** The longest rows of results that are not a single row: WebGPU dispatches at most 65,535 groups of 8. */
const maxColumns = 2 ** 18;

export const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** `[N * C, D * H, W]`: what kernels over the spatial axes see. */
export function planesView(shape: Shape): View {
  const spatial = shape.slice(2);
  return [product(shape.slice(0, 2)), product(spatial.slice(0, -1)), spatial.at(-1) ?? 1];
}

/** What kernels see that compute every element alone: one row, or rows as long as may be. */
export function rowsView(shape: Shape): View {
  const count = product(shape);
  if (count <= maxSide) return [1, 1, count];
  const [rows, columns] = splitInner(shape);
  return [1, rows, columns];
}

/** `[N, C, D * H * W]` where that may be, or undefined. */
export function channelsView(shape: Shape): View | undefined {
  const inner = product(shape.slice(2));
  return inner <= maxColumns ? [shape[0]!, shape[1]!, inner] : undefined;
}

/** Trailing axes as columns, as many as may be, the others as rows. */
function splitInner(sizes: Shape): readonly [rows: number, columns: number] {
  let split = 0;
  while (split < sizes.length - 1 && product(sizes.slice(split)) > maxColumns) split++;
  return [product(sizes.slice(0, split)), product(sizes.slice(split))];
}

/**
 * A view around one axis, or around neighbouring axes. Element `k` of the axis, at row `y` and column `x` of what lies
 * behind it, is `[outer][k * rows + y][x]`; where nothing lies behind it, `[0][outer][k]`.
 */
export interface AxisView {
  readonly outer: number;
  readonly size: number;
  readonly rows: number;
  readonly columns: number;
  /** Whether nothing lies behind the axis. */
  readonly isLast: boolean;
  readonly view: View;
  /** The same with another size of the axis. */
  resized(size: number): View;
}

export function axisView(shape: Shape, axis: number, axes = 1): AxisView {
  const outer = product(shape.slice(0, axis));
  const size = product(shape.slice(axis, axis + axes));
  const [rows, columns] = splitInner(shape.slice(axis + axes));
  const isLast = rows * columns === 1;
  const resized = (to: number): View => (isLast ? [1, outer, to] : [outer, to * rows, columns]);
  return { outer, size, rows, columns, isLast, view: resized(size), resized };
}

/** Row and plane numbers up to here are divided exactly: half a step is more than GPUs' divisions are wrong. */
const maxDivided = 2 ** 21;

/** Why an array cannot be addressed exactly in a view, or undefined if it can. */
export const viewProblem = (view: View): string | undefined => sideProblem(view, Math.max(...view), maxSide);

/** Why a result cannot be computed in a view, or undefined if it can. */
export const resultProblem = (view: View): string | undefined =>
  viewProblem(view) ?? sideProblem(view, Math.max(view[0], view[1]), maxDivided);

const sideProblem = (view: View, side: number, most: number): string | undefined =>
  side > most
    ? `a side of its ${view.join('×')} view is longer than ${most}, up to which float32 counts exactly; work on tiles`
    : undefined;
