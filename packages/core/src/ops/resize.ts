import {
  checkDType,
  checkNumber,
  checkOneOf,
  checkTensor,
  describe,
  type PerAxis,
  perAxis,
} from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import type { DType, Reach, Shape } from '../graph.js';
import { checkShape, elementCount, formatShape } from '../shape.js';
import { makeTensor, type Tensor } from '../tensor.js';

export interface ResizeAxis {
  /** Input samples per output step. */
  readonly scale: number;
  /** Source coordinate of output 0. */
  readonly offset: number;
}

export interface ResizeOptions {
  /** Output size per spatial axis. */
  readonly size: Shape;
  /** `'linear'` mixes the two neighbours of each axis, `'nearest'` takes `floor` of the source coordinate. */
  readonly mode: 'nearest' | 'linear';
  /** Source coordinate `o * scale + offset` per spatial axis. */
  readonly axes: readonly ResizeAxis[];
  /** float32 `[axes]`, added to the source coordinates: lets one program resize any tile of a picture. */
  readonly origin?: Tensor | undefined;
}

/**
 * Resamples the spatial axes at source coordinates `o * scale + offset`, clamped to the edge. The general form of
 * interpolate(): every coordinate convention of PyTorch, TensorFlow and ONNX is a scale and an offset.
 *
 * @param x `[N, C, …]` with 1 to 3 spatial axes; float32, or any dtype with `'nearest'`
 * @throws ShapeError, OptionError
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  return resample('resize', x, options);
}

function resample(op: string, x: Tensor, { size, mode, axes, origin }: ResizeOptions): Tensor {
  const spatial = spatialShape(op, x, mode);
  const out = perAxis(op, 'size', size, spatial.length, 1);
  checkOneOf(op, 'mode', mode, ['nearest', 'linear']);
  if (axes.length !== spatial.length)
    throw new OptionError(
      `${op}: axes has ${axes.length} entries; give one per spatial axis (${spatial.length})`,
      { axes },
    );
  for (const { scale, offset } of axes) {
    checkNumber(op, 'scale', scale);
    checkNumber(op, 'offset', offset);
  }
  const shape = [...x.shape.slice(0, 2), ...out];
  checkShape(op, shape);
  if (origin !== undefined) {
    checkTensor(op, 'origin', origin);
    checkDType(op, 'origin', origin, ['float32']);
    if (elementCount(origin.shape) !== spatial.length)
      throw new ShapeError(
        `${op}: origin must hold one value per spatial axis (${spatial.length}) but is ${formatShape(origin.shape)}`,
        { origin: origin.shape },
      );
  }
  const taps = mode === 'linear' ? 2 : 1;
  const reach: Reach = { type: 'sample', axes: axes.map(({ scale, offset }) => ({ scale, offset, taps })) };
  return makeTensor(
    { kind: 'resize', mode, inputs: origin === undefined ? [x] : [x, origin], reach },
    shape,
    x.dtype,
  );
}

function spatialShape(op: string, x: Tensor, mode: string): Shape {
  checkTensor(op, 'x', x);
  const anyDType: readonly DType[] = ['float32', 'int32', 'uint8'];
  checkDType(op, 'x', x, mode === 'nearest' ? anyDType : ['float32']);
  if (x.shape.length < 3 || x.shape.length > 5 || x.shape.includes(0))
    throw new ShapeError(
      `${op}: x must be [N, C, …] with 1 to 3 spatial axes, none empty, but is ${formatShape(x.shape)}`,
      { x: x.shape },
    );
  return x.shape.slice(2);
}

export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear';

export interface InterpolateOptions {
  /** Output size, one number or one per spatial axis. Give this or scaleFactor. */
  readonly size?: PerAxis | undefined;
  /** Output size as a multiple of the input's, rounded down. */
  readonly scaleFactor?: PerAxis | undefined;
  /** Default `'nearest'`, as in PyTorch. `'linear'` works for any number of axes; `'bilinear'` and `'trilinear'` check it. */
  readonly mode?: InterpolateMode | undefined;
  /** Linear modes: corner samples of input and output coincide. Default false: half-pixel centres. */
  readonly alignCorners?: boolean | undefined;
  /** Compute coordinates from the sizes even if scaleFactor is given. Default false, as in PyTorch. */
  readonly recomputeScaleFactor?: boolean | undefined;
}

const axesOfMode: Partial<Record<InterpolateMode, number>> = { bilinear: 2, trilinear: 3 };

/**
 * PyTorch's `F.interpolate`: resizes the spatial axes of `[N, C, …]`.
 *
 * ```ts
 * interpolate(logits, { size: [512, 512], mode: 'bilinear' });
 * ```
 *
 * @throws OptionError unless exactly one of size and scaleFactor is given; ShapeError for empty results
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const op = 'interpolate';
  const { mode = 'nearest', alignCorners = false, recomputeScaleFactor = false } = options;
  checkOneOf(op, 'mode', mode, ['nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear']);
  const nearest = mode.startsWith('nearest');
  const spatial = spatialShape(op, x, nearest ? 'nearest' : 'linear');
  if (axesOfMode[mode] !== undefined && axesOfMode[mode] !== spatial.length)
    throw new OptionError(
      `${op}: mode '${mode}' is for ${axesOfMode[mode]} spatial axes but x has ${spatial.length} (x ${formatShape(x.shape)}); use 'linear'`,
      { mode },
    );
  if (nearest && alignCorners)
    throw new OptionError(`${op}: alignCorners goes with the linear modes, not with '${mode}'`, { mode });
  if ((options.size === undefined) === (options.scaleFactor === undefined))
    throw new OptionError(
      `${op}: give either size or scaleFactor (size ${describe(options.size)}, scaleFactor ${describe(options.scaleFactor)})`,
    );
  const factors =
    options.scaleFactor === undefined ? undefined : factorsPerAxis(op, options.scaleFactor, spatial.length);
  const size = factors
    ? spatial.map((n, axis) => Math.floor(n * factors[axis]!))
    : perAxis(op, 'size', options.size!, spatial.length, 1);
  if (size.some((n) => n < 1))
    throw new ShapeError(
      `${op}: the result would be empty (${formatShape(spatial)} → ${formatShape(size)})`,
      { from: spatial, to: size },
    );
  const axes = size.map((out, axis): ResizeAxis => {
    const n = spatial[axis]!;
    if (alignCorners) return { scale: out > 1 ? (n - 1) / (out - 1) : 0, offset: 0 };
    const exact = factors === undefined || recomputeScaleFactor;
    const scale = exact ? n / out : 1 / factors[axis]!;
    if (!nearest) return { scale, offset: 0.5 * scale - 0.5 };
    // Sources of `exact` scales are multiples of 1 / (2 out): a quarter of 1 / out keeps floor() clear of rounding.
    return { scale, offset: (mode === 'nearest-exact' ? 0.5 * scale : 0) + (exact ? 0.25 / out : 0) };
  });
  return resample(op, x, { size, mode: nearest ? 'nearest' : 'linear', axes });
}

function factorsPerAxis(op: string, scaleFactor: PerAxis, axes: number): readonly number[] {
  const factors = typeof scaleFactor === 'number' ? new Array<number>(axes).fill(scaleFactor) : scaleFactor;
  if (factors.length !== axes || factors.some((factor) => !(factor > 0 && factor < Infinity)))
    throw new OptionError(
      `${op}: scaleFactor must be one positive number or ${axes} but is ${describe(scaleFactor)}`,
      { scaleFactor },
    );
  return factors;
}
