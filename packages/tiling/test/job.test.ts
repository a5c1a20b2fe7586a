import {
  broadcastTo,
  compile,
  conv1d,
  conv2d,
  conv3d,
  cpu,
  globalAvgPool,
  MemoryError,
  mul,
  reference,
  relu,
  sigmoid,
  type Tensor,
  tensor,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';
import {
  ArraySink,
  arraySource,
  type JournalEntry,
  type Source,
  type TiledOptions,
  tiled,
} from '../src/index.js';

const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 3);
const box = (channels: number, ndim: number) =>
  tensor(ramp(channels * channels * 3 ** ndim), [channels, channels, ...new Array<number>(ndim).fill(3)]);
const dilated = (x: Tensor, rate: number) => relu(conv2d(x, box(2, 2), { dilation: rate, padding: rate }));
const picture = (...size: number[]) => {
  const shape = [1, 2, ...size];
  const data = ramp(shape.reduce((a, b) => a * b, 1));
  return { data, shape, x: tensor(data, shape), source: arraySource(data, shape, 'float32') };
};

describe('one and three axes, on the engine', () => {
  test.each([
    [
      'a causal stack over a long signal',
      [4000],
      500,
      (x: Tensor) =>
        [1, 2, 4, 8, 16].reduce(
          (y, rate) => relu(conv1d(y, box(2, 1), { dilation: rate, padding: 'causal' })),
          x,
        ),
    ],
    [
      'MeshNet-like rates over a volume',
      [40, 30, 50],
      16,
      (x: Tensor) =>
        [1, 2, 4, 2, 1].reduce((y, rate) => relu(conv3d(y, box(2, 3), { dilation: rate, padding: rate })), x),
    ],
  ] as const)('%s', async (_, size, tile, model) => {
    const { x, source } = picture(...size);
    const backend = await cpu({ threads: 1 });
    const want = await (await compile(model, x, { backend })).run(x);
    for (const order of ['tiles', 'slabs'] as const) {
      const sink = new ArraySink();
      const job = await tiled(model, source, { backend, tile, order });
      expect(job.plan.order).toBe(order);
      await job.run(sink);
      const expected = [...want.dataSync()];
      const scale = Math.max(...expected.map(Math.abs));
      let worst = 0;
      for (const [i, value] of expected.entries()) worst = Math.max(worst, Math.abs(value - sink.data![i]!));
      expect(worst / scale).toBeLessThan(2e-5);
      job.dispose();
    }
    await backend.dispose();
  });
});

describe('the plan', () => {
  const model = (x: Tensor) => dilated(dilated(x, 1), 2);

  test('says what will be done', async () => {
    const { source } = picture(100, 120);
    const { plan } = await tiled(model, source, { backend: reference(), tile: 40, order: 'tiles' });
    // field 7: three samples on each side
    expect(plan).toMatchObject({
      counts: [3, 3],
      tiles: 9,
      window: [46, 46],
      passes: 1,
      outputShape: [1, 2, 100, 120],
    });
    expect(plan.recompute).toBeCloseTo((9 * 46 * 46) / 12_000, 10);
  });

  test('takes slabs where tiles would compute everything more than 1.5 times', async () => {
    const { source } = picture(100, 120);
    const deep = (x: Tensor) => [1, 2, 4, 8].reduce(dilated, x);
    expect((await tiled(deep, source, { backend: reference(), tile: 16 })).plan.order).toBe('slabs');
    expect((await tiled(model, source, { backend: reference(), tile: 60 })).plan.order).toBe('tiles');
  });

  test('takes tiles after all where what slabs keep exceeds the memory', async () => {
    const { source } = picture(100, 4000);
    const deep = (x: Tensor) => [1, 2, 4, 8].reduce(dilated, x);
    const planOf = async (options: Partial<TiledOptions>) =>
      (await tiled(deep, source, { backend: reference(), tile: 16, ...options })).plan;
    const slabs = await planOf({ order: 'slabs' });
    const tiles = await planOf({ order: 'tiles' });
    expect(tiles.memory).toBeLessThan(slabs.memory / 4);
    expect((await planOf({ maxMemory: slabs.memory })).order).toBe('slabs');
    expect(await planOf({ maxMemory: slabs.memory / 2 })).toEqual(tiles);
    await expect(planOf({ order: 'slabs', maxMemory: slabs.memory / 8 })).rejects.toThrow(MemoryError);
  });

  test('finds the largest tile within a memory bound, and keeps to it', async () => {
    const { source, x } = picture(200, 200);
    const whole = await tiled(model, source, { backend: reference() });
    expect(whole.plan.tiles).toBe(1);
    const bound = whole.plan.memory / 3;
    const { plan } = await tiled(model, source, { backend: reference(), maxMemory: bound });
    expect(plan.tiles).toBeGreaterThan(1);
    expect(plan.memory).toBeLessThanOrEqual(bound);
    expect(x.shape).toEqual(plan.outputShape);
    await expect(tiled(model, source, { backend: reference(), maxMemory: 1000 })).rejects.toThrow(
      /no tile of the picture \[1, 2, 200, 200\] can be computed within 1000 bytes.*raise maxMemory/,
    );
  });
});

describe('a run', () => {
  const model = (x: Tensor) => {
    const features = dilated(x, 2);
    return dilated(mul(features, broadcastTo(sigmoid(globalAvgPool(features)), features.shape)), 1);
  };
  const { source } = picture(64, 80);
  const run = async (journal?: JournalEntry[], stopAfter = Infinity, counted: Source = source) => {
    const job = await tiled(model, counted, { backend: reference(), tile: 32, order: 'tiles' });
    const sink = new ArraySink();
    const controller = new AbortController();
    let done = 0;
    const written: string[] = [];
    const running = job.run(
      {
        write(region, values, result) {
          written.push(String(region.start));
          sink.write(region, values, result);
        },
      },
      {
        signal: controller.signal,
        ...(journal && {
          journal: { read: () => journal, append: (entry: JournalEntry) => void journal.push(entry) },
        }),
        onProgress: () => {
          if (++done === stopAfter) controller.abort(new Error('stopped'));
        },
      },
    );
    return { running, sink, written, plan: job.plan };
  };

  test('reports every tile and the time left', async () => {
    const job = await tiled(model, source, { backend: reference(), tile: 32, order: 'tiles' });
    const seen: string[] = [];
    await job.run(new ArraySink(), {
      onProgress: ({ pass, passes, done, total, remainingMs }) => {
        seen.push(`${pass + 1}/${passes} ${done}/${total} ${remainingMs >= 0}`);
      },
    });
    expect(seen[0]).toBe('1/2 1/12 true');
    expect(seen.at(-1)).toBe('2/2 12/12 true');
    expect(seen).toHaveLength(12);
  });

  test.each([1, 3, 7, 9])(
    'stopped after %i pieces, goes on from its journal and does nothing twice',
    async (stop) => {
      const uninterrupted = await run();
      await uninterrupted.running;
      const journal: JournalEntry[] = [];
      const first = await run(journal, stop);
      await expect(first.running).rejects.toThrow('stopped');
      expect(journal.filter(({ type }) => type === 'tile')).toHaveLength(stop);
      let reads = 0;
      const counted: Source = {
        ...source,
        read(...args) {
          reads++;
          return source.read(...args);
        },
      };
      const second = await run(journal, Infinity, counted);
      await second.running;
      expect(reads).toBe(12 - stop);
      expect([...first.written, ...second.written]).toEqual(uninterrupted.written);
      const joined = Float32Array.from(uninterrupted.sink.data!, (_, i) =>
        first.sink.data?.[i] ? first.sink.data[i]! : second.sink.data![i]!,
      );
      expect(joined).toEqual(uninterrupted.sink.data);
    },
  );

  test('refuses the journal of another job', async () => {
    const journal: JournalEntry[] = [
      { type: 'plan', plan: '[[1,2,9,9]]', network: '', tiles: 1, passes: 1, outputShape: [1, 2, 9, 9] },
    ];
    const { running } = await run(journal);
    await expect(running).rejects.toThrow(/journal belongs to another job \(\[\[1,2,9,9\]\]/);
  });
});

describe('what cannot be tiled is named', () => {
  const { source } = picture(64, 64);
  const options = { backend: reference(), tile: 16 };

  test.each<[string, (x: Tensor) => Tensor, RegExp]>([
    [
      'circular padding',
      (x) => conv2d(x, box(2, 2), { padding: 1, paddingMode: 'circular' }),
      /reads the opposite border \(circular padding\)/,
    ],
    [
      'a chain of three global layers without leave',
      (x) => {
        const excite = (y: Tensor) => mul(y, broadcastTo(sigmoid(globalAvgPool(y)), y.shape));
        return excite(excite(x));
      },
      /3 passes over the picture are needed.*maxPasses: 3/,
    ],
  ])('%s', async (_, model, message) => {
    await expect(tiled(model, source, options)).rejects.toThrow(message);
  });

  test.each([0, 1.5, -3, [16], [16, NaN]])('a tile of %s', async (tile) => {
    await expect(tiled((x) => dilated(x, 1), source, { ...options, tile })).rejects.toThrow(
      /tile must be a positive integer, or one per spatial axis \(2\)/,
    );
  });
});
