/** Functions of one value. */
import {
  abs,
  add,
  cast,
  clip,
  div,
  elu,
  erf,
  exp,
  gelu,
  hardSwish,
  leakyRelu,
  log,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  softplus,
  sqrt,
  sub,
  type Tensor,
  tanh,
} from '@atrous/core';
import type { Operator, OperatorTable, Value } from '../operator.js';
import { arithmetic, ceil, floor, greater, round, select, sign, wrapped } from './exact.js';
import { mapping, required, unsupportedValue } from './values.js';

/** A function of numbers of any type, integers among them. */
const numeric = (apply: (x: Tensor) => Tensor): Operator => ({
  attributes: ['consumed_inputs'],
  run(inputs) {
    const x = required(inputs, 0, 'X');
    return wrapped(apply(arithmetic(x)), x.type);
  },
});

/** x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2 (Hendrycks & Gimpel 2016, the approximation). */
function geluByTanh(x: Tensor): Tensor {
  const cube = mul(mul(x, x), x);
  const inner = mul(add(x, mul(cube, 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/** Slopes broadcast to x; before version 7 a list has one per channel. */
function slopes(x: Value, slope: Value, opset: number): Tensor {
  const { shape } = slope.tensor;
  const perChannel = opset < 7 && shape.length === 1 && x.tensor.shape.length > 2;
  return perChannel
    ? reshape(slope.tensor, [shape[0]!, ...x.tensor.shape.slice(2).map(() => 1)])
    : slope.tensor;
}

export const activations: OperatorTable = {
  Relu: numeric(relu),
  Abs: numeric(abs),
  Neg: numeric(neg),
  Sign: numeric(sign),
  Sigmoid: mapping(sigmoid),
  Tanh: mapping(tanh),
  Exp: mapping(exp),
  Log: mapping(log),
  Sqrt: mapping(sqrt),
  Erf: mapping(erf),
  Floor: mapping(floor),
  Ceil: mapping(ceil),
  Round: mapping(round),
  Reciprocal: mapping((x) => div(1, x)),
  Softplus: mapping(softplus),
  Softsign: mapping((x) => div(x, add(abs(x), 1))),
  HardSwish: mapping(hardSwish),
  Mish: mapping((x) => mul(x, tanh(softplus(x)))),
  Elu: mapping((x, { attributes }) => elu(x, attributes.number('alpha', 1)), 'alpha'),
  LeakyRelu: mapping((x, { attributes }) => leakyRelu(x, attributes.number('alpha', 0.01)), 'alpha'),
  HardSigmoid: mapping(
    (x, { attributes }) =>
      clip(add(mul(x, attributes.number('alpha', 0.2)), attributes.number('beta', 0.5)), 0, 1),
    'alpha',
    'beta',
  ),
  Selu: mapping(
    (x, { attributes, opset }) => {
      const alpha = attributes.number('alpha', opset < 6 ? 1.6732 : 1.6732631921768188);
      return mul(elu(x, alpha), attributes.number('gamma', opset < 6 ? 1.0507 : 1.0507010221481323));
    },
    'alpha',
    'gamma',
  ),
  Celu: mapping((x, { attributes }) => {
    const alpha = attributes.number('alpha', 1);
    return add(relu(x), mul(sub(exp(div(minimum(x, 0), alpha)), 1), alpha));
  }, 'alpha'),
  Gelu: mapping((x, { attributes }) => {
    const approximate = attributes.text('approximate', 'none');
    if (approximate !== 'none' && approximate !== 'tanh')
      throw unsupportedValue('approximate', approximate, ['none', 'tanh']);
    return approximate === 'tanh' ? geluByTanh(x) : gelu(x);
  }, 'approximate'),
  PRelu: {
    attributes: ['consumed_inputs'],
    run(inputs, { opset }) {
      const x = required(inputs, 0, 'X');
      const slope = slopes(x, required(inputs, 1, 'slope'), opset);
      const value = arithmetic(x);
      return wrapped(add(relu(value), mul(minimum(value, 0), slope)), x.type);
    },
  },
  ThresholdedRelu: mapping((x, { attributes }) => {
    const above = greater(x, attributes.number('alpha', 1));
    return select(above, x, mul(cast(above, 'float32'), 0));
  }, 'alpha'),
  Identity: mapping((x) => x),
};
