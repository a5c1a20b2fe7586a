/** The attributes that place a sliding window: kernel, strides, dilations and one of ONNX's ways to pad. */
import { FormatError, type Padding } from '@atrous/core';
import type { NodeContext } from '../operator.js';
import { unsupportedValue } from './values.js';

export const windowAttributes = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'] as const;

type Sides = readonly (readonly [before: number, after: number])[];

/** `[before, after]` per axis from a list that has all befores first. */
export const pairs = (pads: readonly number[]): [before: number, after: number][] => {
  const axes = pads.length / 2;
  return pads.slice(0, axes).map((before, i) => [before, pads[axes + i]!]);
};

/** One number per axis. */
export function perAxis(
  axes: number,
  name: string,
  { attributes }: NodeContext,
  otherwise = 1,
): readonly number[] {
  const list = attributes.numbers(name, new Array<number>(axes).fill(otherwise));
  if (list.length !== axes)
    throw new FormatError(`${name} [${list}] must have one entry for each of ${axes} spatial axes`, {
      [name]: list,
      axes,
    });
  return list;
}

/** The amounts of `pads`; none where they are left out. */
export function sidesOf(axes: number, context: NodeContext): Sides {
  const pads = context.attributes.numbers('pads', new Array<number>(2 * axes).fill(0));
  if (pads.length !== 2 * axes)
    throw new FormatError(`pads [${pads}] must have two entries for each of ${axes} spatial axes`, {
      pads,
      axes,
    });
  return pairs(pads);
}

const automatic: Readonly<Record<string, Padding>> = {
  VALID: 'valid',
  SAME_UPPER: 'same-upper',
  SAME_LOWER: 'same-lower',
};

/** Stride, dilation and padding as the ops of the graph take them. */
export function windowOf(axes: number, context: NodeContext) {
  const way = context.attributes.text('auto_pad', 'NOTSET');
  if (way !== 'NOTSET' && !Object.hasOwn(automatic, way))
    throw unsupportedValue('auto_pad', way, ['NOTSET', ...Object.keys(automatic)]);
  return {
    stride: perAxis(axes, 'strides', context),
    dilation: perAxis(axes, 'dilations', context),
    padding: automatic[way] ?? sidesOf(axes, context),
  };
}
