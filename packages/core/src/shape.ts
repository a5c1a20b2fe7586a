import { OptionError, ShapeError } from './errors.js';
import type { DType, Shape, Values } from './graph.js';

/** The largest number of elements of one tensor: indices stay within 32-bit signed integers. */
export const maxElements = 2 ** 31 - 1;

/** The largest number of axes of one tensor. */
export const maxRank = 8;

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, int32: 4, uint8: 1 };

/** Product of the sizes; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Distance in elements between neighbours along each axis, row-major. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function equalShapes(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Throws unless `shape` is a list of at most 8 non-negative integers whose product stays below 2^31. */
export function checkShape(op: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new OptionError(`${op}: shape must be a list of sizes but is ${String(shape)}`, { shape });
  if (shape.length > maxRank)
    throw new ShapeError(
      `${op}: shape ${formatShape(shape)} has ${shape.length} axes; at most ${maxRank} are possible`,
      { shape },
    );
  for (const size of shape)
    if (!Number.isInteger(size) || size < 0)
      throw new ShapeError(
        `${op}: shape ${formatShape(shape)} must hold non-negative integers, not ${String(size)}`,
        { shape },
      );
  const count = elementCount(shape);
  if (count > maxElements)
    throw new ShapeError(
      `${op}: shape ${formatShape(shape)} has ${count} elements; one tensor holds at most ${maxElements}. Work on tiles instead`,
      { shape, count },
    );
}

/** The shape that both broadcast to after NumPy's rule, or undefined. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const sizeA = a[a.length - i] ?? 1;
    const sizeB = b[b.length - i] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) return undefined;
    shape[rank - i] = sizeA === 1 ? sizeB : sizeA;
  }
  return shape;
}

/** A new zero-filled array of this dtype. */
export function allocate(dtype: DType, count: number): Values {
  return dtype === 'float32'
    ? new Float32Array(count)
    : dtype === 'int32'
      ? new Int32Array(count)
      : new Uint8Array(count);
}

/** The dtype that an array stores, or undefined if it is none of atrous's. */
export function dtypeOf(values: unknown): DType | undefined {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Int32Array) return 'int32';
  if (values instanceof Uint8Array || values instanceof Uint8ClampedArray) return 'uint8';
  return undefined;
}

export function isDType(value: unknown): value is DType {
  return value === 'float32' || value === 'int32' || value === 'uint8';
}
