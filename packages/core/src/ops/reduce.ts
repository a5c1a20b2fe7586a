import { checkDType, checkTensor, resolveAxis } from '../check.js';
import { ShapeError } from '../errors.js';
import type { DType, Reach } from '../graph.js';
import { formatShape } from '../shape.js';
import { makeTensor, type Tensor } from '../tensor.js';
import { reshape } from './layout.js';

export interface KeepDims {
  /** Whether reduced axes stay with size 1. Default false. */
  readonly keepDims?: boolean | undefined;
}

const spatialReach = (axes: readonly number[]): { reach?: Reach } =>
  axes.some((axis) => axis >= 2) ? { reach: { type: 'everything' } } : {};

function dropped(y: Tensor, axes: readonly number[], { keepDims = false }: KeepDims): Tensor {
  return keepDims
    ? y
    : reshape(
        y,
        y.shape.filter((_, axis) => !axes.includes(axis)),
      );
}

function checkNotEmpty(op: string, x: Tensor, axes: readonly number[]): void {
  if (axes.some((axis) => x.shape[axis] === 0))
    throw new ShapeError(
      `${op}: axis ${axes.find((axis) => x.shape[axis] === 0)} of x is empty (x ${formatShape(x.shape)})`,
      { x: x.shape, axes },
    );
}

function reduce(
  op: string,
  fn: 'sum' | 'mean' | 'max',
  x: Tensor,
  axes: number | readonly number[] | undefined,
  options: KeepDims,
  dtypes: readonly DType[],
): Tensor {
  checkTensor(op, 'x', x);
  checkDType(op, 'x', x, dtypes);
  const list = axes === undefined ? x.shape.map((_, axis) => axis) : typeof axes === 'number' ? [axes] : axes;
  const resolved = [...new Set(list.map((axis) => resolveAxis(op, axis, x.shape.length)))].sort(
    (a, b) => a - b,
  );
  if (fn !== 'sum') checkNotEmpty(op, x, resolved);
  if (resolved.length === 0) return x;
  const shape = x.shape.map((size, axis) => (resolved.includes(axis) ? 1 : size));
  return dropped(
    makeTensor(
      { kind: 'reduce', fn, axes: resolved, inputs: [x], ...spatialReach(resolved) },
      shape,
      x.dtype,
    ),
    resolved,
    options,
  );
}

/** Sum over the given axes, default all; float32 or int32 (which wraps). */
export const sum = (x: Tensor, axes?: number | readonly number[], options: KeepDims = {}): Tensor =>
  reduce('sum', 'sum', x, axes, options, ['float32', 'int32']);
/** Mean over the given axes, default all; float32. */
export const mean = (x: Tensor, axes?: number | readonly number[], options: KeepDims = {}): Tensor =>
  reduce('mean', 'mean', x, axes, options, ['float32']);
/** Largest value over the given axes, default all. For the larger of two tensors see maximum. */
export const max = (x: Tensor, axes?: number | readonly number[], options: KeepDims = {}): Tensor =>
  reduce('max', 'max', x, axes, options, ['float32', 'int32', 'uint8']);

/**
 * Index of the largest value along one axis, int32; the first of equal maxima. NaN counts as largest.
 * Default axis 1: the class of every position of logits `[N, C, H, W]` → `[N, H, W]`.
 */
export function argmax(x: Tensor, axis = 1, options: KeepDims = {}): Tensor<'int32'> {
  checkTensor('argmax', 'x', x);
  checkDType('argmax', 'x', x, ['float32', 'int32', 'uint8']);
  const at = resolveAxis('argmax', axis, x.shape.length);
  checkNotEmpty('argmax', x, [at]);
  const shape = x.shape.map((size, a) => (a === at ? 1 : size));
  const y = makeTensor({ kind: 'argmax', axis: at, inputs: [x], ...spatialReach([at]) }, shape, 'int32');
  return dropped(y, [at], options) as Tensor<'int32'>;
}

/** e^x / Σ e^x along one axis, without overflow. Default axis 1: channels. */
export function softmax(x: Tensor, axis = 1): Tensor {
  checkTensor('softmax', 'x', x);
  checkDType('softmax', 'x', x, ['float32']);
  const at = resolveAxis('softmax', axis, x.shape.length);
  return makeTensor({ kind: 'softmax', axis: at, inputs: [x], ...spatialReach([at]) }, x.shape, 'float32');
}
