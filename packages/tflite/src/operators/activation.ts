import { clip, relu, relu6, type Tensor, tanh, UnsupportedError } from '@atrous/core';
import type { Value } from '../value.js';

/** Activations that an operator carries, by their number. */
const fused: readonly ((x: Tensor) => Tensor)[] = [(x) => x, relu, (x) => clip(x, -1, 1), relu6, tanh];

export function checkActivation(number: number): void {
  if (fused[number] === undefined)
    throw new UnsupportedError(
      `fused activation number ${number} is not read (0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6, 4 TANH); export it as an operator of its own`,
      { activation: number },
    );
}

/** Applies the activation that an operator carries. */
export function activated(x: Value, number: number): Value {
  checkActivation(number);
  return number === 0 ? x : x.like(fused[number]!(x.natural.tensor));
}
