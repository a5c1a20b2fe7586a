import {
  adaptiveAvgPool,
  add,
  type Backend,
  broadcastTo,
  conv2d,
  cpu,
  globalAvgPool,
  groupNorm,
  interpolate,
  mul,
  reference,
  sigmoid,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ArraySink,
  arraySource,
  type JournalEntry,
  type Shard,
  type Source,
  type TiledOptions,
  type TiledRunOptions,
  tiled,
} from '../src/index.js';
import { channels, type Layer, layer, noise, weight } from './support/networks.js';

/** Largest program that was compiled since this was set to zero. */
let most = 0;
const plain = reference();
const backend: Backend = {
  ...plain,
  async compile(graph, options) {
    const program = await plain.compile(graph, options);
    most = Math.max(most, program.memory);
    return program;
  },
};

function sourceOf(size: readonly number[]): Source {
  const shape = [1, channels, ...size];
  return arraySource(
    noise(
      shape.reduce((a, b) => a * b, 1),
      size[0]!,
    ),
    shape,
    'float32',
  );
}

/** A journal in memory, and a sink that several runs write into. */
const memory = () => {
  const entries: JournalEntry[] = [];
  const sink = new ArraySink();
  const journal = { read: () => [...entries], append: (entry: JournalEntry) => void entries.push(entry) };
  return { entries, sink, journal };
};

const slabs = (model: Layer, source: Source, rows: number, options: Partial<TiledOptions> = {}) =>
  tiled(model, source, { backend, tile: rows, order: 'slabs', maxPasses: 4, ...options });

async function whole(model: Layer, source: Source, rows: number) {
  const job = await slabs(model, source, rows);
  const sink = new ArraySink();
  await job.run(sink);
  job.dispose();
  return { data: sink.data!, plan: job.plan };
}

/** Runs again and again, each time stopped after so many slabs, until all is done. */
async function inPieces(model: Layer, source: Source, rows: number, stops: readonly number[]) {
  const { entries, sink, journal } = memory();
  let done = 0;
  for (const stop of [...stops, Infinity]) {
    most = 0;
    const job = await slabs(model, source, rows);
    const planned = most;
    const controller = new AbortController();
    let here = 0;
    const options: TiledRunOptions = {
      journal,
      signal: controller.signal,
      onProgress: () => {
        done++;
        if (++here === stop) controller.abort(new Error('stopped'));
      },
    };
    await job.run(sink, options).catch((error) => {
      if (error.message !== 'stopped') throw error;
    });
    job.dispose();
    // what is computed again is no more at once than what was planned
    expect(most).toBe(planned);
  }
  return { data: sink.data!, done, entries };
}

/** Resizes by a ratio that is no simple fraction round coordinates by where their rows begin. */
function expectEqual(got: ArrayLike<number>, want: ArrayLike<number>, bitwise: boolean): void {
  if (bitwise) expect(got).toEqual(want);
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    scale = Math.max(scale, Math.abs(want[i]!));
    worst = Math.max(worst, Math.abs(got[i]! - want[i]!));
  }
  expect(got.length).toBe(want.length);
  expect(worst / scale).toBeLessThan(1e-6);
}

const size = (x: Tensor) => x.shape.slice(2);
const dilated = (x: Tensor, rate: number, seed = 0, stride = 1) =>
  conv2d(x, weight([channels, channels, 3, 3], seed), { dilation: rate, padding: rate, stride });
const resized = (x: Tensor, like: Tensor) => interpolate(x, { size: size(like), mode: 'bilinear' });

const networks: readonly (readonly [string, Layer, resizes?: boolean])[] = [
  ['a stack of rates', (x) => [1, 2, 4, 8].reduce((y, rate, i) => dilated(y, rate, i), x)],
  [
    'a decoder with a skip connection',
    (x) => {
      const low = dilated(x, 1, 1, 2);
      return dilated(add(resized(dilated(dilated(low, 2, 2, 2), 2, 3), low), low), 1, 4);
    },
    true,
  ],
  ['image pooling', (x) => add(dilated(x, 2), broadcastTo(globalAvgPool(dilated(x, 3)), x.shape))],
  ['group normalisation', (x) => dilated(groupNorm(dilated(x, 2), 1), 3)],
  [
    'squeeze and excite, twice',
    (x) => {
      const excite = (y: Tensor) => mul(y, broadcastTo(sigmoid(globalAvgPool(y)), y.shape));
      return dilated(excite(dilated(excite(dilated(x, 1)), 2)), 1);
    },
  ],
  [
    'pools over maps of two depths',
    (x) => {
      const [near, far] = [dilated(x, 1, 2, 2), dilated(dilated(x, 1, 2, 2), 4)];
      const pooled = [near, far].map((y) => resized(adaptiveAvgPool(y, 3), near));
      return pooled.reduce(add, far);
    },
  ],
];

describe('slabs that were stopped go on', () => {
  test('random networks, stopped anywhere, bit for bit', async () => {
    let resumed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(layer, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 20, max: 61 }),
        fc.integer({ min: 20, max: 40 }),
        fc.integer({ min: 2, max: 16 }),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
        async (layers, height, width, rows, stops) => {
          const model: Layer = (x) => layers.reduce((value, each) => each(value), x);
          try {
            model(tensor(new Float32Array(channels * height * width), [1, channels, height, width]));
          } catch {
            return fc.pre(false);
          }
          const source = sourceOf([height, width]);
          const { data, plan } = await whole(model, source, rows);
          const pieces = await inPieces(model, source, rows, stops);
          expect(pieces.data).toEqual(data);
          expect(pieces.done).toBe(plan.tiles);
          if (plan.tiles > stops[0]!) resumed++;
        },
      ),
      { numRuns: 100 },
    );
    expect(resumed).toBeGreaterThan(40);
  });

  test.each(networks.map(([name, model, resizes = false]) => [name, model, resizes] as const))(
    '%s, in every pass',
    async (_, model, resizes) => {
      for (const [height, width] of [
        [64, 40],
        [53, 67],
      ] as const) {
        const source = sourceOf([height, width]);
        const { data, plan } = await whole(model, source, 8);
        expect(plan.tiles).toBeGreaterThan(4);
        const total = plan.tiles * plan.passes;
        for (let stop = 1; stop < total; stop += 3) {
          const pieces = await inPieces(model, source, 8, [stop]);
          expectEqual(pieces.data, data, !resizes);
          expect(pieces.done).toBe(total);
        }
        const singly = await inPieces(model, source, 8, new Array<number>(total).fill(1));
        expectEqual(singly.data, data, !resizes);
        expect(singly.done).toBe(total);
        expect(singly.entries).toHaveLength(total + 1);
      }
    },
  );

  test('reads again only the rows that the next ones need', async () => {
    const reads: number[][] = [];
    const source = sourceOf([200, 12]);
    const counted: Source = {
      ...source,
      read(region, options) {
        reads.push([region.start[0]!, region.start[0]! + region.size[0]! - 1]);
        return source.read(region, options);
      },
    };
    // a field of 31: 15 rows on each side
    const model = networks[0]![1];
    const { journal, sink } = memory();
    const controller = new AbortController();
    const first = await slabs(model, counted, 10);
    await expect(
      first.run(sink, {
        journal,
        signal: controller.signal,
        onProgress: ({ done }) => done === 10 && controller.abort(new Error('stopped')),
      }),
    ).rejects.toThrow('stopped');
    reads.length = 0;
    await (await slabs(model, counted, 10)).run(sink, { journal });
    // rows 100 … 199 of the result are left, and they depend on rows 85 … 199 of the picture, each read once
    expect(Math.min(...reads.map(([from]) => from!))).toBe(85);
    expect(reads.reduce((sum, [from, to]) => sum + to! - from! + 1, 0)).toBe(115);
    expect(sink.data).toEqual((await whole(model, source, 10)).data);
  });

  test('on the engine, to float rounding', async () => {
    const engine = await cpu({ threads: 1 });
    const source = sourceOf([150, 90]);
    for (const [, model] of networks.slice(0, 3)) {
      const made = await slabs(model, source, 20, { backend: engine });
      const want = new ArraySink();
      await made.run(want);
      const { journal, sink } = memory();
      for (let stop = 1; stop < made.plan.tiles * made.plan.passes; stop += 2) {
        const controller = new AbortController();
        let here = 0;
        await made
          .run(sink, {
            journal,
            signal: controller.signal,
            onProgress: () => ++here === 2 && controller.abort(new Error('stopped')),
          })
          .catch((error) => expect(error.message).toBe('stopped'));
      }
      await made.run(sink, { journal });
      expectEqual(sink.data!, want.data!, false);
      made.dispose();
    }
    await engine.dispose();
  });
});

describe('slabs are shared by shards', () => {
  async function sharded(model: Layer, source: Source, rows: number, count: number) {
    const parts = Array.from({ length: count }, memory);
    const sink = new ArraySink();
    let passes = 1;
    for (let pass = 0; pass < passes; pass++)
      for (let index = count - 1; index >= 0; index--) {
        const job = await slabs(model, source, rows);
        passes = job.plan.passes;
        const shard: Shard = { index, count, journals: parts.map(({ journal }) => journal) };
        await job.run(sink, { shard, journal: parts[index]!.journal }).catch((error) => {
          if (!/has done its part of pass/.test(error.message)) throw error;
        });
        job.dispose();
      }
    return sink.data!;
  }

  test('random networks, any number of them, bit for bit', async () => {
    let cut = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(layer, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 20, max: 61 }),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (layers, height, rows, count) => {
          const model: Layer = (x) => layers.reduce((value, each) => each(value), x);
          try {
            model(tensor(new Float32Array(channels * height * 24), [1, channels, height, 24]));
          } catch {
            return fc.pre(false);
          }
          const source = sourceOf([height, 24]);
          const { data, plan } = await whole(model, source, rows);
          expect(await sharded(model, source, rows, count)).toEqual(data);
          if (plan.tiles > 1 && count > 1) cut++;
        },
      ),
      { numRuns: 60 },
    );
    expect(cut).toBeGreaterThan(30);
  });

  test.each(networks.map(([name, model, resizes = false]) => [name, model, resizes] as const))(
    '%s',
    async (_, model, resizes) => {
      const source = sourceOf([61, 40]);
      const { data } = await whole(model, source, 6);
      for (const count of [2, 3, 20]) expectEqual(await sharded(model, source, 6, count), data, !resizes);
    },
  );
});
