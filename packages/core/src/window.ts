/**
 * The one place where padding is resolved. Every style of padding becomes an `AxisWindow` per spatial axis here;
 * backends and receptive-field analysis see nothing else.
 */
import { checkInteger, describe, type PerAxis, perAxis } from './check.js';
import { OptionError, ShapeError } from './errors.js';
import type { AxisWindow, Shape } from './graph.js';
import { formatShape } from './shape.js';

/**
 * How much is added around the input:
 * - a number: the same on every side (PyTorch);
 * - a list with one entry per spatial axis: a number for both sides or `[before, after]`;
 * - `'same'`: PyTorch's rule, stride 1 only: `dilation * (kernel - 1)` in all, an odd element after;
 * - `'valid'`: none;
 * - `'causal'`: `dilation * (kernel - 1)` before, one spatial axis only;
 * - `'same-upper'`: TensorFlow's SAME (ONNX's SAME_UPPER), `ceil(input / stride)` outputs, an odd element after;
 * - `'same-lower'`: ONNX's SAME_LOWER, an odd element before.
 */
export type Padding =
  | number
  | readonly (number | readonly [before: number, after: number])[]
  | 'same'
  | 'valid'
  | 'causal'
  | 'same-upper'
  | 'same-lower';

export interface WindowOptions {
  /** Distance between neighbouring outputs. Default 1. */
  readonly stride?: PerAxis | undefined;
  /** Distance between neighbouring taps (the rate). Default 1: no gaps. */
  readonly dilation?: PerAxis | undefined;
  /** Default 0. */
  readonly padding?: Padding | undefined;
  /** Round the number of outputs up instead of down, as PyTorch's pooling does. Default false. */
  readonly ceilMode?: boolean | undefined;
}

/**
 * Samples that a dilated kernel spans: `k + (k - 1)(rate - 1)`.
 *
 * @throws OptionError unless both are positive integers
 */
export function effectiveKernel(kernel: number, dilation = 1): number {
  checkInteger('effectiveKernel', 'kernel', kernel, 1);
  checkInteger('effectiveKernel', 'dilation', dilation, 1);
  return span(kernel, dilation);
}

const span = (kernel: number, dilation: number) => dilation * (kernel - 1) + 1;

/** Number of positions of the window on an axis of `input` samples; 0 or less when it does not fit once. */
export function outputLength(input: number, window: AxisWindow): number {
  const room = input + window.padBefore + window.padAfter - span(window.kernel, window.dilation);
  return Math.floor(room / window.stride) + 1;
}

/**
 * The windows of a convolution or pooling over the spatial axes of `input`.
 *
 * @param input sizes of the spatial axes, outermost first
 * @param kernel taps per spatial axis
 * @throws OptionError for unusable options, ShapeError when a window does not fit into the padded input
 */
export function resolveWindows(
  op: string,
  input: Shape,
  kernel: Shape,
  options: WindowOptions,
): AxisWindow[] {
  const axes = input.length;
  const stride = perAxis(op, 'stride', options.stride ?? 1, axes, 1);
  const dilation = perAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
  const sides = resolvePadding(op, options.padding ?? 0, input, kernel, stride, dilation);
  return sides.map(([padBefore, padAfter], axis) => {
    const window = {
      kernel: kernel[axis]!,
      stride: stride[axis]!,
      dilation: dilation[axis]!,
      padBefore,
      padAfter,
    };
    if (outputLength(input[axis]!, window) < 1) throw windowDoesNotFit(op, input, axis, window);
    return options.ceilMode ? roundUp(window, input[axis]!) : window;
  });
}

/**
 * The windows of a transposed convolution: those of the convolution whose adjoint it is, so that
 * `output = (input - 1) * stride - 2 * padding + dilation * (kernel - 1) + outputPadding + 1` per axis.
 *
 * @throws OptionError for unusable options, ShapeError when an output would be empty
 */
export function resolveTransposedWindows(
  op: string,
  input: Shape,
  kernel: Shape,
  options: Omit<WindowOptions, 'ceilMode'> & { readonly outputPadding?: PerAxis | undefined },
): { windows: AxisWindow[]; output: number[] } {
  const axes = input.length;
  const stride = perAxis(op, 'stride', options.stride ?? 1, axes, 1);
  const dilation = perAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
  const outputPadding = perAxis(op, 'outputPadding', options.outputPadding ?? 0, axes, 0);
  const padding = options.padding ?? 0;
  if (padding !== 'valid' && typeof padding === 'string')
    throw new OptionError(
      `${op}: padding '${padding}' is ambiguous for a transposed convolution; give numbers and outputPadding`,
      { padding },
    );
  const sides = resolvePadding(op, padding, input, kernel, stride, dilation);
  const output: number[] = [];
  const windows = sides.map(([padBefore, padAfter], axis) => {
    const extra = outputPadding[axis]!;
    if (extra >= Math.max(stride[axis]!, dilation[axis]!))
      throw new OptionError(
        `${op}: outputPadding ${extra} must be smaller than stride ${stride[axis]} or dilation ${dilation[axis]} (spatial axis ${axis})`,
        { outputPadding: extra, stride: stride[axis], dilation: dilation[axis] },
      );
    const window = {
      kernel: kernel[axis]!,
      stride: stride[axis]!,
      dilation: dilation[axis]!,
      padBefore,
      padAfter: padAfter - extra,
    };
    const length =
      (input[axis]! - 1) * window.stride + span(window.kernel, window.dilation) - padBefore - window.padAfter;
    if (length < 1 || input[axis]! < 1)
      throw new ShapeError(
        `${op}: spatial axis ${axis} would have ${length} outputs; use less padding (input ${formatShape(input)}, kernel ${formatShape(kernel)}, padding ${padBefore} and ${padAfter})`,
        { input, kernel, padBefore, padAfter },
      );
    output.push(length);
    return window;
  });
  return { windows, output };
}

function resolvePadding(
  op: string,
  padding: Padding,
  input: Shape,
  kernel: Shape,
  stride: readonly number[],
  dilation: readonly number[],
): (readonly [number, number])[] {
  const total = (axis: number) => dilation[axis]! * (kernel[axis]! - 1);
  if (typeof padding === 'number') {
    checkInteger(op, 'padding', padding, 0);
    return input.map(() => [padding, padding]);
  }
  if (Array.isArray(padding)) return explicitSides(op, padding, input.length);
  switch (padding) {
    case 'valid':
      return input.map(() => [0, 0]);
    case 'same':
      if (stride.some((step) => step !== 1))
        throw new OptionError(
          `${op}: padding 'same' needs stride 1 but stride is [${stride.join(', ')}]; use 'same-upper' (TensorFlow's SAME) or numbers`,
          { padding, stride },
        );
      return input.map((_, axis) => halves(total(axis)));
    case 'causal':
      if (input.length !== 1)
        throw new OptionError(
          `${op}: padding 'causal' is for one spatial axis but there are ${input.length}; give [before, after] for each axis`,
          { padding },
        );
      return [[total(0), 0]];
    case 'same-upper':
    case 'same-lower':
      return input.map((size, axis) => {
        const needed = (Math.ceil(size / stride[axis]!) - 1) * stride[axis]! + total(axis) + 1 - size;
        const [less, more] = halves(Math.max(needed, 0));
        return padding === 'same-upper' ? [less, more] : [more, less];
      });
    default:
      throw new OptionError(
        `${op}: padding must be a number, one entry per axis, 'same', 'valid', 'causal', 'same-upper' or 'same-lower' but is ${describe(padding)}`,
        { padding },
      );
  }
}

const halves = (total: number): [number, number] => [Math.floor(total / 2), Math.ceil(total / 2)];

function explicitSides(op: string, padding: readonly unknown[], axes: number): [number, number][] {
  if (padding.length !== axes)
    throw new OptionError(
      `${op}: padding ${describe(padding)} has ${padding.length} entries; give one per spatial axis (${axes}), each a number or [before, after]`,
      { padding, axes },
    );
  return padding.map((entry) => {
    const sides = Array.isArray(entry) ? entry : [entry, entry];
    if (sides.length !== 2)
      throw new OptionError(
        `${op}: a padding entry must be a number or [before, after] but is ${describe(entry)}`,
        { padding },
      );
    for (const side of sides) checkInteger(op, 'padding', side, 0);
    return [sides[0] as number, sides[1] as number];
  });
}

function windowDoesNotFit(op: string, input: Shape, axis: number, window: AxisWindow): ShapeError {
  const { kernel, dilation, padBefore, padAfter } = window;
  return new ShapeError(
    `${op}: kernel ${kernel} with dilation ${dilation} spans ${span(kernel, dilation)} samples but spatial axis ${axis} has ${input[axis]} + ${padBefore} + ${padAfter} (padding); use more padding, a smaller dilation or a larger input`,
    { input, axis, ...window },
  );
}

/** PyTorch's ceil mode: one more output if it still starts inside the input or the padding before it. */
function roundUp(window: AxisWindow, input: number): AxisWindow {
  const { kernel, stride, dilation, padBefore, padAfter } = window;
  const effective = span(kernel, dilation);
  let count = Math.ceil((input + padBefore + padAfter - effective) / stride) + 1;
  if ((count - 1) * stride >= input + padBefore) count--;
  return { ...window, padAfter: (count - 1) * stride + effective - input - padBefore };
}
