import { type DType, reshape, type Shape, type Tensor, tensor, transpose } from '@atrous/core';
import { knownValues } from '@atrous/core/model';

/** Channels second instead of last: axis i of the result is axis `order[i]` of the file's layout. */
export const toChannelsSecond = (rank: number): number[] =>
  rank < 3 ? range(rank) : [0, rank - 1, ...range(rank - 2).map((axis) => axis + 1)];

const toChannelsLast = (rank: number): number[] =>
  rank < 3 ? range(rank) : [0, ...range(rank - 2).map((axis) => axis + 2), 1];

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Reorders axes; where only axes of size 1 move it is another shape for the same data. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]!);
  return onlyReshapes(x.shape, order) ? reshape(x, shape) : transpose(x, order);
}

function onlyReshapes(shape: Shape, order: readonly number[]): boolean {
  const moved = order.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!);
}

/**
 * A value while a network is traced. The file has channels last, the graph has them second; a value holds whichever
 * layout an operator made, and the other is made when it is asked for, once. So no transpose stands between operators
 * that work on channels, and constants are laid out again once for all traces.
 */
export class Value {
  /** Sizes in the file's order. */
  readonly shape: Shape;
  readonly dtype: DType;
  /** Whether it follows from constants and shapes alone. */
  known = false;
  #last: Tensor | undefined;
  #second: Tensor | undefined;
  readonly #derived = new Map<string, Tensor>();

  private constructor(last: Tensor | undefined, second: Tensor | undefined) {
    const made = (last ?? second)!;
    this.#last = last;
    this.#second = second;
    this.dtype = made.dtype;
    this.shape = last ? last.shape : toChannelsLast(made.shape.length).map((axis) => made.shape[axis]!);
  }

  /** A value in the file's layout. */
  static last(x: Tensor): Value {
    return new Value(x, undefined);
  }
  /** A value with channels second: `[N, C, …]`. */
  static second(x: Tensor): Value {
    return new Value(undefined, x);
  }

  get rank(): number {
    return this.shape.length;
  }
  /** The file's layout. */
  get last(): Tensor {
    this.#last ??= relaid(this.#second!, toChannelsLast(this.rank), this.known);
    return this.#last;
  }
  /** `[N, C, …]`. */
  get second(): Tensor {
    this.#second ??= relaid(this.#last!, toChannelsSecond(this.rank), this.known);
    return this.#second;
  }
  /** Whether the graph's layout is at hand. */
  get isSecond(): boolean {
    return this.#second !== undefined && this.rank > 2;
  }
  /** The layout at hand, and where an axis of the file's layout stands in it. */
  get natural(): { readonly tensor: Tensor; readonly axis: (fileAxis: number) => number } {
    if (!this.isSecond) return { tensor: this.last, axis: (axis) => axis };
    const order = toChannelsSecond(this.rank);
    return { tensor: this.second, axis: (axis) => order.indexOf(axis) };
  }
  /** A value in the same layout as `natural`. */
  like(x: Tensor): Value {
    return this.isSecond ? Value.second(x) : Value.last(x);
  }
  /** A form of a constant that one operator needs, made once. */
  derived(key: string, make: (x: Value) => Tensor): Tensor {
    const made = this.#derived.get(key) ?? make(this);
    this.#derived.set(key, made);
    return made;
  }
  /** In the file's layout with axes in another order. */
  ordered(order: readonly number[]): Tensor {
    return this.derived(`order ${order.join()}`, (x) => relaid(x.last, order, x.known));
  }
}

/** Constants are moved at once, so that they stay constants and are shared between traces. */
function relaid(x: Tensor, order: readonly number[], known: boolean): Tensor {
  const y = permute(x, order);
  const from = known && !onlyReshapes(x.shape, order) ? knownValues(x) : undefined;
  if (from === undefined) return y;
  const to = from.slice();
  const strides = order.map((axis) => elements(x.shape.slice(axis + 1)));
  const index = new Array<number>(order.length).fill(0);
  let at = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at]!;
    for (let axis = order.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < y.shape[axis]!) break;
      at -= strides[axis]! * y.shape[axis]!;
      index[axis] = 0;
    }
  }
  return tensor(to, y.shape);
}

const elements = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
