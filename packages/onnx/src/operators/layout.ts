/** Moving values about. */
import {
  broadcastTo,
  concat,
  depthToSpace,
  FormatError,
  reshape,
  slice,
  spaceToDepth,
  split,
  type Tensor,
} from '@atrous/core';
import type { NodeContext, OperatorTable, Value } from '../operator.js';
import {
  batchToSpaceBySwap,
  beforeTransposition,
  reshaped,
  spaceToBatchBySwap,
  transposed,
} from './transposed.js';
import {
  axisOf,
  broadcastShape,
  flag,
  given,
  like,
  listOf,
  mapping,
  product,
  required,
  unsupportedValue,
} from './values.js';

type Inputs = readonly (Value | undefined)[];

export const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** 0 keeps the size of its axis, unless zeros are allowed to mean themselves; −1 is what is left. */
function reshapedTo(inputs: Inputs, context: NodeContext): Value {
  const x = required(inputs, 0, 'data');
  const wanted = given(listOf(inputs, 1, 'shape', context), 'shape');
  const keepsZero = flag(context, 'allowzero');
  const sizes = wanted.map((size, axis) => {
    if (size !== 0 || keepsZero) return size;
    const own = x.tensor.shape[axis];
    if (own === undefined)
      throw new FormatError(
        `shape [${wanted}] keeps axis ${axis}, which data [${x.tensor.shape}] does not have`,
        {
          shape: wanted,
          data: x.tensor.shape,
        },
      );
    return own;
  });
  const rest = sizes.indexOf(-1);
  const known = product(sizes.filter((_, axis) => axis !== rest));
  // of nothing, any number of nothings may be left
  const target = rest >= 0 && known === 0 ? sizes.map((size) => (size === -1 ? 0 : size)) : sizes;
  return like(x, reshaped(x.tensor, target));
}

function flattened(x: Tensor, { attributes }: NodeContext): Tensor {
  const { shape } = x;
  const axis = axisOf(attributes.number('axis', 1), shape.length, shape.length);
  return reshape(x, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
}

function squeezed(inputs: Inputs, context: NodeContext): Value {
  const x = required(inputs, 0, 'data');
  const { shape } = x.tensor;
  const listed = listOf(inputs, 1, 'axes', context)?.map((axis) => axisOf(axis, shape.length));
  for (const axis of listed ?? [])
    if (shape[axis] !== 1)
      throw new FormatError(`axis ${axis} of data [${shape}] has size ${shape[axis]}, not 1`, {
        axis,
        data: shape,
      });
  return like(
    x,
    reshape(
      x.tensor,
      shape.filter((size, axis) => (listed ? !listed.includes(axis) : size !== 1)),
    ),
  );
}

function unsqueezed(inputs: Inputs, context: NodeContext): Value {
  const x = required(inputs, 0, 'data');
  const listed = given(listOf(inputs, 1, 'axes', context), 'axes');
  const rank = x.tensor.shape.length + listed.length;
  const added = new Set(listed.map((axis) => axisOf(axis, rank)));
  if (added.size !== listed.length)
    throw new FormatError(`axes [${listed}] name one axis twice`, { axes: listed });
  const sizes = x.tensor.shape.values();
  return like(
    x,
    reshape(
      x.tensor,
      range(rank).map((axis) => (added.has(axis) ? 1 : sizes.next().value!)),
    ),
  );
}

/** Repeats the whole along one axis. */
export function repeated(x: Tensor, axis: number, times: number): Tensor {
  const { shape } = x;
  if (times === 1) return x;
  const before = product(shape.slice(0, axis));
  const after = product(shape.slice(axis));
  const copies = broadcastTo(reshape(x, [before, 1, after]), [before, times, after]);
  return reshape(
    copies,
    shape.map((size, a) => (a === axis ? size * times : size)),
  );
}

function tiled(inputs: Inputs, context: NodeContext): Value {
  const x = required(inputs, 0, 'input');
  const { shape } = x.tensor;
  const times = given(listOf(inputs, 1, 'repeats', context), 'repeats');
  // version 1 repeats along a single axis
  const axis = inputs[2] && context.known(inputs[2], 'axis')[0]!;
  const repeats = axis === undefined ? times : shape.map((_, a) => (a === axis ? times[0]! : 1));
  if (repeats.length !== shape.length)
    throw new FormatError(`repeats [${repeats}] must have one entry for each axis of input [${shape}]`, {
      repeats,
      input: shape,
    });
  return like(
    x,
    repeats.reduce((y, count, a) => repeated(y, a, count), x.tensor),
  );
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function cutAll(x: Tensor, cuts: readonly (Cut | undefined)[]): Tensor {
  const listed = [...cuts.entries()].flatMap(([axis, cut]) => (cut ? [{ axis, ...cut }] : []));
  return slice(x, {
    axes: listed.map(({ axis }) => axis),
    start: listed.map(({ start }) => start),
    end: listed.map(({ end }) => end),
    step: listed.map(({ step }) => step),
  });
}

function sliced(inputs: Inputs, context: NodeContext): Value {
  const x = required(inputs, 0, 'data');
  const start = given(listOf(inputs, 1, 'starts', context), 'starts');
  const end = given(listOf(inputs, 2, 'ends', context), 'ends');
  const axes = listOf(inputs, 3, 'axes', context) ?? range(start.length);
  const step = inputs[4] && context.known(inputs[4], 'steps');
  const { shape } = x.tensor;
  for (const [name, list] of Object.entries({ ends: end, axes, steps: step }))
    if (list !== undefined && list.length !== start.length)
      throw new FormatError(`${name} [${list}] must be as many as starts [${start}]`, {
        start,
        [name]: list,
      });
  const cuts: (Cut | undefined)[] = shape.map(() => undefined);
  axes.forEach((axis, i) => {
    cuts[axisOf(axis, shape.length)] = { start: start[i]!, end: end[i]!, step: step?.[i] ?? 1 };
  });
  return like(x, beforeTransposition(x.tensor, cuts, cutAll));
}

function splitSizes(size: number, inputs: Inputs, context: NodeContext): readonly number[] {
  const listed = listOf(inputs, 1, 'split', context);
  if (listed !== undefined) return listed;
  const parts = context.attributes.number('num_outputs', context.outputs);
  if (!(parts >= 1 && parts <= Math.max(size, context.outputs)))
    throw new FormatError(`num_outputs ${parts} must be from 1 to the size of the axis, ${size}`, {
      num_outputs: parts,
      size,
    });
  const each = Math.ceil(size / parts);
  return range(parts).map((i) => Math.max(Math.min(each, size - i * each), 0));
}

function expanded(inputs: Inputs, context: NodeContext): Value {
  const x = required(inputs, 0, 'input');
  const shape = context.known(required(inputs, 1, 'shape'), 'shape');
  return like(x, broadcastTo(x.tensor, broadcastShape(x.tensor.shape, shape)));
}

const blockOf = ({ attributes }: NodeContext): number => given(attributes.number('blocksize'), 'blocksize');

function depthMode({ attributes }: NodeContext): 'DCR' | 'CRD' {
  const mode = attributes.text('mode', 'DCR');
  if (mode !== 'DCR' && mode !== 'CRD') throw unsupportedValue('mode', mode, ['DCR', 'CRD']);
  return mode;
}

export const layout: OperatorTable = {
  Reshape: { attributes: ['shape', 'allowzero', 'consumed_inputs'], run: reshapedTo },
  Flatten: mapping(flattened, 'axis'),
  Squeeze: { attributes: ['axes'], run: squeezed },
  Unsqueeze: { attributes: ['axes'], run: unsqueezed },
  Transpose: mapping(
    (x, { attributes }) => transposed(x, attributes.numbers('perm') ?? range(x.shape.length).reverse()),
    'perm',
  ),
  Expand: { since: 8, run: expanded },
  Tile: { run: tiled },
  Slice: { attributes: ['starts', 'ends', 'axes'], run: sliced },
  Concat: {
    attributes: ['axis'],
    run(inputs, context) {
      const first = required(inputs, 0, 'inputs');
      const axis = given(context.attributes.number('axis') ?? (context.opset < 4 ? 1 : undefined), 'axis');
      const tensors = inputs.map((_, i) => required(inputs, i, 'inputs').tensor);
      return like(first, concat(tensors, axis));
    },
  },
  Split: {
    attributes: ['axis', 'split', 'num_outputs'],
    run(inputs, context) {
      const x = required(inputs, 0, 'input');
      const axis = axisOf(context.attributes.number('axis', 0), x.tensor.shape.length);
      const sizes = splitSizes(x.tensor.shape[axis]!, inputs, context);
      return split(x.tensor, sizes, axis).map((part) => like(x, part));
    },
  },
  DepthToSpace: mapping(
    (x, context) => {
      const [mode, block] = [depthMode(context), blockOf(context)];
      const overBatch = mode === 'DCR' ? batchToSpaceBySwap(x, block) : undefined;
      return overBatch ?? depthToSpace(x, block, { mode });
    },
    'blocksize',
    'mode',
  ),
  SpaceToDepth: mapping((x, context) => {
    const block = blockOf(context);
    return spaceToBatchBySwap(x, block) ?? spaceToDepth(x, block, { mode: 'DCR' });
  }, 'blocksize'),
};
