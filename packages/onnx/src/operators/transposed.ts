/**
 * Networks from TensorFlow come with their transpositions between channels last and channels first, and with dilation
 * written as space-to-batch in several forms. Transpositions that follow each other are one here, layout ops go to
 * the source of a transposition, and each form of space-to-batch becomes that of the graph, where
 * `recognizeDilation` sees the dilated convolution.
 */
import { batchToSpace, reshape, type Shape, spaceToBatch, type Tensor, transpose } from '@atrous/core';
import { recognizeDilation } from '@atrous/core/model';
import { sameShape } from './values.js';

interface Made {
  readonly source: Tensor;
  readonly order: readonly number[];
}

/** How tensors were made, as far as it matters here. */
const transposes = new WeakMap<Tensor, Made>();
const reshapes = new WeakMap<Tensor, Tensor>();

/** A transposition; of one already transposed, a single one, or none if they cancel. */
export function transposed(x: Tensor, order: readonly number[]): Tensor {
  const made = transposes.get(x);
  const source = made?.source ?? x;
  // core checks the order; an axis that is not there is left to it
  const whole = made ? order.map((axis) => made.order[axis < 0 ? axis + made.order.length : axis]!) : order;
  const y = transpose(source, whole);
  if (y !== source) transposes.set(y, { source, order: whole });
  return y;
}

/**
 * Applies a layout op that treats each axis for itself (slice, pad) to the source of a transposition, and transposes
 * the result. `perAxis` has an entry for each axis of x; `apply` gets them in the order of the source's axes.
 */
export function beforeTransposition<T>(
  x: Tensor,
  perAxis: readonly T[],
  apply: (source: Tensor, perAxis: readonly T[]) => Tensor,
): Tensor {
  const made = transposes.get(x);
  if (made === undefined) return recognizeDilation(apply(x, perAxis));
  const ofSource = made.order.map((_, axis) => perAxis[made.order.indexOf(axis)]!);
  return transposed(recognizeDilation(apply(made.source, ofSource)), made.order);
}

const swap = [1, 0, 2, 3] as const;

/** Whether axis 1 of x, that of the channels, is the batch of what x was transposed from. */
const hasBatchAsChannels = (x: Tensor): boolean => x.shape.length === 4 && transposes.get(x)?.order[1] === 0;

/** Space-to-depth, block-major, on transposed axes: space-to-batch, or undefined. */
export const spaceToBatchBySwap = (x: Tensor, block: number): Tensor | undefined =>
  hasBatchAsChannels(x) ? transposed(spaceToBatch(transposed(x, swap), block), swap) : undefined;

/** Depth-to-space, block-major, on transposed axes: batch-to-space, or undefined. */
export const batchToSpaceBySwap = (x: Tensor, block: number): Tensor | undefined =>
  hasBatchAsChannels(x)
    ? transposed(recognizeDilation(batchToSpace(transposed(x, swap), block)), swap)
    : undefined;

const interleaved = (axes: number, entry: (i: number) => readonly number[]): number[] =>
  Array.from({ length: axes }, (_, i) => entry(i)).flat();

const list = (length: number, first: number, step = 1): number[] =>
  Array.from({ length }, (_, i) => first + i * step);

/** Channels first, and back. */
const toFirst = (axes: number) => [0, axes + 1, ...list(axes, 1)];
const toLast = (axes: number) => [0, ...list(axes, 2), 1];

/**
 * A reshape; where it is the last of reshape, transpose and reshape that move blocks between the axes of `[N, …, C]`
 * and the batch, as TensorFlow's documentation writes SpaceToBatchND and BatchToSpaceND, that op of the graph.
 */
export function reshaped(x: Tensor, shape: Shape): Tensor {
  const made = transposes.get(x);
  const start = made && reshapes.get(made.source);
  const moved = start && made && blocksMoved(start, made.source.shape, made.order, shape);
  if (moved) return moved;
  const y = reshape(x, shape);
  if (y !== x) reshapes.set(y, x);
  return y;
}

function blocksMoved(x: Tensor, split: Shape, order: readonly number[], to: Shape): Tensor | undefined {
  const axes = x.shape.length - 2;
  if (axes < 1 || axes > 3 || split.length !== 2 * axes + 2 || to.length !== axes + 2) return undefined;
  const channels = x.shape[axes + 1]!;
  // [N, h, b, …, C] with the blocks brought to the front
  const block = list(axes, 2, 2).map((axis) => split[axis]!);
  const isToBatch =
    sameShape(order, [...list(axes, 2, 2), 0, ...list(axes, 1, 2), 2 * axes + 1]) &&
    sameShape(split, [
      x.shape[0]!,
      ...interleaved(axes, (i) => [x.shape[i + 1]! / block[i]!, block[i]!]),
      channels,
    ]) &&
    sameShape(to, [
      x.shape[0]! * block.reduce((a, b) => a * b, 1),
      ...list(axes, 0).map((i) => x.shape[i + 1]! / block[i]!),
      channels,
    ]);
  if (isToBatch) return transposed(spaceToBatch(transposed(x, toFirst(axes)), block), toLast(axes));
  // [b, …, N, h, …, C] with each block behind its axis
  const front = split.slice(0, axes);
  const batch = split[axes]!;
  const isToSpace =
    sameShape(order, [axes, ...interleaved(axes, (i) => [axes + 1 + i, i]), 2 * axes + 1]) &&
    sameShape(split, [...front, batch, ...x.shape.slice(1)]) &&
    sameShape(to, [batch, ...list(axes, 0).map((i) => x.shape[i + 1]! * front[i]!), channels]);
  if (!isToSpace) return undefined;
  const whole = batchToSpace(transposed(x, toFirst(axes)), front);
  return transposed(recognizeDilation(whole), toLast(axes));
}
