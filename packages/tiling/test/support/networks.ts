/** Random networks for properties. */
import {
  add,
  avgPool2d,
  conv2d,
  convTranspose2d,
  interpolate,
  maxPool2d,
  relu,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';

/** Numbers that look random and are the same in every run. */
export function noise(count: number, seed: number): Float32Array {
  let state = (seed + 1) * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state >>> 8) / 2 ** 24) * 2 - 1;
  });
}

const weights = new Map<string, Tensor>();
export function weight(shape: readonly number[], seed: number): Tensor {
  const key = `${shape} ${seed}`;
  const count = shape.reduce((a, b) => a * b, 1);
  const made = weights.get(key) ?? tensor(noise(count, seed), shape);
  weights.set(key, made);
  return made;
}

export type Layer = (x: Tensor) => Tensor;

/** A layer that a counterexample shows by its options. */
const shown = (options: object, layer: Layer): Layer =>
  Object.assign(layer, { [fc.toStringMethod]: () => JSON.stringify(options) });
export const channels = 2;

const conv = fc
  .record({
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 3 }),
    padding: fc.oneof(
      fc.integer({ min: 0, max: 4 }),
      fc.constant('same-upper' as const),
      fc.constant('valid' as const),
    ),
    paddingMode: fc.constantFrom(
      'zeros' as const,
      'zeros' as const,
      'reflect' as const,
      'replicate' as const,
    ),
    seed: fc.nat(9),
  })
  .map((all) => {
    const { kernel, seed, ...options } = all;
    return shown({ conv: all }, (x) =>
      relu(conv2d(x, weight([channels, channels, kernel, kernel], seed), options)),
    );
  });

const pool = fc
  .record({
    kernel: fc.integer({ min: 2, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.integer({ min: 0, max: 1 }),
    max: fc.boolean(),
  })
  .map((all) => {
    const { kernel, max, ...options } = all;
    return shown({ pool: all }, (x) => (max ? maxPool2d(x, kernel, options) : avgPool2d(x, kernel, options)));
  });

const up = fc
  .record({
    kernel: fc.integer({ min: 2, max: 4 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.integer({ min: 0, max: 1 }),
    seed: fc.nat(9),
  })
  .map((all) => {
    const { kernel, seed, ...options } = all;
    return shown({ up: all }, (x) =>
      convTranspose2d(x, weight([channels, channels, kernel, kernel], seed), options),
    );
  });

const scaled = fc.constantFrom('nearest' as const, 'bilinear' as const).map(
  (mode): Layer =>
    (x) =>
      interpolate(x, { scaleFactor: 2, mode }),
);

const branches = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }).map(
  (rates): Layer =>
    (x) =>
      rates.reduce(
        (sum, rate, i) =>
          add(sum, conv2d(x, weight([channels, channels, 3, 3], i), { dilation: rate, padding: rate })),
        x,
      ),
);

/** One layer of a random network. */
export const layer = fc.oneof({ weight: 4, arbitrary: conv }, { weight: 2, arbitrary: pool }, up, scaled, {
  weight: 2,
  arbitrary: branches,
});
