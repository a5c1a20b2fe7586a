/**
 * Weights and inputs from a formula, so that golden files need not hold them. The same as python/formula.py.
 *
 * Element i of the tensor called `name` comes from 32 well-mixed bits: FNV-1a of the name, xor i · 0x9e3779b9, through
 * the finaliser of MurmurHash3. Their upper 24 bits make a number from −1 to 1, exact in float32.
 */
import { type Tensor, tensor } from '@atrous/core';

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

export function fnv1a(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

function mix(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32-bit words by index. */
export function bits(name: string): (i: number) => number {
  const seed = fnv1a(name);
  return (i) => mix(seed ^ Math.imul(i, 0x9e3779b9));
}

/** Numbers in [−1, 1) by index. */
export function uniform(name: string): (i: number) => number {
  const word = bits(name);
  return (i) => (word(i) >>> 8) * 2 ** -23 - 1;
}

/** Offset and factor of the uniform numbers, by the last part of the name. */
function scaleOf(name: string, shape: readonly number[]): readonly [offset: number, factor: number] {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (last === 'running_var' || (last === 'weight' && shape.length === 1)) return [1, 0.5];
  if (last === 'running_mean' || last === 'bias') return [0, 0.25];
  // variance 1 / fan-in
  if (last.startsWith('weight')) return [0, Math.sqrt(3 / Math.max(1, product(shape.slice(1))))];
  return [0, 1];
}

/** The tensor of an input or of a parameter, by its name and shape. */
export function formulaTensor(name: string, shape: readonly number[]): Tensor {
  const u = uniform(name);
  const [offset, factor] = scaleOf(name, shape);
  return tensor(
    Float32Array.from({ length: product(shape) }, (_, i) => offset + factor * u(i)),
    shape,
    'float32',
    name,
  );
}
