/** Small steps that many rows of the table share. */
import {
  type DType,
  FormatError,
  type Shape,
  ShapeError,
  type Tensor,
  tensor,
  UnsupportedError,
} from '@atrous/core';
import { isKnown } from '@atrous/core/model';
import type { ElementType, NodeContext, Operator, Value } from '../operator.js';

type Inputs = readonly (Value | undefined)[];

/** The input that an operator cannot do without. */
export function required(inputs: Inputs, index: number, name: string): Value {
  const value = inputs[index];
  if (value === undefined) throw new FormatError(`input ${index} (${name}) is missing`, { index, name });
  return value;
}

/** The attribute that an operator cannot do without. */
export function given<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new FormatError(`attribute ${name} is missing`, { name });
  return value;
}

/** A result of the same element type. */
export const like = ({ type }: Value, result: Tensor): Value => ({ tensor: result, type });

export const isFloat = (type: ElementType): boolean =>
  type === 'float' || type === 'float16' || type === 'double';

/** How a tensor of each element type is held. */
export const dtypeOf = (type: ElementType): DType =>
  isFloat(type) ? 'float32' : type === 'uint8' || type === 'bool' ? 'uint8' : 'int32';

/** Known integers of type int64, as shapes are. */
export const integers = (values: readonly number[], shape: Shape = [values.length]): Value => ({
  tensor: tensor(Int32Array.from(values), shape),
  type: 'int64',
});

/** Integer attribute that is a truth value. */
export const flag = ({ attributes }: NodeContext, name: string, otherwise = false): boolean =>
  attributes.number(name, otherwise ? 1 : 0) !== 0;

/** Axis from the front; negative ones count from the end. */
export function axisOf(axis: number, rank: number, most = rank - 1): number {
  if (!Number.isInteger(axis) || axis < -rank || axis > most)
    throw new FormatError(`axis must be from ${-rank} to ${most} but is ${axis}`, { axis, rank });
  return axis < 0 ? axis + rank : axis;
}

/**
 * A list that older versions of an operator carry as an attribute and newer ones as an input; undefined where it is
 * left out.
 */
export function listOf(inputs: Inputs, index: number, name: string, context: NodeContext) {
  const value = inputs[index];
  return value === undefined ? context.attributes.numbers(name) : context.known(value, name);
}

/** The numbers of an optional input where they follow from constants and shapes; undefined otherwise. */
export const knownOrNot = (value: Value | undefined, what: string, context: NodeContext) =>
  value !== undefined && isKnown(value.tensor) ? context.known(value, what) : undefined;

export const product = (sizes: Shape): number => sizes.reduce((result, size) => result * size, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/** The shape that all broadcast to after NumPy's rule. */
export function broadcastShape(...shapes: Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[i - rank + shape.length] ?? 1);
    const size = sizes.find((s) => s !== 1) ?? 1;
    if (sizes.some((s) => s !== 1 && s !== size))
      throw new ShapeError(
        `shapes ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')} do not broadcast; aligned from the right, sizes must be equal or 1`,
        { shapes },
      );
    return size;
  });
}

/** A row that maps its first input, keeping the element type. Version 1 of some rows names a memory hint. */
export const mapping = (
  apply: (x: Tensor, context: NodeContext) => Tensor,
  ...attributes: readonly string[]
): Operator => ({
  attributes: [...attributes, 'consumed_inputs'],
  run(inputs, context) {
    const x = required(inputs, 0, 'X');
    return like(x, apply(x.tensor, context));
  },
});

/** An attribute's value that ONNX allows and atrous does not. */
export const unsupportedValue = (
  name: string,
  value: unknown,
  allowed: readonly unknown[],
): UnsupportedError =>
  new UnsupportedError(
    `${name} ${describe(value)} is not supported; export the network with ${allowed.map(describe).join(' or ')}`,
    { [name]: value },
  );

const describe = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value));
