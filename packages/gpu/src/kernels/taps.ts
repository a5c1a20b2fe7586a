/** Taps of a window along the three spatial axes, as text with literal geometry. */
import type { AxisWindow, Shape } from '@atrous/core';
import type { View } from '../kernel.js';
import { maxSide, planesView, product } from '../layout.js';

export type Three<T> = readonly [depth: T, height: T, width: T];

/** The spatial axes of `[N, C, …]` as three, outermost 1 where there are fewer. */
export function threeAxes(shape: Shape): Three<number> {
  const spatial = shape.slice(2);
  return [...new Array<number>(3 - spatial.length).fill(1), ...spatial] as unknown as Three<number>;
}

const point: AxisWindow = { kernel: 1, stride: 1, dilation: 1, padBefore: 0, padAfter: 0 };

export function threeWindows(windows: readonly AxisWindow[]): Three<AxisWindow> {
  return [
    ...new Array<AxisWindow>(3 - windows.length).fill(point),
    ...windows,
  ] as unknown as Three<AxisWindow>;
}

/** Where an output is: names of its three spatial coordinates, declared by `lines`. */
export interface Position {
  readonly lines: readonly string[];
  readonly names: Three<string>;
}

/** Splits `y` of a planes view into depth and height. */
export function positionOf(out: Three<number>): Position {
  const [depth, height] = out;
  if (depth === 1) return { lines: [], names: ['0', 'this.thread.y', 'this.thread.x'] };
  if (height === 1) return { lines: [], names: ['this.thread.y', '0', 'this.thread.x'] };
  return {
    lines: [`const od = ${quotient('this.thread.y', height)};`, `const oh = this.thread.y - od * ${height};`],
    names: ['od', 'oh', 'this.thread.x'],
  };
}

/** How positions of planes are read. */
export interface PlaneReader {
  readonly view: View;
  /** Declares a position inside planes by its three coordinates. */
  declare(name: string, d: string, h: string, w: string): string[];
  /** The index of a declared position in a plane. */
  read(plane: string, name: string): string;
}

/** Positions as one number, computed once for all channels; as two where one would be too large to be exact. */
export function planeReader(shape: Shape): PlaneReader {
  const [, height, width] = threeAxes(shape);
  const row = (d: string, h: string) =>
    d === '0' ? h : h === '0' ? `${d} * ${height}` : `${d} * ${height} + ${h}`;
  if (product(shape.slice(2)) > maxSide)
    return {
      view: planesView(shape),
      declare: (name, d, h, w) => [`const ${name}y = ${row(d, h)};`, `const ${name}x = ${w};`],
      read: (plane, name) => `[${plane}][${name}y][${name}x]`,
    };
  const flat = (at: string, w: string) => (at === '0' ? w : `(${at}) * ${width} + ${w}`);
  return {
    view: [1, product(shape.slice(0, 2)), product(shape.slice(2))],
    declare: (name, d, h, w) => [`const ${name} = ${flat(row(d, h), w)};`],
    read: (plane, name) => `[0][${plane}][${name}]`,
  };
}

/** The whole part of `value / by`: half a step away from where rounding could matter. */
export const quotient = (value: string, by: number): string =>
  by === 1 ? value : `Math.floor((${value} + 0.5) / ${by})`;

/** One tap along one axis. */
export interface AxisTap {
  readonly tap: number;
  /** Name of the clamped input coordinate. */
  readonly index: string;
  /** Condition that the tap lies inside, absent if it does for every output. */
  readonly inside: string | undefined;
}

/** The taps along one axis that at least one output can use. */
export function axisTaps(
  { kernel, stride, dilation, padBefore }: AxisWindow,
  input: number,
  output: number,
  position: string,
  axis: string,
): { readonly lines: readonly string[]; readonly taps: readonly AxisTap[] } {
  const lines: string[] = [];
  const taps: AxisTap[] = [];
  for (let tap = 0; tap < kernel; tap++) {
    const offset = tap * dilation - padBefore;
    const last = (output - 1) * stride + offset;
    if (!someInside(offset, last, stride, input)) continue;
    const name = `${axis}${tap}`;
    if (position === '0') {
      // The only output uses the tap, so that it lies inside.
      taps.push({ tap, index: String(offset), inside: undefined });
      continue;
    }
    const scaled = stride === 1 ? position : `${position} * ${stride}`;
    const source = offset === 0 ? scaled : offset > 0 ? `${scaled} + ${offset}` : `${scaled} - ${-offset}`;
    const low = offset < 0;
    const high = last >= input;
    if (!low && !high) {
      lines.push(`const ${name} = ${source};`);
      taps.push({ tap, index: name, inside: undefined });
      continue;
    }
    lines.push(`const ${name}At = ${source};`, `let ${name} = ${name}At;`);
    if (low) lines.push(`if (${name} < 0) { ${name} = 0; }`);
    if (high) lines.push(`if (${name} > ${input - 1}) { ${name} = ${input - 1}; }`);
    const conditions = [...(low ? [`${name}At >= 0`] : []), ...(high ? [`${name}At < ${input}`] : [])];
    taps.push({ tap, index: name, inside: conditions.join(' && ') });
  }
  return { lines, taps };
}

function someInside(first: number, last: number, stride: number, size: number): boolean {
  if (first >= 0) return first < size;
  const entry = first + Math.ceil(-first / stride) * stride;
  return entry <= last && entry < size;
}
