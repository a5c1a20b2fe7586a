import {
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose2d,
  effectiveKernel,
  input,
  maxPool2d,
  type Padding,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { expressionOf } from '../src/tensor.js';

const reachOf = (...args: Parameters<typeof conv2d>) => {
  const expression = expressionOf(conv2d(...args));
  return expression.reach?.type === 'window' ? expression.reach.axes : undefined;
};

const sides = (size: number, kernel: number, padding: Padding, stride = 1, dilation = 1) => {
  const y = conv1d(input([1, 1, size]), input([1, 1, kernel]), { padding, stride, dilation });
  const { reach } = expressionOf(y);
  if (reach?.type !== 'window') throw new Error('no window');
  return [reach.axes[0]!.padBefore, reach.axes[0]!.padAfter, y.shape[2]];
};

describe('padding is resolved to numbers', () => {
  test.each([
    ['a number', [10, 3, 2], [2, 2, 12]],
    ['per side', [10, 3, [[1, 4]]], [1, 4, 13]],
    ['valid', [10, 3, 'valid'], [0, 0, 8]],
    ['same, odd total: the extra one after', [10, 4, 'same'], [1, 2, 10]],
    ['same with dilation', [10, 3, 'same', 1, 4], [4, 4, 10]],
    ['causal', [10, 3, 'causal', 1, 4], [8, 0, 10]],
    ['causal with stride', [10, 3, 'causal', 3, 2], [4, 0, 4]],
    ['TensorFlow SAME with stride', [10, 3, 'same-upper', 2], [0, 1, 5]],
    ['TensorFlow SAME with stride and dilation', [11, 3, 'same-upper', 3, 2], [1, 2, 4]],
    ['TensorFlow SAME where nothing is needed', [9, 2, 'same-upper', 3], [0, 0, 3]],
    ['ONNX SAME_LOWER', [10, 4, 'same-lower'], [2, 1, 10]],
  ] as [string, Parameters<typeof sides>, number[]][])('%s', (_, args, expected) => {
    expect(sides(...args)).toEqual(expected);
  });

  test('each axis has its own', () => {
    expect(
      reachOf(input([1, 1, 20, 30]), input([1, 1, 3, 5]), {
        padding: [1, [2, 7]],
        stride: [1, 3],
        dilation: [2, 4],
      }),
    ).toEqual([
      { kernel: 3, stride: 1, dilation: 2, padBefore: 1, padAfter: 1 },
      { kernel: 5, stride: 3, dilation: 4, padBefore: 2, padAfter: 7 },
    ]);
  });

  test('ceil mode drops a window that would start behind the input', () => {
    expect(maxPool2d(input([1, 1, 5, 6]), 2, { stride: 3, padding: 1, ceilMode: true }).shape).toEqual([
      1, 1, 2, 3,
    ]);
    expect(maxPool2d(input([1, 1, 5, 6]), 2, { stride: 3, padding: 1 }).shape).toEqual([1, 1, 2, 3]);
    expect(maxPool2d(input([1, 1, 6, 7]), 2, { stride: 4, ceilMode: true }).shape).toEqual([1, 1, 2, 2]);
    expect(maxPool2d(input([1, 1, 4, 4]), 1, { stride: 4, padding: 0, ceilMode: true }).shape).toEqual([
      1, 1, 1, 1,
    ]);
  });
});

test('effective kernel: k + (k - 1)(rate - 1)', () => {
  expect([
    effectiveKernel(3),
    effectiveKernel(3, 2),
    effectiveKernel(3, 6),
    effectiveKernel(1, 9),
    effectiveKernel(5, 3),
  ]).toEqual([3, 5, 13, 1, 13]);
  expect(() => effectiveKernel(3, 0)).toThrow(
    'effectiveKernel: dilation must be an integer of at least 1 but is 0',
  );
});

describe('messages carry the values and say what to do', () => {
  const x = input([1, 4, 8, 8]);
  const w = input([2, 4, 3, 3]);
  test.each([
    [
      () => conv2d(x, w, { padding: 'full' as never }),
      "conv2d: padding must be a number, one entry per axis, 'same', 'valid', 'causal', 'same-upper' or 'same-lower' but is 'full'",
    ],
    [
      () => conv2d(x, w, { padding: 'same', stride: 2 }),
      "conv2d: padding 'same' needs stride 1 but stride is [2, 2]; use 'same-upper' (TensorFlow's SAME) or numbers",
    ],
    [
      () => conv2d(x, w, { padding: 'causal' }),
      "conv2d: padding 'causal' is for one spatial axis but there are 2; give [before, after] for each axis",
    ],
    [() => conv2d(x, w, { padding: -1 }), 'conv2d: padding must be an integer of at least 0 but is -1'],
    [
      () => conv2d(x, w, { padding: [1] }),
      'conv2d: padding [1] has 1 entries; give one per spatial axis (2), each a number or [before, after]',
    ],
    [() => conv2d(x, w, { dilation: 0 }), 'conv2d: dilation must be an integer of at least 1 but is 0'],
    [
      () => conv2d(x, w, { dilation: Number.NaN }),
      'conv2d: dilation must be an integer of at least 1 but is NaN',
    ],
    [() => conv2d(x, w, { stride: 1.5 }), 'conv2d: stride must be an integer of at least 1 but is 1.5'],
    [
      () => conv2d(x, w, { stride: [1, 2, 3] }),
      'conv2d: stride [1, 2, 3] has 3 entries; give one number or 2, one per spatial axis',
    ],
    [
      () => conv2d(x, w, { dilation: 4 }),
      'conv2d: kernel 3 with dilation 4 spans 9 samples but spatial axis 0 has 8 + 0 + 0 (padding); use more padding, a smaller dilation or a larger input',
    ],
    [
      () => maxPool2d(x, 3, { padding: 2 }),
      'maxPool2d: padding 2 and 2 must be at most half the window of 3 samples',
    ],
    [() => avgPool2d(x, 0), 'avgPool2d: kernel must be an integer of at least 1 but is 0'],
    [
      () => convTranspose2d(x, input([4, 2, 3, 3]), { stride: 2, outputPadding: 2 }),
      'convTranspose2d: outputPadding 2 must be smaller than stride 2 or dilation 1 (spatial axis 0)',
    ],
    [
      () => convTranspose2d(x, input([4, 2, 1, 1]), { padding: 4 }),
      'convTranspose2d: spatial axis 0 would have 0 outputs; use less padding (input [8, 8], kernel [1, 1], padding 4 and 4)',
    ],
  ])('%#', (make, message) => {
    expect(make).toThrow(message);
  });
});
