import {
  argmax,
  max,
  mean,
  type ResizeAxis,
  reshape,
  resize,
  ShapeError,
  sum,
  type Tensor,
} from '@atrous/core';
import { type Context, fromStart, numbers, type Operator, type OperatorTable, operand } from '../operator.js';
import { toChannelsSecond, Value } from '../value.js';

/** Leaves out axes of size 1; without a transpose where the rest has the same order in both layouts. */
function dropped(x: Value, axes: readonly number[]): Value {
  const order = toChannelsSecond(x.rank).filter((axis) => !axes.includes(axis));
  const shape = x.shape.filter((_, axis) => !axes.includes(axis));
  const sorted = order.every((axis, i) => i === 0 || axis > order[i - 1]!);
  return Value.last(reshape(x.isSecond && sorted ? x.second : x.last, shape));
}

const reduction =
  (reduce: (x: Tensor, axes: readonly number[], options: { keepDims: true }) => Tensor): Operator =>
  (context) => {
    const x = operand(context, 0);
    const axes = [...new Set(numbers(context, 1, 'axes').map((axis) => fromStart(axis, x.rank)))];
    const { tensor, axis } = x.natural;
    const y = x.like(reduce(tensor, axes.map(axis), { keepDims: true }));
    return context.options.flag(0) ? y : dropped(y, axes);
  };

function largest(context: Context): Value {
  const x = operand(context, 0);
  const at = fromStart(numbers(context, 1, 'axis')[0] ?? 0, x.rank);
  const { tensor, axis } = x.natural;
  return dropped(x.like(argmax(tensor, axis(at), { keepDims: true })), [at]);
}

interface Coordinates {
  readonly alignCorners: boolean;
  readonly halfPixel: boolean;
}

/** Source coordinates of TensorFlow's three conventions: `o · scale + offset`. */
function linearAxis(size: number, out: number, { alignCorners, halfPixel }: Coordinates): ResizeAxis {
  const scale = alignCorners && out > 1 ? (size - 1) / (out - 1) : size / out;
  return { scale, offset: halfPixel ? 0.5 * scale - 0.5 : 0 };
}

/** As linearAxis, but rounded down later: a quarter of the distance between coordinates keeps clear of rounding. */
function nearestAxis(size: number, out: number, { alignCorners, halfPixel }: Coordinates): ResizeAxis {
  if (alignCorners && out > 1) return { scale: (size - 1) / (out - 1), offset: 0.5 + 0.25 / (out - 1) };
  return { scale: size / out, offset: (halfPixel ? (0.5 * size) / out : 0) + 0.25 / out };
}

function resized(context: Context, mode: 'linear' | 'nearest'): Value {
  const x = operand(context, 0);
  const size = numbers(context, 1, 'size');
  if (x.rank !== 4 || size.length !== 2 || size.some((n) => n < 1))
    throw new ShapeError(`resizing [${x.shape.join(', ')}] to [${size.join(', ')}]: x must be [N, H, W, C]`, {
      x: x.shape,
      size,
    });
  const field = mode === 'linear' ? 2 : 0;
  const coordinates = {
    alignCorners: context.options.flag(field),
    halfPixel: context.options.flag(field + 1),
  };
  const axisOf = mode === 'linear' ? linearAxis : nearestAxis;
  const axes = size.map((out, axis) => axisOf(x.shape[axis + 1]!, out, coordinates));
  return Value.second(resize(x.second, { size, mode, axes }));
}

/** Operators over positions: reductions and resizing. */
export const positions: OperatorTable = {
  MEAN: reduction(mean),
  SUM: reduction(sum),
  REDUCE_MAX: reduction(max),
  ARG_MAX: largest,
  RESIZE_BILINEAR: (context) => resized(context, 'linear'),
  RESIZE_NEAREST_NEIGHBOR: (context) => resized(context, 'nearest'),
};
