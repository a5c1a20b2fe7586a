import {
  abs,
  add,
  argmax,
  clip,
  div,
  exp,
  log,
  max,
  mean,
  mul,
  neg,
  pad,
  reshape,
  slice,
  softmax,
  sqrt,
  sub,
  sum,
  type Tensor,
} from '@atrous/core';
import type { Operator, OperatorTable } from '../operator.js';
import { arithmetic, wrapped } from './exact.js';
import { axisOf, flag, listOf, mapping, product, required } from './values.js';

/** Over the given axes, which stay with size 1. */
type Reduction = (x: Tensor, axes: readonly number[]) => Tensor;

const keep = { keepDims: true } as const;

const total: Reduction = (x, axes) => sum(x, axes, keep);
const largest: Reduction = (x, axes) => max(x, axes, keep);

/** Reverses the order of values: −x, and −1 − x for integers, where −x could overflow. */
const reversed = (x: Tensor): Tensor => (x.dtype === 'int32' ? sub(-1, x) : neg(x));

const average: Reduction = (x, axes) =>
  x.dtype === 'int32'
    ? div(total(x, axes), product(axes.map((axis) => x.shape[axis]!)))
    : mean(x, axes, keep);

/** Halves multiplied with each other until one value is left. */
const multiplied: Reduction = (x, axes) => axes.reduce(multipliedAlong, x);

function multipliedAlong(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis]!;
  const whole = 2 ** Math.ceil(Math.log2(Math.max(size, 1)));
  let rest = pad(
    x,
    x.shape.map((_, a) => (a === axis ? [0, whole - size] : [0, 0])),
    { value: 1 },
  );
  for (let half = whole / 2; half >= 1; half /= 2) {
    const from = (start: number) => slice(rest, { axes: [axis], start: [start], end: [start + half] });
    rest = mul(from(0), from(half));
  }
  return rest;
}

const largestFloat = 3.4028234663852886e38;

/** log Σ e^x, with the largest x taken out so that nothing overflows. */
function logSumExp(x: Tensor, axes: readonly number[]): Tensor {
  const most = clip(largest(x, axes), -largestFloat, largestFloat);
  return add(log(total(exp(sub(x, most)), axes)), most);
}

const reduction = (apply: Reduction): Operator => ({
  attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
  run(inputs, context) {
    const x = required(inputs, 0, 'data');
    const { shape } = x.tensor;
    const listed = listOf(inputs, 1, 'axes', context) ?? [];
    if (listed.length === 0 && flag(context, 'noop_with_empty_axes')) return x;
    const axes =
      listed.length === 0 ? shape.map((_, axis) => axis) : listed.map((a) => axisOf(a, shape.length));
    const y = axes.length === 0 ? arithmetic(x) : apply(arithmetic(x), axes);
    const kept = flag(context, 'keepdims', true);
    return wrapped(
      kept
        ? y
        : reshape(
            y,
            y.shape.filter((_, axis) => !axes.includes(axis)),
          ),
      x.type,
    );
  },
});

/** Index of the largest value along an axis; of equal ones the first, or the last. */
const indexOf = (prepare: (x: Tensor) => Tensor): Operator => ({
  attributes: ['axis', 'keepdims', 'select_last_index'],
  run(inputs, context) {
    const x = required(inputs, 0, 'data');
    const { shape } = x.tensor;
    const axis = axisOf(context.attributes.number('axis', 0), shape.length);
    const keepDims = flag(context, 'keepdims', true);
    const values = prepare(arithmetic(x));
    if (!flag(context, 'select_last_index'))
      return { tensor: argmax(values, axis, { keepDims }), type: 'int64' };
    const backwards = slice(values, { axes: [axis], start: [shape[axis]! - 1], step: [-1] });
    return { tensor: sub(shape[axis]! - 1, argmax(backwards, axis, { keepDims })), type: 'int64' };
  },
});

/** Before version 13 all axes from `axis` on are normalised together, as one. */
const alongAxis = (apply: (x: Tensor, axis: number) => Tensor): Operator =>
  mapping((x, { attributes, opset }) => {
    const rank = x.shape.length;
    const axis = axisOf(attributes.number('axis', opset < 13 ? 1 : -1), rank, opset < 13 ? rank : rank - 1);
    const single = x.shape.slice(axis + 1).every((size) => size === 1);
    if (axis < rank && (opset >= 13 || single)) return apply(x, axis);
    const rows = [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))];
    return reshape(apply(reshape(x, rows), 1), x.shape);
  }, 'axis');

function logSoftmax(x: Tensor, axis: number): Tensor {
  const below = sub(x, largest(x, [axis]));
  return sub(below, log(total(exp(below), [axis])));
}

export const reductions: OperatorTable = {
  ReduceSum: reduction(total),
  ReduceMean: reduction(average),
  ReduceMax: reduction(largest),
  ReduceMin: reduction((x, axes) => reversed(largest(reversed(x), axes))),
  ReduceProd: reduction(multiplied),
  ReduceL1: reduction((x, axes) => total(abs(x), axes)),
  ReduceL2: reduction((x, axes) => sqrt(total(mul(x, x), axes))),
  ReduceSumSquare: reduction((x, axes) => total(mul(x, x), axes)),
  ReduceLogSum: reduction((x, axes) => log(total(x, axes))),
  ReduceLogSumExp: reduction(logSumExp),
  ArgMax: indexOf((x) => x),
  ArgMin: indexOf(reversed),
  Softmax: alongAxis(softmax),
  LogSoftmax: alongAxis(logSoftmax),
};
