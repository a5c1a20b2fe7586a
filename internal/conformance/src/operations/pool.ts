import * as atrous from '@atrous/core';
import { dtypes, type OperationCase, one, two } from './case.js';

export function poolingAndResizeCases(): OperationCase[] {
  return [
    ...dtypes.map((dtype) =>
      one(
        `maxPool2d ${dtype}`,
        { shape: [1, 2, 9, 8], dtype },
        (x) => atrous.maxPool2d(x, 3, { stride: 2, padding: 1, dilation: [1, 2] }),
        { tolerance: 0 },
      ),
    ),
    one('avgPool2d without the padding', { shape: [1, 2, 9, 8] }, (x) =>
      atrous.avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
    ),
    one('avgPool2d with TensorFlow SAME', { shape: [1, 2, 9, 8] }, (x) =>
      atrous.avgPool2d(x, 4, { stride: 3, padding: 'same-upper', countIncludePad: false }),
    ),
    one('dilated avgPool2d', { shape: [1, 2, 9, 8] }, (x) =>
      atrous.avgPool2d(x, 3, { stride: 1, dilation: [1, 2], padding: [1, 2], countIncludePad: false }),
    ),
    one('adaptiveMaxPool', { shape: [1, 2, 9, 8] }, (x) => atrous.adaptiveMaxPool(x, [4, 3]), {
      tolerance: 0,
    }),
    one('global maximum', { shape: [1, 2, 9, 8] }, (x) => atrous.adaptiveMaxPool(x, 1), { tolerance: 0 }),
    two('resize with an origin', { shape: [1, 2, 6, 5] }, { shape: [2], fill: [0.75, -0.25] }, (x, origin) =>
      atrous.resize(x, {
        size: [4, 7],
        mode: 'linear',
        axes: [
          { scale: 0.9, offset: 0.1 },
          { scale: 0.5, offset: -0.25 },
        ],
        origin,
      }),
    ),
    ...dtypes.map((dtype) =>
      one(
        `nearest resize ${dtype}`,
        { shape: [2, 2, 4, 3], dtype },
        (x) => atrous.interpolate(x, { size: [7, 8] }),
        { tolerance: 0 },
      ),
    ),
    one('linear resize of one axis', { shape: [1, 2, 9] }, (x) =>
      atrous.interpolate(x, { size: 20, mode: 'linear', alignCorners: true }),
    ),
    one('linear resize of three axes', { shape: [1, 2, 3, 4, 5] }, (x) =>
      atrous.interpolate(x, { size: [6, 3, 9], mode: 'trilinear' }),
    ),
    one('resize of one position to a map', { shape: [1, 3, 1, 1] }, (x) =>
      atrous.interpolate(x, { size: [33, 33], mode: 'bilinear', alignCorners: true }),
    ),
  ];
}
