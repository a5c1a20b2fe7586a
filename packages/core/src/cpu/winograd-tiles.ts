/** How a map is cut into tiles along one axis, phase by phase. */
import type { AxisWindow } from '../graph.js';
import { inputsOf, outputsOf, type Transform, tapsOf } from './winograd-transforms.js';

/** One tile of an axis: positions that it reads and writes, `outside` where there is none. */
export interface AxisTile {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export const outside = -1;

/**
 * The tiles of an axis. A filter with dilation d is d independent filters without: outputs p, p + d, p + 2d … read only
 * the inputs that lie as far apart. Every phase p is cut into tiles of its own.
 */
export function axisTiles(
  { dilation, padBefore }: AxisWindow,
  transform: Transform,
  input: number,
  output: number,
): AxisTile[] {
  const { firstInput } = transform;
  const inside = (position: number, size: number) => (position >= 0 && position < size ? position : outside);
  const tiles: AxisTile[] = [];
  const span = outputsOf(transform) * dilation;
  // Tiles of neighbouring phases follow each other, as their samples do in memory.
  for (let base = 0; base < output; base += span)
    for (let first = base; first < Math.min(base + dilation, output); first++) {
      const start = first - padBefore + firstInput * dilation;
      tiles.push({
        inputs: Array.from({ length: inputsOf(transform) }, (_, i) => inside(start + i * dilation, input)),
        outputs: Array.from({ length: outputsOf(transform) }, (_, i) => inside(first + i * dilation, output)),
      });
    }
  return tiles;
}

/** How many tiles `axisTiles` makes. */
export function axisTileCount({ dilation }: AxisWindow, transform: Transform, output: number): number {
  const span = outputsOf(transform) * dilation;
  return Math.floor(output / span) * dilation + Math.min(dilation, output % span);
}

/** Whether an algorithm computes this axis: those for isolated tiles need padding on both sides of each. */
export function fitsAxis(window: AxisWindow, transform: Transform, input: number, output: number): boolean {
  const { kernel, stride, dilation, padBefore } = window;
  if (stride !== 1 || kernel !== tapsOf(transform)) return false;
  if (!transform.isolated) return true;
  const reads = (position: number) => position >= 0 && position < input;
  return axisTiles(window, transform, input, output).every(({ outputs }) => {
    const start = outputs[0]! - padBefore;
    const last = outputs.at(-1)! - padBefore + (kernel - 1) * dilation;
    return !reads(start) && (outputs.at(-1) === outside || !reads(last));
  });
}
