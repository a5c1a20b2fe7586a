import type { HostKernel } from '../backend/host.js';
import type { AxisSample, NodeOf } from '../graph.js';
import { threeAxes } from './axes.js';

/** Where an output along one axis reads. */
export interface Neighbours {
  readonly low: number;
  readonly high: number;
  /** Weight of the higher neighbour. */
  readonly fraction: number;
}

/** The two neighbours, clamped to the edge, of every output along one axis; the lower one alone where nearest. */
export function neighbours(
  { scale, offset }: AxisSample,
  origin: number,
  input: number,
  output: number,
  linear: boolean,
): Neighbours[] {
  const clamp = (i: number) => Math.min(Math.max(i, 0), input - 1);
  return Array.from({ length: output }, (_, o) => {
    const source = o * scale + offset + origin;
    const floor = Math.floor(source);
    return { low: clamp(floor), high: clamp(floor + 1), fraction: linear ? source - floor : 0 };
  });
}

export const resize: HostKernel = function* (node, [x, origin], output) {
  const { shape, mode, reach } = node as NodeOf<'resize'> & { reach: { axes: readonly AxisSample[] } };
  const input = threeAxes(x!.shape);
  const out = threeAxes(shape);
  const first = 3 - reach.axes.length;
  const [ds, hs, ws] = out.map((size, axis) => {
    const sample = reach.axes[axis - first] ?? { scale: 1, offset: 0, taps: 1 };
    return neighbours(
      sample,
      axis < first ? 0 : (origin?.data[axis - first] ?? 0),
      input[axis]!,
      size,
      mode === 'linear',
    );
  }) as [Neighbours[], Neighbours[], Neighbours[]];
  const [depth, height, width] = input;
  const { data } = x!;
  const along = (row: number, { low, high, fraction }: Neighbours) =>
    fraction === 0 ? data[row + low]! : data[row + low]! * (1 - fraction) + data[row + high]! * fraction;
  const mix = (a: number, fraction: number, b: () => number) =>
    fraction === 0 ? a : a * (1 - fraction) + b() * fraction;
  let at = 0;
  for (let plane = 0; plane < shape[0]! * shape[1]!; plane++) {
    const row = (d: number, h: number) => ((plane * depth + d) * height + h) * width;
    for (const d of ds)
      for (const h of hs)
        for (const w of ws) {
          const inSlice = (depthIndex: number) =>
            mix(along(row(depthIndex, h.low), w), h.fraction, () => along(row(depthIndex, h.high), w));
          output[at++] = mix(inSlice(d.low), d.fraction, () => inSlice(d.high));
        }
    yield;
  }
};
