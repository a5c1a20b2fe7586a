import type { Tensor } from '@atrous/core';
import type { Attributes } from './attributes.js';

/** The element types of ONNX that are read; all others are rejected by name. */
export type ElementType =
  | 'float'
  | 'float16'
  | 'double'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'bool';

/**
 * A value while a model is traced: a lazy tensor, and the type that ONNX gives it. Floats are float32 tensors,
 * integers int32, `uint8` and `bool` uint8. Values beyond int32 (the INT64_MAX of an open slice) are saturated.
 */
export interface Value {
  readonly tensor: Tensor;
  readonly type: ElementType;
}

/** What an operator sees of the node that it computes. */
export interface NodeContext {
  readonly attributes: Attributes;
  /** The version of the operator set that the file is written for. */
  readonly opset: number;
  /** How many outputs the node names. */
  readonly outputs: number;
  /** The numbers of a value that follows from constants and shapes alone; `what` names it in the error otherwise. */
  known(value: Value, what: string): readonly number[];
}

/** One operator: a row of the table. */
export interface Operator {
  /** The first version of its operator set that is read; default 1. */
  readonly since?: number;
  /** Every attribute that is understood. Any other is reported when the file is loaded. */
  readonly attributes?: readonly string[];
  /**
   * Computes the outputs, lazily. Inputs that the node leaves out are undefined.
   *
   * @throws UnsupportedError for what ONNX allows and atrous does not; the caller puts the node's name in front
   */
  run(inputs: readonly (Value | undefined)[], context: NodeContext): readonly Value[] | Value;
}

/** Operators by their ONNX name. */
export type OperatorTable = Readonly<Record<string, Operator>>;
