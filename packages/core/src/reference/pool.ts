import type { HostKernel } from '../backend/host.js';
import type { AxisWindow, NodeOf } from '../graph.js';
import { threeAxes, threeWindows } from './axes.js';

/** The positions inside the input that each output along one axis sees. */
export type Positions = readonly (readonly number[])[];

/** What a window sees, without the padding. */
export function windowPositions(window: AxisWindow, input: number, output: number): Positions {
  return Array.from({ length: output }, (_, o) =>
    Array.from(
      { length: window.kernel },
      (_, t) => o * window.stride - window.padBefore + t * window.dilation,
    ).filter((i) => i >= 0 && i < input),
  );
}

/** Equal parts of an axis, overlapping where they do not divide it. */
export function adaptivePositions(input: number, output: number): Positions {
  return Array.from({ length: output }, (_, o) => {
    const start = Math.floor((o * input) / output);
    return Array.from({ length: Math.ceil(((o + 1) * input) / output) - start }, (_, i) => start + i);
  });
}

/** Lowest value per dtype: what a maximum over nothing is. */
const lowest = { float32: -Infinity, int32: -(2 ** 31), uint8: 0 } as const;

/** Maximum or mean over the positions that an output sees; a mean over none is 0. */
function* poolOver(
  node: NodeOf<'pool' | 'adaptivePool'>,
  x: ArrayLike<number>,
  inputShape: readonly number[],
  axes: readonly Positions[],
  output: { [i: number]: number },
) {
  const [depth, height, width] = threeAxes(inputShape);
  const planes = node.shape[0]! * node.shape[1]!;
  const [ds, hs, ws] = axes as readonly [Positions, Positions, Positions];
  const isMax = node.fn === 'max';
  const start = isMax ? lowest[node.dtype] : 0;
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (const dPositions of ds)
      for (const hPositions of hs)
        for (const wPositions of ws) {
          let result: number = start;
          for (const d of dPositions)
            for (const h of hPositions) {
              const row = ((plane * depth + d) * height + h) * width;
              for (const w of wPositions)
                result = isMax ? Math.max(result, x[row + w]!) : result + x[row + w]!;
            }
          const count = dPositions.length * hPositions.length * wPositions.length;
          output[at++] = isMax || count === 0 ? result : result / count;
        }
    yield;
  }
}

export const pool: HostKernel = (node, [x], output) => {
  const { reach } = node as { reach: { axes: readonly AxisWindow[] } };
  const input = threeAxes(x!.shape);
  const out = threeAxes(node.shape);
  const positions = threeWindows(reach.axes).map((window, axis) =>
    windowPositions(window, input[axis]!, out[axis]!),
  );
  return poolOver(node as NodeOf<'pool'>, x!.data, x!.shape, positions, output);
};

export const adaptivePool: HostKernel = (node, [x], output) => {
  const input = threeAxes(x!.shape);
  const positions = threeAxes(node.shape).map((size, axis) => adaptivePositions(input[axis]!, size));
  return poolOver(node as NodeOf<'adaptivePool'>, x!.data, x!.shape, positions, output);
};
