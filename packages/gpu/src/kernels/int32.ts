/**
 * int32 arithmetic on two planes (see dtype.ts) as statements: a value is the pair `{name}h`, `{name}l` with
 * `{name}h * 2^16 + {name}l`, `h` in [−2^15, 2^15) and `l` in [0, 2^16). Every intermediate is a whole number below
 * 2^24, so that float32 is exact; results wrap like those of an Int32Array.
 */
import type { BinaryFunction, UnaryFunction } from '@atrous/core';
import { type ArrayArgument, type Launch, launch, type View } from '../kernel.js';

/** Brings the high part back into its range. */
export const wrapHigh = (h: string): string => `${h} = ${h} - Math.floor((${h} + 32768) / 65536) * 65536;`;

const negate = (v: string) => `${v}h = -${v}h;
if (${v}l > 0) { ${v}l = 65536 - ${v}l; ${v}h = ${v}h - 1; }
${wrapHigh(`${v}h`)}`;

/** Whether pair `a` is less than pair `b`. */
export const lessThan = (a: string, b: string): string =>
  `(${a}h < ${b}h || (${a}h === ${b}h && ${a}l < ${b}l))`;

export const int32Unary: Readonly<Partial<Record<UnaryFunction, string>>> = {
  relu: 'if (vh < 0) { vh = 0; vl = 0; }',
  neg: negate('v'),
  abs: `if (vh < 0) {\n${negate('v')}\n}`,
};

/** `v = v ∘ b`; `b` may be changed. Names that start with `b` are unique to the operand. */
export const int32Binary: Readonly<Partial<Record<BinaryFunction, (b: string) => string>>> = {
  add: (b) => `vl = vl + ${b}l;
vh = vh + ${b}h;
if (vl >= 65536) { vl = vl - 65536; vh = vh + 1; }
${wrapHigh('vh')}`,
  sub: (b) => `vl = vl - ${b}l;
vh = vh - ${b}h;
if (vl < 0) { vl = vl + 65536; vh = vh - 1; }
${wrapHigh('vh')}`,
  mul: multiply,
  div: divide,
  min: (b) => `if (${lessThan(b, 'v')}) { vh = ${b}h; vl = ${b}l; }`,
  max: (b) => `if (${lessThan('v', b)}) { vh = ${b}h; vl = ${b}l; }`,
};

/** Declares the low 16 bits of `x * y` for 16-bit x and y, and the bits above as `{name}c`. */
function product16(name: string, x: string, y: string): string {
  return `const ${name}p = Math.floor(${x} / 256);
const ${name}q = ${name}p * ${y};
const ${name}r = Math.floor(${name}q / 256);
const ${name}s = (${x} - ${name}p * 256) * ${y} + (${name}q - ${name}r * 256) * 256;
const ${name}t = Math.floor(${name}s / 65536);
const ${name}c = ${name}r + ${name}t;
const ${name} = ${name}s - ${name}t * 65536;`;
}

const unsigned16 = (name: string, h: string) => `let ${name} = ${h};
if (${name} < 0) { ${name} = ${name} + 65536; }`;

function multiply(b: string): string {
  return `${unsigned16(`${b}u`, 'vh')}
${unsigned16(`${b}w`, `${b}h`)}
${product16(`${b}x`, 'vl', `${b}l`)}
${product16(`${b}y`, `${b}u`, `${b}l`)}
${product16(`${b}z`, 'vl', `${b}w`)}
vl = ${b}x;
vh = ${b}xc + ${b}y + ${b}z;
${wrapHigh('vh')}`;
}

/** Magnitudes divided bit by bit; towards zero, and 0 for a division by 0. `bits` is the scalar 32. */
function divide(b: string): string {
  return `let ${b}n = 0;
if (vh < 0) {
${negate('v')}
${b}n = 1 - ${b}n;
}
if (vh < 0) { vh = 32768; }
if (${b}h < 0) {
${negate(b)}
${b}n = 1 - ${b}n;
}
if (${b}h < 0) { ${b}h = 32768; }
let ${b}rh = 0;
let ${b}rl = 0;
let ${b}qh = 0;
let ${b}ql = 0;
for (let i = 0; i < bits; i += 1) {
  vl = vl * 2;
  vh = vh * 2;
  if (vl >= 65536) { vl = vl - 65536; vh = vh + 1; }
  ${b}rl = ${b}rl * 2;
  ${b}rh = ${b}rh * 2;
  if (vh >= 65536) { vh = vh - 65536; ${b}rl = ${b}rl + 1; }
  if (${b}rl >= 65536) { ${b}rl = ${b}rl - 65536; ${b}rh = ${b}rh + 1; }
  ${b}ql = ${b}ql * 2;
  ${b}qh = ${b}qh * 2;
  if (${b}ql >= 65536) { ${b}ql = ${b}ql - 65536; ${b}qh = ${b}qh + 1; }
  if (${b}rh > ${b}h || (${b}rh === ${b}h && ${b}rl >= ${b}l)) {
    ${b}ql = ${b}ql + 1;
    ${b}rl = ${b}rl - ${b}l;
    ${b}rh = ${b}rh - ${b}h;
    if (${b}rl < 0) { ${b}rl = ${b}rl + 65536; ${b}rh = ${b}rh - 1; }
  }
}
vh = ${b}qh;
vl = ${b}ql;
if (${b}h === 0 && ${b}l === 0) { vh = 0; vl = 0; ${b}n = 0; }
if (${b}n > 0) {
${negate('v')}
}
${wrapHigh('vh')}`;
}

/** A view of both planes of a value whose one plane looks like this. */
export const bothPlanes = ([depth, height, width]: View): View => [2 * depth, height, width];

/**
 * A launch that computes pairs: the body finds where it is in `z`, `this.thread.y` and `this.thread.x`, and leaves the
 * result in `vh` and `vl`. Each thread keeps the part that belongs to its plane.
 */
export function launchPairs(parts: {
  /** One plane of the result. */
  readonly output: View;
  readonly arrays: readonly ArrayArgument[];
  readonly scalars?: Readonly<Record<string, number>>;
  readonly body: string;
}): Launch {
  const depth = parts.output[0];
  return launch({
    ...parts,
    output: bothPlanes(parts.output),
    body: `const plane = Math.floor((this.thread.z + 0.5) / ${depth});
const z = this.thread.z - plane * ${depth};
${parts.body}
let v = vh;
if (plane > 0) { v = vl; }
return v;`,
  });
}

/** Declares the pair of an element of an array seen in both planes; `at` is its index behind the depth. */
export const readPair = (name: string, array: string, depth: number, z: string, at: string): string =>
  `let ${name}h = ${array}[${z}]${at};
let ${name}l = ${array}[${z} + ${depth}]${at};`;
