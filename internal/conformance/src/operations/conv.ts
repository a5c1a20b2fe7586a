import * as atrous from '@atrous/core';
import { type InputSpec, type OperationCase, two } from './case.js';

const { add, mul, relu } = atrous;

export function convolutionCases(): OperationCase[] {
  const x: InputSpec = { shape: [2, 4, 13, 11] };
  const more = { sumLength: 36 };
  const edge: InputSpec = { shape: [1, 1, 5, 5], fill: [Infinity, ...new Array<number>(23).fill(1), NaN] };
  const cases = [
    two('conv2d with an infinite and a NaN corner', edge, { shape: [1, 1, 3, 3] }, (a, w) =>
      atrous.conv2d(a, w, { padding: 2, dilation: 2 }),
    ),
    two(
      'conv2d, rate 36 on a small map is a 1×1',
      { shape: [1, 3, 9, 9] },
      { shape: [2, 3, 3, 3] },
      (a, w) => atrous.conv2d(a, w, { padding: 36, dilation: 36 }),
      { sumLength: 27 },
    ),
    two(
      'depthwiseConv2d with multiplier',
      x,
      { shape: [8, 1, 3, 3] },
      (a, w) => atrous.depthwiseConv2d(a, w, { padding: 'same', dilation: [1, 3] }),
      { sumLength: 9 },
    ),
    two(
      'conv2d, batch norm, residual, relu',
      x,
      { shape: [4, 4, 3, 3] },
      (a, w) => {
        const statistics = [0.5, -0.25, 1, 0.125];
        const y = atrous.batchNorm(atrous.conv2d(a, w, { padding: 1, bias: atrous.tensor([1, 2, 3, 4]) }), {
          mean: atrous.tensor(statistics),
          variance: atrous.tensor([1, 2, 0.5, 4]),
          weight: atrous.tensor([1, -1, 2, 0.5]),
        });
        return relu(add(a, y));
      },
      more,
    ),
    two(
      'conv2d, subtracted and divided the other way round',
      x,
      { shape: [4, 4, 1, 1] },
      (a, w) => atrous.sub(a, atrous.conv2d(a, w)),
      { sumLength: 4 },
    ),
    two(
      'a convolution that is used twice',
      x,
      { shape: [4, 4, 1, 1] },
      (a, w) => {
        const y = atrous.conv2d(a, w);
        return mul(relu(y), atrous.sigmoid(y));
      },
      { sumLength: 4 },
    ),
    two(
      'squeeze and excite',
      x,
      { shape: [4, 4, 1, 1] },
      (a, w) => mul(a, atrous.sigmoid(atrous.conv2d(atrous.globalAvgPool(a), w))),
      { sumLength: 143 },
    ),
    two(
      'convTranspose2d, then relu',
      { shape: [1, 4, 5, 6] },
      { shape: [4, 3, 3, 2] },
      (a, w) =>
        relu(atrous.convTranspose2d(a, w, { stride: 2, dilation: [1, 2], padding: 1, outputPadding: 1 })),
      { sumLength: 24 },
    ),
    two(
      'conv3d, dilated and strided',
      { shape: [1, 3, 7, 8, 9] },
      { shape: [2, 3, 2, 3, 3] },
      (a, w) =>
        atrous.conv3d(a, w, {
          dilation: [1, 2, 3],
          stride: [2, 1, 2],
          padding: [
            [0, 1],
            [2, 2],
            [3, 3],
          ],
        }),
      { sumLength: 54 },
    ),
    two(
      'conv2d, powers, bias',
      x,
      { shape: [6, 4, 3, 3] },
      (a, w) => {
        const y = relu(atrous.conv2d(a, w, { padding: 1 }));
        return mul(add(atrous.pow(y, 2), y), atrous.tensor([1, 2, 3, 4, 5, 6], [6, 1, 1]));
      },
      { ...more, sumLength: 72 },
    ),
    two(
      'conv1d, causal',
      { shape: [2, 3, 31] },
      { shape: [4, 3, 2] },
      (a, w) => atrous.conv1d(a, w, { dilation: 8, padding: 'causal' }),
      { sumLength: 6 },
    ),
  ];
  // Weights are known when a network is compiled; a backend must also take those that are not.
  return cases.flatMap((operation) => {
    const [picture, weights] = operation.inputs as readonly [InputSpec, InputSpec];
    return [
      { ...operation, inputs: [picture, { ...weights, constant: true }] },
      { ...operation, name: `${operation.name}, the weight an input` },
    ];
  });
}
