/** Which taps of a window touch the input, for every output. */
import type { AxisWindow } from '../graph.js';

/** Outputs along one axis that have the same valid taps `firstTap … lastTap - 1`. */
export interface AxisGroup {
  readonly firstTap: number;
  readonly lastTap: number;
  readonly outputs: readonly number[];
}

/** Valid taps of one output are consecutive, so a group is a pair of numbers. */
export function axisGroups(window: AxisWindow, input: number, output: number): AxisGroup[] {
  const { kernel, stride, dilation, padBefore } = window;
  const groups = new Map<string, { firstTap: number; lastTap: number; outputs: number[] }>();
  for (let o = 0; o < output; o++) {
    const start = o * stride - padBefore;
    const firstTap = Math.min(kernel, Math.max(0, Math.ceil(-start / dilation)));
    const lastTap = Math.max(firstTap, Math.min(kernel, Math.floor((input - 1 - start) / dilation) + 1));
    const key = firstTap === lastTap ? 'none' : `${firstTap},${lastTap}`;
    const group = groups.get(key) ?? { firstTap, lastTap, outputs: [] };
    group.outputs.push(o);
    groups.set(key, group);
  }
  return [...groups.values()];
}

type Three<T> = readonly [T, T, T];

/** A tap by its number in the kernel, and how far from an output's base it reads. */
export interface AxisTap {
  readonly tap: number;
  readonly offset: number;
}

/** Outputs along one axis that read the same taps. */
export interface AxisClass {
  readonly taps: readonly AxisTap[];
  readonly outputs: readonly number[];
  /** The input position that the offsets of each output count from. */
  readonly bases: readonly number[];
}

function windowClasses(window: AxisWindow, input: number, output: number): AxisClass[] {
  const { stride, dilation, padBefore } = window;
  return axisGroups(window, input, output).map(({ firstTap, lastTap, outputs }) => ({
    taps: Array.from({ length: lastTap - firstTap }, (_, i) => ({
      tap: firstTap + i,
      offset: (firstTap + i) * dilation,
    })),
    outputs,
    bases: outputs.map((o) => o * stride - padBefore),
  }));
}

/**
 * Transposed, a tap reaches the outputs of one residue modulo the stride: each residue is a small convolution, whose
 * taps go backwards from the first.
 */
function transposedClasses(window: AxisWindow, input: number, output: number): AxisClass[] {
  const { kernel, stride, dilation, padBefore } = window;
  const classes = new Map<string, { taps: AxisTap[]; outputs: number[]; bases: number[] }>();
  for (let o = 0; o < output; o++) {
    const reads = Array.from({ length: kernel }, (_, tap) => ({
      tap,
      position: (o + padBefore - tap * dilation) / stride,
    })).filter(({ position }) => Number.isInteger(position) && position >= 0 && position < input);
    const base = reads[0]?.position ?? 0;
    const key = reads.map(({ tap }) => tap).join();
    const known = classes.get(key) ?? {
      taps: reads.map(({ tap, position }) => ({ tap, offset: position - base })),
      outputs: [],
      bases: [],
    };
    known.outputs.push(o);
    known.bases.push(base);
    classes.set(key, known);
  }
  return [...classes.values()];
}

/** Outputs of a map with the same valid taps on all three axes. */
export interface PositionClass {
  readonly axes: Three<AxisClass>;
}

/** The classes of a map: all combinations of classes of its axes. */
export function classesOf(
  windows: Three<AxisWindow>,
  transposed: boolean,
  input: Three<number>,
  output: Three<number>,
): PositionClass[] {
  const classes = transposed ? transposedClasses : windowClasses;
  const [depth, height, width] = windows.map((window, axis) =>
    classes(window, input[axis]!, output[axis]!),
  ) as unknown as Three<AxisClass[]>;
  return depth.flatMap((d) => height.flatMap((h) => width.map((w): PositionClass => ({ axes: [d, h, w] }))));
}

/** Cuts a number of rows into tiles of at most `most`, as equal as possible: a small rest would waste a tile. */
export function tilesOf(count: number, most: number): number[] {
  const tiles = Math.ceil(count / most);
  return Array.from(
    { length: tiles },
    (_, i) => Math.floor(((i + 1) * count) / tiles) - Math.floor((i * count) / tiles),
  );
}
