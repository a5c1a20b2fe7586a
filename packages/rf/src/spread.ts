import { type Block, type Budget, build, crop, endless, type Limits, sum } from './block.js';
import { few, modulo, samplePosition } from './reads.js';
import type { AxisSample, AxisWindow } from './types.js';

/**
 * The linear maps that one layer is along one axis, on path counts: from the outputs to the inputs they read, and
 * the adjoint, from the inputs to the outputs that read them.
 */

const window = (kernel: number, stride: number, dilation: number, padBefore: number): AxisWindow => ({
  kernel,
  stride,
  dilation,
  padBefore,
  padAfter: 0,
});

const rowsAtOnce = 64;

/** Longest kernel that is added tap by tap; longer ones are doubled up. */
const direct = 48;

/** `result[o * stride - padBefore + t * dilation] += block[o]` for every tap: reading through a window. */
export function spread(
  budget: Budget,
  block: Block,
  axis: number,
  by: AxisWindow,
  [low, high]: Limits,
): Block | undefined {
  const { kernel, stride, dilation, padBefore } = by;
  if (kernel > direct) return crop(budget, doubled(budget, block, axis, by), axis, [low, high]);
  const length = block.shape[axis]!;
  const base = block.start[axis]! * stride - padBefore;
  const from = Math.max(base, low);
  const to = Math.min(base + (length - 1) * stride + (kernel - 1) * dilation, high);
  return build(budget, block, axis, from, to, kernel, (add) => {
    // all taps for some rows before the next rows, so that these stay in the cache
    for (let row = from; row <= to; row += rowsAtOnce)
      for (let t = 0; t < kernel; t++) {
        const shift = base + t * dilation;
        const first = Math.max(0, Math.ceil((row - shift) / stride));
        const last = Math.min(length - 1, Math.floor((Math.min(row + rowsAtOnce - 1, to) - shift) / stride));
        if (first <= last) add(first, first * stride + shift - from, last - first + 1, 1, stride);
      }
  });
}

/** The same for long kernels: twice as many taps are two copies side by side, so no sum is ever subtracted again. */
function doubled(
  budget: Budget,
  block: Block,
  axis: number,
  { kernel, stride, dilation, padBefore }: AxisWindow,
): Block {
  const ones = spread(budget, block, axis, window(1, stride, 1, padBefore), endless)!;
  let result = ones;
  let taps = 1;
  for (const bit of kernel.toString(2).slice(1)) {
    result = spread(budget, result, axis, window(2, 1, taps * dilation, 0), endless)!;
    taps *= 2;
    if (bit === '0') continue;
    const start = ones.start.with(axis, ones.start[axis]! + taps * dilation);
    result = sum(budget, [[result], [{ ...ones, start }]]);
    taps++;
  }
  return result;
}

/** `result[i] += block[i * stride - padBefore + t * dilation]` for every tap: the adjoint. */
export function gather(
  budget: Budget,
  block: Block,
  axis: number,
  by: AxisWindow,
  [low, high]: Limits,
): Block | undefined {
  const { kernel, stride, dilation, padBefore } = by;
  const reach = (kernel - 1) * dilation;
  if (kernel > direct) {
    const wide = doubled(budget, block, axis, window(kernel, 1, dilation, 0));
    return gather(budget, wide, axis, window(1, stride, 1, padBefore - reach), [low, high]);
  }
  const first = block.start[axis]!;
  const last = first + block.shape[axis]! - 1;
  const from = Math.max(Math.ceil((first + padBefore - reach) / stride), low);
  const to = Math.min(Math.floor((last + padBefore) / stride), high);
  return build(budget, block, axis, from, to, Math.min(kernel, block.shape[axis]!), (add) => {
    for (let t = 0; t < kernel; t++) {
      const shift = t * dilation - padBefore;
      const start = Math.max(from, Math.ceil((first - shift) / stride));
      const end = Math.min(to, Math.floor((last - shift) / stride));
      if (start <= end) add(start * stride + shift - first, start - from, end - start + 1, stride, 1);
    }
  });
}

/** Reading by coordinates; on a real map positions are clamped to its limits. */
export function spreadSample(
  budget: Budget,
  block: Block,
  axis: number,
  by: AxisSample,
  [low, high]: Limits,
): Block | undefined {
  const clamp = (position: number) => Math.min(Math.max(position, low), high);
  const first = block.start[axis]!;
  const length = block.shape[axis]!;
  const from = clamp(samplePosition(by, first));
  const to = clamp(samplePosition(by, first + length - 1) + by.taps - 1);
  return build(budget, block, axis, from, to, few(by.taps) * length, (add) => {
    for (let row = 0; row < length; row++)
      for (let t = 0; t < by.taps; t++) add(row, clamp(samplePosition(by, first + row) + t) - from);
  });
}

/** The adjoint: which of the outputs in the limits read the block, clamped to a map of `size` where it has one. */
export function gatherSample(
  budget: Budget,
  block: Block,
  axis: number,
  by: AxisSample,
  [low, high]: Limits,
  size: number | undefined,
): Block | undefined {
  const { scale, offset, taps } = by;
  const first = block.start[axis]!;
  const last = first + block.shape[axis]! - 1;
  // clamping makes outputs beyond read the edge; without it one output more on both sides outweighs all rounding
  const from = size ? low : Math.floor((first - taps - offset) / scale) - 1;
  const to = size ? high : Math.ceil((last + 1 - offset) / scale) + 1;
  return build(budget, block, axis, from, to, few(taps), (add) => {
    for (let output = from; output <= to; output++)
      for (let t = 0; t < taps; t++) {
        const position = samplePosition(by, output) + t;
        const read = size ? Math.min(Math.max(position, 0), size - 1) : position;
        if (read >= first && read <= last) add(read - first, output - from);
      }
  });
}

/** Every position of a map reads (or is read by) the whole block. */
export function fill(budget: Budget, block: Block, axis: number, size: number): Block | undefined {
  const length = block.shape[axis]!;
  return build(budget, block, axis, 0, size - 1, length, (add) => {
    for (let row = 0; row < length; row++) for (let to = 0; to < size; to++) add(row, to);
  });
}

/** Circular padding: what lies outside a map of `size` is on the other side of it. */
export function wrap(budget: Budget, block: Block, axis: number, size: number): Block | undefined {
  const length = block.shape[axis]!;
  return build(budget, block, axis, 0, size - 1, Math.ceil(length / size), (add) => {
    for (let row = 0; row < length; row++) add(row, modulo(block.start[axis]! + row, size));
  });
}

/** The adjoint: an input is also read at its places one or more maps further on. */
export function unwrap(
  budget: Budget,
  block: Block,
  axis: number,
  { padBefore, padAfter }: AxisWindow,
  size: number,
): Block {
  const copies = [];
  for (let k = -Math.ceil(Math.max(padBefore, 0) / size); k <= Math.ceil(Math.max(padAfter, 0) / size); k++)
    copies.push([{ ...block, start: block.start.with(axis, block.start[axis]! + k * size) }]);
  return sum(budget, copies);
}
