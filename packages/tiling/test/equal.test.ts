import {
  adaptiveAvgPool,
  add,
  broadcastTo,
  compile,
  concat,
  conv2d,
  full,
  globalAvgPool,
  groupNorm,
  interpolate,
  mul,
  reference,
  relu,
  sigmoid,
  slice,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArraySink, arraySource, type TilePlan, tiled } from '../src/index.js';
import { channels, type Layer, layer, noise, weight } from './support/networks.js';

const backend = reference();

/** The largest relative difference between the whole and both ways of cutting it. */
async function compare(model: Layer, size: readonly number[], tile: number, maxPasses = 4) {
  const shape = [1, channels, ...size];
  const data = noise(
    shape.reduce((a, b) => a * b, 1),
    size[0]!,
  );
  const x = tensor(data, shape);
  const program = await compile(model, x, { backend });
  const want = await program.run(x);
  const source = arraySource(data, shape, 'float32');
  let worst = 0;
  const plans: TilePlan[] = [];
  for (const order of ['tiles', 'slabs', 'auto'] as const) {
    const job = await tiled(model, source, { backend, tile, maxPasses, order });
    const sink = new ArraySink();
    await job.run(sink);
    job.dispose();
    plans.push(job.plan);
    expect(sink.shape).toEqual(want.shape);
    const got = sink.data!;
    for (const [i, value] of (await want.data()).entries())
      worst = Math.max(worst, Math.abs(value - got[i]!) / (1 + Math.abs(value)));
    if (!(worst < 1e-5)) throw new Error(`${order}: differs by ${worst}`);
  }
  return { worst, plan: plans[0]!, slabs: plans[1]! };
}

describe('tiled = whole', () => {
  test('random chains of convolution, pooling, transposed convolution, resizing and branches', async () => {
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(layer, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 20, max: 61 }),
        fc.integer({ min: 20, max: 61 }),
        fc.integer({ min: 4, max: 24 }),
        async (layers, height, width, tile) => {
          const model: Layer = (x) => layers.reduce((value, each) => each(value), x);
          try {
            model(tensor(new Float32Array(channels * height * width), [1, channels, height, width]));
          } catch {
            return fc.pre(false);
          }
          const { worst, plan } = await compare(model, [height, width], tile);
          if (plan.tiles > 1) tried++;
          expect(worst).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 300 },
    );
    expect(tried).toBeGreaterThan(150);
  }, 300_000);

  const size = (x: Tensor) => x.shape.slice(2);
  const dilated = (x: Tensor, rate: number, seed = 0, stride = 1) =>
    conv2d(x, weight([channels, channels, 3, 3], seed), { dilation: rate, padding: rate, stride });
  const resized = (x: Tensor, like: Tensor, alignCorners: boolean) =>
    interpolate(x, { size: size(like), mode: 'bilinear', alignCorners });

  test.each<[string, Layer, number]>([
    ['an align-corners decoder', (x) => resized(dilated(x, 2, 0, 4), x, true), 1],
    ['a half-pixel decoder at odd sizes', (x) => resized(dilated(x, 2, 0, 4), x, false), 1],
    [
      'a skip connection',
      (x) => {
        const low = dilated(x, 1, 1, 2);
        const deep = dilated(dilated(low, 2, 2, 2), 2, 3);
        return dilated(add(resized(deep, low, false), low), 1, 4);
      },
      1,
    ],
    ['a constant map', (x) => add(dilated(x, 2), full([1, 1, ...size(x)], 0.5)), 1],
    [
      'maps of one size that are resized to the picture, as position embeddings are',
      (x) => {
        const positions = weight([1, channels, 7, 9], 6);
        return dilated(add(dilated(x, 1, 0, 2), resized(positions, dilated(x, 1, 0, 2), true)), 2);
      },
      1,
    ],
    ['image pooling', (x) => add(dilated(x, 2), broadcastTo(globalAvgPool(x), x.shape)), 2],
    [
      'ASPP with image pooling, resized align-corners',
      (x) => {
        const features = relu(dilated(x, 1, 1, 4));
        const pooled = resized(dilated(globalAvgPool(features), 1, 5), features, true);
        const joined = concat([pooled, dilated(features, 1), dilated(features, 2), dilated(features, 3)], 1);
        return resized(conv2d(joined, weight([channels, 8, 1, 1], 3)), x, true);
      },
      2,
    ],
    [
      'squeeze and excite, twice',
      (x) => {
        const excite = (y: Tensor) => mul(y, broadcastTo(sigmoid(globalAvgPool(y)), y.shape));
        return dilated(excite(dilated(excite(dilated(x, 1)), 2)), 1);
      },
      3,
    ],
    ['group normalisation', (x) => dilated(groupNorm(dilated(x, 2), 1), 3), 2],
    [
      'a pyramid of pools',
      (x) => {
        const features = dilated(x, 1, 2, 2);
        return [1, 2, 3, 6].reduce(
          (sum, bins) => add(sum, resized(adaptiveAvgPool(features, bins), features, false)),
          features,
        );
      },
      2,
    ],
  ])('%s', async (_, model, passes) => {
    for (const shape of [
      [64, 64],
      [65, 97],
      [50, 131],
    ] as const) {
      const { worst, plan } = await compare(model, shape, 16);
      expect(plan.passes).toBe(passes);
      expect(plan.tiles).toBeGreaterThan(4);
      expect(worst).toBeLessThan(1e-5);
    }
  });

  test('a result that is one value, in the order that can give it', async () => {
    const shape = [1, channels, 64, 64];
    const data = noise(64 * 64 * channels, 1);
    const model = (x: Tensor) => globalAvgPool(dilated(x, 2));
    const sink = new ArraySink();
    const job = await tiled(model, arraySource(data, shape, 'float32'), { backend, tile: 8 });
    expect(job.plan.order).toBe('tiles');
    await job.run(sink);
    const want = await model(tensor(data, shape)).data();
    for (const [i, value] of want.entries()) expect(sink.data![i]).toBeCloseTo(value, 5);
  });

  test.each<[string, Layer]>([
    [
      'positions',
      (x) => {
        const length = x.shape[2]!;
        const positions = Float32Array.from({ length }, (_, i) => i);
        return add(x, tensor(positions, [1, 1, length, 1]));
      },
    ],
    ['the borders of a padded constant', (x) => add(x, dilated(full([1, channels, ...size(x)], 1), 1))],
    [
      'a constant that is cut to size',
      (x) => add(x, slice(weight([1, channels, 99, 99], 7), { start: [0, 0, 0, 0], end: x.shape })),
    ],
  ])('a map that was made for one size is refused, not cut wrongly: %s', async (_, model) => {
    const source = arraySource(noise(64 * 64 * channels, 1), [1, channels, 64, 64], 'float32');
    await expect(tiled(model, source, { backend, tile: 16 })).rejects.toThrow(
      /constant.*varies over the picture/,
    );
  });
});
