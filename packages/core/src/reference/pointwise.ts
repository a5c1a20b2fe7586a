import type { HostKernel } from '../backend/host.js';
import type { BinaryFunction, DType, NodeOf, UnaryFunction } from '../graph.js';

/** The unary functions in float64. */
export const unaryFunctions: Readonly<Record<UnaryFunction, (x: number) => number>> = {
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  silu: (x) => (x === -Infinity ? -0 : x / (1 + Math.exp(-x))),
  hardSwish: (x) => (x <= -3 ? 0 : x >= 3 ? x : (x * (x + 3)) / 6),
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  erf,
  abs: Math.abs,
  neg: (x) => -x,
};

const floatFunctions: Readonly<Record<BinaryFunction, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  pow: Math.pow,
};

/** Stores into an Int32Array wrap sums; products need exact low bits. Division by 0 gives 0. */
const integerFunctions: typeof floatFunctions = {
  ...floatFunctions,
  mul: Math.imul,
  div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
};

/** The binary functions for a dtype: float64 arithmetic, or int32 arithmetic. */
export const binaryFunctions = (dtype: DType): typeof floatFunctions =>
  dtype === 'float32' ? floatFunctions : integerFunctions;

/**
 * 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)) (Abramowitz & Stegun 7.1.6): no cancellation, float64 accurate.
 */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  let term = size;
  let sum = size;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * size * size) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-size * size) * sum;
}

export const pointwise: HostKernel = (node, inputs, output) => {
  const a = inputs[0]!.data;
  switch (node.kind) {
    case 'unary': {
      const fn = unaryFunctions[node.fn];
      for (let i = 0; i < output.length; i++) output[i] = fn(a[i]!);
      return;
    }
    case 'clip': {
      const { min, max } = node;
      for (let i = 0; i < output.length; i++) output[i] = Math.min(Math.max(a[i]!, min), max);
      return;
    }
    case 'binary': {
      const fn = binaryFunctions(node.dtype)[node.fn];
      const b = inputs[1]!.data;
      for (let i = 0; i < output.length; i++) output[i] = fn(a[i]!, b[i]!);
    }
  }
};

const limits = { int32: [-(2 ** 31), 2 ** 31 - 1], uint8: [0, 255] } as const;

export const cast: HostKernel = (node, inputs, output) => {
  const { data } = inputs[0]!;
  const { dtype } = node as NodeOf<'cast'>;
  if (dtype === 'float32') {
    output.set(data);
    return;
  }
  const [low, high] = limits[dtype];
  for (let i = 0; i < output.length; i++) {
    const value = data[i]!;
    output[i] = value >= low ? (value <= high ? Math.trunc(value) : high) : Number.isNaN(value) ? 0 : low;
  }
};
