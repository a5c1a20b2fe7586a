import * as atrous from '@atrous/core';
import { type InputSpec, type OperationCase, one, two, x2d } from './case.js';

export function reductionCases(): OperationCase[] {
  const axes: (number | readonly number[] | undefined)[] = [undefined, 0, 1, -1, [2, 3], [0, 2, 3], [1, 3]];
  const long: InputSpec = { shape: [1, 4, 33, 35] };
  return [
    ...axes.flatMap((list) => [
      one(`sum over ${list ?? 'all'}`, x2d, (x) => atrous.sum(x, list), { sumLength: 252 }),
      one(`mean over ${list ?? 'all'}`, x2d, (x) => atrous.mean(x, list, { keepDims: true }), {
        sumLength: 252,
      }),
      one(`max over ${list ?? 'all'}`, x2d, (x) => atrous.max(x, list), { tolerance: 0 }),
    ]),
    one('mean over a large map', long, (x) => atrous.globalAvgPool(x), { sumLength: 1155 }),
    one('sum int32', { ...x2d, dtype: 'int32' }, (x) => atrous.sum(x, [2, 3]), { tolerance: 0 }),
    one('max int32', { ...x2d, dtype: 'int32' }, (x) => atrous.max(x, 1), { tolerance: 0 }),
    ...[0, 1, -1].map((axis) => one(`softmax along ${axis}`, x2d, (x) => atrous.softmax(x, axis))),
    one('softmax of large values', { shape: [1, 4, 2, 2], fill: [1000, 999, -1000, 5, 0] }, (x) =>
      atrous.softmax(x),
    ),
    ...[0, 1, 2, 3].map((axis) =>
      one(
        `argmax along ${axis}`,
        { shape: [2, 5, 4, 3] },
        (x) => atrous.argmax(x, axis, { keepDims: axis === 2 }),
        { tolerance: 0 },
      ),
    ),
    one(
      'argmax takes the first of equal maxima',
      { shape: [1, 6, 2, 2], fill: [1, 3, 3, 0, 3, -1] },
      (x) => atrous.argmax(x),
      { tolerance: 0 },
    ),
    ...[1, 2].map((axis) =>
      one(
        `argmax along ${axis} takes the first NaN`,
        { shape: [1, 6, 5, 1], fill: [1, 3, NaN, 0, 7, -1, Infinity] },
        (x) => atrous.argmax(x, axis),
        { tolerance: 0 },
      ),
    ),
    ...[1, 4, 6].map((channels) =>
      one(`argmax and softmax of ${channels} channels row by row`, { shape: [2, channels, 3, 9] }, (x) =>
        atrous.add(atrous.softmax(x), atrous.cast(atrous.argmax(x, 1, { keepDims: true }), 'float32')),
      ),
    ),
    one('argmax int32', { shape: [2, 5, 3], dtype: 'int32' }, (x) => atrous.argmax(x), { tolerance: 0 }),
    one('groupNorm', { shape: [2, 6, 5, 4] }, (x) => atrous.groupNorm(x, 3), { sumLength: 40 }),
    one('instanceNorm of one axis', { shape: [2, 3, 11] }, (x) => atrous.instanceNorm(x), { sumLength: 11 }),
    two('matmul', { shape: [5, 7] }, { shape: [7, 3] }, atrous.matmul, { sumLength: 7 }),
    two('matmul of stacks', { shape: [2, 1, 4, 6] }, { shape: [3, 6, 5] }, atrous.matmul, { sumLength: 6 }),
    two('linear', { shape: [2, 3, 8] }, { shape: [4, 8] }, atrous.linear, { sumLength: 8 }),
  ];
}
