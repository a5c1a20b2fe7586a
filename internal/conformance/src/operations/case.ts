import { type DType, type Tensor, tensor } from '@atrous/core';

export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  /** Default `'noise'`: values in [-2, 2), or small integers. `'positive'`: (0, 2]. A list gives the values. */
  /** Known when the graph is made, as weights are; otherwise an input of the program. Default false. */
  readonly constant?: boolean;
  readonly fill?: 'noise' | 'positive' | readonly number[];
}

export interface OperationCase {
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  readonly apply: (inputs: readonly Tensor[]) => Tensor | readonly Tensor[];
  /** Largest error allowed, absolute and relative, before the backend's factor. Default 1e-5; 0: exact. */
  readonly tolerance?: number;
  /** Products that one output adds up. Default 1. */
  readonly sumLength?: number;
}

/** A well-mixed hash of (seed, i) in [0, 1): the same on every machine. */
function noise(seed: number, i: number): number {
  let h = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

/** The tensor that a spec describes. */
export function makeInput({ shape, dtype = 'float32', fill = 'noise' }: InputSpec, seed: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const value = (i: number) => {
    if (typeof fill !== 'string') return fill[i % fill.length]!;
    const u = noise(seed, i);
    if (dtype === 'uint8') return Math.floor(u * 256);
    if (dtype === 'int32') return Math.floor(u * 200) - (fill === 'positive' ? -1 : 100);
    return fill === 'positive' ? 2 - 2 * u : 4 * u - 2;
  };
  const data = Array.from({ length: count }, (_, i) => value(i));
  const array =
    dtype === 'float32'
      ? Float32Array.from(data)
      : dtype === 'int32'
        ? Int32Array.from(data)
        : Uint8Array.from(data);
  return tensor(array, shape, dtype);
}

export const dtypes: readonly DType[] = ['float32', 'int32', 'uint8'];
export const x2d: InputSpec = { shape: [2, 3, 7, 6] };

export const one = (
  name: string,
  input: InputSpec,
  apply: (x: Tensor) => Tensor,
  more: Partial<OperationCase> = {},
): OperationCase => ({
  name,
  inputs: [input],
  apply: ([x]) => apply(x!),
  ...more,
});

export const two = (
  name: string,
  a: InputSpec,
  b: InputSpec,
  apply: (a: Tensor, b: Tensor) => Tensor,
  more: Partial<OperationCase> = {},
): OperationCase => ({
  name,
  inputs: [a, b],
  apply: ([x, y]) => apply(x!, y!),
  ...more,
});
