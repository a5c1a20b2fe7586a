import {
  adaptiveAvgPool,
  add,
  argmax,
  broadcastTo,
  compile,
  conv1d,
  conv2d,
  conv3d,
  globalAvgPool,
  input,
  interpolate,
  maxPool2d,
  reference,
  relu,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { tileHalo } from '@atrous/rf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blendAxis } from '../src/blend.js';
import { ArraySink, arraySource, type Blend, type Overlap, type TiledOptions, tiled } from '../src/index.js';
import { product } from '../src/plan.js';
import { elements } from '../src/region.js';

const backend = reference();
const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 3);
const box = (axes: number, kernel = 3) =>
  tensor(ramp(4 * kernel ** axes), [2, 2, ...new Array<number>(axes).fill(kernel)]);
const picture = (...size: number[]) => {
  const shape = [1, 2, ...size];
  const data = ramp(elements(shape));
  return { shape, x: tensor(data, shape), source: arraySource(data, shape, 'float32') };
};
type Picture = ReturnType<typeof picture>;
type Model = (x: Tensor) => Tensor;

const whole = async (model: Model, { x }: Picture) => (await compile(model, x, { backend })).run(x);

async function run(model: Model, { source }: Picture, options: Omit<TiledOptions, 'backend'>) {
  const job = await tiled(model, source, { backend, ...options });
  const sink = new ArraySink();
  await job.run(sink);
  job.dispose();
  return { plan: job.plan, shape: sink.shape, data: sink.data as Float32Array };
}

function worst(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let largest = 0;
  for (let i = 0; i < want.length; i++)
    largest = Math.max(largest, Math.abs(got[i]! - want[i]!) / (1 + Math.abs(want[i]!)));
  return largest;
}

/** Sliding windows as everybody writes them: run each crop, add it up with weights, divide by the sum of weights. */
async function slidingWindows(
  model: Model,
  { shape, source }: Picture,
  tile: number,
  overlap: number,
  weightAt: (i: number, length: number) => number,
): Promise<Float64Array> {
  const size = shape.slice(2);
  const window = size.map((length) => Math.min(length, tile + 2 * overlap));
  const starts = size.map((length, axis) => {
    const list = new Set<number>();
    for (let at = 0; at < length; at += tile)
      list.add(Math.max(0, Math.min(at - overlap, length - window[axis]!)));
    return [...list];
  });
  const [sum, weights] = [new Float64Array(elements(shape)), new Float64Array(elements(shape))];
  for (const start of product(starts)) {
    const crop = (await source.read({ start, size: window }, {})) as Float32Array;
    const result = await model(tensor(crop, [1, 2, ...window])).data();
    let i = 0;
    for (const position of product([2, ...window].map((length) => Array.from({ length }, (_, k) => k)))) {
      const weight = position.slice(1).reduce((all, at, axis) => all * weightAt(at, window[axis]!), 1);
      const to = position.reduce(
        (all, at, axis) => all * shape[axis + 1]! + at + (axis ? start[axis - 1]! : 0),
        0,
      );
      sum[to]! += weight * result[i++]!;
      weights[to]! += weight;
    }
  }
  return sum.map((value, i) => value / weights[i]!);
}

const blends: readonly Exclude<Blend, 'none'>[] = ['constant', 'linear', 'gaussian'];

describe('windows that overlap by a number', () => {
  test('an overlap as large as the halo is exact where nothing depends on the size of a window', async () => {
    const layer = fc
      .record({
        kernel: fc.integer({ min: 1, max: 4 }),
        stride: fc.constantFrom(1, 1, 2),
        dilation: fc.integer({ min: 1, max: 3 }),
        padding: fc.integer({ min: 0, max: 3 }),
        pool: fc.boolean(),
      })
      .map(
        ({ kernel, pool, ...options }): Model =>
          (x) =>
            pool
              ? maxPool2d(x, 3, { stride: options.stride, padding: 1 })
              : relu(conv2d(x, box(2, kernel), options)),
      );
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(layer, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 30, max: 61 }),
        fc.integer({ min: 30, max: 61 }),
        fc.integer({ min: 4, max: 16 }),
        async (layers, height, width, tile) => {
          const model: Model = (x) => layers.reduce((value, each) => each(value), x);
          const given = picture(height, width);
          try {
            model(given.x);
          } catch {
            return fc.pre(false);
          }
          const { axes } = tileHalo(trace(model, input(given.shape)).graph);
          const overlap = axes.map(({ before, after }) => Math.max(before, after));
          const { data, plan } = await run(model, given, { tile, halo: { overlap } });
          if (plan.tiles > 1) tried++;
          expect(worst(data, await (await whole(model, given)).data())).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 150 },
    );
    expect(tried).toBeGreaterThan(50);
  });

  test.each([
    [1, [61], 8, 3],
    [2, [40, 33], 12, 4],
    [2, [40, 33], 5, 6],
    [3, [15, 12, 17], 6, 2],
  ] as const)(
    '%i axes: %j in tiles of %i overlapping by %i, as sliding windows do',
    async (axes, size, tile, overlap) => {
      const given = picture(...size);
      const conv = [conv1d, conv2d, conv3d][axes - 1] as typeof conv2d;
      const model: Model = (x) =>
        add(relu(conv(x, box(axes), { dilation: 2, padding: 2 })), broadcastTo(globalAvgPool(x), x.shape));
      const weightsOf: Record<(typeof blends)[number], (i: number, length: number) => number> = {
        constant: () => 1,
        linear: (i, length) => Math.min(i + 1, length - i),
        gaussian: (i, length) => Math.exp(-0.5 * ((i + 0.5 - length / 2) / (0.125 * length)) ** 2),
      };
      for (const blend of blends) {
        const { data, plan } = await run(model, given, {
          tile,
          pooling: 'window',
          halo: { overlap, blend },
        });
        expect(plan.passes).toBe(1);
        expect(plan.tiles).toBeGreaterThan(2);
        const want = await slidingWindows(model, given, tile, overlap, weightsOf[blend]);
        expect(worst(data, want)).toBeLessThan(1e-5);
      }
    },
  );

  test('weights sum to one at every position, whatever the windows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 30 }),
        fc.constantFrom(...blends),
        (size, tile, overlap, blend) => {
          const length = Math.min(size, tile + 2 * overlap);
          const windows = Array.from({ length: Math.ceil(size / tile) }, (_, k) => ({
            first: Math.max(0, Math.min(k * tile - overlap, size - length)),
            length,
            owned: undefined,
          }));
          const sums = new Float64Array(size);
          for (const { first, weights } of blendAxis(windows, size, blend))
            for (const [i, weight] of weights.entries()) {
              expect(weight).toBeGreaterThan(0);
              sums[first + i]! += weight;
            }
          for (const sum of sums) expect(sum).toBeCloseTo(1, 12);
        },
      ),
    );
  });

  test('a layer that sees one position is exact with every overlap and blend', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 12 })),
        fc.constantFrom<Blend>('none', ...blends),
        async (height, width, tile, overlap, blend) => {
          const model: Model = (x) => conv2d(x, box(2, 1));
          const given = picture(height, width);
          const { data } = await run(model, given, { tile, halo: { overlap, blend } });
          expect(worst(data, await (await whole(model, given)).data())).toBeLessThan(1e-5);
        },
      ),
    );
  });

  test('every position is written once, in the order of rows', async () => {
    const { source } = picture(50, 41);
    const model: Model = (x) => conv2d(x, box(2), { padding: 1 });
    const halo: Overlap = { overlap: 5, blend: 'linear' };
    const job = await tiled(model, source, { backend, tile: 12, halo });
    const times = new Uint8Array(50 * 41);
    let last = -1;
    let progress = 0;
    await job.run(
      {
        write({ start, size }) {
          const [row, column] = start as [number, number];
          expect(row).toBeGreaterThanOrEqual(last);
          last = row;
          for (let y = row; y < row + size[0]!; y++)
            for (let x = column; x < column + size[1]!; x++) times[y * 41 + x]!++;
        },
      },
      { onProgress: () => progress++ },
    );
    expect(times.every((count) => count === 1)).toBe(true);
    expect(progress).toBe(job.plan.tiles);
  });

  test('several backends blend to the very numbers of one', async () => {
    const { source } = picture(50, 41);
    const model: Model = (x) => conv2d(x, box(2), { dilation: 2, padding: 2 });
    const results: Float32Array[] = [];
    for (const backend of [[reference()], [reference(), reference(), reference()]]) {
      const job = await tiled(model, source, { backend, tile: 9, halo: { overlap: 3, blend: 'gaussian' } });
      const sink = new ArraySink();
      await job.run(sink);
      results.push(sink.data as Float32Array);
    }
    expect(results[1]).toEqual(results[0]);
  });

  test('the smaller the overlap, the larger the difference; global layers of the whole help', async () => {
    const given = picture(48, 48);
    const model: Model = (x) =>
      [1, 2, 3].reduce(
        (y, rate) => relu(conv2d(y, box(2), { dilation: rate, padding: rate })),
        add(x, broadcastTo(globalAvgPool(x), x.shape)),
      );
    const want = await (await whole(model, given)).data();
    const differences: number[] = [];
    for (const overlap of [0, 3, 6])
      differences.push(worst((await run(model, given, { tile: 16, halo: { overlap } })).data, want));
    expect(differences[0]).toBeGreaterThan(differences[1]!);
    expect(differences[1]).toBeGreaterThan(0.01);
    expect(differences[2]).toBeLessThan(1e-6);
    const alone = await run(model, given, { tile: 16, pooling: 'window', halo: { overlap: 6 } });
    expect(worst(alone.data, want)).toBeGreaterThan(1e-3);
  });
});

test('of a picture whose maps are more than a tensor holds, a smaller tile is taken unless one is asked for', async () => {
  const side = 20_000;
  const source = { shape: [1, 1, side, side], dtype: 'float32' as const, read: () => new Float32Array(0) };
  const wide = tensor(ramp(16 * 9), [16, 1, 3, 3]);
  const model: Model = (x) => conv2d(x, wide, { padding: 1 });
  const maxMemory = 4e8;
  const { plan } = await tiled(model, source, { backend, maxMemory });
  expect(plan.tiles).toBeGreaterThan(10);
  expect(plan.memory).toBeLessThanOrEqual(maxMemory);
  await expect(tiled(model, source, { backend, maxMemory, tile: side })).rejects.toMatchObject({
    name: 'ShapeError',
    message: expect.stringMatching(/6400000000 elements; one tensor holds at most 2147483647/),
  });
});

describe('pooling', () => {
  const pyramid = (features: Tensor): Tensor =>
    [1, 2, 3].reduce(
      (sum, bins) =>
        add(
          sum,
          interpolate(adaptiveAvgPool(features, bins), { size: features.shape.slice(2), mode: 'bilinear' }),
        ),
      features,
    );

  test("a pyramid of pools, 'window': its maps are resized to the window, as sliding windows do", async () => {
    const given = picture(40, 33);
    const model: Model = (x) => pyramid(relu(conv2d(x, box(2), { padding: 1 })));
    const halo: Overlap = { overlap: 4, blend: 'constant' };
    const { data } = await run(model, given, { tile: 12, pooling: 'window', halo });
    const want = await slidingWindows(model, given, 12, 4, () => 1);
    expect(worst(data, want)).toBeLessThan(1e-5);
  });

  test("a pyramid of pools, 'whole': its maps are resized to the picture, whatever the overlap", async () => {
    const given = picture(40, 33);
    const model: Model = (x) => pyramid(relu(conv2d(x, box(2, 1))));
    const want = await (await whole(model, given)).data();
    for (const blend of ['none', 'linear'] as const) {
      const { data, plan } = await run(model, given, { tile: 12, halo: { overlap: 4, blend } });
      expect(plan.passes).toBe(2);
      expect(worst(data, want)).toBeLessThan(1e-5);
    }
  });

  const model: Model = (x) => {
    const features = relu(conv2d(x, box(2), { dilation: 2, padding: 2, stride: 2 }));
    const pooled = interpolate(globalAvgPool(features), { size: features.shape.slice(2), mode: 'bilinear' });
    return interpolate(add(features, pooled), { size: x.shape.slice(2), mode: 'bilinear' });
  };

  test("'window' over one window is the whole, in one pass", async () => {
    const given = picture(30, 37);
    const { data, plan } = await run(model, given, { tile: 64, pooling: 'window' });
    expect(plan).toMatchObject({ tiles: 1, passes: 1 });
    expect(data).toEqual(await (await whole(model, given)).data());
  });

  test("'window' runs once over many windows and differs from the whole by the mean only", async () => {
    const given = picture(64, 64);
    const { data, plan } = await run(model, given, { tile: 16, pooling: 'window' });
    expect(plan).toMatchObject({ order: 'tiles', passes: 1 });
    const want = await (await whole(model, given)).data();
    const difference = worst(data, want);
    expect(difference).toBeGreaterThan(1e-3);
    expect((await run(model, given, { tile: 16 })).plan.passes).toBe(2);
  });

  test("'window' changes nothing for a network without global layers, in either order", async () => {
    const given = picture(64, 64);
    const plain: Model = (x) => conv2d(x, box(2), { dilation: 3, padding: 3 });
    const want = await (await whole(plain, given)).data();
    for (const order of ['tiles', 'slabs'] as const) {
      const { data, plan } = await run(plain, given, { tile: 16, pooling: 'window', order });
      expect(plan.order).toBe(order);
      expect(worst(data, want)).toBeLessThan(1e-6);
    }
  });
});

describe('what is not possible is said', () => {
  const given = picture(40, 40);
  const plain: Model = (x) => conv2d(x, box(2), { padding: 1 });
  const linear: Overlap = { overlap: 4, blend: 'linear' };

  test.each<[string, Model, object, string, RegExp]>([
    [
      'classes are averaged',
      (x) => argmax(x, 1, { keepDims: true }),
      { halo: linear },
      'OptionError',
      /result is int32.*give the logits/,
    ],
    ['slabs overlap', plain, { halo: linear, order: 'slabs' }, 'OptionError', /use order: 'tiles'/],
    [
      'slabs pool by themselves',
      (x) => add(x, broadcastTo(globalAvgPool(x), x.shape)),
      { pooling: 'window', order: 'slabs' },
      'OptionError',
      /use order: 'tiles'/,
    ],
    [
      'an unknown pooling',
      plain,
      { pooling: 'tile' },
      'OptionError',
      /pooling must be 'whole' or 'window' but is tile/,
    ],
    [
      'an unknown halo',
      plain,
      { halo: 'none' },
      'OptionError',
      /halo must be 'exact' or \{ overlap, blend \}/,
    ],
    [
      'an unknown blend',
      plain,
      { halo: { overlap: 1, blend: 'hann' } },
      'OptionError',
      /blend must be one of none, constant/,
    ],
    [
      'a negative overlap',
      plain,
      { halo: { overlap: -1 } },
      'OptionError',
      /overlap must be an integer from 0, or one per spatial axis \(2\), but is -1/,
    ],
    [
      'an overlap for another number of axes',
      plain,
      { halo: { overlap: [1] } },
      'OptionError',
      /one per spatial axis \(2\)/,
    ],
    [
      'no padding and no overlap',
      (x) => conv2d(x, box(2)),
      { halo: { overlap: 0 } },
      'OptionError',
      /overlap of 0 samples leaves positions.*no window computes/,
    ],
    [
      'windows smaller than the network takes',
      (x) => conv2d(x, box(2), { dilation: 12 }),
      { halo: { overlap: 2 } },
      'OptionError',
      /windows of 20 samples.*make the tile or the overlap larger/,
    ],
    [
      'a result that has lost an axis',
      (x) => argmax(x),
      {},
      'UnsupportedError',
      /is no map with 2 spatial axes.*keepDims/,
    ],
    [
      'a result of one size for every picture',
      (x) => globalAvgPool(plain(x)),
      { pooling: 'window' },
      'UnsupportedError',
      /gives 1 positions along spatial axis 0 for a picture of any size/,
    ],
    [
      'rows of a blend that do not fit',
      plain,
      { halo: linear, maxMemory: 12_000 },
      'MemoryError',
      /raise maxMemory/,
    ],
  ])('%s', async (_, model, options, name, message) => {
    const running = tiled(model, given.source, { backend, tile: 16, ...options } as TiledOptions);
    await expect(running).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
  });

  test('classes are not averaged, even where there is but one window', async () => {
    const options = { backend, halo: linear };
    await expect(tiled((x) => argmax(x, 1, { keepDims: true }), given.source, options)).rejects.toThrow(
      /give the logits/,
    );
  });

  test('a journal and shards of a blend', async () => {
    const job = await tiled(plain, given.source, { backend, tile: 16, halo: linear });
    const journal = { read: () => [], append: () => undefined };
    for (const options of [{ journal }, { shard: { index: 0, count: 2 } }])
      await expect(job.run(new ArraySink(), options)).rejects.toMatchObject({
        name: 'OptionError',
        message: expect.stringMatching(/take no journal and no shards; use blend: 'none'/),
      });
  });
});
