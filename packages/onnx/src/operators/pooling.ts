import {
  adaptiveMaxPool,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  cast,
  div,
  effectiveKernel,
  globalAvgPool,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  ones,
  pad,
  type Tensor,
  UnsupportedError,
  type WindowOptions,
} from '@atrous/core';
import type { NodeContext, OperatorTable } from '../operator.js';
import { flag, given, like, mapping, required } from './values.js';
import { windowAttributes, windowOf } from './window.js';

const maxPools = [maxPool1d, maxPool2d, maxPool3d] as const;
const meanPools = [avgPool1d, avgPool2d, avgPool3d] as const;

type Sides = readonly (readonly [before: number, after: number])[];

interface Pooling {
  readonly kernel: readonly number[];
  readonly window: WindowOptions;
  /** Padding that is more than half the window, which the graph's pools do not take. */
  readonly wide: Sides | undefined;
}

function poolingOf(x: Tensor, context: NodeContext): Pooling {
  const kernel = given(context.attributes.numbers('kernel_shape'), 'kernel_shape');
  const axes = x.shape.length - 2;
  if (axes < 1 || axes > 3)
    throw new UnsupportedError(`pooling over ${axes} axes is not supported; 1 to 3 are (X [${x.shape}])`, {
      X: x.shape,
    });
  const window = { ...windowOf(axes, context), ceilMode: flag(context, 'ceil_mode') };
  const { padding, dilation, stride } = window;
  const sides = typeof padding === 'object' ? (padding as Sides) : [];
  const isWide = sides.some(
    ([before, after], i) => Math.max(before, after) > effectiveKernel(kernel[i]!, dilation[i]!) / 2,
  );
  if (!isWide) return { kernel, window, wide: undefined };
  const wide = sides.map(([before, after], i): readonly [number, number] => {
    const span = effectiveKernel(kernel[i]!, dilation[i]!);
    const most = window.ceilMode ? lastEnd(x.shape[i + 2]!, before, after, span, stride[i]!) : Infinity;
    return [before, Math.min(after, most)];
  });
  return { kernel, window: { ...window, padding: 0 }, wide };
}

/** In ceil mode, how far behind the input the last window that starts before its end reaches. */
function lastEnd(size: number, before: number, after: number, span: number, stride: number): number {
  const rounded = Math.ceil((size + before + after - span) / stride);
  const last = Math.min(rounded, Math.ceil((size + before) / stride) - 1);
  return last * stride + span - size - before;
}

const lowest = { float32: -Infinity, int32: -(2 ** 31), uint8: 0 } as const;

function maxPool(x: Tensor, context: NodeContext): Tensor {
  if (context.outputs > 1 || flag(context, 'storage_order'))
    throw new UnsupportedError('the indices of the maxima (second output) are not supported', {
      outputs: context.outputs,
    });
  const { kernel, window, wide } = poolingOf(x, context);
  const source = wide ? pad(x, wide, { value: lowest[x.dtype] }) : x;
  return maxPools[x.shape.length - 3]!(source, kernel, window);
}

function averagePool(x: Tensor, context: NodeContext): Tensor {
  const { kernel, window, wide } = poolingOf(x, context);
  const pool = meanPools[x.shape.length - 3]!;
  const countIncludePad = flag(context, 'count_include_pad');
  const options = { ...window, countIncludePad };
  if (!wide) return pool(x, kernel, options);
  const padded = pool(pad(x, wide), kernel, options);
  if (countIncludePad) return padded;
  // the share of each window that lies inside
  const inside = pad(ones([1, 1, ...x.shape.slice(2)]), wide);
  return div(padded, pool(inside, kernel, options));
}

export const pooling: OperatorTable = {
  MaxPool: mapping(maxPool, ...windowAttributes, 'ceil_mode', 'storage_order'),
  AveragePool: mapping(averagePool, ...windowAttributes, 'ceil_mode', 'count_include_pad'),
  GlobalAveragePool: mapping(globalAvgPool),
  GlobalMaxPool: {
    run(inputs) {
      const x = required(inputs, 0, 'X');
      return like(x, cast(adaptiveMaxPool(x.tensor, 1), x.tensor.dtype));
    },
  },
};
