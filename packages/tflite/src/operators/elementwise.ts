import {
  abs,
  add,
  clip,
  cast as convert,
  type DType,
  div,
  elu,
  exp,
  hardSwish,
  leakyRelu,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  relu,
  relu6,
  reshape,
  sigmoid,
  softmax,
  sqrt,
  sub,
  type Tensor,
  tanh,
  UnsupportedError,
} from '@atrous/core';
import { type Context, type Make, type Operator, type OperatorTable, operand } from '../operator.js';
import { tensorTypes } from '../schema.js';
import { Value } from '../value.js';
import { activated } from './activation.js';

const unary =
  (make: Make): Operator =>
  (context) => {
    const x = operand(context, 0);
    return x.like(make(x.natural.tensor));
  };

/** Two operands in one layout; fewer axes are aligned from the right in the file's order. */
function together(a: Value, b: Value, make: (a: Tensor, b: Tensor) => Tensor): Value {
  const rank = Math.max(a.rank, b.rank);
  const isSecond = [a, b].some((value) => value.isSecond && value.rank === rank);
  if (!isSecond) return Value.last(make(a.last, b.last));
  const [left, right] = [a, b].map((value) => {
    if (value.rank === rank) return value.second;
    return value.derived(`rank ${rank}`, ({ last, shape, known }) => {
      const longer = Value.last(reshape(last, [...new Array<number>(rank - shape.length).fill(1), ...shape]));
      longer.known = known;
      return longer.second;
    });
  });
  return Value.second(make(left!, right!));
}

const binary =
  (make: (a: Tensor, b: Tensor) => Tensor, { fuses = false } = {}): Operator =>
  (context) => {
    const y = together(operand(context, 0), operand(context, 1), make);
    return fuses ? activated(y, context.options.byte(0)) : y;
  };

function cast(context: Context): Value {
  const x = operand(context, 0);
  const type = tensorTypes[context.options.byte(1)];
  const dtypes: Partial<Record<string, DType>> = {
    float32: 'float32',
    float16: 'float32',
    int32: 'int32',
    int64: 'int32',
    uint8: 'uint8',
  };
  const dtype = type && dtypes[type];
  if (dtype === undefined)
    throw new UnsupportedError(`CAST to ${type ?? 'an unknown type'} is not read; cast to float32 or int32`, {
      type,
    });
  return x.like(convert(x.natural.tensor, dtype));
}

/** Operators that compute each element alone. */
export const elementwise: OperatorTable = {
  ADD: binary(add, { fuses: true }),
  SUB: binary(sub, { fuses: true }),
  MUL: binary(mul, { fuses: true }),
  DIV: binary(div, { fuses: true }),
  MAXIMUM: binary(maximum),
  MINIMUM: binary(minimum),
  POW: binary(pow),
  SQUARED_DIFFERENCE: binary((a, b) => {
    const difference = sub(a, b);
    return mul(difference, difference);
  }),
  PRELU: binary((x, slope) => add(relu(x), mul(minimum(x, 0), slope))),
  RELU: unary(relu),
  RELU6: unary(relu6),
  RELU_N1_TO_1: unary((x) => clip(x, -1, 1)),
  LEAKY_RELU: (context) => unary((x) => leakyRelu(x, context.options.float(0)))(context),
  ELU: unary(elu),
  HARD_SWISH: unary(hardSwish),
  LOGISTIC: unary(sigmoid),
  TANH: unary(tanh),
  EXP: unary(exp),
  LOG: unary(log),
  SQRT: unary(sqrt),
  RSQRT: unary((x) => div(1, sqrt(x))),
  SQUARE: unary((x) => mul(x, x)),
  NEG: unary(neg),
  ABS: unary(abs),
  SOFTMAX: (context) => {
    const x = operand(context, 0);
    const { tensor, axis } = x.natural;
    const beta = context.options.float(0);
    return x.like(softmax(beta === 1 ? tensor : mul(tensor, beta), axis(x.rank - 1)));
  },
  CAST: cast,
  // half-precision weights are converted when the file is read
  DEQUANTIZE: (context) => operand(context, 0),
};
