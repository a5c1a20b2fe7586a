/** Matrix products are 1×1 convolutions: the same kernels serve both. */
import { checkDType, checkTensor } from '../check.js';
import { ShapeError } from '../errors.js';
import { broadcastShapes, elementCount, formatShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { conv1d } from './conv.js';
import { broadcastTo, reshape, transpose } from './layout.js';

/**
 * Matrix product with NumPy's rules for stacks of matrices.
 *
 * @param a float32 `[…, M, K]`
 * @param b float32 `[…, K, N]`
 * @returns `[…, M, N]`; the leading axes broadcast
 * @throws ShapeError
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  for (const [name, value] of Object.entries({ a, b })) {
    checkTensor('matmul', name, value);
    checkDType('matmul', name, value, ['float32']);
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [inner, n] = b.shape.slice(-2) as [number, number];
  if (a.shape.length < 2 || b.shape.length < 2 || k !== inner || batch === undefined)
    throw new ShapeError(
      `matmul: a ${formatShape(a.shape)} and b ${formatShape(b.shape)} do not fit; a is […, M, K] and b is […, K, N]`,
      { a: a.shape, b: b.shape },
    );
  if (b.shape.length === 2)
    return reshape(rowsTimes(reshape(a, [-1, k]), transpose(b, [1, 0])), [...batch, m, n]);
  // One group per matrix: channels are the inner axis, positions the rows of a.
  const count = elementCount(batch);
  const stack = (x: Tensor, rows: number, columns: number) =>
    reshape(broadcastTo(x, [...batch, rows, columns]), [count, rows, columns]);
  const x = reshape(transpose(stack(a, m, k), [0, 2, 1]), [1, count * k, m]);
  const weight = reshape(transpose(stack(b, k, n), [0, 2, 1]), [count * n, k, 1]);
  const y = reshape(conv1d(x, weight, { groups: count }), [count, n, m]);
  return reshape(transpose(y, [0, 2, 1]), [...batch, m, n]);
}

/**
 * PyTorch's linear layer: `x · weightᵀ + bias`.
 *
 * @param x float32 `[…, K]`
 * @param weight float32 `[N, K]`
 * @returns `[…, N]`
 * @throws ShapeError
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  { bias }: { readonly bias?: Tensor | undefined } = {},
): Tensor {
  checkTensor('linear', 'x', x);
  checkTensor('linear', 'weight', weight);
  const k = x.shape.at(-1) ?? 0;
  if (weight.shape.length !== 2 || weight.shape[1] !== k)
    throw new ShapeError(
      `linear: weight ${formatShape(weight.shape)} must be [N, K] with K the last axis of x ${formatShape(x.shape)}`,
      { x: x.shape, weight: weight.shape },
    );
  return reshape(rowsTimes(reshape(x, [-1, k]), weight, bias), [...x.shape.slice(0, -1), weight.shape[0]!]);
}

/** `[R, K]` times the transpose of `[N, K]`. */
function rowsTimes(rows: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [count, k] = rows.shape as readonly [number, number];
  const [n] = weight.shape as readonly [number, number];
  return reshape(conv1d(reshape(rows, [count, k, 1]), reshape(weight, [n, k, 1]), { bias }), [count, n]);
}
