import {
  abs,
  add,
  batchNorm,
  broadcastTo,
  div,
  FormatError,
  groupNorm,
  instanceNorm,
  mean,
  mul,
  OptionError,
  reshape,
  sqrt,
  sub,
  sum,
  type Tensor,
  UnsupportedError,
} from '@atrous/core';
import type { NodeContext, Operator, OperatorTable, Value } from '../operator.js';
import { axisOf, flag, given, like, mapping, product, required, unsupportedValue } from './values.js';

const epsilonOf = ({ attributes }: NodeContext) => attributes.number('epsilon', 1e-5);

/** One value per group for each channel of the group. */
function perChannel(values: Tensor, channels: number, groups: number): Tensor {
  if (values.shape.length !== 1 || values.shape[0] !== groups || channels % groups !== 0)
    throw new FormatError(
      `scale and bias must have one value per group, [${groups}], but are [${values.shape}] (${channels} channels)`,
      { values: values.shape, groups, channels },
    );
  return reshape(broadcastTo(reshape(values, [groups, 1]), [groups, channels / groups]), [channels]);
}

const batchNormalization: Operator = {
  attributes: ['epsilon', 'momentum', 'spatial', 'is_test', 'training_mode', 'consumed_inputs'],
  run(inputs, context) {
    const [x, scale, bias, average, variance] = ['X', 'scale', 'B', 'mean', 'var'].map((name, i) =>
      required(inputs, i, name),
    ) as [Value, Value, Value, Value, Value];
    if (flag(context, 'training_mode') || context.outputs > 1)
      throw new UnsupportedError(
        'training mode (statistics of the batch) is not supported; export the network for inference',
        { outputs: context.outputs },
      );
    if (!flag(context, 'spatial', true)) throw unsupportedValue('spatial', 0, [1]);
    return like(
      x,
      batchNorm(x.tensor, {
        mean: average.tensor,
        variance: variance.tensor,
        weight: scale.tensor,
        bias: bias.tensor,
        epsilon: epsilonOf(context),
      }),
    );
  },
};

/** Mean 0 and variance 1 over the axes from `axis` on, with the statistics where the node names them. */
const layerNormalization: Operator = {
  since: 17,
  attributes: ['axis', 'epsilon', 'stash_type'],
  run(inputs, context) {
    const x = required(inputs, 0, 'X');
    const { shape } = x.tensor;
    const axis = axisOf(context.attributes.number('axis', -1), shape.length);
    const epsilon = epsilonOf(context);
    const rows = product(shape.slice(0, axis));
    const normalized = groupNorm(reshape(x.tensor, [rows, 1, product(shape.slice(axis))]), 1, { epsilon });
    const scaled = mul(reshape(normalized, shape), required(inputs, 1, 'Scale').tensor);
    const y = like(x, inputs[2] ? add(scaled, inputs[2].tensor) : scaled);
    if (context.outputs < 2) return y;
    const axes = shape.map((_, i) => i).slice(axis);
    const average = mean(x.tensor, axes, { keepDims: true });
    const away = sub(x.tensor, average);
    const variance = mean(mul(away, away), axes, { keepDims: true });
    const inverse = div(1, sqrt(add(variance, epsilon)));
    return [y, { tensor: average, type: 'float' }, { tensor: inverse, type: 'float' }];
  },
};

const groupNormalization: Operator = {
  since: 18,
  attributes: ['epsilon', 'num_groups', 'stash_type'],
  run(inputs, context) {
    const x = required(inputs, 0, 'X');
    const groups = given(context.attributes.number('num_groups'), 'num_groups');
    const channels = x.tensor.shape[1] ?? 0;
    const [weight, bias] = ['scale', 'bias'].map((name, i) => {
      const { tensor } = required(inputs, i + 1, name);
      // version 21 changed them from one per group to one per channel
      return context.opset < 21 ? perChannel(tensor, channels, groups) : tensor;
    });
    return like(x, groupNorm(x.tensor, groups, { weight, bias, epsilon: epsilonOf(context) }));
  },
};

export const normalization: OperatorTable = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: {
    attributes: ['epsilon', 'consumed_inputs'],
    run(inputs, context) {
      const x = required(inputs, 0, 'input');
      const weight = required(inputs, 1, 'scale').tensor;
      const bias = required(inputs, 2, 'B').tensor;
      return like(x, instanceNorm(x.tensor, { weight, bias, epsilon: epsilonOf(context) }));
    },
  },
  LpNormalization: mapping(
    (x, { attributes }) => {
      const axis = axisOf(attributes.number('axis', -1), x.shape.length);
      const p = attributes.number('p', 2);
      if (p !== 1 && p !== 2) throw new OptionError(`p must be 1 or 2 but is ${p}`, { p });
      const size =
        p === 1 ? sum(abs(x), axis, { keepDims: true }) : sqrt(sum(mul(x, x), axis, { keepDims: true }));
      return div(x, size);
    },
    'axis',
    'p',
  ),
  MeanVarianceNormalization: mapping((x, { attributes }) => {
    const axes = attributes.numbers('axes', [0, 2, 3]);
    const away = sub(x, mean(x, axes, { keepDims: true }));
    const deviation = sqrt(mean(mul(away, away), axes, { keepDims: true }));
    return div(away, add(deviation, 1e-9));
  }, 'axes'),
};
