import { evaluate } from './compile.js';
import { UnsupportedError } from './errors.js';
import type { Arrays, Constant, DType, Op, Reach, Shape } from './graph.js';
import { formatShape } from './shape.js';

/** The op that makes a tensor, and from which tensors. */
export type Expression = Op & { readonly inputs: readonly Tensor[]; readonly reach?: Reach };

/** Where the constructor is reachable from: inside this package only. */
let create: (expression: Expression, shape: Shape, dtype: DType, name: string | undefined) => Tensor;
let read: (tensor: Tensor) => Expression;
let settle: (tensor: Tensor, value: Constant) => void;
let label: (tensor: Tensor, name: string) => void;

const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * An immutable value with a shape and a dtype: either data or the op that makes it.
 *
 * Ops on tensors check their arguments and infer the shape at once, and compute nothing. `await t.data()` evaluates;
 * `compile` turns a function of tensors into a program that is run many times. Tensors need no disposal.
 */
export class Tensor<D extends DType = DType> {
  readonly shape: Shape;
  readonly dtype: D;
  readonly name?: string;
  #expression: Expression;

  private constructor(expression: Expression, shape: Shape, dtype: D, name: string | undefined) {
    this.#expression = expression;
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    if (name !== undefined) this.name = name;
  }

  static {
    create = (expression, shape, dtype, name) => new Tensor(expression, shape, dtype, name);
    read = (tensor) => tensor.#expression;
    settle = (tensor, value) => {
      tensor.#expression = { kind: 'constant', value, inputs: [] };
    };
    label = (tensor, name) => {
      (tensor as { name?: string }).name ??= name;
    };
  }

  /**
   * The values, row-major. Evaluates on the default CPU backend the first time; afterwards the tensor holds its
   * data and forgets how it was made. The array is the tensor's own: do not write into it.
   *
   * @throws UnsupportedError if the value depends on `input()`; its name is in the message
   */
  async data(): Promise<Arrays[D]> {
    await evaluate(this as unknown as Tensor);
    return this.dataSync();
  }

  /**
   * The values of a tensor that holds data already: made from data, or evaluated before.
   *
   * @throws UnsupportedError unless evaluated
   */
  dataSync(): Arrays[D] {
    const expression = this.#expression;
    if (expression.kind !== 'constant')
      throw new UnsupportedError(
        `dataSync: ${this.toString()}; call \`await tensor.data()\` or \`await evaluate(tensor)\` first`,
        { shape: this.shape },
      );
    return expression.value.data as Arrays[D];
  }

  /** The values as nested arrays of numbers, one level per axis; a plain number for a scalar. Evaluates. */
  async toNested(): Promise<NestedNumbers> {
    return nest(await this.data(), this.shape, 0, 0);
  }

  toString(): string {
    const head = `Tensor ${this.dtype} ${formatShape(this.shape)}${this.name === undefined ? '' : ` '${this.name}'`}`;
    const expression = this.#expression;
    if (expression.kind === 'constant') return `${head} ${preview(expression.value.data, this.shape, 0, 0)}`;
    if (expression.kind === 'input') return `${head} (an input)`;
    return `${head} (result of ${expression.kind}, not evaluated)`;
  }

  /** What Node's console prints. */
  [inspect](): string {
    return this.toString();
  }
}

export type NestedNumbers = number | NestedNumbers[];

/** Makes a lazy tensor. Internal: shapes must have been checked. */
export const makeTensor = <D extends DType>(
  expression: Expression,
  shape: Shape,
  dtype: D,
  name?: string,
): Tensor<D> => create(expression, shape, dtype, name) as Tensor<D>;

/** How a tensor is made. Internal. */
export const expressionOf = (tensor: Tensor): Expression => read(tensor);

/** Turns a tensor into a leaf with data. Internal. */
export const settleTensor = (tensor: Tensor, value: Constant): void => settle(tensor, value);

/**
 * Names a tensor that has no name yet: what steps of a program and messages call it. For whoever has just made it;
 * a tensor in other hands keeps what it has.
 */
export const nameTensor = (tensor: Tensor, name: string): void => label(tensor, name);

function nest(data: ArrayLike<number>, shape: Shape, axis: number, start: number): NestedNumbers {
  if (axis === shape.length) return data[start]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Array.from({ length: shape[axis]! }, (_, i) => nest(data, shape, axis + 1, start + i * inner));
}

const previewLength = 6;

function preview(data: ArrayLike<number>, shape: Shape, axis: number, start: number): string {
  if (axis === shape.length) return String(Number(data[start]!.toPrecision(6)));
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const shown = Math.min(shape[axis]!, previewLength);
  const items = Array.from({ length: shown }, (_, i) => preview(data, shape, axis + 1, start + i * inner));
  if (shown < shape[axis]!) items.push('…');
  return `[${items.join(', ')}]`;
}
