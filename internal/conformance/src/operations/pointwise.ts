import * as atrous from '@atrous/core';
import { dtypes, type InputSpec, type OperationCase, one, two, x2d } from './case.js';

const { add, mul, relu } = atrous;
const unaries = {
  relu,
  sigmoid: atrous.sigmoid,
  tanh: atrous.tanh,
  silu: atrous.silu,
  hardSwish: atrous.hardSwish,
  exp: atrous.exp,
  erf: atrous.erf,
  abs: atrous.abs,
  neg: atrous.neg,
};
const composed = {
  relu6: atrous.relu6,
  hardSigmoid: atrous.hardSigmoid,
  leakyRelu: atrous.leakyRelu,
  elu: atrous.elu,
  gelu: atrous.gelu,
  softplus: atrous.softplus,
};
const binaries = { add, sub: atrous.sub, mul, minimum: atrous.minimum, maximum: atrous.maximum };

export function pointwiseCases(): OperationCase[] {
  const large: InputSpec = {
    shape: [1, 2, 3, 4],
    fill: [-1e4, -90, -20, -3, -1e-3, 0, 1e-3, 0.5, 3, 20, 80, 1e4],
  };
  return [
    ...Object.entries({ ...unaries, ...composed }).map(([name, fn]) => one(name, x2d, fn)),
    ...Object.entries({
      sigmoid: atrous.sigmoid,
      tanh: atrous.tanh,
      silu: atrous.silu,
      hardSwish: atrous.hardSwish,
      erf: atrous.erf,
      softplus: atrous.softplus,
    }).map(([name, fn]) => one(`${name} of large values`, large, fn)),
    one('log', { ...x2d, fill: 'positive' }, atrous.log),
    one('sqrt', { ...x2d, fill: 'positive' }, atrous.sqrt),
    one('clip', x2d, (x) => atrous.clip(x, -0.5, 1.25), { tolerance: 0 }),
    ...Object.entries({ relu, abs: atrous.abs, neg: atrous.neg }).map(([name, fn]) =>
      one(`${name} int32`, { ...x2d, dtype: 'int32' }, fn, { tolerance: 0 }),
    ),
    one('clip int32', { ...x2d, dtype: 'int32' }, (x) => atrous.clip(x, -20, 30), { tolerance: 0 }),
    ...Object.entries(binaries).flatMap(([name, fn]) => [
      two(name, x2d, x2d, fn),
      two(`${name} per channel`, x2d, { shape: [3, 1, 1] }, fn),
      two(`${name} by a broadcast left operand`, { shape: [1, 3, 1, 1] }, x2d, fn),
      two(`${name} int32`, { ...x2d, dtype: 'int32' }, { ...x2d, dtype: 'int32' }, fn, { tolerance: 0 }),
    ]),
    two('div', x2d, { ...x2d, fill: 'positive' }, atrous.div),
    two(
      'div int32',
      { ...x2d, dtype: 'int32' },
      { ...x2d, dtype: 'int32', fill: [7, -3, 2, 0, 5] },
      atrous.div,
      { tolerance: 0 },
    ),
    two(
      'mul int32 wraps',
      { shape: [4], dtype: 'int32', fill: [65537, -65537, 2147483647, 46341] },
      { shape: [4], dtype: 'int32', fill: [65539, 65539, 3, 46341] },
      mul,
      { tolerance: 0 },
    ),
    two('pow', { ...x2d, fill: 'positive' }, x2d, atrous.pow),
    one('pow of negative values by a number', x2d, (x) => atrous.pow(x, 2)),
    two('add of rows and columns', { shape: [5, 1] }, { shape: [4] }, add),
    two('prelu', x2d, { shape: [3] }, atrous.prelu),
    one('a chain of pointwise ops', x2d, (x) => relu(add(mul(atrous.sub(x, 0.4), 3), x))),
    one('a scalar', { shape: [] }, (x) => add(mul(x, x), 1)),
    one('eight axes', { shape: [1, 2, 1, 3, 2, 1, 2, 2] }, (x) => relu(add(x, 0.25))),
    one('an empty tensor', { shape: [2, 0, 3] }, (x) => relu(add(x, 1))),
    ...dtypes.flatMap((from) =>
      dtypes
        .filter((to) => to !== from)
        .map((to) =>
          one(
            `cast ${from} to ${to}`,
            {
              shape: [16],
              dtype: from,
              ...(from === 'float32' && { fill: [-3.7, -0.5, 0.5, 2.99, 300.5, 1e12, -1e12, 254.9] }),
            },
            (x) => atrous.cast(x, to),
            { tolerance: 0 },
          ),
        ),
    ),
    one(
      'cast NaN and infinities',
      { shape: [3], fill: [NaN, Infinity, -Infinity] },
      (x) => atrous.cast(x, 'int32'),
      { tolerance: 0 },
    ),
  ];
}
