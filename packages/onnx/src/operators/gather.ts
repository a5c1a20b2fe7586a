import { concat, FormatError, reshape, slice, type Tensor, UnsupportedError } from '@atrous/core';
import type { NodeContext, OperatorTable, Value } from '../operator.js';
import { axisOf, like, required } from './values.js';

/** Indices at equal distances: one slice. */
interface Run {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Slices that one Gather may become. */
const mostRuns = 1024;

/** Cuts a list of indices into as few runs as a greedy walk finds. */
function runsOf(indices: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < indices.length; ) {
    const start = indices[at]!;
    const step = (indices[at + 1] ?? start) - start;
    let count = 1;
    while (step !== 0 && at + count < indices.length && indices[at + count] === start + count * step) count++;
    runs.push({ start, step: count === 1 ? 1 : step, count });
    at += count;
    if (runs.length > mostRuns)
      throw new UnsupportedError(
        `${indices.length} irregular indices need more than ${mostRuns} slices; give a regular list`,
        { indices: indices.length },
      );
  }
  return runs;
}

function cut(x: Tensor, axis: number, { start, step, count }: Run): Tensor {
  const last = start + count * step;
  // going backwards, "before the first" is written −size − 1
  const end = last < 0 ? -x.shape[axis]! - 1 : last;
  return slice(x, { axes: [axis], start: [start], end: [end], step: [step] });
}

function gathered(inputs: readonly (Value | undefined)[], context: NodeContext): Value {
  const x = required(inputs, 0, 'data');
  const places = required(inputs, 1, 'indices');
  const { shape } = x.tensor;
  const axis = axisOf(context.attributes.number('axis', 0), shape.length);
  const size = shape[axis]!;
  const indices = context.known(places, 'indices').map((index) => {
    if (index < -size || index >= size)
      throw new FormatError(`index ${index} is outside axis ${axis} of data [${shape}]`, {
        index,
        axis,
        data: shape,
      });
    return index < 0 ? index + size : index;
  });
  const runs = runsOf(indices);
  const parts =
    runs.length === 0
      ? [slice(x.tensor, { axes: [axis], start: [0], end: [0] })]
      : runs.map((run) => cut(x.tensor, axis, run));
  return like(
    x,
    reshape(concat(parts, axis), [...shape.slice(0, axis), ...places.tensor.shape, ...shape.slice(axis + 1)]),
  );
}

export const gathering: OperatorTable = { Gather: { attributes: ['axis'], run: gathered } };
