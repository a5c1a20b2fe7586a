/**
 * The classic ways to compute a dilated convolution, as compositions of other ops.
 *
 * They are here to be read and compared: each adds the same products in the same order as the convolution op with
 * `dilation`, so the results agree to the last bit on a backend that accumulates in that order. The op itself is
 * faster: it neither multiplies zeros nor moves the input.
 */
import { checkTensor, type PerAxis, perAxis } from './check.js';
import { OptionError, ShapeError } from './errors.js';
import { batchToSpace, spaceToBatch } from './ops/blocks.js';
import { type ConvOptions, conv1d, conv2d, conv3d } from './ops/conv.js';
import { concat, pad, reshape, slice } from './ops/layout.js';
import { elementCount, formatShape } from './shape.js';
import type { Tensor } from './tensor.js';
import { effectiveKernel, outputLength, resolveWindows } from './window.js';

const convolutions = [conv1d, conv2d, conv3d] as const;

function spatialAxes(op: string, weight: Tensor): 1 | 2 | 3 {
  checkTensor(op, 'weight', weight);
  const axes = weight.shape.length - 2;
  if (axes < 1 || axes > 3)
    throw new ShapeError(
      `${op}: weight must be [O, C, …kernel] with 1 to 3 kernel axes but is ${formatShape(weight.shape)}`,
      { weight: weight.shape },
    );
  return axes as 1 | 2 | 3;
}

/**
 * The kernel with `dilation - 1` zeros between its taps, so that a dense convolution does what a dilated one does.
 *
 * @param weight `[O, C, …k]`
 * @returns `[O, C, …k + (k - 1)(dilation - 1)]`
 */
export function dilateKernel(weight: Tensor, dilation: PerAxis): Tensor {
  const axes = spatialAxes('dilateKernel', weight);
  const rates = perAxis('dilateKernel', 'dilation', dilation, axes, 1);
  let kernel = weight;
  rates.forEach((rate, i) => {
    const axis = i + 2;
    const { shape } = kernel;
    // Each tap becomes a row of `rate` samples, zero but for the first; the zeros after the last tap are cut off.
    const rows = reshape(kernel, [
      elementCount(shape.slice(0, axis + 1)),
      1,
      elementCount(shape.slice(axis + 1)),
    ]);
    const spread = pad(rows, [
      [0, rate - 1],
      [0, 0],
    ]);
    const long = reshape(spread, [...shape.slice(0, axis), shape[axis]! * rate, ...shape.slice(axis + 1)]);
    kernel = slice(long, { axes: [axis], start: [0], end: [effectiveKernel(shape[axis]!, rate)] });
  });
  return kernel;
}

/**
 * Dilated convolution by a zero-filled kernel: `dilateKernel`, then a dense convolution.
 * Multiplies `effective kernel / kernel` times as much per axis.
 *
 * @param x `[N, C, …]`, 1 to 3 spatial axes
 */
export function convByZeroFilledKernel(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  const axes = spatialAxes('convByZeroFilledKernel', weight);
  const { dilation = 1, ...dense } = options;
  return convolutions[axes - 1]!(x, dilateKernel(weight, dilation), dense);
}

/**
 * Dilated convolution by sampling the input at equal distances: for every tap, the samples that it meets become a
 * channel of their own (im2col), and a 1×1 convolution does the rest. Needs `taps` times the memory.
 *
 * @param x `[N, C, …]`, 1 to 3 spatial axes
 */
export function convBySampling(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  const op = 'convBySampling';
  spatialAxes(op, weight);
  const { bias, groups, paddingMode = 'zeros' } = options;
  const kernel = weight.shape.slice(2);
  const windows = resolveWindows(op, x.shape.slice(2), kernel, options);
  const mode = paddingMode === 'zeros' ? 'constant' : paddingMode;
  const padded = pad(
    x,
    windows.map(({ padBefore, padAfter }) => [padBefore, padAfter]),
    { mode },
  );
  const output = windows.map((window, axis) => outputLength(x.shape[axis + 2]!, window));
  const taps = elementCount(kernel);
  const samples = Array.from({ length: taps }, (_, tap) => {
    const position = positionOf(tap, kernel);
    const start = windows.map(({ dilation }, axis) => position[axis]! * dilation);
    const seen = slice(padded, {
      axes: windows.map((_, axis) => axis + 2),
      start,
      end: windows.map(({ stride }, axis) => start[axis]! + (output[axis]! - 1) * stride + 1),
      step: windows.map(({ stride }) => stride),
    });
    return reshape(seen, [x.shape[0]!, x.shape[1]!, 1, elementCount(output)]);
  });
  const columns = reshape(concat(samples, 2), [x.shape[0]!, x.shape[1]! * taps, elementCount(output)]);
  const flat = reshape(weight, [weight.shape[0]!, weight.shape[1]! * taps, 1]);
  return reshape(conv1d(columns, flat, { bias, groups }), [x.shape[0]!, weight.shape[0]!, ...output]);
}

/**
 * Dilated convolution by space-to-batch, as TensorFlow does it: a convolution with rate r is r dense convolutions per
 * axis on the sub-sampled input. Stride 1 only.
 *
 * @param x `[N, C, …]`, 1 to 3 spatial axes
 * @throws OptionError if stride is not 1
 */
export function convBySpaceToBatch(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  const op = 'convBySpaceToBatch';
  const axes = spatialAxes(op, weight);
  if (perAxis(op, 'stride', options.stride ?? 1, axes, 1).some((stride) => stride !== 1))
    throw new OptionError(`${op}: space-to-batch cannot combine stride with dilation; use conv${axes}d`, {
      stride: options.stride,
    });
  const { bias, groups, paddingMode = 'zeros' } = options;
  const windows = resolveWindows(op, x.shape.slice(2), weight.shape.slice(2), options);
  const rates = windows.map(({ dilation }) => dilation);
  const mode = paddingMode === 'zeros' ? 'constant' : paddingMode;
  const padded = pad(
    x,
    windows.map(({ padBefore, padAfter }) => [padBefore, padAfter]),
    { mode },
  );
  // Every phase must have the same length; what is added for that is cropped again.
  const extra = rates.map((rate, axis) => (rate - (padded.shape[axis + 2]! % rate)) % rate);
  const phases = spaceToBatch(
    padded,
    rates,
    extra.map((amount) => [0, amount] as const),
  );
  const dense = convolutions[axes - 1]!(phases, weight, { bias, groups });
  return batchToSpace(
    dense,
    rates,
    extra.map((amount) => [0, amount] as const),
  );
}

function positionOf(tap: number, kernel: readonly number[]): number[] {
  const position: number[] = [];
  for (let axis = kernel.length - 1, rest = tap; axis >= 0; axis--) {
    position.unshift(rest % kernel[axis]!);
    rest = Math.floor(rest / kernel[axis]!);
  }
  return position;
}
