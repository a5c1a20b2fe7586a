import { checkDType, checkRank, checkTensor, type PerAxis, perAxis } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import type { DType, Reach } from '../graph.js';
import { formatShape } from '../shape.js';
import { makeTensor, type Tensor } from '../tensor.js';
import { effectiveKernel, outputLength, resolveWindows, type WindowOptions } from '../window.js';
import { pad } from './layout.js';
import { max, mean } from './reduce.js';

/** Stride defaults to the kernel, as in PyTorch. */
export type MaxPoolOptions = WindowOptions;

export interface AvgPoolOptions extends WindowOptions {
  /** Whether the divisor counts the padding. Default true, as in PyTorch. What ceilMode adds never counts. */
  readonly countIncludePad?: boolean | undefined;
}

const layouts = ['', '[N, C, L]', '[N, C, H, W]', '[N, C, D, H, W]'];
const anyDType: readonly DType[] = ['float32', 'int32', 'uint8'];

function check(op: string, axes: number, x: Tensor, dtypes: readonly DType[]): void {
  checkTensor(op, 'x', x);
  checkRank(op, 'x', x.shape, axes + 2, layouts[axes]!);
  checkDType(op, 'x', x, dtypes);
  if (x.shape.includes(0))
    throw new ShapeError(`${op}: x is empty (x ${formatShape(x.shape)})`, { x: x.shape });
}

function pool(
  op: string,
  fn: 'max' | 'mean',
  x: Tensor,
  kernel: PerAxis,
  options: WindowOptions,
  countPadding: boolean,
): Tensor {
  const spatial = x.shape.slice(2);
  const sizes = perAxis(op, 'kernel', kernel, spatial.length, 1);
  const windows = resolveWindows(op, spatial, sizes, { ...options, stride: options.stride ?? sizes });
  const given = resolveWindows(op, spatial, sizes, {
    ...options,
    stride: options.stride ?? sizes,
    ceilMode: false,
  });
  given.forEach(({ kernel: k, dilation, padBefore, padAfter }) => {
    if (
      typeof options.padding !== 'string' &&
      Math.max(padBefore, padAfter) > effectiveKernel(k, dilation) / 2
    )
      throw new OptionError(
        `${op}: padding ${padBefore} and ${padAfter} must be at most half the window of ${effectiveKernel(k, dilation)} samples`,
        {
          padBefore,
          padAfter,
          kernel: k,
          dilation,
        },
      );
  });
  const shape = [
    ...x.shape.slice(0, 2),
    ...windows.map((window, axis) => outputLength(spatial[axis]!, window)),
  ];
  // Padding that counts is real zeros, so that the pool itself only ever divides by what it sees.
  const counted = countPadding
    ? pad(
        x,
        given.map(({ padBefore, padAfter }) => [padBefore, padAfter]),
      )
    : x;
  const axes = windows.map((window, axis) =>
    counted === x ? window : { ...window, padBefore: 0, padAfter: window.padAfter - given[axis]!.padAfter },
  );
  const reach: Reach = { type: 'window', axes };
  return makeTensor({ kind: 'pool', fn, inputs: [counted], reach }, shape, x.dtype);
}

function maxPool(op: string, axes: number, x: Tensor, kernel: PerAxis, options: MaxPoolOptions): Tensor {
  check(op, axes, x, anyDType);
  return pool(op, 'max', x, kernel, options, false);
}

function avgPool(op: string, axes: number, x: Tensor, kernel: PerAxis, options: AvgPoolOptions): Tensor {
  check(op, axes, x, ['float32']);
  return pool(op, 'mean', x, kernel, options, options.countIncludePad ?? true);
}

/**
 * The largest value in each window; padding counts as minus infinity.
 *
 * @param x `[N, C, L]`
 * @param kernel taps per axis
 * @throws ShapeError, OptionError
 */
export const maxPool1d = (x: Tensor, kernel: PerAxis, options: MaxPoolOptions = {}): Tensor =>
  maxPool('maxPool1d', 1, x, kernel, options);
/** The largest value in each window; see maxPool1d. x `[N, C, H, W]`. */
export const maxPool2d = (x: Tensor, kernel: PerAxis, options: MaxPoolOptions = {}): Tensor =>
  maxPool('maxPool2d', 2, x, kernel, options);
/** The largest value in each window; see maxPool1d. x `[N, C, D, H, W]`. */
export const maxPool3d = (x: Tensor, kernel: PerAxis, options: MaxPoolOptions = {}): Tensor =>
  maxPool('maxPool3d', 3, x, kernel, options);

/**
 * The mean of each window.
 *
 * @param x float32 `[N, C, L]`
 * @param kernel taps per axis
 * @throws ShapeError, OptionError
 */
export const avgPool1d = (x: Tensor, kernel: PerAxis, options: AvgPoolOptions = {}): Tensor =>
  avgPool('avgPool1d', 1, x, kernel, options);
/** The mean of each window; see avgPool1d. x float32 `[N, C, H, W]`. */
export const avgPool2d = (x: Tensor, kernel: PerAxis, options: AvgPoolOptions = {}): Tensor =>
  avgPool('avgPool2d', 2, x, kernel, options);
/** The mean of each window; see avgPool1d. x float32 `[N, C, D, H, W]`. */
export const avgPool3d = (x: Tensor, kernel: PerAxis, options: AvgPoolOptions = {}): Tensor =>
  avgPool('avgPool3d', 3, x, kernel, options);

function adaptivePool(op: string, fn: 'max' | 'mean', x: Tensor, outputSize: PerAxis): Tensor {
  check(op, Math.min(Math.max(x.shape.length - 2, 1), 3), x, ['float32']);
  const spatial = x.shape.slice(2);
  const sizes = perAxis(op, 'outputSize', outputSize, spatial.length, 1);
  if (sizes.every((size) => size === 1)) {
    const axes = spatial.map((_, axis) => axis + 2);
    return fn === 'max' ? max(x, axes, { keepDims: true }) : mean(x, axes, { keepDims: true });
  }
  // A superset where windows differ in length. The half keeps floor() clear of rounding: o * in / out has steps of 1 / out.
  const axes = spatial.map((size, axis) => {
    const out = sizes[axis]!;
    const taps = Math.max(
      ...Array.from(
        { length: out },
        (_, o) => Math.ceil(((o + 1) * size) / out) - Math.floor((o * size) / out),
      ),
    );
    return { scale: size / out, offset: 0.5 / out, taps };
  });
  return makeTensor(
    { kind: 'adaptivePool', fn, inputs: [x], reach: { type: 'sample', axes } },
    [...x.shape.slice(0, 2), ...sizes],
    'float32',
  );
}

/**
 * Means over windows that share out the input: output i covers `floor(i * in / out)` to `ceil((i + 1) * in / out)`.
 *
 * @param x float32 `[N, C, …]`, 1 to 3 spatial axes
 * @param outputSize one number or one per spatial axis; 1 is global average pooling
 */
export const adaptiveAvgPool = (x: Tensor, outputSize: PerAxis): Tensor =>
  adaptivePool('adaptiveAvgPool', 'mean', x, outputSize);

/** Maxima over windows that share out the input; see adaptiveAvgPool. */
export const adaptiveMaxPool = (x: Tensor, outputSize: PerAxis): Tensor =>
  adaptivePool('adaptiveMaxPool', 'max', x, outputSize);

/** The mean over all spatial positions: `[N, C, …]` → `[N, C, 1, …]`. */
export const globalAvgPool = (x: Tensor): Tensor => adaptivePool('globalAvgPool', 'mean', x, 1);
