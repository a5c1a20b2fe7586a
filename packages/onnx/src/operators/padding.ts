import { concat, FormatError, type PadMode, pad, slice, type Tensor, UnsupportedError } from '@atrous/core';
import type { NodeContext, OperatorTable, Value } from '../operator.js';
import { range, repeated } from './layout.js';
import { beforeTransposition } from './transposed.js';
import { axisOf, given, like, listOf, required, unsupportedValue } from './values.js';
import { pairs } from './window.js';

const padModes: Readonly<Record<string, PadMode>> = {
  constant: 'constant',
  reflect: 'reflect',
  edge: 'replicate',
  wrap: 'circular',
};

type Sides = readonly (readonly [before: number, after: number])[];

/** One period of what a mode repeats without end: the axis itself, or the axis there and back. */
function periodOf(x: Tensor, axis: number, mode: 'reflect' | 'circular'): Tensor {
  const size = x.shape[axis]!;
  if (mode === 'circular') return x;
  return size < 3
    ? x
    : concat([x, slice(x, { axes: [axis], start: [size - 2], end: [0], step: [-1] })], axis);
}

/** Padding wider than the axis: whole periods, cut to length. */
function paddedByPeriods(
  x: Tensor,
  axis: number,
  side: readonly [number, number],
  mode: 'reflect' | 'circular',
) {
  const [before, after] = side;
  const size = x.shape[axis]!;
  const period = periodOf(x, axis, mode);
  const length = period.shape[axis]!;
  if (length === 0 || (mode === 'reflect' && size < 2))
    throw new UnsupportedError(`${mode} padding of an axis of ${size} is not supported (data [${x.shape}])`, {
      data: x.shape,
      pads: side,
    });
  const leading = Math.ceil(before / length);
  const start = leading * length - before;
  const whole = repeated(period, axis, leading + Math.ceil((size + after) / length));
  return slice(whole, { axes: [axis], start: [start], end: [start + before + size + after] });
}

/** Negative amounts crop, before the others add. */
function paddedWith(x: Tensor, sides: Sides, mode: PadMode, value: number): Tensor {
  const cropped = pad(
    x,
    sides.map(([before, after]) => [Math.min(before, 0), Math.min(after, 0)]),
  );
  const added = sides.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)] as const);
  if (mode !== 'reflect' && mode !== 'circular') return pad(cropped, added, { mode, value });
  const isWide = added.map(
    (side, axis) => Math.max(...side) > cropped.shape[axis]! - (mode === 'reflect' ? 1 : 0),
  );
  const once = added.map((side, axis) => (isWide[axis] ? ([0, 0] as const) : side));
  return added.reduce(
    (y, side, axis) => (isWide[axis] ? paddedByPeriods(y, axis, side, mode) : y),
    pad(cropped, once, { mode }),
  );
}

function padded(inputs: readonly (Value | undefined)[], context: NodeContext): Value {
  const x = required(inputs, 0, 'data');
  const { attributes } = context;
  const rank = x.tensor.shape.length;
  const amounts = given(listOf(inputs, 1, 'pads', context) ?? attributes.numbers('paddings'), 'pads');
  const axes = (inputs[3] && context.known(inputs[3], 'axes')) ?? range(rank);
  if (amounts.length !== 2 * axes.length)
    throw new FormatError(`pads [${amounts}] must have two entries for each of ${axes.length} axes`, {
      pads: amounts,
      data: x.tensor.shape,
    });
  const mode = attributes.text('mode', 'constant');
  if (!Object.hasOwn(padModes, mode)) throw unsupportedValue('mode', mode, Object.keys(padModes));
  const value = inputs[2]
    ? (context.known(inputs[2], 'constant_value')[0] ?? 0)
    : attributes.number('value', 0);
  const amountsOf = pairs(amounts);
  const sides = range(rank).map((): readonly [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    sides[axisOf(axis, rank)] = amountsOf[i]!;
  });
  return like(
    x,
    beforeTransposition(x.tensor, sides, (source, ofSource) =>
      paddedWith(source, ofSource, padModes[mode]!, value),
    ),
  );
}

export const padding: OperatorTable = {
  Pad: { attributes: ['mode', 'pads', 'paddings', 'value'], run: padded },
};
