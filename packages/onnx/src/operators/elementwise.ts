/** Functions of two or more values, with NumPy's broadcasting. */
import {
  add,
  cast,
  clip,
  div,
  FormatError,
  maximum,
  minimum,
  mul,
  neg,
  type Operand,
  pow,
  reshape,
  sub,
  type Tensor,
  tensor,
  UnsupportedError,
} from '@atrous/core';
import type { NodeContext, Operator, OperatorTable, Value } from '../operator.js';
import {
  arithmetic,
  equal,
  greater,
  greaterOrEqual,
  isNumber,
  select,
  sign,
  truth,
  truthOf,
  wrapped,
} from './exact.js';
import { axisOf, flag, isFloat, knownOrNot, required } from './values.js';

/** Before version 7 the second operand is aligned to the axes of the first from `axis` on. */
function aligned(b: Tensor, a: Tensor, { attributes, opset }: NodeContext): Tensor {
  const axis = attributes.number('axis');
  if (opset >= 7 || axis === undefined || b.shape.length === 0) return b;
  const after = a.shape.length - axisOf(axis, a.shape.length) - b.shape.length;
  return reshape(b, [...b.shape, ...new Array<number>(Math.max(after, 0)).fill(1)]);
}

const twoOperands = ['axis', 'broadcast', 'consumed_inputs'];

function operands(inputs: readonly (Value | undefined)[], context: NodeContext): [Value, Value] {
  const a = required(inputs, 0, 'A');
  const b = required(inputs, 1, 'B');
  return [a, { ...b, tensor: aligned(b.tensor, a.tensor, context) }];
}

const binary = (apply: (a: Tensor, b: Tensor) => Tensor): Operator => ({
  attributes: twoOperands,
  run(inputs, context) {
    const [a, b] = operands(inputs, context);
    return wrapped(apply(arithmetic(a), arithmetic(b)), a.type);
  },
});

const comparison = (apply: (a: Tensor, b: Tensor) => Tensor): Operator => ({
  attributes: twoOperands,
  run(inputs, context) {
    const [a, b] = operands(inputs, context);
    return truth(apply(arithmetic(a), arithmetic(b)));
  },
});

/** Of truth values, as 0 and 1. */
const logical = comparison;

/** Any number of operands, one after the other. */
const variadic = (apply: (a: Operand, b: Operand) => Tensor, mean = false): Operator => ({
  attributes: ['consumed_inputs'],
  run(inputs) {
    const first = required(inputs, 0, 'data_0');
    const values = inputs.map((_, i) => arithmetic(required(inputs, i, `data_${i}`)));
    const all = values.reduce((a, b) => apply(a, b));
    return wrapped(mean ? div(all, values.length) : all, first.type);
  },
});

/** Powers that are products: faster, and exact. */
function power(x: Tensor, exponent: Tensor, known: readonly number[] | undefined): Tensor {
  const one = known?.length === 1 && exponent.shape.length <= x.shape.length ? known[0] : undefined;
  if (one === 1) return x;
  if (one === 2) return mul(x, x);
  if (one === 3) return mul(mul(x, x), x);
  return pow(x, exponent);
}

/** Of integers: with the sign of a as in C, or with the sign of b as in Python. */
function remainder(a: Tensor, b: Tensor, signOfA: boolean): Tensor {
  const rest = sub(a, mul(div(a, b), b));
  if (signOfA) return rest;
  const opposite = clip(neg(mul(sign(rest), sign(b))), 0, 1);
  return add(rest, mul(b, opposite));
}

const lowest = { float32: -Infinity, int32: -(2 ** 31) } as const;
const highest = { float32: Infinity, int32: 2 ** 31 - 1 } as const;

/** Before version 11 the bounds are attributes, by default the largest finite numbers. */
const largestFloat = 3.4028234663852886e38;

function limited(inputs: readonly (Value | undefined)[], context: NodeContext): Value {
  const x = required(inputs, 0, 'input');
  const value = arithmetic(x);
  const { attributes, opset } = context;
  if (opset < 11) {
    const low = attributes.number('min', -largestFloat);
    return wrapped(clip(value, low, attributes.number('max', largestFloat)), x.type);
  }
  const [low, high] = ['min', 'max'].map((name, i) => ({
    bound: inputs[i + 1],
    known: knownOrNot(inputs[i + 1], name, context)?.[0],
  })) as [Bound, Bound];
  const from = low.bound ? low.known : lowest[value.dtype as 'int32'];
  const to = high.bound ? high.known : highest[value.dtype as 'int32'];
  if (from !== undefined && to !== undefined && from <= to) return wrapped(clip(value, from, to), x.type);
  const above = low.bound ? maximum(value, arithmetic(low.bound)) : value;
  return wrapped(high.bound ? minimum(above, arithmetic(high.bound)) : above, x.type);
}

interface Bound {
  readonly bound: Value | undefined;
  readonly known: number | undefined;
}

export const elementwise: OperatorTable = {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Max: variadic(maximum),
  Min: variadic(minimum),
  Sum: variadic(add),
  Mean: variadic(add, true),
  Pow: {
    attributes: twoOperands,
    run(inputs, context) {
      const [x, exponent] = operands(inputs, context);
      const known = knownOrNot(exponent, 'exponent', context);
      const base = arithmetic(x);
      const by = arithmetic(exponent);
      const floating = isFloat(x.type) || isFloat(exponent.type);
      const result = floating
        ? power(cast(base, 'float32'), cast(by, 'float32'), known)
        : power(base, by, known);
      return wrapped(cast(result, base.dtype), x.type);
    },
  },
  Mod: {
    attributes: ['fmod'],
    run(inputs, context) {
      const [a, b] = operands(inputs, context);
      if (isFloat(a.type))
        throw new UnsupportedError('remainders of floats are not supported; cast to int64 first', {
          type: a.type,
        });
      return wrapped(remainder(arithmetic(a), arithmetic(b), flag(context, 'fmod')), a.type);
    },
  },
  Clip: { attributes: ['min', 'max', 'consumed_inputs'], run: limited },

  Equal: comparison(equal),
  Greater: comparison(greater),
  GreaterOrEqual: comparison(greaterOrEqual),
  Less: comparison((a, b) => greater(b, a)),
  LessOrEqual: comparison((a, b) => greaterOrEqual(b, a)),
  And: logical(minimum),
  Or: logical(maximum),
  Xor: logical((a, b) => sub(maximum(a, b), minimum(a, b))),
  Not: {
    run(inputs) {
      return truth(sub(1, truthOf(required(inputs, 0, 'X'))));
    },
  },
  IsInf: {
    attributes: ['detect_negative', 'detect_positive'],
    run(inputs, context) {
      const { tensor: x } = required(inputs, 0, 'X');
      const sides = [
        ...(flag(context, 'detect_negative', true) ? [-Infinity] : []),
        ...(flag(context, 'detect_positive', true) ? [Infinity] : []),
      ];
      const found = sides.map((side) => equal(x, tensor(side)));
      return truth(found.length === 0 ? mul(isNumber(x), 0) : found.reduce((a, b) => add(a, b)));
    },
  },
  IsNaN: {
    run(inputs) {
      return truth(sub(1, isNumber(required(inputs, 0, 'X').tensor)));
    },
  },
  Where: {
    run(inputs) {
      const condition = truthOf(required(inputs, 0, 'condition'));
      const x = required(inputs, 1, 'X');
      const y = required(inputs, 2, 'Y');
      if (x.type !== y.type)
        throw new FormatError(`X is ${x.type} but Y is ${y.type}; both must have one type`, {
          X: x.type,
          Y: y.type,
        });
      return wrapped(select(condition, arithmetic(x), arithmetic(y)), x.type);
    },
  },
};
