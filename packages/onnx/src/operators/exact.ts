/**
 * Comparison, selection and rounding, composed of the ops of the graph so that the result is exact: for infinities,
 * NaN and −0 too.
 */
import {
  abs,
  add,
  cast,
  clip,
  div,
  maximum,
  mul,
  neg,
  pow,
  relu,
  sub,
  type Tensor,
  tensor,
} from '@atrous/core';
import type { ElementType, Value } from '../operator.js';
import { isFloat } from './values.js';

/** For arithmetic: floats as they are, all integers as int32. */
export const arithmetic = ({ tensor: x }: Value): Tensor => (x.dtype === 'uint8' ? cast(x, 'int32') : x);

/** 1 where x is neither 0 nor NaN, as int32. */
function nonZero(x: Tensor): Tensor {
  const near = clip(x, -1, 1);
  // c / c is 1, or NaN for 0, which becomes 0 as an integer; the half keeps an inexact division above 1
  return x.dtype === 'int32' ? abs(near) : cast(mul(div(near, near), 1.5), 'int32');
}

/** 1 where x is a number, as int32. */
export const isNumber = (x: Tensor): Tensor => cast(add(mul(clip(x, -1, 1), 0), 1), 'int32');

const not = (truth: Tensor): Tensor => sub(1, truth);

/** 1 where a > b, as int32; 0 where either is NaN. Subtracting the larger one neither overflows to 0 nor meets ∞ − ∞ wrongly. */
export const greater = (a: Tensor, b: Tensor | number): Tensor => nonZero(sub(maximum(a, b), b));

const comparable = (a: Tensor, b: Tensor): Tensor | undefined =>
  a.dtype === 'float32' ? isNumber(add(clip(a, -1, 1), clip(b, -1, 1))) : undefined;

const unlessNaN = (truth: Tensor, a: Tensor, b: Tensor): Tensor => {
  const numbers = comparable(a, b);
  return numbers === undefined ? truth : mul(truth, numbers);
};

/** 1 where a ≥ b, as int32; 0 where either is NaN. */
export const greaterOrEqual = (a: Tensor, b: Tensor): Tensor => unlessNaN(not(greater(b, a)), a, b);

/** 1 where a = b, as int32; 0 where either is NaN. */
export const equal = (a: Tensor, b: Tensor): Tensor =>
  unlessNaN(not(add(greater(a, b), greater(b, a))), a, b);

/** −1, 0 or 1; NaN stays. */
export function sign(x: Tensor): Tensor {
  const near = clip(x, -1, 1);
  if (x.dtype === 'int32') return near;
  const sides = cast(mul(div(near, abs(near)), 1.5), 'int32');
  return add(cast(sides, 'float32'), mul(near, 0));
}

/** a where `truth` (int32, 0 or 1) is 1, b where it is 0. The power 0 turns even NaN and ∞ into 1, the power 1 changes nothing. */
export function select(truth: Tensor, a: Tensor, b: Tensor): Tensor {
  if (a.dtype === 'int32') return add(mul(a, truth), mul(b, not(truth)));
  return mul(pow(a, cast(truth, 'float32')), pow(b, cast(not(truth), 'float32')));
}

/** From here on floats are integers. */
const integral = 2 ** 23;

/** The nearest integer, halves to even; ±∞, NaN and −0 stay. */
export function round(x: Tensor): Tensor {
  const near = clip(x, -integral, integral);
  // between 2²³ and 2²⁴ floats are the integers, so the addition itself rounds; each side of 0 for itself
  const side = (y: Tensor) => sub(add(relu(y), integral), integral);
  const rounded = sub(side(near), side(neg(near)));
  return select(nonZero(sub(rounded, near)), rounded, x);
}

/** The largest integer ≤ x; ±∞, NaN and −0 stay. */
export function floor(x: Tensor): Tensor {
  const near = clip(x, -integral, integral);
  const towardsZero = cast(cast(near, 'int32'), 'float32');
  const below = sub(towardsZero, cast(greater(towardsZero, near), 'float32'));
  return select(nonZero(sub(towardsZero, near)), below, x);
}

/** The smallest integer ≥ x; ±∞, NaN and −0 stay. */
export const ceil = (x: Tensor): Tensor => neg(floor(neg(x)));

/** Bits of the integers that are narrower than the int32 that arithmetic is done in. */
const narrow: Partial<Record<ElementType, readonly [bits: number, signed: boolean]>> = {
  int8: [8, true],
  int16: [16, true],
  uint8: [8, false],
  uint16: [16, false],
};

/** The result of integer arithmetic in a type: narrow ones keep their lowest bits, as C does. */
export function wrapped(x: Tensor, type: ElementType): Value {
  const kind = narrow[type];
  if (kind === undefined) return { tensor: type === 'bool' ? cast(x, 'uint8') : x, type };
  const [bits, signed] = kind;
  const shift = 2 ** (32 - bits);
  // up to the sign bit and back
  const low = div(mul(x, shift), shift);
  const inRange = signed ? low : add(low, mul(clip(neg(low), 0, 1), 2 ** bits));
  return { tensor: type === 'uint8' ? cast(inRange, 'uint8') : inRange, type };
}

/** Truth values, held as 0 and 1. */
export const truth = (x: Tensor): Value => ({ tensor: cast(x, 'uint8'), type: 'bool' });

/** Whether values are not 0, as int32; NaN counts as true, as in C. */
export const truthOf = ({ tensor: x, type }: Value): Tensor => {
  if (isFloat(type)) return not(equal(x, tensor(0)));
  return abs(clip(arithmetic({ tensor: x, type }), -1, 1));
};
