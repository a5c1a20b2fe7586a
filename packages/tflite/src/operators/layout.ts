import {
  batchToSpace,
  concat,
  depthToSpace,
  pad,
  reshape,
  ShapeError,
  slice,
  spaceToBatch,
  spaceToDepth,
  tensor,
  UnsupportedError,
} from '@atrous/core';
import { recognizeDilation } from '@atrous/core/model';
import { type Context, constantSize, fromStart, numbers, type OperatorTable, operand } from '../operator.js';
import { permute, toChannelsSecond, Value } from '../value.js';
import { activated } from './activation.js';

function reshaped(context: Context): Value {
  const x = operand(context, 0);
  const shape = context.inputs[1] ? numbers(context, 1, 'shape') : context.options.ints(0);
  const count = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  const known = count(shape.filter((size) => size !== -1));
  if (shape.includes(-1) ? count(x.shape) % known !== 0 : known !== count(x.shape))
    throw constantSize('the shape of RESHAPE', shape, x.shape);
  return Value.last(reshape(x.last, shape));
}

function squeezed(context: Context): Value {
  const x = operand(context, 0);
  const given = context.options.ints(0).map((axis) => fromStart(axis, x.rank));
  const wrong = given.find((axis) => x.shape[axis] !== 1);
  if (wrong !== undefined)
    throw new ShapeError(`SQUEEZE needs size 1 on axis ${wrong} but x is [${x.shape.join(', ')}]`, {
      x: x.shape,
    });
  const drops = (axis: number, size: number) => (given.length > 0 ? given.includes(axis) : size === 1);
  return Value.last(
    reshape(
      x.last,
      x.shape.filter((size, axis) => !drops(axis, size)),
    ),
  );
}

function expanded(context: Context): Value {
  const x = operand(context, 0);
  const at = fromStart(numbers(context, 1, 'axis')[0] ?? 0, x.rank + 1);
  return Value.last(reshape(x.last, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]));
}

/** One transpose at most: straight from the layout at hand to the one that the result is used in. */
function transposed(context: Context): Value {
  const x = operand(context, 0);
  const order = numbers(context, 1, 'order').map((axis) => fromStart(axis, x.rank));
  if (order.length !== x.rank || new Set(order).size !== x.rank)
    throw new ShapeError(`TRANSPOSE order [${order.join(', ')}] must name each of ${x.rank} axes once`, {
      order,
    });
  const { tensor: from, axis } = x.natural;
  if (!x.isSecond) return Value.last(permute(from, order));
  return Value.second(
    permute(
      from,
      toChannelsSecond(x.rank).map((position) => axis(order[position]!)),
    ),
  );
}

/** `[before, after]` per axis of the file. */
function sidesOf(context: Context, index: number, rows: number): [number, number][] {
  const flat = numbers(context, index, 'padding');
  if (flat.length !== 2 * rows)
    throw new ShapeError(`padding has ${flat.length} numbers; ${rows} axes need ${2 * rows}`, { flat, rows });
  const sides = Array.from({ length: rows }, (_, i): [number, number] => [flat[2 * i]!, flat[2 * i + 1]!]);
  if (flat.some((amount) => amount < 0))
    throw new ShapeError(`padding and crops must not be negative but are [${flat.join(', ')}]`, { flat });
  return sides;
}

function padded(context: Context, options: Parameters<typeof pad>[2]): Value {
  const x = operand(context, 0);
  const sides = sidesOf(context, 1, x.rank);
  const order = x.isSecond ? toChannelsSecond(x.rank) : sides.map((_, axis) => axis);
  return x.like(
    pad(
      x.natural.tensor,
      order.map((axis) => sides[axis]!),
      options,
    ),
  );
}

function mirrored(context: Context): Value {
  if (context.options.byte(0) === 0) return padded(context, { mode: 'reflect' });
  const widest = Math.max(0, ...numbers(context, 1, 'padding'));
  if (widest > 1)
    throw new UnsupportedError(
      `MIRROR_PAD of ${widest} in mode SYMMETRIC is not read (1 is); export with mode REFLECT`,
      { widest },
    );
  // one element: the edge repeated
  return padded(context, { mode: 'replicate' });
}

/** Blocks and sides for all spatial axes: the file may list the first ones only. */
function blocksOf(context: Context): { x: Value; block: number[]; sides: [number, number][] } {
  const x = operand(context, 0);
  const block = numbers(context, 1, 'block');
  const sides = sidesOf(context, 2, block.length);
  const spatial = x.rank - 2;
  if (block.length > spatial || spatial < 1)
    throw new ShapeError(`block [${block.join(', ')}] does not fit x [${x.shape.join(', ')}]`, {
      block,
      x: x.shape,
    });
  while (block.length < spatial) {
    block.push(1);
    sides.push([0, 0]);
  }
  return { x, block, sides };
}

/** The first element, the end and the step per axis. */
function stridedSlice(context: Context): Value {
  const x = operand(context, 0);
  const [begin, end, step] = ['begin', 'end', 'strides'].map((what, i) => numbers(context, i + 1, what)) as [
    number[],
    number[],
    number[],
  ];
  const [beginMask, endMask, ellipsis, newAxis, shrink] = [0, 1, 2, 3, 4].map((field) =>
    context.options.int(field),
  ) as [number, number, number, number, number];
  if (ellipsis !== 0 || newAxis !== 0)
    throw new UnsupportedError(
      'STRIDED_SLICE with an ellipsis or new axes is not read; export it with all axes listed',
      { ellipsis, newAxis },
    );
  if (begin.length > x.rank || end.length !== begin.length || step.length !== begin.length)
    throw new ShapeError(
      `STRIDED_SLICE lists ${begin.length}, ${end.length} and ${step.length} numbers for ${x.rank} axes`,
      { begin, end, step },
    );
  const far = 2 ** 32;
  const has = (mask: number, axis: number) => (mask & (1 << axis)) !== 0;
  const { tensor: from, axis: place } = x.natural;
  const shrinks = (axis: number) => axis < begin.length && has(shrink, axis);
  const y = slice(from, {
    axes: begin.map((_, axis) => place(axis)),
    start: begin.map((value, axis) =>
      has(beginMask, axis) && !shrinks(axis) ? (step[axis]! > 0 ? 0 : far) : value,
    ),
    end: end.map((to, axis) => {
      if (shrinks(axis)) return begin[axis] === -1 ? far : begin[axis]! + 1;
      return has(endMask, axis) ? (step[axis]! > 0 ? far : -far) : to;
    }),
    step: step.map((value, axis) => (shrinks(axis) ? 1 : value)),
  });
  const kept = x.like(y);
  if (!kept.shape.some((_, axis) => shrinks(axis))) return kept;
  return Value.last(
    reshape(
      kept.last,
      kept.shape.filter((_, axis) => !shrinks(axis)),
    ),
  );
}

function sliced(context: Context): Value {
  const x = operand(context, 0);
  const begin = numbers(context, 1, 'begin');
  const size = numbers(context, 2, 'size');
  const end = begin.map((from, axis) => (size[axis] === -1 ? x.shape[axis]! : from + (size[axis] ?? 0)));
  if (begin.length !== x.rank || end.some((to, axis) => begin[axis]! < 0 || to > x.shape[axis]!))
    throw constantSize('the part that SLICE takes', [...begin, ...size], x.shape);
  const { tensor: from, axis } = x.natural;
  return x.like(slice(from, { axes: begin.map((_, i) => axis(i)), start: begin, end }));
}

function split(context: Context): Value[] {
  const x = operand(context, 1);
  const at = fromStart(numbers(context, 0, 'axis')[0] ?? 0, x.rank);
  const parts = context.outputs;
  const size = x.shape[at]! / parts;
  if (!Number.isInteger(size))
    throw new ShapeError(`SPLIT of axis ${at} of [${x.shape.join(', ')}] into ${parts} equal parts`, {
      x: x.shape,
      parts,
    });
  const { tensor: from, axis } = x.natural;
  return Array.from({ length: parts }, (_, i) =>
    x.like(slice(from, { axes: [axis(at)], start: [i * size], end: [(i + 1) * size] })),
  );
}

function joined(context: Context): Value {
  const values = context.inputs.map((_, i) => operand(context, i));
  const [first] = values;
  if (first === undefined) throw new ShapeError('CONCATENATION has no inputs');
  const at = fromStart(context.options.int(0), first.rank);
  const second = values.some((value) => value.isSecond);
  const wrong = values.find((value) => value.rank !== first.rank);
  if (wrong)
    throw new ShapeError(
      `CONCATENATION of [${first.shape.join(', ')}] and [${wrong.shape.join(', ')}]: different numbers of axes`,
      { first: first.shape, other: wrong.shape },
    );
  const y = second
    ? Value.second(
        concat(
          values.map((value) => value.second),
          toChannelsSecond(first.rank).indexOf(at),
        ),
      )
    : Value.last(
        concat(
          values.map((value) => value.last),
          at,
        ),
      );
  return activated(y, context.options.byte(1));
}

function packed(context: Context): Value {
  const values = context.inputs.map((_, i) => operand(context, i));
  const rank = (values[0]?.rank ?? 0) + 1;
  const at = fromStart(context.options.int(1), rank);
  const rows = values.map(({ last, shape }) => reshape(last, [...shape.slice(0, at), 1, ...shape.slice(at)]));
  return Value.last(concat(rows, at));
}

/** Operators that move elements. */
export const layouts: OperatorTable = {
  RESHAPE: reshaped,
  SQUEEZE: squeezed,
  EXPAND_DIMS: expanded,
  TRANSPOSE: transposed,
  PAD: (context) => padded(context, {}),
  PADV2: (context) => padded(context, { value: numbers(context, 2, 'value')[0] ?? 0 }),
  MIRROR_PAD: mirrored,
  SPACE_TO_BATCH_ND: (context) => {
    const { x, block, sides } = blocksOf(context);
    return Value.second(spaceToBatch(x.second, block, sides));
  },
  BATCH_TO_SPACE_ND: (context) => {
    const { x, block, sides } = blocksOf(context);
    return Value.second(recognizeDilation(batchToSpace(x.second, block, sides)));
  },
  SPACE_TO_DEPTH: (context) =>
    Value.second(spaceToDepth(operand(context, 0).second, context.options.int(0), { mode: 'DCR' })),
  DEPTH_TO_SPACE: (context) =>
    Value.second(depthToSpace(operand(context, 0).second, context.options.int(0), { mode: 'DCR' })),
  SLICE: sliced,
  STRIDED_SLICE: stridedSlice,
  SPLIT: split,
  CONCATENATION: joined,
  PACK: packed,
  SHAPE: (context) => {
    const { shape } = operand(context, 0);
    const value = Value.last(tensor(Int32Array.from(shape), [shape.length]));
    value.known = true;
    return value;
  },
};
