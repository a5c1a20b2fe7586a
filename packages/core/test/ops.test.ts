import * as atrous from '@atrous/core';
import { conv2d, input, ShapeError, tensor } from '@atrous/core';
import { describe, expect, test } from 'vitest';

const x = input([1, 32, 65, 65]);
const w = input([128, 64, 3, 3]);

describe('messages carry the values and say what to do', () => {
  const cases: [() => unknown, string][] = [
    [
      () => conv2d(x, w),
      'conv2d: weight expects 64 input channels but x has 32 (x [1, 32, 65, 65], weight [128, 64, 3, 3], groups 1)',
    ],
    [
      () => conv2d(x, input([9, 16, 3, 3]), { groups: 2 }),
      'conv2d: groups 2 must divide the 9 output channels (x [1, 32, 65, 65], weight [9, 16, 3, 3], groups 2)',
    ],
    [
      () => conv2d(input([32, 65, 65]), w),
      'conv2d: x must have 4 axes [N, C, H, W] but has 3 (x [32, 65, 65])',
    ],
    [
      () => conv2d(x, input([8, 32, 3])),
      'conv2d: weight must have 4 axes [O, C / groups, …kernel] but has 3 (weight [8, 32, 3])',
    ],
    [
      () => conv2d(input([1, 32, 65, 65], 'uint8'), w),
      'conv2d: x must be float32 but is uint8 (x [1, 32, 65, 65]); convert it with cast()',
    ],
    [() => conv2d(input([1, 0, 65, 65]), w), 'conv2d: x is empty (x [1, 0, 65, 65])'],
    [
      () => conv2d(new Float32Array(4) as never, w),
      'conv2d: x must be a Tensor but is Float32Array; make one with tensor(values, shape)',
    ],
    [
      () => conv2d(x, input([8, 32, 1, 1]), { bias: input([7]) }),
      'conv2d: bias must have one value per channel, [8], but is [7] (x [1, 8, 65, 65])',
    ],
    [
      () => conv2d(x, input([8, 32, 1, 1]), { paddingMode: 'mirror' as never }),
      "conv2d: paddingMode must be 'zeros', 'reflect', 'replicate', 'circular' but is 'mirror'",
    ],
    [
      () => conv2d(x, input([8, 32, 3, 3]), { padding: 65, paddingMode: 'reflect' }),
      "pad: reflect padding of 65 exceeds the 64 available on axis 2 (x [1, 32, 65, 65]); use less padding, 'replicate' or 'constant'",
    ],
    [
      () => atrous.depthwiseConv2d(x, input([33, 1, 3, 3])),
      'depthwiseConv2d: groups 32 must divide the 33 output channels (x [1, 32, 65, 65], weight [33, 1, 3, 3], groups 32)',
    ],
    [
      () => atrous.convTranspose2d(x, input([16, 8, 2, 2])),
      'convTranspose2d: weight expects 16 input channels but x has 32 (x [1, 32, 65, 65], weight [16, 8, 2, 2], groups 1)',
    ],
    [
      () => atrous.add(x, input([64])),
      'add: shapes [1, 32, 65, 65] and [64] do not broadcast; aligned from the right, sizes must be equal or 1',
    ],
    [() => atrous.add(x, input([65], 'int32')), 'add: a is float32 but b is int32; convert one with cast()'],
    [() => atrous.mul(tensor([1], [1], 'int32'), 0.5), 'tensor: value 0.5 at index 0 is no int32'],
    [
      () => atrous.sigmoid(input([2], 'int32')),
      'sigmoid: x must be float32 but is int32 (x [2]); convert it with cast()',
    ],
    [() => atrous.clip(x, 2, 1), 'clip: min 2 is larger than max 1; swap them'],
    [() => atrous.clip(x, Number.NaN, 1), 'clip: min must be a number but is NaN'],
    [
      () => atrous.reshape(x, [7, -1]),
      'reshape: [1, 32, 65, 65] has 135200 elements and cannot become [7, -1]',
    ],
    [
      () => atrous.reshape(x, [-1, -1]),
      'reshape: [1, 32, 65, 65] has 135200 elements and cannot become [-1, -1]',
    ],
    [
      () => atrous.transpose(x, [0, 1, 2]),
      'transpose: order must name each of the 4 axes once but is [0, 1, 2] (x [1, 32, 65, 65])',
    ],
    [
      () => atrous.transpose(x, [0, 1, 2, 2]),
      'transpose: order must name each of the 4 axes once but is [0, 1, 2, 2] (x [1, 32, 65, 65])',
    ],
    [() => atrous.slice(x, { start: [0], step: [0] }), 'slice: step must not be 0'],
    [() => atrous.slice(x, { start: [0, 1], end: [2] }), 'slice: end has 1 entries but start has 2'],
    [
      () => atrous.split(x, [16, 8]),
      'split: sizes [16, 8] add up to 24 but axis 1 has 32 (x [1, 32, 65, 65])',
    ],
    [() => atrous.concat([]), 'concat: give at least one tensor'],
    [
      () => atrous.concat([x, input([1, 32, 64, 65])]),
      'concat: tensor 1 is float32 [1, 32, 64, 65] but tensor 0 is float32 [1, 32, 65, 65]; all but axis 1 must be equal',
    ],
    [() => atrous.concat([x, x], 4), 'concat: axis must be an integer from -4 to 3 but is 4 (rank 4)'],
    [
      () => atrous.pad(x, [[-40, -30]]),
      'pad: cropping 40 and 30 leaves nothing of axis 3 (x [1, 32, 65, 65])',
    ],
    [
      () => atrous.broadcastTo(x, [65]),
      'broadcastTo: [1, 32, 65, 65] does not broadcast to [65]; aligned from the right, sizes must be equal or 1',
    ],
    [
      () => atrous.interpolate(x, {}),
      'interpolate: give either size or scaleFactor (size undefined, scaleFactor undefined)',
    ],
    [() => atrous.interpolate(x, { size: 0 }), 'interpolate: size must be an integer of at least 1 but is 0'],
    [
      () => atrous.interpolate(x, { scaleFactor: 0.001 }),
      'interpolate: the result would be empty ([65, 65] → [0, 0])',
    ],
    [
      () => atrous.interpolate(x, { scaleFactor: Number.NaN }),
      'interpolate: scaleFactor must be one positive number or 2 but is NaN',
    ],
    [
      () => atrous.interpolate(x, { size: 8, mode: 'bicubic' as never }),
      "interpolate: mode must be 'nearest', 'nearest-exact', 'linear', 'bilinear', 'trilinear' but is 'bicubic'",
    ],
    [
      () => atrous.interpolate(x, { size: 8, mode: 'trilinear' }),
      "interpolate: mode 'trilinear' is for 3 spatial axes but x has 2 (x [1, 32, 65, 65]); use 'linear'",
    ],
    [
      () => atrous.depthToSpace(x, 3),
      'depthToSpace: axis 1 of x [1, 32, 65, 65] must be a multiple of 9 (block [3, 3])',
    ],
    [
      () => atrous.spaceToBatch(x, 2),
      'spaceToBatch: block [2, 2] does not divide the spatial size [65, 65]; pad first',
    ],
    [() => atrous.groupNorm(x, 5), 'groupNorm: groups 5 must divide the 32 channels (x [1, 32, 65, 65])'],
    [
      () => atrous.batchNorm(x, { mean: input([32]), variance: input([31]) }),
      'batchNorm: variance must have one value per channel, [32], but is [31] (x [1, 32, 65, 65])',
    ],
    [
      () => atrous.matmul(input([2, 3]), input([4, 5])),
      'matmul: a [2, 3] and b [4, 5] do not fit; a is […, M, K] and b is […, K, N]',
    ],
    [
      () => atrous.linear(input([2, 3]), input([4, 5])),
      'linear: weight [4, 5] must be [N, K] with K the last axis of x [2, 3]',
    ],
    [() => atrous.mean(input([2, 0]), 1), 'mean: axis 1 of x is empty (x [2, 0])'],
    [() => atrous.argmax(x, 1.5), 'argmax: axis must be an integer from -4 to 3 but is 1.5 (rank 4)'],
    [
      () => atrous.convBySpaceToBatch(x, input([8, 32, 3, 3]), { stride: 2 }),
      'convBySpaceToBatch: space-to-batch cannot combine stride with dilation; use conv2d',
    ],
  ];
  test.each(cases)('%#', (make, message) => {
    expect(make).toThrow(atrous.AtrousError);
    expect(make).toThrow(message);
  });

  test('details carry the values, and the path says where in a network it was', () => {
    try {
      conv2d(x, w);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      expect(error.details).toEqual({ x: [1, 32, 65, 65], weight: [128, 64, 3, 3], groups: 1 });
      error.within('atrous_block6').within('aspp');
      expect(error.message).toMatch(/^aspp\.atrous_block6: conv2d: weight expects/);
      expect(error.path).toBe('aspp.atrous_block6');
    }
  });
});

describe('results that are easy to get wrong', () => {
  const nested = (t: atrous.Tensor) => t.toNested();

  test('dilateKernel puts rate - 1 zeros between taps', async () => {
    expect(await nested(atrous.dilateKernel(tensor([[[1, 2, 3]]]), 3))).toEqual([[[1, 0, 0, 2, 0, 0, 3]]]);
    expect(
      await nested(
        atrous.dilateKernel(
          tensor([
            [
              [
                [1, 2],
                [3, 4],
              ],
            ],
          ]),
          [2, 1],
        ),
      ),
    ).toEqual([
      [
        [
          [1, 2],
          [0, 0],
          [3, 4],
        ],
      ],
    ]);
  });

  test('pixelShuffle and the order of TensorFlow', async () => {
    const t = tensor([[[[1]], [[2]], [[3]], [[4]], [[5]], [[6]], [[7]], [[8]]]]);
    expect(await nested(atrous.pixelShuffle(t, 2))).toEqual([
      [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ],
    ]);
    expect(await nested(atrous.depthToSpace(t, 2, { mode: 'DCR' }))).toEqual([
      [
        [
          [1, 3],
          [5, 7],
        ],
        [
          [2, 4],
          [6, 8],
        ],
      ],
    ]);
  });

  test('slice backwards, and negative positions', async () => {
    const t = tensor([0, 1, 2, 3, 4]);
    expect(await nested(atrous.slice(t, { start: [-1], step: [-2] }))).toEqual([4, 2, 0]);
    expect(await nested(atrous.slice(t, { start: [1], end: [-1] }))).toEqual([1, 2, 3]);
    expect(await nested(atrous.slice(t, { start: [9] }))).toEqual([]);
  });

  test('nearest resize reads floor(o * in / out) exactly, also where floats round', async () => {
    for (let n = 1; n <= 60; n++)
      for (const out of [n, 2 * n, 3 * n, 7 * n]) {
        const t = tensor(
          Float32Array.from({ length: n }, (_, i) => i),
          [1, 1, n],
        );
        const y = atrous.interpolate(t, { size: out });
        expect(Array.from(await y.data())).toEqual(
          Array.from({ length: out }, (_, o) => Math.floor((o * n) / out)),
        );
      }
  });

  test('a mean pool divides by what PyTorch divides by', async () => {
    const t = atrous.ones([1, 1, 3, 3]);
    expect(await nested(atrous.avgPool2d(t, 2, { padding: 1, stride: 2 }))).toEqual([
      [
        [
          [0.25, 0.5],
          [0.5, 1],
        ],
      ],
    ]);
    expect(await nested(atrous.avgPool2d(t, 2, { padding: 1, stride: 2, countIncludePad: false }))).toEqual([
      [
        [
          [1, 1],
          [1, 1],
        ],
      ],
    ]);
  });

  test('erf to float32 accuracy', async () => {
    const y = atrous.erf(tensor([0, 0.5, -1, 2, 3.5, 10]));
    await atrous.evaluate(y, { backend: atrous.reference() });
    [0, 0.5204998778130465, -0.8427007929497149, 0.9953222650189527, 0.9999992569016276, 1].forEach(
      (want, i) => {
        expect(y.dataSync()[i]).toBe(Math.fround(want));
      },
    );
  });
});

test('a convolution is named after its weight', () => {
  const weight = tensor(new Float32Array(9), [1, 1, 3, 3], 'float32', 'aspp.b1.conv.weight');
  expect(conv2d(input([1, 1, 9, 9]), weight).name).toBe('aspp.b1.conv');
});
