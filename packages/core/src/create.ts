import { checkNumber, describe } from './check.js';
import { OptionError, ShapeError } from './errors.js';
import type { Arrays, DType, Shape, Values } from './graph.js';
import { allocate, checkShape, dtypeOf, elementCount, formatShape, isDType, maxRank } from './shape.js';
import { makeTensor, type NestedNumbers, Tensor } from './tensor.js';

function checkDTypeName(op: string, dtype: unknown): asserts dtype is DType {
  if (!isDType(dtype))
    throw new OptionError(`${op}: dtype must be 'float32', 'int32' or 'uint8' but is ${describe(dtype)}`, {
      dtype,
    });
}

const leaf = <D extends DType>(data: Arrays[D], shape: Shape, dtype: D, name?: string): Tensor<D> =>
  makeTensor({ kind: 'constant', value: { data: data as Values }, inputs: [] }, shape, dtype, name);

/**
 * A tensor of known values.
 *
 * A typed array of the wanted dtype is adopted, not copied: do not change it afterwards. Nested arrays give their own
 * shape; flat values take `shape` (default: one axis).
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]);                       // float32 [2, 2]
 * tensor(new Float32Array(12), [1, 3, 2, 2]);
 * ```
 *
 * @param dtype default: that of the typed array, float32 for plain arrays
 * @throws ShapeError if the values do not fill `shape` or nested arrays are ragged; OptionError for other values
 */
export function tensor(
  values: Float32Array,
  shape?: Shape,
  dtype?: 'float32',
  name?: string,
): Tensor<'float32'>;
export function tensor(values: Int32Array, shape?: Shape, dtype?: 'int32', name?: string): Tensor<'int32'>;
export function tensor(
  values: Uint8Array | Uint8ClampedArray,
  shape?: Shape,
  dtype?: 'uint8',
  name?: string,
): Tensor<'uint8'>;
export function tensor(values: Values, shape?: Shape): Tensor;
export function tensor<D extends DType = 'float32'>(
  values: Values | NestedNumbers | readonly number[],
  shape?: Shape,
  dtype?: D,
  name?: string,
): Tensor<D>;
export function tensor<D extends DType>(
  values: Values | NestedNumbers | readonly number[],
  shape?: Shape,
  dtype?: D,
  name?: string,
): Tensor<D> {
  if (dtype !== undefined) checkDTypeName('tensor', dtype);
  if (ArrayBuffer.isView(values)) {
    const own = dtypeOf(values);
    if (own === undefined)
      throw new OptionError(
        `tensor: values must be a Float32Array, Int32Array, Uint8Array, nested arrays or a number but is ${describe(values)}; convert it first`,
      );
    const flat = values as Values;
    const wanted = (dtype ?? own) as D;
    const size = shape ?? [flat.length];
    checkFilled(size, flat.length);
    return leaf(own === wanted ? (flat as Arrays[D]) : convert(flat, wanted), size, wanted, name);
  }
  const found = nestedShape(values as NestedNumbers);
  const count = elementCount(found);
  if (shape !== undefined) checkFilled(shape, count);
  const flat: number[] = [];
  flatten(values as NestedNumbers, found, 0, flat);
  const wanted = (dtype ?? 'float32') as D;
  return leaf(convert(flat, wanted), shape ?? found, wanted, name);
}

function checkFilled(shape: Shape, count: number): void {
  checkShape('tensor', shape);
  if (elementCount(shape) !== count)
    throw new ShapeError(
      `tensor: shape ${formatShape(shape)} holds ${elementCount(shape)} values but ${count} were given`,
      { shape, count },
    );
}

function nestedShape(values: NestedNumbers): number[] {
  const shape: number[] = [];
  for (let level: NestedNumbers | undefined = values; Array.isArray(level); level = level[0]) {
    if (shape.length === maxRank) throw new ShapeError(`tensor: values are nested more than ${maxRank} deep`);
    shape.push(level.length);
  }
  checkShape('tensor', shape);
  return shape;
}

function flatten(values: NestedNumbers, shape: Shape, axis: number, out: number[]): void {
  if (axis === shape.length) {
    if (typeof values !== 'number')
      throw new OptionError(`tensor: values must be numbers but one is ${describe(values)}`);
    out.push(values);
    return;
  }
  if (!Array.isArray(values) || values.length !== shape[axis])
    throw new ShapeError(
      `tensor: nested arrays are ragged: axis ${axis} has ${shape[axis]} entries in the first row but ${Array.isArray(values) ? values.length : describe(values)} in another`,
      { shape },
    );
  for (const value of values) flatten(value, shape, axis + 1, out);
}

const ranges = { int32: [-(2 ** 31), 2 ** 31 - 1], uint8: [0, 255] } as const;

function convert<D extends DType>(values: ArrayLike<number>, dtype: D): Arrays[D] {
  const out = allocate(dtype, values.length);
  if (dtype !== 'float32') {
    const [low, high] = ranges[dtype as 'int32' | 'uint8'];
    for (let i = 0; i < values.length; i++)
      if (!Number.isInteger(values[i]) || values[i]! < low || values[i]! > high)
        throw new OptionError(
          `tensor: value ${values[i]} at index ${i} is no ${dtype} (integers from ${low} to ${high}); round it or use float32`,
          {
            index: i,
            value: values[i],
            dtype,
          },
        );
  }
  out.set(values);
  return out as Arrays[D];
}

/**
 * A placeholder for a value that is given later: what a traced function is called with.
 *
 * @param shape sizes per axis, `[N, C, H, W]` for pictures
 * @param dtype default float32
 * @param name shown in messages and graphs
 */
export function input<D extends DType = 'float32'>(shape: Shape, dtype?: D, name?: string): Tensor<D> {
  checkShape('input', shape);
  const wanted = (dtype ?? 'float32') as D;
  checkDTypeName('input', wanted);
  return makeTensor({ kind: 'input', inputs: [] }, shape, wanted, name);
}

/** A tensor filled with one value. */
export function full<D extends DType = 'float32'>(shape: Shape, value: number, dtype?: D): Tensor<D> {
  return filled('full', shape, value, (dtype ?? 'float32') as D);
}

/** A tensor of zeros; default float32. */
export function zeros<D extends DType = 'float32'>(shape: Shape, dtype?: D): Tensor<D> {
  return filled('zeros', shape, 0, (dtype ?? 'float32') as D);
}

/** A tensor of ones; default float32. */
export function ones<D extends DType = 'float32'>(shape: Shape, dtype?: D): Tensor<D> {
  return filled('ones', shape, 1, (dtype ?? 'float32') as D);
}

function filled<D extends DType>(op: string, shape: Shape, value: number, dtype: D): Tensor<D> {
  checkShape(op, shape);
  checkDTypeName(op, dtype);
  checkNumber(op, 'value', value);
  const [exact] = convert([value], dtype);
  return leaf(allocate(dtype, elementCount(shape)).fill(exact!) as Arrays[D], shape, dtype);
}

/** Whether a value is a tensor. */
export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;
