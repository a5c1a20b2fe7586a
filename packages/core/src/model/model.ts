import type { DType } from '../graph.js';
import type { Tensor } from '../tensor.js';

/** An input or output of a model file. */
export interface ModelValue {
  readonly name: string;
  /** What tensors it takes or gives. */
  readonly dtype: DType;
  /** The type that the file states, where atrous converts: `int64`, `float16`, `bool`. */
  readonly storedType: string;
  /** Sizes per axis, outermost first; a name or `'?'` where any size fits. Absent where the file says nothing. */
  readonly shape?: readonly (number | string)[];
}

/** What reading a model file found out, beside the function itself. */
export interface ModelInfo {
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  /** Number of weights. */
  readonly parameters: number;
  /** How often each operator occurs, by the file format's own names. */
  readonly operators: Readonly<Record<string, number>>;
  /** What the file says of itself: producer, version, description, the author's own entries. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A network read from a file: a function of tensors by name, like any that `compile` and `trace` take. It is traced
 * again for every size; weights are shared between the traces.
 *
 * ```ts
 * const program = await compile(model, { image: input([1, 3, 257, 257]) }, { backend: await cpu() });
 * const { logits } = await program.run({ image });
 * ```
 */
export interface Model extends ModelInfo {
  /**
   * Computes all outputs, lazily like every op.
   *
   * @throws ShapeError if an input is missing, unknown or does not fit; whatever an op throws, with the node's name
   */
  (inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

/** Makes a model of a function and what is known about it. */
export const makeModel = (
  apply: (inputs: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
  info: ModelInfo,
): Model => Object.assign((inputs: Readonly<Record<string, Tensor>>) => apply(inputs), info);
