import type { Arrays, DType, Shape, Values } from '@atrous/core';

/** A box of positions: where it starts and how large it is, per spatial axis. */
export interface Region {
  readonly start: readonly number[];
  readonly size: readonly number[];
}

/** Where a picture comes from: anything that can read a box of it. */
export interface Source {
  /** `[N, C, …]` of the whole. */
  readonly shape: Shape;
  readonly dtype: DType;
  /** All channels of a box that lies inside the picture, as `[N, C, …size]`, row-major. */
  read(region: Region, options: { readonly signal?: AbortSignal }): Promise<Values> | Values;
}

/** Where results go: anything that can take a box of them. Boxes never overlap and come in a fixed order. */
export interface Sink {
  /**
   * Called before the first box. `kept`: boxes that earlier runs have written; they must still be there, or this
   * throws. Boxes beyond them may be written again.
   */
  begin?(result: { readonly shape: Shape; readonly dtype: DType }, kept: number): Promise<void> | void;
  /** Returns when everything written is safe. Called before a journal records it. */
  flush?(): Promise<void> | void;
  write(
    region: Region,
    values: Values,
    result: { readonly shape: Shape; readonly dtype: DType },
  ): Promise<void> | void;
}

export const elements = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

export const arrayOf = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

/** One item of each list: combination `index` of those that count up the last list first. */
export function combination<T>(index: number, lists: readonly (readonly T[])[]): T[] {
  const found: T[] = [];
  for (let k = lists.length - 1, rest = index; k >= 0; k--) {
    const list = lists[k]!;
    found.unshift(list[rest % list.length]!);
    rest = Math.floor(rest / list.length);
  }
  return found;
}

/** Visits every row of a box, plane by plane: its position along all axes but the last. */
export function eachRow(
  size: readonly number[],
  planes: number,
  visit: (plane: number, position: readonly number[]) => void,
): void {
  const last = size.length - 1;
  const position = new Array<number>(last).fill(0);
  const rows = elements(size.slice(0, last));
  for (let plane = 0; plane < planes; plane++)
    for (let row = 0; row < rows; row++) {
      visit(plane, position);
      for (let axis = last - 1; axis >= 0; axis--) {
        if (++position[axis]! < size[axis]!) break;
        position[axis] = 0;
      }
    }
}

/** Where a row of a box begins in a dense map `[planes, …whole]`. */
export function offsetOf(
  plane: number,
  whole: readonly number[],
  start: readonly number[],
  position: readonly number[],
): number {
  const last = whole.length - 1;
  let at = plane;
  for (let axis = 0; axis < last; axis++) at = at * whole[axis]! + start[axis]! + position[axis]!;
  return at * whole[last]! + start[last]!;
}

/** Copies a box between two dense maps `[planes, …]`, row by row. */
export function copyRegion(
  from: Values,
  fromSize: readonly number[],
  fromStart: readonly number[],
  to: Values,
  toSize: readonly number[],
  toStart: readonly number[],
  size: readonly number[],
  planes: number,
): void {
  const length = size.at(-1)!;
  eachRow(size, planes, (plane, position) => {
    const source = offsetOf(plane, fromSize, fromStart, position);
    to.set(from.subarray(source, source + length), offsetOf(plane, toSize, toStart, position));
  });
}

/** A picture that is in memory. */
export function arraySource<D extends DType>(data: Arrays[D], shape: Shape, dtype: D): Source {
  const whole = shape.slice(2);
  const planes = shape[0]! * shape[1]!;
  return {
    shape,
    dtype,
    read({ start, size }) {
      const values = new arrayOf[dtype](size.reduce((a, b) => a * b, planes));
      copyRegion(
        data,
        whole,
        start,
        values,
        size,
        size.map(() => 0),
        size,
        planes,
      );
      return values;
    },
  };
}

/** Collects the result in memory. `data` is there when the job has run. */
export class ArraySink implements Sink {
  #data: Values | undefined;
  #shape: Shape | undefined;

  /** `[N, C, …]`; undefined before the first tile. */
  get shape(): Shape | undefined {
    return this.#shape;
  }

  get data(): Values | undefined {
    return this.#data;
  }

  write({ start, size }: Region, values: Values, result: { shape: Shape; dtype: DType }): void {
    const { shape, dtype } = result;
    this.#shape = shape;
    this.#data ??= new arrayOf[dtype](shape.reduce((a, b) => a * b, 1));
    const zero = size.map(() => 0);
    copyRegion(values, size, zero, this.#data, shape.slice(2), start, size, shape[0]! * shape[1]!);
  }
}
