import { forAxes, integer, oneOf, perAxis, RfError, show } from './error.js';
import type { AxisWindow, WindowLayer } from './types.js';

/**
 * Samples that a dilated kernel spans: `dilation * (kernel - 1) + 1`, which is k + (k − 1)(rate − 1).
 *
 * @throws RfError unless both are positive integers
 */
export function effectiveKernel(kernel: number, dilation = 1): number {
  integer('effectiveKernel', 'kernel', kernel);
  integer('effectiveKernel', 'dilation', dilation);
  return span(kernel, dilation);
}

export const span = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

const halves = (total: number): [number, number] => [Math.floor(total / 2), Math.ceil(total / 2)];

/** `[before, after]` for each axis, from a number, or a list of numbers or pairs. */
export const sides = (
  where: string,
  padding: unknown,
  ndim: number,
  least = 0,
): (readonly [number, number])[] =>
  forAxes(where, 'padding', padding, ndim, (entry) => {
    const pair = Array.isArray(entry) && entry.length === 2 ? entry : [entry, entry];
    return [integer(where, 'padding', pair[0], least), integer(where, 'padding', pair[1], least)] as const;
  });

/** The windows of a convolution or pooling, one per axis, with padding resolved. `size` is the map it slides over. */
export function resolveWindows(
  where: string,
  layer: WindowLayer,
  ndim: number,
  size: readonly number[] | undefined,
): AxisWindow[] {
  const { type = 'conv', padding = 0 } = layer;
  const context = (...names: ('kernel' | 'stride' | 'dilation')[]) =>
    names.flatMap((name) => (layer[name] === undefined ? [] : [`${name} ${show(layer[name])}`])).join(', ');
  const kernel = perAxis(where, 'kernel', layer.kernel, ndim);
  const pools = type === 'maxPool' || type === 'avgPool';
  const stride = perAxis(
    where,
    'stride',
    layer.stride ?? (pools ? kernel : 1),
    ndim,
    1,
    context('kernel', 'dilation'),
  );
  const dilation = perAxis(where, 'dilation', layer.dilation ?? 1, ndim, 1, context('kernel', 'stride'));
  const extra = perAxis(where, 'outputPadding', layer.outputPadding ?? 0, ndim, 0);
  const transposed = type === 'convTranspose';
  if (transposed && typeof padding === 'string')
    oneOf(where, 'padding of a transposed convolution', padding, ['numbers', 'valid']);
  const given = typeof padding === 'string' ? undefined : sides(where, padding, ndim);
  return kernel.map((taps, axis) => {
    const [step, rate] = [stride[axis]!, dilation[axis]!];
    const [padBefore, padAfter] =
      given?.[axis] ?? named(where, padding as (typeof names)[number], rate * (taps - 1), step, size?.[axis]);
    integer(where, 'the span of the dilated kernel', span(taps, rate), 1, context('kernel', 'dilation'));
    const window = {
      kernel: taps,
      stride: step,
      dilation: rate,
      padBefore,
      padAfter: padAfter - (transposed ? extra[axis]! : 0),
    };
    return layer.ceilMode && size ? roundUp(window, size[axis]!) : window;
  });
}

const names = ['same', 'valid', 'causal', 'same-upper', 'same-lower'] as const;

/** Padding by name, as `@atrous/core` resolves it; `total` is what keeps the size at stride 1. */
function named(
  where: string,
  padding: (typeof names)[number],
  total: number,
  stride: number,
  size: number | undefined,
): readonly [number, number] {
  oneOf(where, 'padding by name', padding, names);
  if (padding === 'valid') return [0, 0];
  if (padding === 'causal') return [total, 0];
  if (padding === 'same' && stride > 1)
    throw new RfError(
      `${where}: padding 'same' needs stride 1 but stride is ${stride}; use 'same-upper' (TensorFlow's SAME) or numbers`,
      {
        stride,
      },
    );
  if (size === undefined && stride > 1)
    throw new RfError(
      `${where}: padding '${padding}' with stride ${stride} depends on the map; give inputSize, or padding as numbers`,
      {
        stride,
      },
    );
  const [less, more] = halves(Math.max(total - (((size ?? 1) - 1) % stride), 0));
  return padding === 'same-lower' ? [more, less] : [less, more];
}

/** PyTorch's ceil mode: one more output if it still starts inside the map or the padding before it. */
function roundUp(window: AxisWindow, size: number): AxisWindow {
  const { kernel, stride, dilation, padBefore, padAfter } = window;
  const reach = span(kernel, dilation);
  let count = Math.ceil((size + padBefore + padAfter - reach) / stride) + 1;
  if ((count - 1) * stride >= size + padBefore) count--;
  return { ...window, padAfter: (count - 1) * stride + reach - size - padBefore };
}
