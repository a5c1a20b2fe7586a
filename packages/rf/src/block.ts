import { RfError } from './error.js';

/**
 * Path counts on a box of positions: `values` (row-major) times 2^`exponent`, beginning at `start`. Blocks are never
 * changed once made. `most` bounds the values from above.
 */
export interface Block {
  readonly start: readonly number[];
  readonly shape: readonly number[];
  readonly values: Float64Array;
  readonly exponent: number;
  readonly most: number;
}

/** Positions that may be written: a real map, or without limits. */
export type Limits = readonly [from: number, to: number];
export const endless: Limits = [-Infinity, Infinity];

/** What allocations are checked against. */
export interface Budget {
  readonly where: string;
  /** Largest number of positions in one block. */
  readonly positions: number;
}

export const point = (at: number): Block => ({
  start: [at],
  shape: [1],
  values: new Float64Array([1]),
  exponent: 0,
  most: 1,
});

export const volume = (shape: readonly number[]): number =>
  shape.reduce((product, length) => product * length, 1);

export function allocate({ where, positions }: Budget, shape: readonly number[]): Float64Array {
  if (volume(shape) <= positions) return new Float64Array(volume(shape));
  throw new RfError(
    `${where}: path counts of ${shape.join('×')} positions exceed the limit of ${positions}; look at one axis (axis: 0), give inputSize, or raise maxPositions`,
    { shape, maxPositions: positions },
  );
}

/** Adds `count` rows from `source` on, `sourceStep` apart, to the rows from `target` on, `targetStep` apart. */
type AddRows = (
  source: number,
  target: number,
  count?: number,
  sourceStep?: number,
  targetStep?: number,
) => void;

/**
 * A block like `block` but from `from` to `to` along `axis`, filled row by row by `visit`; undefined if it would be
 * empty. `growth` is how many rows may be added up in one place.
 */
export function build(
  budget: Budget,
  block: Block,
  axis: number,
  from: number,
  to: number,
  growth: number,
  visit: (add: AddRows) => void,
): Block | undefined {
  if (from > to) return undefined;
  const shape = block.shape.with(axis, to - from + 1);
  const values = allocate(budget, shape);
  const read = block.values;
  const outer = volume(shape.slice(0, axis));
  const inner = volume(shape.slice(axis + 1));
  let [before, after] = [0, 0];
  const add: AddRows = (source, target, count = 1, sourceStep = 1, targetStep = 1) => {
    const [a, b] = [before + source * inner, after + target * inner];
    if (sourceStep === 1 && targetStep === 1) {
      const end = a + count * inner;
      for (let i = a, k = b; i < end; i++, k++) values[k]! += read[i]!;
      return;
    }
    for (let k = 0; k < count; k++)
      for (let i = 0; i < inner; i++)
        values[b + k * targetStep * inner + i]! += read[a + k * sourceStep * inner + i]!;
  };
  for (let o = 0; o < outer; o++) {
    visit(add);
    before += block.shape[axis]! * inner;
    after += shape[axis]! * inner;
  }
  // gaps of a transposed convolution may leave nothing
  if (!values.some(Boolean)) return undefined;
  const start = block.start.with(axis, from + 0);
  return tame({ start, shape, values, exponent: block.exponent, most: block.most * growth });
}

/** The part of a block inside the limits. */
export function crop(budget: Budget, block: Block, axis: number, [low, high]: Limits): Block | undefined {
  const first = block.start[axis]!;
  const from = Math.max(first, low);
  const to = Math.min(first + block.shape[axis]! - 1, high);
  if (to - from + 1 === block.shape[axis]) return block;
  return build(budget, block, axis, from, to, 1, (add) => add(from - first, 0, to - from + 1));
}

/** Where row `row` of a box of shape `inner`, placed at `at`, begins in a box of shape `outer`. */
export function rowStart(
  row: number,
  inner: readonly number[],
  at: readonly number[],
  outer: readonly number[],
): number {
  let axis = inner.length - 1;
  let start = at[axis]!;
  let step = outer[axis]!;
  for (let rest = row; --axis >= 0; ) {
    start += ((rest % inner[axis]!) + at[axis]!) * step;
    rest = Math.floor(rest / inner[axis]!);
    step *= outer[axis]!;
  }
  return start;
}

/**
 * The sum of products of blocks, on the box that holds them all. A product is one block of all axes, or one block per
 * axis.
 */
export function sum(budget: Budget, products: readonly (readonly Block[])[]): Block {
  if (products.length === 1 && products[0]!.length === 1) return products[0]![0]!;
  const parts = products.map((blocks) => ({
    blocks,
    start: blocks.flatMap((block) => block.start),
    shape: blocks.flatMap((block) => block.shape),
    exponent: blocks.reduce((total, block) => total + block.exponent, 0),
  }));
  const largest = (of: (part: (typeof parts)[0]) => number) =>
    parts.reduce((most, part) => Math.max(most, of(part)), -Infinity);
  const start = parts[0]!.start.map((_, axis) => 0 - largest((part) => -part.start[axis]!));
  const shape = start.map((first, axis) => largest((part) => part.start[axis]! + part.shape[axis]!) - first);
  const exponent = largest((part) => part.exponent);
  const values = allocate(budget, shape);
  let most = 0;
  for (const part of parts) {
    const outer = part.blocks.slice(0, -1);
    const last = part.blocks.at(-1)!;
    const { values: row, most: bound } = scaledTo(last, last.exponent + exponent - part.exponent);
    most += outer.reduce((product, block) => product * block.most, bound);
    const length = part.shape.at(-1)!;
    const at = part.start.map((first, axis) => first - start[axis]!);
    for (let r = 0, rows = volume(part.shape) / length; r < rows; r++) {
      let rest = r;
      let factor = 1;
      for (let axis = outer.length - 1; axis >= 0; axis--) {
        const { values: own } = outer[axis]!;
        factor *= own[rest % own.length]!;
        rest = Math.floor(rest / own.length);
      }
      if (!factor) continue;
      const from = outer.length ? 0 : r * length;
      const to = rowStart(r, part.shape, at, shape);
      for (let i = 0; i < length; i++) values[to + i]! += factor * row[from + i]!;
    }
  }
  return tame({ start, shape, values, exponent, most });
}

/** Counts above this are scaled down, so that a product over four axes stays a float64. */
const large = 2 ** 240;

/** Divides by 2^200 where counts get too large for float64. What would vanish stays the smallest number above 0. */
export function tame(block: Block): Block {
  return block.most < large ? block : tame(scaledTo(block, block.exponent + 200));
}

function scaledTo(block: Block, exponent: number): Block {
  if (exponent === block.exponent) return block;
  const factor = 2 ** (block.exponent - exponent);
  const values = block.values.map((value) => value && Math.max(value * factor, Number.MIN_VALUE));
  return { ...block, values, exponent, most: values.reduce((most, value) => Math.max(most, value), 0) };
}

/** Largest count at each position of one axis: zero where nothing at all is reached. */
export function profile({ shape, values }: Block, axis: number): Float64Array {
  const result = new Float64Array(shape[axis]!);
  const inner = volume(shape.slice(axis + 1));
  for (let i = 0, row = 0; i < values.length; i += inner, row = (row + 1) % result.length)
    for (let k = i; k < i + inner; k++) if (values[k]! > result[row]!) result[row] = values[k]!;
  return result;
}

/** Without the empty rows around it. */
export function trim(block: Block): Block {
  return block.shape.reduce((whole, _, axis) => {
    const reached = profile(whole, axis);
    const start = whole.start[axis]!;
    const limits: Limits = [start + reached.findIndex(Boolean), start + reached.findLastIndex(Boolean)];
    return crop({ where: '', positions: Infinity }, whole, axis, limits)!;
  }, block);
}
