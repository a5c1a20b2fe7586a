import { checkDType, checkInteger, checkOneOf, checkRank, checkTensor, type PerAxis } from '../check.js';
import { ShapeError } from '../errors.js';
import type { AxisWindow, PadMode } from '../graph.js';
import { checkShape, formatShape } from '../shape.js';
import { makeTensor, type Tensor } from '../tensor.js';
import { outputLength, type Padding, resolveTransposedWindows, resolveWindows } from '../window.js';
import { pad } from './layout.js';
import { add, channelOperand } from './pointwise.js';

export interface ConvOptions {
  /** `[O]`, added to every output channel. */
  readonly bias?: Tensor | undefined;
  /** Distance between neighbouring outputs; any combination with dilation. Default 1. */
  readonly stride?: PerAxis | undefined;
  /** The rate: distance between neighbouring taps, per axis if they differ. Default 1. */
  readonly dilation?: PerAxis | undefined;
  /** See `Padding`. Default 0. */
  readonly padding?: Padding | undefined;
  /** What the padding holds. Default `'zeros'`. */
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular' | undefined;
  /** Input and output channels are split into this many independent groups. Default 1. */
  readonly groups?: number | undefined;
}

const layouts = ['', '[N, C, L]', '[N, C, H, W]', '[N, C, D, H, W]'];
const nameOf = (weight: Tensor) => weight.name?.replace(/\.weight$/, '');

function checkOperands(
  op: string,
  axes: number,
  x: Tensor,
  weight: Tensor,
  groups: number,
  weightLayout: string,
): void {
  checkTensor(op, 'x', x);
  checkTensor(op, 'weight', weight);
  checkRank(op, 'x', x.shape, axes + 2, layouts[axes]!);
  checkRank(op, 'weight', weight.shape, axes + 2, weightLayout);
  checkDType(op, 'x', x, ['float32']);
  checkDType(op, 'weight', weight, ['float32']);
  checkInteger(op, 'groups', groups, 1);
  for (const [name, { shape }] of Object.entries({ x, weight }))
    if (shape.includes(0))
      throw new ShapeError(`${op}: ${name} is empty (${name} ${formatShape(shape)})`, { [name]: shape });
}

function convolve(op: string, axes: number, x: Tensor, weight: Tensor, options: ConvOptions): Tensor {
  const groups = options.groups ?? 1;
  checkOperands(op, axes, x, weight, groups, '[O, C / groups, …kernel]');
  const [outChannels, channelsPerGroup, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  const [batch, channels, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const operands = `(x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, groups ${groups})`;
  if (channels !== channelsPerGroup * groups)
    throw new ShapeError(
      `${op}: weight expects ${channelsPerGroup * groups} input channels but x has ${channels} ${operands}`,
      {
        x: x.shape,
        weight: weight.shape,
        groups,
      },
    );
  if (outChannels % groups !== 0)
    throw new ShapeError(
      `${op}: groups ${groups} must divide the ${outChannels} output channels ${operands}`,
      { weight: weight.shape, groups },
    );
  const paddingMode = options.paddingMode ?? 'zeros';
  checkOneOf(op, 'paddingMode', paddingMode, ['zeros', 'reflect', 'replicate', 'circular']);

  let windows = resolveWindows(op, spatial, kernel, options);
  const shape = [batch, outChannels, ...windows.map((window, axis) => outputLength(spatial[axis]!, window))];
  checkShape(op, shape);
  let source = x;
  if (paddingMode !== 'zeros') {
    source = pad(
      x,
      windows.map(({ padBefore, padAfter }) => [padBefore, padAfter]),
      { mode: paddingMode satisfies PadMode },
    );
    windows = windows.map((window): AxisWindow => ({ ...window, padBefore: 0, padAfter: 0 }));
  }
  const y = makeTensor(
    { kind: 'conv', groups, inputs: [source, weight], reach: { type: 'window', axes: windows } },
    shape,
    'float32',
    nameOf(weight),
  );
  return options.bias === undefined ? y : add(y, channelOperand(op, 'bias', options.bias, y));
}

/**
 * Convolution (cross-correlation) over one axis, with any combination of stride, dilation, padding and groups.
 *
 * @param x `[N, C, L]`
 * @param weight `[O, C / groups, k]`
 * @returns `[N, O, L']` with `L' = floor((L + padding - dilation * (k - 1) - 1) / stride) + 1`
 * @throws ShapeError, OptionError
 */
export const conv1d = (x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor =>
  convolve('conv1d', 1, x, weight, options);

/**
 * Convolution (cross-correlation) over two axes, with any combination of stride, dilation, padding and groups.
 *
 * ```ts
 * conv2d(x, weight, { dilation: 6, padding: 6 });        // one branch of ASPP
 * conv2d(x, weight, { dilation: [1, 4], padding: 'same' });
 * ```
 *
 * @param x `[N, C, H, W]`
 * @param weight `[O, C / groups, kh, kw]`
 * @returns `[N, O, H', W']`
 * @throws ShapeError, OptionError
 */
export const conv2d = (x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor =>
  convolve('conv2d', 2, x, weight, options);

/**
 * Convolution (cross-correlation) over three axes, with any combination of stride, dilation, padding and groups.
 *
 * @param x `[N, C, D, H, W]`
 * @param weight `[O, C / groups, kd, kh, kw]`
 * @returns `[N, O, D', H', W']`
 * @throws ShapeError, OptionError
 */
export const conv3d = (x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor =>
  convolve('conv3d', 3, x, weight, options);

/**
 * Depthwise convolution: every channel is filtered alone.
 *
 * @param x `[N, C, H, W]`
 * @param weight `[C · multiplier, 1, kh, kw]`; outputs `c · multiplier … (c + 1) · multiplier - 1` read channel c
 * @returns `[N, C · multiplier, H', W']`
 * @throws ShapeError, OptionError
 */
export function depthwiseConv2d(
  x: Tensor,
  weight: Tensor,
  options: Omit<ConvOptions, 'groups'> = {},
): Tensor {
  checkTensor('depthwiseConv2d', 'x', x);
  return convolve('depthwiseConv2d', 2, x, weight, { ...options, groups: x.shape[1] });
}

export interface ConvTransposeOptions {
  /** `[O]`, added to every output channel. */
  readonly bias?: Tensor | undefined;
  /** Distance between the outputs of neighbouring inputs. Default 1. */
  readonly stride?: PerAxis | undefined;
  /** Distance between neighbouring taps. Default 1. */
  readonly dilation?: PerAxis | undefined;
  /** Outputs cropped from each side, as numbers. Default 0. */
  readonly padding?: PerAxis | readonly (readonly [before: number, after: number])[] | undefined;
  /** Outputs added at the end, less than stride or dilation. Default 0. */
  readonly outputPadding?: PerAxis | undefined;
  /** Default 1. */
  readonly groups?: number | undefined;
}

function convolveTransposed(
  op: string,
  axes: number,
  x: Tensor,
  weight: Tensor,
  options: ConvTransposeOptions,
): Tensor {
  const groups = options.groups ?? 1;
  checkOperands(op, axes, x, weight, groups, '[C, O / groups, …kernel]');
  const [weightChannels, outPerGroup, ...kernel] = weight.shape as readonly [number, number, ...number[]];
  const [batch, channels, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const operands = `(x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, groups ${groups})`;
  if (channels !== weightChannels)
    throw new ShapeError(
      `${op}: weight expects ${weightChannels} input channels but x has ${channels} ${operands}`,
      { x: x.shape, weight: weight.shape, groups },
    );
  if (channels % groups !== 0)
    throw new ShapeError(`${op}: groups ${groups} must divide the ${channels} input channels ${operands}`, {
      x: x.shape,
      groups,
    });
  const { windows, output } = resolveTransposedWindows(op, spatial, kernel, options);
  const shape = [batch, outPerGroup * groups, ...output];
  checkShape(op, shape);
  const y = makeTensor(
    { kind: 'convTranspose', groups, inputs: [x, weight], reach: { type: 'transposed', axes: windows } },
    shape,
    'float32',
    nameOf(weight),
  );
  return options.bias === undefined ? y : add(y, channelOperand(op, 'bias', options.bias, y));
}

/**
 * Transposed convolution over one axis: the adjoint of conv1d. Input i and tap k add to output
 * `i * stride + k * dilation - padding`.
 *
 * @param x `[N, C, L]`
 * @param weight `[C, O / groups, k]`
 * @returns `[N, O, (L - 1) * stride - 2 * padding + dilation * (k - 1) + outputPadding + 1]`
 * @throws ShapeError, OptionError
 */
export const convTranspose1d = (x: Tensor, weight: Tensor, options: ConvTransposeOptions = {}): Tensor =>
  convolveTransposed('convTranspose1d', 1, x, weight, options);

/** Transposed convolution over two axes; see convTranspose1d. x `[N, C, H, W]`, weight `[C, O / groups, kh, kw]`. */
export const convTranspose2d = (x: Tensor, weight: Tensor, options: ConvTransposeOptions = {}): Tensor =>
  convolveTransposed('convTranspose2d', 2, x, weight, options);

/** Transposed convolution over three axes; see convTranspose1d. x `[N, C, D, H, W]`, weight `[C, O / groups, kd, kh, kw]`. */
export const convTranspose3d = (x: Tensor, weight: Tensor, options: ConvTransposeOptions = {}): Tensor =>
  convolveTransposed('convTranspose3d', 3, x, weight, options);
