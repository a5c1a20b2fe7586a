import type { AxisWindow, Shape } from '../graph.js';

/** The spatial axes of `[N, C, …]` as three, outermost 1 where there are fewer: one loop serves 1-D, 2-D and 3-D. */
export function threeAxes(shape: Shape): readonly [number, number, number] {
  const spatial = shape.slice(2);
  return [...new Array<number>(3 - spatial.length).fill(1), ...spatial] as unknown as readonly [
    number,
    number,
    number,
  ];
}

const point: AxisWindow = { kernel: 1, stride: 1, dilation: 1, padBefore: 0, padAfter: 0 };

export function threeWindows(windows: readonly AxisWindow[]): readonly [AxisWindow, AxisWindow, AxisWindow] {
  return [...new Array<AxisWindow>(3 - windows.length).fill(point), ...windows] as unknown as readonly [
    AxisWindow,
    AxisWindow,
    AxisWindow,
  ];
}

/** Sizes of the axes before, at and after one axis, as products. */
export function aroundAxis(
  shape: Shape,
  axis: number,
): readonly [outer: number, size: number, inner: number] {
  const product = (sizes: Shape) => sizes.reduce((a, b) => a * b, 1);
  return [product(shape.slice(0, axis)), shape[axis]!, product(shape.slice(axis + 1))];
}
