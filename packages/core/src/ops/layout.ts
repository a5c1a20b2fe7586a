import { checkInteger, checkNumber, checkOneOf, checkTensor, describe, resolveAxis } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import type { AxisWindow, PadMode, Reach, Shape } from '../graph.js';
import { checkShape, elementCount, equalShapes, formatShape } from '../shape.js';
import { expressionOf, makeTensor, type Tensor } from '../tensor.js';

const step1 = (padBefore: number, padAfter: number, stride = 1): AxisWindow => ({
  kernel: 1,
  stride,
  dilation: 1,
  padBefore,
  padAfter,
});

/** The reach of an op that mixes positions in a way that no window describes. */
const everything: Reach = { type: 'everything' };

/**
 * The same values in another shape; one size may be −1 and is inferred.
 *
 * @throws ShapeError if the numbers of elements differ
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'x', x);
  if (!Array.isArray(shape))
    throw new OptionError(`reshape: shape must be a list of sizes but is ${describe(shape)}`);
  const count = elementCount(x.shape);
  const unknown = shape.indexOf(-1);
  const known = elementCount(shape.filter((_, axis) => axis !== unknown));
  const target = shape.map((size, axis) => (axis === unknown ? count / known : size));
  if (!target.every((size) => Number.isInteger(size) && size >= 0) || elementCount(target) !== count)
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} has ${count} elements and cannot become ${formatShape(shape)}`,
      { from: x.shape, to: shape },
    );
  checkShape('reshape', target);
  if (equalShapes(target, x.shape)) return x;
  const expression = expressionOf(x);
  if (expression.kind === 'constant') return makeTensor({ ...expression }, target, x.dtype, x.name);
  const spatial = Math.max(x.shape.length, target.length) - 2;
  const samePositions = spatial < 1 || equalShapes(x.shape.slice(-spatial), target.slice(-spatial));
  return makeTensor(
    { kind: 'reshape', inputs: [x], ...(samePositions ? {} : { reach: everything }) },
    target,
    x.dtype,
  );
}

/** Repeats axes of size 1 until the shape is `shape`, as NumPy's broadcasting does. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', 'x', x);
  checkShape('broadcastTo', shape);
  if (equalShapes(x.shape, shape)) return x;
  const missing = shape.length - x.shape.length;
  const from = [...new Array<number>(Math.max(missing, 0)).fill(1), ...x.shape];
  if (missing < 0 || from.some((size, axis) => size !== shape[axis] && size !== 1))
    throw new ShapeError(
      `broadcastTo: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}; aligned from the right, sizes must be equal or 1`,
      {
        from: x.shape,
        to: shape,
      },
    );
  const axes = from
    .slice(2)
    .map((size, axis) => ({ scale: size === shape[axis + 2] ? 1 : 0, offset: 0, taps: 1 }));
  const reach: Reach | undefined = axes.some(({ scale }) => scale === 0)
    ? { type: 'sample', axes }
    : undefined;
  return makeTensor(
    { kind: 'broadcast', inputs: [reshape(x, from)], ...(reach && { reach }) },
    shape,
    x.dtype,
  );
}

/**
 * Reorders the axes: axis i of the result is axis `order[i]` of x (PyTorch's permute).
 *
 * @throws OptionError unless `order` names every axis once
 */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  checkTensor('transpose', 'x', x);
  const rank = x.shape.length;
  const resolved = Array.isArray(order) ? order.map((axis) => resolveAxis('transpose', axis, rank)) : [];
  if (resolved.length !== rank || new Set(resolved).size !== rank)
    throw new OptionError(
      `transpose: order must name each of the ${rank} axes once but is ${describe(order)} (x ${formatShape(x.shape)})`,
      { order },
    );
  if (resolved.every((axis, i) => axis === i)) return x;
  const samePositions = resolved.every((axis, i) => (i < 2 ? axis < 2 : axis === i));
  const shape = resolved.map((axis) => x.shape[axis]!);
  return makeTensor(
    { kind: 'transpose', order: resolved, inputs: [x], ...(samePositions ? {} : { reach: everything }) },
    shape,
    x.dtype,
  );
}

export interface SliceOptions {
  /** First element per listed axis; negative counts from the end. */
  readonly start: readonly number[];
  /** End (exclusive) per listed axis; negative counts from the end; default: all the rest. */
  readonly end?: readonly number[] | undefined;
  /** Distance per listed axis; negative goes backwards. Default 1. */
  readonly step?: readonly number[] | undefined;
  /** The axes that the lists are for. Default: the first ones. */
  readonly axes?: readonly number[] | undefined;
}

/**
 * A regular part of a tensor, with the rules of NumPy's and ONNX's slices: positions outside are clamped.
 *
 * @throws OptionError for lists of different lengths or a step of 0
 */
export function slice(x: Tensor, options: SliceOptions): Tensor {
  checkTensor('slice', 'x', x);
  const rank = x.shape.length;
  const { start, end, step } = options;
  const axes = (options.axes ?? start.map((_, i) => i)).map((axis) => resolveAxis('slice', axis, rank));
  for (const [name, list] of Object.entries({ axes, end, step }))
    if (list !== undefined && list.length !== start.length)
      throw new OptionError(`slice: ${name} has ${list.length} entries but start has ${start.length}`, {
        start,
        [name]: list,
      });
  const starts = new Array<number>(rank).fill(0);
  const steps = new Array<number>(rank).fill(1);
  const shape = [...x.shape];
  axes.forEach((axis, i) => {
    const size = x.shape[axis]!;
    const stride = step?.[i] ?? 1;
    checkInteger('slice', 'start', start[i], -Number.MAX_SAFE_INTEGER);
    checkInteger('slice', 'step', stride, -Number.MAX_SAFE_INTEGER);
    if (stride === 0) throw new OptionError('slice: step must not be 0', { step });
    const backwards = stride < 0;
    const clamp = (value: number, low: number, high: number) =>
      Math.min(Math.max(value < 0 ? value + size : value, low), high);
    const from = clamp(start[i]!, 0, backwards ? size - 1 : size);
    // -size - 1 is how "before the first element" is written when going backwards
    const to = end === undefined ? (backwards ? -1 : size) : clamp(end[i]!, backwards ? -1 : 0, size);
    if (end !== undefined) checkInteger('slice', 'end', end[i], -Number.MAX_SAFE_INTEGER);
    starts[axis] = from;
    steps[axis] = stride;
    shape[axis] = Math.max(0, Math.ceil((to - from) / stride));
  });
  if (equalShapes(shape, x.shape) && steps.every((s) => s === 1)) return x;
  return makeTensor(
    { kind: 'slice', start: starts, step: steps, inputs: [x], ...sliceReach(x.shape, shape, starts, steps) },
    shape,
    x.dtype,
  );
}

function sliceReach(
  from: Shape,
  to: Shape,
  start: readonly number[],
  step: readonly number[],
): { reach?: Reach } {
  const spatial = from.map((_, axis) => axis).slice(2);
  if (spatial.every((axis) => to[axis] === from[axis] && step[axis] === 1)) return {};
  if (spatial.some((axis) => step[axis]! < 0)) return { reach: everything };
  const axes = spatial.map((axis) => {
    const last = start[axis]! + (to[axis]! - 1) * step[axis]!;
    return step1(-start[axis]!, last + 1 - from[axis]!, step[axis]!);
  });
  return { reach: { type: 'window', axes } };
}

/**
 * Cuts a tensor along one axis into parts of the given sizes.
 *
 * @throws ShapeError unless the sizes add up to the axis
 */
export function split(x: Tensor, sizes: readonly number[], axis = 1): Tensor[] {
  checkTensor('split', 'x', x);
  const at = resolveAxis('split', axis, x.shape.length);
  for (const size of sizes) checkInteger('split', 'size', size, 0);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== x.shape[at])
    throw new ShapeError(
      `split: sizes [${sizes.join(', ')}] add up to ${total} but axis ${at} has ${x.shape[at]} (x ${formatShape(x.shape)})`,
      { sizes, x: x.shape },
    );
  let start = 0;
  return sizes.map((size) => {
    const part = slice(x, { axes: [at], start: [start], end: [start + size] });
    start += size;
    return part;
  });
}

/**
 * Joins tensors along one axis; all other sizes are equal. Default axis 1: channels.
 *
 * @throws ShapeError naming the tensor that does not fit
 */
export function concat(tensors: readonly Tensor[], axis = 1): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new OptionError('concat: give at least one tensor');
  for (const [i, item] of tensors.entries()) checkTensor('concat', `tensor ${i}`, item);
  const at = resolveAxis('concat', axis, first.shape.length);
  for (const [i, item] of tensors.entries()) {
    const fits =
      item.shape.length === first.shape.length &&
      item.shape.every((size, a) => a === at || size === first.shape[a]);
    if (!fits || item.dtype !== first.dtype)
      throw new ShapeError(
        `concat: tensor ${i} is ${item.dtype} ${formatShape(item.shape)} but tensor 0 is ${first.dtype} ${formatShape(first.shape)}; all but axis ${at} must be equal`,
        { axis: at, index: i, shapes: tensors.map((t) => t.shape) },
      );
  }
  if (tensors.length === 1) return first;
  const shape = first.shape.map((size, a) =>
    a === at ? tensors.reduce((sum, t) => sum + t.shape[at]!, 0) : size,
  );
  checkShape('concat', shape);
  return makeTensor(
    { kind: 'concat', axis: at, inputs: [...tensors], ...(at < 2 ? {} : { reach: everything }) },
    shape,
    first.dtype,
  );
}

export interface PadOptions {
  /** Default `'constant'`. `'reflect'` leaves the edge out, `'replicate'` repeats it, `'circular'` wraps around. */
  readonly mode?: PadMode | undefined;
  /** What `'constant'` adds. Default 0. */
  readonly value?: number | undefined;
}

/**
 * Adds elements before and after axes; negative amounts crop.
 *
 * @param padding `[before, after]` for each of the last axes: two entries pad H and W of `[N, C, H, W]`
 * @throws ShapeError if reflect or circular padding exceeds what the axis holds
 */
export function pad(
  x: Tensor,
  padding: readonly (readonly [before: number, after: number])[],
  options: PadOptions = {},
): Tensor {
  checkTensor('pad', 'x', x);
  const mode = options.mode ?? 'constant';
  const value = options.value ?? 0;
  checkOneOf('pad', 'mode', mode, ['constant', 'reflect', 'replicate', 'circular']);
  checkNumber('pad', 'value', value);
  const leading = x.shape.length - padding.length;
  if (leading < 0)
    throw new OptionError(
      `pad: padding has ${padding.length} entries but x has ${x.shape.length} axes (${formatShape(x.shape)})`,
      { padding, x: x.shape },
    );
  const sides = [...new Array<readonly [number, number]>(leading).fill([0, 0]), ...padding];
  const shape = x.shape.map((size, axis) => padAxis(size, axis, sides[axis]!, mode, x.shape));
  checkShape('pad', shape);
  if (sides.every(([before, after]) => before === 0 && after === 0)) return x;
  const spatial = sides.slice(2);
  const moved = spatial.some(([before, after]) => before !== 0 || after !== 0);
  const reach: Reach = {
    type: 'window',
    axes: spatial.map(([before, after]) => step1(before, after)),
    ...(mode === 'circular' && { wraps: true }),
  };
  return makeTensor(
    {
      kind: 'pad',
      before: sides.map(([before]) => before),
      mode,
      value,
      inputs: [x],
      ...(moved && { reach }),
    },
    shape,
    x.dtype,
  );
}

function padAxis(
  size: number,
  axis: number,
  [before, after]: readonly [number, number],
  mode: PadMode,
  x: Shape,
): number {
  for (const side of [before, after]) checkInteger('pad', 'padding', side, -Number.MAX_SAFE_INTEGER);
  const most = Math.max(before, after);
  const room =
    mode === 'reflect'
      ? size - 1
      : mode === 'circular'
        ? size
        : size > 0 || mode === 'constant'
          ? Infinity
          : 0;
  if (most > room)
    throw new ShapeError(
      `pad: ${mode} padding of ${most} exceeds the ${room} available on axis ${axis} (x ${formatShape(x)}); use less padding, 'replicate' or 'constant'`,
      {
        padding: [before, after],
        axis,
        x,
      },
    );
  const length = size + before + after;
  if (length < 0)
    throw new ShapeError(
      `pad: cropping ${-before} and ${-after} leaves nothing of axis ${axis} (x ${formatShape(x)})`,
      { axis, x },
    );
  return length;
}
