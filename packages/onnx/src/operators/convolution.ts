import {
  add,
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  FormatError,
  pad,
  reshape,
  type Tensor,
  UnsupportedError,
} from '@atrous/core';
import type { NodeContext, OperatorTable } from '../operator.js';
import { like, required, sameShape } from './values.js';
import { sidesOf, windowAttributes, windowOf } from './window.js';

const convolutions = [conv1d, conv2d, conv3d] as const;
const transposed = [convTranspose1d, convTranspose2d, convTranspose3d] as const;

/** The function for the spatial axes of a weight, after checking what the file says twice. */
function forAxes<T>(functions: readonly T[], weight: Tensor, { attributes }: NodeContext): T {
  const kernel = weight.shape.slice(2);
  const stated = attributes.numbers('kernel_shape');
  if (stated !== undefined && !sameShape(stated, kernel))
    throw new FormatError(`kernel_shape [${stated}] differs from that of the weight, [${kernel}]`, {
      kernel_shape: stated,
      weight: weight.shape,
    });
  const apply = functions[kernel.length - 1];
  if (apply === undefined)
    throw new UnsupportedError(
      `convolution over ${kernel.length} axes is not supported; 1 to 3 are (weight [${weight.shape}])`,
      { weight: weight.shape },
    );
  return apply;
}

type Sides = [before: number, after: number];

/**
 * Padding and output padding of a transposed convolution, per axis. Where more outputs are asked for than the window
 * reaches, `beyond` of them hold the bias alone.
 */
function transposedSides(x: Tensor, weight: Tensor, context: NodeContext) {
  const { attributes } = context;
  const axes = weight.shape.length - 2;
  const { stride, dilation } = windowOf(axes, context);
  const automatic = attributes.text('auto_pad', 'NOTSET');
  const outputPadding = attributes.numbers('output_padding', new Array<number>(axes).fill(0));
  const stated = attributes.numbers('output_shape');
  const same = automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER';
  const wanted = stated?.slice(-axes) ?? (same ? x.shape.slice(2).map((n, i) => n * stride[i]!) : undefined);
  if (wanted === undefined) return { sides: sidesOf(axes, context), outputPadding, beyond: undefined };
  const beyond: number[] = [];
  const sides = wanted.map((size, i): Sides => {
    const reached =
      stride[i]! * (x.shape[i + 2]! - 1) + outputPadding[i]! + dilation[i]! * (weight.shape[i + 2]! - 1) + 1;
    const total = reached - size;
    beyond.push(Math.max(-total, 0));
    const less = Math.floor(Math.max(total, 0) / 2);
    const more = Math.max(total, 0) - less;
    return automatic === 'SAME_UPPER' ? [less, more] : [more, less];
  });
  return { sides, outputPadding, beyond };
}

export const convolution: OperatorTable = {
  Conv: {
    attributes: [...windowAttributes, 'group'],
    run(inputs, context) {
      const x = required(inputs, 0, 'X');
      const weight = required(inputs, 1, 'W').tensor;
      const apply = forAxes(convolutions, weight, context);
      const options: ConvOptions = {
        ...windowOf(weight.shape.length - 2, context),
        bias: inputs[2]?.tensor,
        groups: context.attributes.number('group', 1),
      };
      return like(x, apply(x.tensor, weight, options));
    },
  },

  ConvTranspose: {
    attributes: [...windowAttributes, 'group', 'output_padding', 'output_shape'],
    run(inputs, context) {
      const x = required(inputs, 0, 'X');
      const weight = required(inputs, 1, 'W').tensor;
      const apply = forAxes(transposed, weight, context);
      const { sides, outputPadding, beyond } = transposedSides(x.tensor, weight, context);
      const { stride, dilation } = windowOf(weight.shape.length - 2, context);
      const bias = inputs[2]?.tensor;
      const options: ConvTransposeOptions = {
        stride,
        dilation,
        outputPadding,
        padding: sides,
        groups: context.attributes.number('group', 1),
      };
      if (!beyond?.some((amount) => amount > 0))
        return like(x, apply(x.tensor, weight, { ...options, bias }));
      const whole = pad(
        apply(x.tensor, weight, options),
        beyond.map((amount) => [0, amount]),
      );
      const perChannel = bias && reshape(bias, [1, -1, ...beyond.map(() => 1)]);
      return like(x, perChannel ? add(whole, perChannel) : whole);
    },
  },
};
