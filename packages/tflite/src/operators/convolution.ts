import {
  avgPool2d,
  conv2d,
  convTranspose2d,
  linear,
  maxPool2d,
  reshape,
  ShapeError,
  type Tensor,
  UnsupportedError,
} from '@atrous/core';
import { type Context, constantSize, numbers, type OperatorTable, operand } from '../operator.js';
import { Value } from '../value.js';
import { activated } from './activation.js';

/** TensorFlow's SAME: `ceil(input / stride)` outputs, an odd element after; VALID: none. */
function paddingOf({ options }: Context): 'same-upper' | 'valid' {
  const number = options.byte(0);
  if (number !== 0 && number !== 1)
    throw new UnsupportedError(`padding number ${number} is not read (0 SAME, 1 VALID)`, { padding: number });
  return number === 0 ? 'same-upper' : 'valid';
}

/** The file has widths before heights. */
const heightAndWidth = ({ options }: Context, width: number, otherwise = 0): number[] => [
  options.int(width + 1, otherwise),
  options.int(width, otherwise),
];

/** A bias is one value per channel, whatever its shape. */
const biasOf = ({ inputs }: Context, index: number): Tensor | undefined =>
  inputs[index] && reshape(inputs[index].last, [-1]);

function picture(context: Context, index: number): Tensor {
  const value = operand(context, index);
  if (value.rank !== 4)
    throw new ShapeError(`x must be [N, H, W, C] but is [${value.shape.join(', ')}]`, { x: value.shape });
  return value.second;
}

function filter(context: Context): Value {
  const weight = operand(context, 1);
  if (weight.rank !== 4)
    throw new ShapeError(`weights must have 4 axes but are [${weight.shape.join(', ')}]`, {
      weight: weight.shape,
    });
  return weight;
}

function convolution(context: Context): Value {
  const x = picture(context, 0);
  // [O, h, w, I] → [O, I, h, w]
  const weight = filter(context).ordered([0, 3, 1, 2]);
  const y = conv2d(x, weight, {
    bias: biasOf(context, 2),
    padding: paddingOf(context),
    stride: heightAndWidth(context, 1),
    dilation: heightAndWidth(context, 4, 1),
    groups: Math.max(1, Math.floor(x.shape[1]! / weight.shape[1]!)),
  });
  return activated(Value.second(y), context.options.byte(3));
}

function depthwise(context: Context): Value {
  const x = picture(context, 0);
  // [1, h, w, C · multiplier] → [C · multiplier, 1, h, w]
  const weight = filter(context).ordered([3, 0, 1, 2]);
  const y = conv2d(x, weight, {
    bias: biasOf(context, 2),
    padding: paddingOf(context),
    stride: heightAndWidth(context, 1),
    dilation: heightAndWidth(context, 5, 1),
    groups: x.shape[1],
  });
  return activated(Value.second(y), context.options.byte(4));
}

function transposed(context: Context): Value {
  const size = numbers(context, 0, 'output size');
  const value = operand(context, 2);
  const x = picture(context, 2);
  // [O, h, w, I] → [I, O, h, w]
  const weight = filter(context).ordered([3, 0, 1, 2]);
  const stride = heightAndWidth(context, 1);
  const same = paddingOf(context) === 'same-upper';
  const outputPadding: number[] = [];
  const padding = [0, 1].map((axis): readonly [number, number] => {
    const out = size[axis + 1] ?? 0;
    const kernel = weight.shape[axis + 2]!;
    const step = stride[axis]!;
    const whole = (x.shape[axis + 2]! - 1) * step + kernel;
    if (Math.ceil((same ? out : out - kernel + 1) / step) !== x.shape[axis + 2])
      throw constantSize('the output size', size, value.shape);
    const before = same ? Math.floor(Math.max(0, whole - out) / 2) : 0;
    const after = whole - before - out;
    outputPadding.push(Math.max(0, -after));
    return [before, Math.max(0, after)];
  });
  const y = convTranspose2d(x, weight, { bias: biasOf(context, 3), stride, padding, outputPadding });
  return activated(Value.second(y), context.options.byte(3));
}

function pool(make: (x: Tensor, context: Context) => Tensor): (context: Context) => Value {
  return (context) => activated(Value.second(make(picture(context, 0), context)), context.options.byte(5));
}

const windowOf = (context: Context) => ({
  padding: paddingOf(context),
  stride: heightAndWidth(context, 1),
});

function fullyConnected(context: Context): Value {
  const { options } = context;
  if (options.byte(1) !== 0)
    throw new UnsupportedError('shuffled weights are not read; export with default weights', {
      format: options.byte(1),
    });
  const x = operand(context, 0);
  const weight = operand(context, 1).last;
  const rows = options.flag(2) ? x.last : reshape(x.last, [-1, weight.shape[1] ?? 1]);
  return activated(Value.last(linear(rows, weight, { bias: biasOf(context, 2) })), options.byte(0));
}

/** Sums of products over windows, and pooling. */
export const convolutions: OperatorTable = {
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposed,
  // positions outside the picture do not count
  AVERAGE_POOL_2D: pool((x, context) =>
    avgPool2d(x, heightAndWidth(context, 3), { ...windowOf(context), countIncludePad: false }),
  ),
  MAX_POOL_2D: pool((x, context) => maxPool2d(x, heightAndWidth(context, 3), windowOf(context))),
  FULLY_CONNECTED: fullyConnected,
};
