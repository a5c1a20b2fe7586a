import { OptionError, ShapeError } from './errors.js';
import type { DType, Shape } from './graph.js';
import { formatShape } from './shape.js';
import { Tensor } from './tensor.js';

/** One number for all spatial axes, or one per axis, outermost first. */
export type PerAxis = number | readonly number[];

/** Throws unless `value` is a safe integer of at least `minimum`. */
export function checkInteger(
  op: string,
  name: string,
  value: unknown,
  minimum: number,
): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < minimum)
    throw new OptionError(
      `${op}: ${name} must be an integer of at least ${minimum} but is ${describe(value)}`,
      { [name]: value },
    );
}

/** Throws unless `value` is a number and not NaN. */
export function checkNumber(op: string, name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new OptionError(`${op}: ${name} must be a number but is ${describe(value)}`, { [name]: value });
}

/** One integer per axis from a number or a list. */
export function perAxis(op: string, name: string, value: PerAxis, axes: number, minimum: number): number[] {
  const list = Array.isArray(value)
    ? (value as readonly number[])
    : new Array<number>(axes).fill(value as number);
  if (list.length !== axes)
    throw new OptionError(
      `${op}: ${name} [${list.join(', ')}] has ${list.length} entries; give one number or ${axes}, one per spatial axis`,
      {
        [name]: value,
        axes,
      },
    );
  for (const entry of list) checkInteger(op, name, entry, minimum);
  return [...list];
}

/** Throws unless `value` is one of the allowed words. */
export function checkOneOf<T extends string>(
  op: string,
  name: string,
  value: unknown,
  allowed: readonly T[],
): asserts value is T {
  if (!allowed.includes(value as T))
    throw new OptionError(
      `${op}: ${name} must be ${allowed.map((word) => `'${word}'`).join(', ')} but is ${describe(value)}`,
      {
        [name]: value,
      },
    );
}

/** The axis as a non-negative number; negative axes count from the end. */
export function resolveAxis(op: string, axis: unknown, rank: number): number {
  if (!Number.isInteger(axis) || (axis as number) < -rank || (axis as number) >= rank)
    throw new OptionError(
      `${op}: axis must be an integer from ${-rank} to ${rank - 1} but is ${describe(axis)} (rank ${rank})`,
      { axis, rank },
    );
  return (axis as number) < 0 ? (axis as number) + rank : (axis as number);
}

export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor))
    throw new OptionError(
      `${op}: ${name} must be a Tensor but is ${describe(value)}; make one with tensor(values, shape)`,
      { [name]: value },
    );
}

export function checkDType(op: string, name: string, value: Tensor, allowed: readonly DType[]): void {
  if (!allowed.includes(value.dtype))
    throw new ShapeError(
      `${op}: ${name} must be ${allowed.join(' or ')} but is ${value.dtype} (${name} ${formatShape(value.shape)}); convert it with cast()`,
      {
        [name]: value.shape,
        dtype: value.dtype,
      },
    );
}

export function checkRank(op: string, name: string, shape: Shape, rank: number, layout: string): void {
  if (shape.length !== rank)
    throw new ShapeError(
      `${op}: ${name} must have ${rank} axes ${layout} but has ${shape.length} (${name} ${formatShape(shape)})`,
      { [name]: shape },
    );
}

/** A short readable form of any value for a message. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value))
    return `[${value.slice(0, 8).map(describe).join(', ')}${value.length > 8 ? ', …' : ''}]`;
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object';
  return String(value);
}
