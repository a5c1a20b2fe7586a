import { ShapeError, type Tensor, UnsupportedError } from '@atrous/core';
import { knownValues } from '@atrous/core/model';
import type { Table } from './bytes.js';
import type { Value } from './value.js';

/** What an operator sees of its place in the file. */
export interface Context {
  /** Inputs that the file leaves out are undefined. */
  readonly inputs: readonly (Value | undefined)[];
  readonly options: Options;
  /** Number of outputs that the file names. */
  readonly outputs: number;
}

/** Makes the outputs, lazily. */
export type Operator = (context: Context) => Value | readonly Value[];

export type OperatorTable = Readonly<Record<string, Operator>>;

/** Options of an operator; all have their default where the file has no table. */
export class Options {
  constructor(readonly table: Table | undefined) {}
  int(field: number, otherwise = 0): number {
    return this.table?.int32(field, otherwise) ?? otherwise;
  }
  byte(field: number): number {
    return this.table?.int8(field) ?? 0;
  }
  flag(field: number): boolean {
    return this.table?.bool(field) ?? false;
  }
  float(field: number, otherwise = 0): number {
    return this.table?.float32(field, otherwise) ?? otherwise;
  }
  ints(field: number): number[] {
    return this.table?.ints(field) ?? [];
  }
}

/** An input that must be there. */
export function operand({ inputs }: Context, index: number): Value {
  const value = inputs[index];
  if (value === undefined)
    throw new ShapeError(`input ${index} is missing (${inputs.length} given)`, { inputs: inputs.length });
  return value;
}

/** The numbers of an input that must follow from constants and shapes. */
export function numbers(context: Context, index: number, what: string): number[] {
  const value = operand(context, index);
  const values = value.known ? knownValues(value.last) : undefined;
  if (values === undefined)
    throw new UnsupportedError(
      `${what} (input ${index}) depends on the network's inputs; export it with constant ${what}`,
      { input: index },
    );
  return [...values];
}

/** A position from the end made one from the start. */
export function fromStart(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank)
    throw new ShapeError(`axis ${axis} does not exist in ${rank} axes`, { axis, rank });
  return at;
}

/** Says of a size that does not fit that the file fixes it. */
export function constantSize(what: string, wanted: readonly number[], got: readonly number[]): ShapeError {
  return new ShapeError(
    `${what} is constant in the file, [${wanted.join(', ')}], and does not fit x [${got.join(', ')}]; give the input in the file's size, or export the network for this one`,
    { wanted, got },
  );
}

export type Make = (x: Tensor) => Tensor;
