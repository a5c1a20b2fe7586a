import type { Tensor } from '@atrous/core';
import * as atrous from '@atrous/core';
import { type OperationCase, one, two, x2d } from './case.js';

/** The value itself, as an inner convolution leaves it: a backend then has it in the layout of its own. */
export function convolved(x: Tensor): Tensor {
  const channels = x.shape[1]!;
  const weight = new Float32Array(channels * channels);
  for (let c = 0; c < channels; c++) weight[c * channels + c] = 1;
  const shape = [channels, channels, ...x.shape.slice(2).map(() => 1)];
  const conv = [atrous.conv1d, atrous.conv2d, atrous.conv3d][x.shape.length - 3]!;
  return conv(x, atrous.tensor(weight, shape));
}

const exact = { tolerance: 0 };
const channelCounts = [1, 3, 5, 8, 21];
const shapesOf = (channels: number) => [
  [2, channels, 9],
  [2, channels, 5, 6],
  [1, channels, 4, 3, 5],
];

/** Layout ops of values inside a network, for channel counts that no vector divides. */
export function channelCases(): OperationCase[] {
  return [
    ...channelCounts.flatMap((channels) =>
      shapesOf(channels).flatMap((shape) => {
        const axes = shape.slice(2).map((_, i) => i + 2);
        const of = (name: string, apply: (x: Tensor) => Tensor | readonly Tensor[]): OperationCase => ({
          name: `${name} inside a network, [${shape}]`,
          inputs: [{ shape }],
          apply: ([x]) => apply(convolved(x!)),
          ...exact,
        });
        return [
          of('pad', (x) =>
            atrous.pad(
              x,
              axes.map((_, i) => [i + 1, 2] as const),
              { value: 1.5 },
            ),
          ),
          of('reflect', (x) =>
            atrous.pad(
              x,
              axes.map(() => [1, 2] as const),
              { mode: 'reflect' },
            ),
          ),
          of('slice', (x) => atrous.slice(x, { axes, start: axes.map(() => 1), step: axes.map(() => 2) })),
          of('broadcast of one position', (x) => {
            const corner = atrous.slice(x, { axes, start: axes.map(() => 0), end: axes.map(() => 1) });
            return atrous.broadcastTo(corner, x.shape);
          }),
          of('concat along the last axis', (x) => atrous.concat([x, atrous.neg(x)], axes.at(-1)!)),
          of('concat along the batch', (x) => atrous.concat([x, x], 0)),
          of('to channels last', (x) => atrous.transpose(x, [0, ...axes, 1])),
          of('to channels last and back', (x) => {
            const back = [0, shape.length - 1, ...axes.map((axis) => axis - 1)];
            return convolved(atrous.transpose(atrous.relu(atrous.transpose(x, [0, ...axes, 1])), back));
          }),
        ];
      }),
    ),
    ...channelCounts.flatMap((channels) =>
      shapesOf(channels).flatMap((shape) => {
        const spatial = shape.slice(2).map((_, i) => i + 2);
        const sumLength = shape.reduce((a, b) => a * b, 1);
        return [[1], spatial, [2], [0, 1], [0, ...spatial], [1, ...spatial], [0, 1, ...spatial]].flatMap(
          (axes) =>
            ([atrous.sum, atrous.mean, atrous.max] as const).map((reduction) =>
              one(
                `${reduction.name} over ${axes} inside a network, [${shape}]`,
                { shape },
                (x) => atrous.relu(reduction(convolved(x), axes, { keepDims: true })),
                { sumLength },
              ),
            ),
        );
      }),
    ),
    ...channelCounts.flatMap((channels) =>
      shapesOf(channels).flatMap((shape) => {
        const pools = [
          [atrous.maxPool1d, atrous.maxPool2d, atrous.maxPool3d],
          [atrous.avgPool1d, atrous.avgPool2d, atrous.avgPool3d],
          [atrous.adaptiveMaxPool, atrous.adaptiveMaxPool, atrous.adaptiveMaxPool],
          [atrous.adaptiveAvgPool, atrous.adaptiveAvgPool, atrous.adaptiveAvgPool],
        ].map((byAxes) => byAxes[shape.length - 3]!);
        return pools.map((pool) =>
          one(`${pool.name} inside a network, [${shape}]`, { shape }, (x) => {
            const y = convolved(x);
            if (pool === atrous.adaptiveMaxPool || pool === atrous.adaptiveAvgPool)
              return (pool as typeof atrous.adaptiveAvgPool)(y, 2);
            return (pool as typeof atrous.avgPool2d)(y, 3, { stride: 2, padding: 1, ceilMode: true });
          }),
        );
      }),
    ),
    ...channelCounts.flatMap((channels) =>
      shapesOf(channels).flatMap((shape) => {
        const spatial = shape.slice(2);
        const sizes = [spatial.map((size) => 2 * size + 1), spatial.map((size) => size - 1), spatial];
        const axes = spatial.map((_, i) => ({ scale: 0.6 + 0.3 * i, offset: 0.2 - 0.5 * i }));
        const origin = atrous.tensor(spatial.map((_, i) => 0.75 - i));
        return (['nearest', 'linear'] as const).flatMap((mode) => [
          ...sizes.map((size) =>
            one(`${mode} resize to ${size} inside a network, [${shape}]`, { shape }, (x) => {
              const axes = size.map((out, i) => ({ scale: spatial[i]! / out, offset: 0 }));
              return atrous.relu(atrous.resize(convolved(x), { size, mode, axes }));
            }),
          ),
          two(
            `${mode} resize with an origin inside a network, [${shape}]`,
            { shape },
            { shape: [spatial.length], fill: [0.75, -0.25, 1.5] },
            (x, given) => {
              const y = convolved(x);
              const size = sizes[0]!;
              return atrous.add(
                atrous.resize(y, { size, mode, axes, origin: given }),
                atrous.resize(y, { size, mode, axes, origin }),
              );
            },
          ),
        ]);
      }),
    ),
    ...channelCounts.flatMap((channels) =>
      shapesOf(channels).flatMap((shape) => {
        const sumLength = 2 * shape.slice(1).reduce((a, b) => a * b, 1);
        const of = (name: string, apply: (x: Tensor) => Tensor, more: Partial<OperationCase> = {}) =>
          one(`${name} inside a network, [${shape}]`, { shape }, (x) => apply(convolved(x)), more);
        return [
          of('softmax', (x) => convolved(atrous.softmax(x))),
          of('softmax of the last axis', (x) => atrous.softmax(x, -1)),
          of('argmax', (x) => atrous.argmax(x), exact),
          of('argmax of the last axis', (x) => atrous.argmax(x, -1), exact),
          of('instanceNorm', (x) => convolved(atrous.instanceNorm(x)), { sumLength }),
          of('groupNorm', (x) => atrous.groupNorm(x, channels % 4 === 0 ? 4 : 1), { sumLength }),
        ];
      }),
    ),
    ...channelCounts.map((channels) =>
      one(
        `slices of ${channels} from 24 channels, and what follows`,
        { shape: [2, 24, 4, 3] },
        (x) => {
          const part = (start: number) =>
            atrous.slice(convolved(x), { axes: [1], start: [start], end: [start + channels] });
          const sum = atrous.add(convolved(part(3)), part(0));
          return atrous.concat([sum, part(2), atrous.relu(part(1))]);
        },
        exact,
      ),
    ),
    one('slice of every second channel', x2d, (x) =>
      atrous.slice(convolved(x), { axes: [1], start: [2], end: [-10], step: [-2] }),
    ),
    one('broadcast of one channel', { shape: [2, 1, 4, 5] }, (x) =>
      atrous.broadcastTo(convolved(x), [2, 6, 4, 5]),
    ),
    ...[
      [4, 8, 4],
      [5, 3, 8],
      [6, 2, 9],
      [1, 1, 1],
      [12, 5],
    ].map(
      (sizes): OperationCase => ({
        name: `concat of branches of ${sizes} channels, used again`,
        inputs: sizes.map((c) => ({ shape: [2, c, 5, 4] })),
        apply: (all) => {
          const branches = all.map((x, i) => (i === 1 ? atrous.relu(convolved(x)) : convolved(x)));
          const whole = atrous.concat(branches);
          const again = atrous.concat([convolved(whole), branches[0]!, whole]);
          return [convolved(again), atrous.add(convolved(branches[0]!), branches[0]!), again];
        },
        ...exact,
      }),
    ),
    ...(['CRD', 'DCR'] as const).flatMap((mode) => [
      one(
        `depthToSpace ${mode} inside a network`,
        { shape: [2, 20, 3, 2] },
        (x) => atrous.depthToSpace(convolved(x), 2, { mode }),
        exact,
      ),
      one(
        `spaceToDepth ${mode} inside a network`,
        { shape: [2, 5, 4, 6] },
        (x) => atrous.spaceToDepth(convolved(x), 2, { mode }),
        exact,
      ),
    ]),
    one(
      'space to batch and back inside a network',
      { shape: [2, 5, 4, 6] },
      (x) => {
        const none: [number, number][] = [
          [0, 0],
          [0, 0],
        ];
        return atrous.batchToSpace(convolved(atrous.spaceToBatch(convolved(x), [2, 3], none)), [2, 3], none);
      },
      exact,
    ),
    ...[3, 4].map((channels) =>
      one(
        `a picture of ${channels} bytes per pixel through a convolution`,
        { shape: [2, 6, 5, channels], dtype: 'uint8' },
        (x) => {
          const planes = atrous.transpose(atrous.cast(x, 'float32'), [0, 3, 1, 2]);
          const colours = atrous.slice(planes, { axes: [1], start: [0], end: [3] });
          const y = atrous.add(convolved(colours), 0.25);
          return atrous.cast(atrous.transpose(y, [0, 2, 3, 1]), 'uint8');
        },
        exact,
      ),
    ),
  ];
}
