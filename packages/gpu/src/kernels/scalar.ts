/**
 * Functions of one number as statements that change the variable `v`; `id` makes the names of helpers unique.
 *
 * Comparisons instead of `Math.min` and `Math.max` keep NaN a NaN, which GLSL leaves open. Only `!(v === v)` finds NaN
 * everywhere: WGSL's `!=` is false for it. What GLSL and WGSL leave open elsewhere (tanh of large numbers, powers of
 * negative ones) is composed from what they define.
 */
import type { BinaryFunction, UnaryFunction } from '@atrous/core';

/** 0 / 0 where no compiler can see it. */
const notANumber = '(v - v) / (v - v)';

/** `Math.exp` of NaN is a number on some devices: puts the NaN back. */
export const keepNaN = (id: string, text: string): string =>
  `const n${id} = v;\n${text}\nif (!(n${id} === n${id})) { v = n${id}; }`;

/** A polynomial in `x` by Horner's rule, lowest coefficient first. */
const polynomial = (x: string, coefficients: readonly number[]): string =>
  coefficients.length === 1
    ? `(${coefficients[0]!.toFixed(12)})`
    : `(${coefficients[0]!.toFixed(12)} + ${x} * ${polynomial(x, coefficients.slice(1))})`;

const tanhSeries = [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925];
const erfSeries = [
  1,
  -1 / 3,
  1 / 10,
  -1 / 42,
  1 / 216,
  -1 / 1320,
  1 / 9360,
  -1 / 75600,
  1 / 685440,
  -1 / 6894720,
];
/** Abramowitz & Stegun 7.1.26, error below 1.5e-7. */
const erfTail = [0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

export const unaryText: Readonly<Record<UnaryFunction, (id: string) => string>> = {
  relu: () => 'if (v < 0) { v = 0; }',
  sigmoid: (id) => keepNaN(id, 'v = 1 / (1 + Math.exp(-v));'),
  // Near 0 the quotient would cancel.
  tanh: (id) =>
    keepNaN(
      id,
      `const q${id} = v * v;
const e${id} = Math.exp(-2 * Math.abs(v));
let t${id} = (1 - e${id}) / (1 + e${id});
if (v < 0) { t${id} = -t${id}; }
if (q${id} < 0.1) { t${id} = v * ${polynomial(`q${id}`, tanhSeries)}; }
v = t${id};`,
    ),
  // Below −88 the exponential overflows; the result is nearer to 0 than float32 can tell.
  silu: (id) => keepNaN(id, 'if (v < -88) { v = 0; } else { v = v / (1 + Math.exp(-v)); }'),
  hardSwish: () => `if (v <= -3) { v = 0; }
if (v < 3) { v = v * (v + 3) / 6; }`,
  exp: (id) => keepNaN(id, 'v = Math.exp(v);'),
  // Drivers give large numbers in place of the infinities.
  log: (id) => `const s${id} = v;
if (s${id} >= 0) {
  if (s${id} === 0) { v = -1 / Math.abs(s${id}); }
  if (s${id} > 0 && s${id} * 0.5 < s${id}) { v = Math.log(s${id}); }
} else { v = ${notANumber}; }`,
  sqrt: () => `if (v >= 0) { v = Math.sqrt(v); } else { v = ${notANumber}; }`,
  erf: (id) =>
    keepNaN(
      id,
      `const q${id} = v * v;
const s${id} = Math.abs(v);
const t${id} = 1 / (1 + 0.3275911 * s${id});
let f${id} = 1 - ${polynomial(`t${id}`, erfTail)} * Math.exp(-q${id});
if (v < 0) { f${id} = -f${id}; }
if (q${id} < 1) { f${id} = v * 1.128379167 * ${polynomial(`q${id}`, erfSeries)}; }
v = f${id};`,
    ),
  abs: () => 'v = Math.abs(v);',
  neg: () => 'v = -v;',
};

/** `v = v ∘ b` in float32. */
export const binaryText: Readonly<Record<BinaryFunction, (id: string, b: string) => string>> = {
  add: (_, b) => `v = v + ${b};`,
  sub: (_, b) => `v = v - ${b};`,
  mul: (_, b) => `v = v * ${b};`,
  div: (_, b) => `v = v / ${b};`,
  min: (id, b) => `const b${id} = ${b};
if (b${id} < v || !(b${id} === b${id})) { v = b${id}; }`,
  max: (id, b) => `const b${id} = ${b};
if (b${id} > v || !(b${id} === b${id})) { v = b${id}; }`,
  pow: (id, b) => `const b${id} = ${b};
const a${id} = v;
const s${id} = Math.abs(v);
const h${id} = Math.floor(b${id} / 2) * 2;
const w${id} = Math.floor(b${id});
if (s${id} > 0) { v = Math.pow(s${id}, b${id}); } else { v = 0; }
if (a${id} === 0 && b${id} < 0) { v = 1 / s${id}; }
if (a${id} < 0 && w${id} === b${id} && h${id} !== b${id}) { v = -v; }
if (a${id} < 0 && w${id} !== b${id} && s${id} * 0.5 < s${id}) { v = (v - v) / (v - v); }
if (!(a${id} === a${id})) { v = a${id}; }
if (b${id} === 1) { v = a${id}; }
if (b${id} === 2) { v = a${id} * a${id}; }
if (b${id} === 0) { v = 1; }`,
};

/** Clamps to `[low, high]`, the names of two scalars. */
export const clipText = (low: string, high: string): string => `if (v < ${low}) { v = ${low}; }
if (v > ${high}) { v = ${high}; }`;
