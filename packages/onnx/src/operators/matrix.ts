import { add, linear, matmul, mul, reshape, type Tensor, transpose, UnsupportedError } from '@atrous/core';
import { isKnown, knownValues } from '@atrous/core/model';
import type { OperatorTable, Value } from '../operator.js';
import { flag, isFloat, like, required } from './values.js';

/** Weights turned over, kept so that every trace has the same constant. */
const turned = new WeakMap<Tensor, Tensor>();

/** Elements of weights that are turned over once, while a network is traced; larger ones are in every run. */
const mostTurned = 2 ** 24;

function flipped(x: Tensor): Tensor {
  const known = turned.get(x);
  if (known) return known;
  const y = transpose(x, [1, 0]);
  if (x.shape.reduce((a, b) => a * b, 1) > mostTurned || !isKnown(x)) return y;
  knownValues(y, { maxElements: mostTurned });
  turned.set(x, y);
  return y;
}

function checkFloat(value: Value): Tensor {
  if (!isFloat(value.type))
    throw new UnsupportedError(`matrix products of ${value.type} are not supported; cast to float first`, {
      type: value.type,
    });
  return value.tensor;
}

export const matrix: OperatorTable = {
  MatMul: {
    run(inputs) {
      const first = required(inputs, 0, 'A');
      const a = checkFloat(first);
      const b = checkFloat(required(inputs, 1, 'B'));
      if (a.shape.length > 1 && b.shape.length === 2 && isKnown(b)) return like(first, linear(a, flipped(b)));
      const row = a.shape.length === 1;
      const column = b.shape.length === 1;
      const y = matmul(row ? reshape(a, [1, ...a.shape]) : a, column ? reshape(b, [...b.shape, 1]) : b);
      const leading = y.shape.slice(0, -2);
      const [m, n] = y.shape.slice(-2) as [number, number];
      return like(first, reshape(y, [...leading, ...(row ? [] : [m]), ...(column ? [] : [n])]));
    },
  },

  Gemm: {
    attributes: ['alpha', 'beta', 'transA', 'transB', 'broadcast'],
    run(inputs, context) {
      const first = required(inputs, 0, 'A');
      const a = checkFloat(first);
      const b = checkFloat(required(inputs, 1, 'B'));
      const alpha = context.attributes.number('alpha', 1);
      const beta = context.attributes.number('beta', 1);
      const c = inputs[2]?.tensor;
      const rows = flag(context, 'transA') ? flipped(a) : a;
      const weight = flag(context, 'transB') ? b : flipped(b);
      const n = weight.shape[0];
      const scaled = c && beta !== 1 ? mul(c, beta) : c;
      // one value per column is the bias of the layer, which is computed with it
      const isBias = scaled?.shape.at(-1) === n && scaled?.shape.slice(0, -1).every((size) => size === 1);
      if (scaled && isBias && alpha === 1)
        return like(first, linear(rows, weight, { bias: reshape(scaled, [n!]) }));
      const y = linear(rows, weight);
      const product = alpha === 1 ? y : mul(y, alpha);
      return like(first, scaled ? add(product, scaled) : product);
    },
  },
};
