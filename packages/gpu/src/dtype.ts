/**
 * How dtypes live in float32, the only type that resides on every device.
 *
 * uint8 is exact as it is. int32 lies in two planes, one after the other: `floor(v / 2^16)` and the 16 bits below, so
 * that every value is exact and moving values moves both planes.
 */
import type { DType, Graph, Values } from '@atrous/core';

export const planesOf = (dtype: DType): 1 | 2 => (dtype === 'int32' ? 2 : 1);

export const half = 2 ** 16;

/** The plane values of one number of this dtype, as an assignment to its typed array would make it. */
export function storedValue(dtype: DType, value: number): readonly number[] {
  switch (dtype) {
    case 'float32':
      return [Math.fround(value)];
    case 'uint8':
      return [value & 255];
    case 'int32':
      return [value >> 16, value & 0xffff];
  }
}

/** What is uploaded for an array; the array itself where nothing changes. */
export function toFloats(values: Values): Float32Array | Uint8Array | Uint8ClampedArray {
  if (!(values instanceof Int32Array)) return values;
  const floats = new Float32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    floats[i] = values[i]! >> 16;
    floats[values.length + i] = values[i]! & 0xffff;
  }
  return floats;
}

/** Writes what was read back into an array of the dtype. */
export function fromFloats(floats: Float32Array, out: Values): void {
  if (out instanceof Int32Array)
    for (let i = 0; i < out.length; i++) out[i] = (floats[i]! << 16) | floats[out.length + i]!;
  else out.set(floats.length === out.length ? floats : floats.subarray(0, out.length));
}

/** An array for the value of a node. */
export function emptyLike(graph: Graph, index: number): Values {
  const { dtype, shape } = graph.nodes[index]!;
  const count = shape.reduce((a, b) => a * b, 1);
  switch (dtype) {
    case 'float32':
      return new Float32Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'uint8':
      return new Uint8Array(count);
  }
}
