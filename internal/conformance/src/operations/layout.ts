import type { Tensor } from '@atrous/core';
import * as atrous from '@atrous/core';
import { dtypes, type InputSpec, type OperationCase, one, x2d } from './case.js';

const { relu } = atrous;

export function layoutCases(): OperationCase[] {
  const exact = { tolerance: 0 };
  const modes = ['constant', 'reflect', 'replicate', 'circular'] as const;
  const volumes: InputSpec[] = [{ shape: [2, 2, 9] }, { shape: [1, 2, 5, 6] }, { shape: [1, 2, 4, 3, 5] }];
  return [
    ...modes.flatMap((mode) =>
      volumes.map((input) =>
        one(
          `pad ${mode}, ${input.shape.length - 2} axes`,
          input,
          (x) =>
            atrous.pad(
              x,
              x.shape.slice(2).map((_, axis) => [axis + 1, 2] as const),
              { mode, value: 1.5 },
            ),
          exact,
        ),
      ),
    ),
    one(
      'pad by negative amounts crops',
      x2d,
      (x) =>
        atrous.pad(x, [
          [-1, 2],
          [-2, -1],
        ]),
      exact,
    ),
    one(
      'pad batch and channels',
      x2d,
      (x) =>
        atrous.pad(
          x,
          [
            [1, 0],
            [0, 2],
            [0, 0],
            [1, 1],
          ],
          { value: -1 },
        ),
      exact,
    ),
    ...dtypes.map((dtype) =>
      one(
        `pad ${dtype}`,
        { ...x2d, dtype },
        (x) =>
          atrous.pad(
            x,
            [
              [1, 1],
              [2, 0],
            ],
            { value: 7 },
          ),
        exact,
      ),
    ),
    one(
      'pad with minus infinity',
      x2d,
      (x) =>
        atrous.maxPool2d(
          atrous.pad(
            x,
            [
              [1, 1],
              [1, 1],
            ],
            { value: -Infinity },
          ),
          3,
          { stride: 2 },
        ),
      exact,
    ),
    one(
      'slice with steps',
      x2d,
      (x) => atrous.slice(x, { axes: [2, 3], start: [1, 0], step: [2, 3] }),
      exact,
    ),
    one(
      'slice backwards',
      x2d,
      (x) => atrous.slice(x, { axes: [1, 3], start: [-1, 4], end: [-10, 0], step: [-1, -2] }),
      exact,
    ),
    one('slice of batch and channels', x2d, (x) => atrous.slice(x, { start: [1, 1], end: [2, 3] }), exact),
    ...dtypes.map((dtype) =>
      one(
        `slice ${dtype}`,
        { ...x2d, dtype },
        (x) => atrous.slice(x, { axes: [3], start: [1], end: [-1] }),
        exact,
      ),
    ),
    { name: 'split', inputs: [x2d], apply: ([x]) => atrous.split(x!, [1, 2], 1), tolerance: 0 },
    ...[
      [0, 2, 3, 1],
      [3, 2, 1, 0],
      [1, 0, 2, 3],
      [0, 1, 3, 2],
    ].map((order) => one(`transpose ${order}`, x2d, (x) => atrous.transpose(x, order), exact)),
    one(
      'transpose of five axes',
      { shape: [2, 3, 2, 4, 3] },
      (x) => atrous.transpose(x, [4, 0, 3, 1, 2]),
      exact,
    ),
    one('transpose uint8', { ...x2d, dtype: 'uint8' }, (x) => atrous.transpose(x, [0, 2, 3, 1]), exact),
    one('reshape between ops', x2d, (x) => relu(atrous.reshape(relu(x), [2, 9, 14])), exact),
    one(
      'broadcast of spatial axes',
      { shape: [2, 3, 1, 1] },
      (x) => atrous.broadcastTo(x, [2, 3, 4, 5]),
      exact,
    ),
    one('broadcast of the batch', { shape: [1, 3, 2, 1] }, (x) => atrous.broadcastTo(x, [4, 3, 2, 3]), exact),
    ...[0, 1, 2, 3].map((axis) => ({
      name: `concat along axis ${axis}`,
      inputs: [x2d, x2d, x2d],
      apply: (all: readonly Tensor[]) => atrous.concat(all, axis),
      tolerance: 0,
    })),
    {
      name: 'concat of different sizes',
      inputs: [1, 4, 2].map((c) => ({ shape: [2, c, 3, 3] })),
      apply: (all) => atrous.concat(all),
      tolerance: 0,
    },
    ...(['int32', 'uint8'] as const).map(
      (dtype): OperationCase => ({
        name: `concat ${dtype}`,
        inputs: [
          { ...x2d, dtype },
          { ...x2d, dtype },
        ],
        apply: (all) => atrous.concat(all),
        tolerance: 0,
      }),
    ),
    {
      name: 'concat of a value with itself',
      inputs: [x2d],
      apply: ([x]) => atrous.concat([relu(x!), x!, x!]),
      tolerance: 0,
    },
    ...(['CRD', 'DCR'] as const).flatMap((mode) => [
      one(
        `depthToSpace ${mode}`,
        { shape: [2, 12, 3, 2] },
        (x) => atrous.depthToSpace(x, 2, { mode }),
        exact,
      ),
      one(`spaceToDepth ${mode}`, { shape: [2, 3, 4, 6] }, (x) => atrous.spaceToDepth(x, 2, { mode }), exact),
    ]),
    one('depthToSpace of one axis', { shape: [1, 6, 4] }, (x) => atrous.depthToSpace(x, 3), exact),
    one(
      'spaceToDepth of three axes',
      { shape: [1, 2, 4, 2, 6] },
      (x) => atrous.spaceToDepth(x, [2, 1, 3]),
      exact,
    ),
    one(
      'space to batch and back',
      { shape: [2, 3, 5, 7] },
      (x) =>
        atrous.batchToSpace(
          relu(
            atrous.spaceToBatch(
              x,
              [2, 3],
              [
                [1, 0],
                [1, 1],
              ],
            ),
          ),
          [2, 3],
          [
            [1, 0],
            [1, 1],
          ],
        ),
      exact,
    ),
  ];
}
