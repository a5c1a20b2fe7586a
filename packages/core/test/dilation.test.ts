import {
  add,
  batchNorm,
  batchToSpace,
  conv1d,
  conv2d,
  evaluate,
  input,
  max,
  pad,
  reference,
  relu,
  slice,
  spaceToBatch,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { recognizeDilation } from '@atrous/core/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const ramp = (shape: readonly number[], step: number) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * step) % 17) / 4 - 2),
    shape,
  );

const backend = reference();

async function same(a: Tensor, b: Tensor) {
  expect(a.shape).toEqual(b.shape);
  await evaluate([a, b], { backend });
  expect([...a.dataSync()]).toEqual([...b.dataSync()]);
}

const kinds = (fn: (x: Tensor) => Tensor, shape: readonly number[]) =>
  trace(fn, input(shape)).graph.nodes.map(({ kind }) => kind);

describe('recognizeDilation', () => {
  test('any block, dilation, padding and crop of one axis equals one convolution', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          block: fc.integer({ min: 1, max: 4 }),
          phases: fc.integer({ min: 1, max: 4 }),
          kernel: fc.integer({ min: 1, max: 3 }),
          dilation: fc.integer({ min: 1, max: 2 }),
          before: fc.integer({ min: 0, max: 4 }),
          own: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
          cropBefore: fc.integer({ min: 0, max: 3 }),
          cropAfter: fc.integer({ min: 0, max: 3 }),
          activation: fc.boolean(),
        }),
        async ({ block, phases, kernel, dilation, before, own, cropBefore, cropAfter, activation }) => {
          const length = block * phases;
          const size = Math.max(length - before, 1);
          const after = length - before - size;
          const outputs = length + block * (own[0] + own[1] - dilation * (kernel - 1));
          fc.pre(after >= 0 && outputs >= block && outputs > cropBefore + cropAfter);
          const x = ramp([2, 3, size], 5);
          const weight = ramp([4, 3, kernel], 7);
          const bias = ramp([4], 3);
          const dense = conv1d(spaceToBatch(x, block, [[before, after]]), weight, {
            bias,
            dilation,
            padding: [own],
          });
          const whole = batchToSpace(activation ? relu(dense) : dense, block);
          const y = slice(whole, { axes: [2], start: [cropBefore], end: [whole.shape[2]! - cropAfter] });
          const found = recognizeDilation(y);
          // in steps too, as files have the crop in an op of its own
          const steps = slice(recognizeDilation(whole), {
            axes: [2],
            start: [cropBefore],
            end: [whole.shape[2]! - cropAfter],
          });
          expect(found).not.toBe(y);
          await same(found, y);
          await same(recognizeDilation(steps), y);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('TensorFlow’s SAME becomes a convolution with its padding, and nothing else', async () => {
    const weight = ramp([4, 2, 3, 3], 7);
    const rate = 4;
    const c = ramp([4], 3);
    const network = (x: Tensor) => {
      const [h, w] = x.shape.slice(2) as [number, number];
      const extra = (n: number) => (rate - ((n + 2 * rate) % rate)) % rate;
      const dense = conv2d(
        spaceToBatch(x, rate, [
          [rate, rate + extra(h)],
          [rate, rate + extra(w)],
        ]),
        weight,
      );
      const normal = relu(batchNorm(dense, { mean: c, variance: tensor([1, 2, 3, 4]) }));
      return recognizeDilation(
        batchToSpace(normal, rate, [
          [0, extra(h)],
          [0, extra(w)],
        ]),
      );
    };
    const { graph } = trace(network, input([1, 2, 9, 14]));
    expect(graph.nodes.map(({ kind }) => kind).filter((kind) => kind !== 'constant')).toEqual([
      'input',
      'conv',
      'broadcast',
      'binary',
      'broadcast',
      'binary',
      'unary',
    ]);
    const conv = graph.nodes.find(({ kind }) => kind === 'conv')!;
    expect(conv.reach).toEqual({
      type: 'window',
      axes: [1, 2].map(() => ({ kernel: 3, stride: 1, dilation: rate, padBefore: rate, padAfter: rate })),
    });
    const x = ramp([1, 2, 9, 14], 5);
    const direct = conv2d(x, weight, { dilation: rate, padding: rate });
    await same(network(x), relu(batchNorm(direct, { mean: c, variance: tensor([1, 2, 3, 4]) })));
  });

  test('leaves alone what is no dilated convolution', () => {
    const weight = ramp([2, 2, 3, 3], 7);
    const shape = [2, 2, 8, 8] as const;
    const others: ((x: Tensor) => Tensor)[] = [
      (x) => x,
      (x) => slice(conv2d(x, weight), { axes: [2], start: [1] }),
      // a stride between phases
      (x) => batchToSpace(conv2d(spaceToBatch(x, 2), weight, { padding: 1, stride: 2 }), 2),
      // another block
      (x) => batchToSpace(conv2d(spaceToBatch(x, 4), weight, { padding: 1 }), 2),
      // an operand of its own at every position
      (x) => {
        const y = conv2d(spaceToBatch(x, 2), weight, { padding: 1 });
        return batchToSpace(add(y, ramp(y.shape, 3)), 2);
      },
      // a maximum over positions in between
      (x) => {
        const y = conv2d(spaceToBatch(x, 2), weight, { padding: 1 });
        return batchToSpace(add(y, max(y, [2, 3], { keepDims: true })), 2);
      },
      // no convolution at all
      (x) => batchToSpace(spaceToBatch(x, 2), 2),
    ];
    for (const other of others) {
      const plain = kinds(other, shape);
      expect(kinds((x) => recognizeDilation(other(x)), shape)).toEqual(plain);
    }
  });

  test('padding that is not zeros stays in front of the convolution', async () => {
    const weight = ramp([2, 2, 3], 7);
    const x = ramp([1, 2, 6], 5);
    const padded = pad(x, [[2, 2]], { value: 1 });
    const y = batchToSpace(conv1d(spaceToBatch(padded, 2), weight), 2);
    const found = recognizeDilation(y);
    expect(found).not.toBe(y);
    await same(found, y);
  });
});
