import { Worker } from 'node:worker_threads';
import {
  add,
  type Backend,
  broadcastTo,
  conv2d,
  ExecutionError,
  globalAvgPool,
  type Program,
  reference,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ArraySink,
  arraySource,
  type JournalEntry,
  type Source,
  type TiledOptions,
  tiled,
} from '../src/index.js';
import { workerBackend } from '../src/workers/index.js';
import dyingWorker from './support/dying-worker.ts?bundled';
import { channels, type Layer, layer, noise, weight } from './support/networks.js';

const dilated = (x: Tensor, rate: number, seed = 0) =>
  conv2d(x, weight([channels, channels, 3, 3], seed), { dilation: rate, padding: rate });
const pooled: Layer = (x) => {
  const y = dilated(x, 2);
  return dilated(add(y, broadcastTo(globalAvgPool(y), y.shape)), 1, 1);
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

/** A backend whose runs are done in some order of their own. */
function delayed(delay: (run: number) => number | Error): Backend {
  const backend = reference();
  let runs = 0;
  return {
    ...backend,
    async compile(graph, options) {
      const program = await backend.compile(graph, options);
      const run: Program['run'] = async (inputs, more) => {
        const wait = delay(runs++);
        if (wait instanceof Error) throw wait;
        const results = await program.run(inputs, more);
        await new Promise((resolve) => setTimeout(resolve, wait));
        more?.signal?.throwIfAborted();
        return results;
      };
      return { memory: program.memory, steps: program.steps, run, dispose: () => program.dispose() };
    },
  };
}

async function run(model: Layer, source: Source, options: TiledOptions) {
  const job = await tiled(model, source, { order: 'tiles', ...options });
  const sink = new ArraySink();
  const order: string[] = [];
  await job.run({
    write(region, values, result) {
      order.push(String(region.start));
      sink.write(region, values, result);
    },
  });
  job.dispose();
  return { data: sink.data!, order, plan: job.plan };
}

describe('several backends', () => {
  test('give what one gives, bit for bit and in its order, whichever is done first', async () => {
    let shared = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(layer, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 20, max: 50 }),
        fc.integer({ min: 6, max: 16 }),
        fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }), {
          minLength: 2,
          maxLength: 4,
        }),
        async (layers, height, tile, delays) => {
          const model: Layer = (x) => layers.reduce((value, each) => each(value), x);
          try {
            model(tensor(new Float32Array(channels * height * 30), [1, channels, height, 30]));
          } catch {
            return fc.pre(false);
          }
          const source = sourceOf([height, 30]);
          const one = await run(model, source, { backend: reference(), tile });
          const backend = delays.map((list) => delayed((i) => list[i % list.length]!));
          const several = await run(model, source, { backend, tile });
          expect(several.data).toEqual(one.data);
          expect(several.order).toEqual(one.order);
          if (one.plan.tiles > 2) shared++;
        },
      ),
      { numRuns: 60 },
    );
    expect(shared).toBeGreaterThan(30);
  });

  test('with global layers and blended windows too', async () => {
    const source = sourceOf([60, 50]);
    const halo = { overlap: 4, blend: 'linear' } as const;
    for (const options of [{}, { halo, pooling: 'window' as const }]) {
      const one = await run(pooled, source, { backend: reference(), tile: 16, ...options });
      const backend = [3, 0, 1].map((wait) => delayed(() => wait));
      const several = await run(pooled, source, { backend, tile: 16, ...options });
      expect(several.data).toEqual(one.data);
      expect(several.order).toEqual(one.order);
    }
  });

  test('in workers: the same bits, several at once, and all of their memory is planned', async () => {
    const source = sourceOf([90, 80]);
    const one = await run(pooled, source, { backend: reference(), tile: 24 });
    const backend = await Promise.all([1, 2, 3].map(() => workerBackend({ backend: 'reference' })));
    const alone = await run(pooled, source, { backend: backend[0]!, tile: 24 });
    const several = await run(pooled, source, { backend, tile: 24 });
    expect(several.data).toEqual(one.data);
    expect(several.order).toEqual(one.order);
    expect(several.plan.memory).toBe(3 * alone.plan.memory);
    await expect(
      run(pooled, source, { backend, tile: 24, maxMemory: several.plan.memory - 1 }),
    ).rejects.toThrow(/tiles of 24 .* \(\d+ are needed\)/);
    await Promise.all(backend.map((each) => each.dispose()));
  });

  test('share tiles where one would stream slabs, as long as that is not more work for each', async () => {
    const source = sourceOf([100, 120]);
    const deep: Layer = (x) => [1, 2, 4, 8].reduce((y, rate) => dilated(y, rate), x);
    const orderOf = async (count: number, tile: number) =>
      (await tiled(deep, source, { backend: Array.from({ length: count }, () => reference()), tile })).plan;
    expect((await orderOf(1, 40)).order).toBe('slabs');
    const { order, recompute } = await orderOf(4, 40);
    expect(order).toBe('tiles');
    expect(recompute).toBeGreaterThan(1.5);
    expect((await orderOf(4, 8)).order).toBe('slabs');
  });

  test('unusable lists are refused', async () => {
    const backend = reference();
    for (const list of [[], [backend, backend]])
      await expect(tiled(pooled, sourceOf([30, 30]), { backend: list })).rejects.toThrow(
        /backend must be one backend or several different ones/,
      );
    await expect(
      tiled(pooled, sourceOf([30, 30]), { backend: [backend, reference()], order: 'slabs' }),
    ).rejects.toThrow(/slabs follow from each other and run on one backend, and 2 are given/);
  });
});

describe('one that fails ends all', () => {
  /** What runs are under way, and the entries of a journal in memory. */
  async function failing(backend: Backend[], signal?: AbortSignal) {
    const entries: JournalEntry[] = [];
    const sink = new ArraySink();
    const journal = { read: () => [...entries], append: (entry: JournalEntry) => void entries.push(entry) };
    const source = sourceOf([60, 60]);
    const job = await tiled(pooled, source, { backend, tile: 12, order: 'tiles' });
    const running = job.run(sink, { journal, signal });
    const failure = await running.then(
      () => undefined,
      (error) => error,
    );
    const tiles = () => entries.filter((entry) => entry.type === 'tile');
    const finish = async () => {
      const good = await tiled(pooled, source, { backend: reference(), tile: 12, order: 'tiles' });
      await good.run(sink, { journal });
      const want = await run(pooled, source, { backend: reference(), tile: 12 });
      expect(sink.data).toEqual(want.data);
      expect(tiles().map((entry) => `${entry.pass} ${entry.tile}`)).toEqual(
        Array.from({ length: 50 }, (_, i) => `${Math.floor(i / 25)} ${i % 25}`),
      );
    };
    return { failure, tiles: tiles().length, finish };
  }

  test('with its own error; what was done before is recorded, and another run goes on', async () => {
    const broken = new ExecutionError('a kernel failed');
    for (const at of [0, 3, 12]) {
      const backend = [delayed(() => 2), delayed((i) => (i === at ? broken : 2)), delayed(() => 1)];
      const { failure, tiles, finish } = await failing(backend);
      expect(failure).toBe(broken);
      expect(tiles).toBeLessThan(50);
      await finish();
    }
  });

  test('when it is cancelled', async () => {
    const controller = new AbortController();
    let runs = 0;
    const cancel = () => {
      if (++runs === 20) controller.abort(new Error('stopped'));
      return 1;
    };
    const { failure, tiles, finish } = await failing(
      [delayed(cancel), delayed(cancel), delayed(cancel)],
      controller.signal,
    );
    expect(failure).toMatchObject({ message: 'stopped' });
    expect(tiles).toBeGreaterThanOrEqual(17);
    expect(tiles).toBeLessThan(20);
    await finish();
  });

  test('when its worker dies', async () => {
    const workers = [
      await workerBackend({ backend: 'reference' }),
      await workerBackend({ worker: new Worker(dyingWorker, { eval: true }) }),
    ];
    const slow: Backend = {
      ...workers[0]!,
      async compile(graph, options) {
        const program = await workers[0]!.compile(graph, options);
        const run: Program['run'] = async (inputs, more) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return program.run(inputs, more);
        };
        return { ...program, run };
      },
    };
    const { failure, finish } = await failing([slow, workers[1]!]);
    expect(failure).toMatchObject({
      name: 'DisposedError',
      message: /the worker is gone: it ended with code 7/,
    });
    await finish();
    await Promise.all(workers.map((each) => each.dispose()));
  });
});
