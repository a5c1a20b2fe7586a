/**
 * Moving values about. Every layout op reads, for output `[o0, o1, …]`, one element of its input, whose coordinates are
 * sums of functions of single output coordinates. Those are known when the graph is compiled: where they are linear
 * they stand in the text, otherwise in a table per side of the output's view.
 */
import type { Shape } from '@atrous/core';
import { type ArrayArgument, type Launch, launch, type Operand, type View } from '../kernel.js';
import { product } from '../layout.js';

/** What output coordinate `o` of one axis adds to the coordinates of the input: `[input axis, amount]`; outside: undefined. */
export type AxisMap = (o: number) => readonly (readonly [axis: number, amount: number])[] | undefined;

export interface GatherSpec {
  readonly from: Shape;
  readonly shape: Shape;
  /** One map per output axis. */
  readonly maps: readonly AxisMap[];
  /** What positions outside the input hold; where there are planes, along axis 0, one value for each. Default 0. */
  readonly fill?: readonly number[] | undefined;
  readonly operand: Operand;
}

const sides = ['z', 'y', 'x'] as const;

/** Axes per side of a view: the last two alone, the others together; axes of size 1 belong nowhere. */
function sidesOf(shape: Shape): readonly (readonly number[])[] {
  const axes = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  return [axes.slice(0, -2), axes.slice(-2, -1), axes.slice(-1)];
}

const viewOf = (shape: Shape, groups: readonly (readonly number[])[]): View =>
  groups.map((axes) => product(axes.map((axis) => shape[axis]!))) as unknown as View;

/** What one side of the output adds to the three sides of the input. */
interface SideMap {
  readonly size: number;
  readonly amounts: readonly Float64Array[];
  readonly inside: Uint8Array | undefined;
}

export function gather({ from, shape, maps, fill = [0], operand }: GatherSpec): Launch {
  const groups = sidesOf(shape);
  const fromGroups = sidesOf(from);
  const output = viewOf(shape, groups);
  const sideMaps = groups.map((axes) => sideMap(axes, shape, from, fromGroups, maps));
  // An axis of size 1 still may start anywhere (a slice) or lie outside (a pad).
  const single = sideMap(
    shape.flatMap((size, axis) => (size === 1 ? [axis] : [])),
    shape,
    from,
    fromGroups,
    maps,
  );
  const texts = sideMaps.map((map, side) => sideText(map, sides[side]!));
  const coordinates = sides.map((_, to) =>
    [number(single.amounts[to]![0]!), ...texts.map(({ terms }) => terms[to]!)]
      .filter((term) => term !== '0')
      .join(' + '),
  );
  const conditions = texts.flatMap(({ condition }) => (condition === undefined ? [] : [condition]));
  const read = `x${coordinates.map((text) => `[${text || '0'}]`).join('')}`;
  const tables: ArrayArgument[] = texts.flatMap(({ table }) => (table === undefined ? [] : [table]));
  const x: ArrayArgument = { name: 'x', from: operand, view: viewOf(from, fromGroups) };
  if (conditions.length === 0 && single.inside === undefined)
    return launch({ output, arrays: [x, ...tables], body: `return ${read};` });
  const filled = fillText(fill, groups, output);
  if (single.inside !== undefined) return launch({ output, arrays: [], ...filled });
  return launch({
    output,
    arrays: [x, ...tables],
    scalars: filled.scalars,
    body: filled.body.replace('return v;', `if (${conditions.join(' && ')}) { v = ${read}; }\nreturn v;`),
  });
}

function fillText(fill: readonly number[], groups: readonly (readonly number[])[], output: View) {
  if (fill.every((value) => value === fill[0]))
    return { scalars: { fill: fill[0]! }, body: 'let v = fill;\nreturn v;' };
  const side = groups.findIndex((axes) => axes.includes(0));
  const second = output[side]! / 2;
  return {
    scalars: { fill: fill[0]!, fill1: fill[1]! },
    body: `let v = fill;\nif (this.thread.${sides[side]} >= ${second}) { v = fill1; }\nreturn v;`,
  };
}

function sideMap(
  axes: readonly number[],
  shape: Shape,
  from: Shape,
  fromGroups: readonly (readonly number[])[],
  maps: readonly AxisMap[],
): SideMap {
  const size = product(axes.map((axis) => shape[axis]!));
  const amounts = sides.map(() => new Float64Array(size));
  let inside: Uint8Array | undefined;
  let repeat = size;
  for (const axis of axes) {
    const length = shape[axis]!;
    repeat /= length;
    for (let o = 0; o < length; o++) {
      const map = maps[axis]!(o);
      if (map === undefined) inside ??= new Uint8Array(size).fill(1);
      const add = [0, 0, 0];
      for (const [fromAxis, amount] of map ?? []) {
        const to = fromGroups.findIndex((group) => group.includes(fromAxis));
        if (to < 0) continue;
        const group = fromGroups[to]!;
        add[to]! += amount * product(group.slice(group.indexOf(fromAxis) + 1).map((a) => from[a]!));
      }
      for (let block = o * repeat; block < size; block += length * repeat)
        for (let i = block; i < block + repeat; i++) {
          if (map === undefined) inside![i] = 0;
          for (let to = 0; to < 3; to++) amounts[to]![i]! += add[to]!;
        }
    }
  }
  return { size, amounts, inside };
}

interface SideText {
  /** What this side adds to the coordinates of the input. */
  readonly terms: readonly string[];
  readonly condition: string | undefined;
  readonly table: ArrayArgument | undefined;
}

function sideText({ size, amounts, inside }: SideMap, side: 'x' | 'y' | 'z'): SideText {
  const thread = `this.thread.${side}`;
  const rows: Float64Array[] = [];
  const name = `${side}Table`;
  const row = (values: Float64Array) => `${name}[${rows.push(values) - 1}][0][${thread}]`;
  const range = inside && insideRange(inside);
  const terms = amounts.map((values) => linearText(values, range, thread) ?? row(values));
  const condition = inside && (rangeText(range, size, thread) ?? `${row(Float64Array.from(inside))} > 0.5`);
  const table: ArrayArgument | undefined =
    rows.length === 0
      ? undefined
      : {
          name,
          from: { table: Float32Array.from(rows.flatMap((values) => [...values])) },
          view: [rows.length, 1, size],
        };
  return { terms, condition, table };
}

type Range = readonly [start: number, end: number];

/** Where the inside is, if it is in one piece. */
function insideRange(inside: Uint8Array): Range | undefined {
  const start = inside.indexOf(1);
  if (start < 0) return [0, 0];
  const end = inside.lastIndexOf(1) + 1;
  return inside.subarray(start, end).includes(0) ? undefined : [start, end];
}

function rangeText(range: Range | undefined, size: number, thread: string): string | undefined {
  if (range === undefined) return undefined;
  const [start, end] = range;
  if (start === 0) return `${thread} < ${end}`;
  return end === size ? `${thread} >= ${start}` : `${thread} >= ${start} && ${thread} < ${end}`;
}

const number = (value: number): string => (value < 0 ? `(${value})` : String(value));

/** The values as `first + i * step`, judged inside `range` only. */
function linearText(values: Float64Array, range: Range | undefined, thread: string): string | undefined {
  const [start, end] = range ?? [0, values.length];
  if (end <= start) return '0';
  const step = end - start > 1 ? values[start + 1]! - values[start]! : 0;
  for (let i = start; i < end; i++) if (values[i] !== values[start]! + (i - start) * step) return undefined;
  const first = values[start]! - start * step;
  if (step === 0) return number(first);
  const scaled = step === 1 ? thread : `${thread} * ${number(step)}`;
  return first === 0 ? scaled : `${scaled} + ${number(first)}`;
}
