import { Worker } from 'node:worker_threads';
import {
  type Backend,
  conv2d,
  cpu,
  DisposedError,
  type Graph,
  input,
  MemoryError,
  ones,
  reference,
  relu,
  ShapeError,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { afterEach, describe, expect, test } from 'vitest';
import { PostedSet } from '../src/workers/constants.js';
import { workerBackend } from '../src/workers/index.js';
import standardWorker from '../src/workers/worker.ts?bundled';
import dyingWorker from './support/dying-worker.ts?bundled';
import failingWorker from './support/failing-worker.ts?bundled';

const opened: Backend[] = [];
afterEach(async () => {
  for (const backend of opened.splice(0)) await backend.dispose();
});
const started = async (options: Parameters<typeof workerBackend>[0] = {}) => {
  const backend = await workerBackend(options);
  opened.push(backend);
  return backend;
};

const kernel = ones([2, 2, 3, 3]);
const layer = (x: Tensor, rate = 2) => relu(conv2d(x, kernel, { dilation: rate, padding: rate }));
const graphOf = (model: (x: Tensor) => Tensor, size: number): Graph =>
  trace(model, input([1, 2, size, size])).graph;
const waves = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
/** Takes the reference backend some seconds. */
const slow = graphOf((x) => [1, 2, 3, 4, 5, 6, 7, 8].reduce(layer, x), 300);

describe('a backend in a worker', () => {
  test('gives what the same backend gives here', async () => {
    const here = { cpu: await cpu({ threads: 1 }), reference: reference() };
    const graph = graphOf((x) => layer(layer(x), 3), 20);
    const x = waves(800);
    for (const name of ['cpu', 'reference'] as const) {
      const backend = await started({ backend: name });
      expect(backend).toMatchObject({ name, info: { ...here[name].info, worker: true } });
      const program = await backend.compile(graph);
      const own = await here[name].compile(graph);
      const want = await own.run([x]);
      expect(await program.run([x])).toEqual(want);
      expect(program.steps).toEqual(own.steps);
      // its own copies of inputs and constants count too
      expect(program.memory).toBe(own.memory + x.byteLength + kernel.dataSync().byteLength);
      const out = [new Float32Array(800)];
      expect(await program.run([x], { out })).toBe(out);
      expect(out).toEqual(want);
      const steps: number[] = [];
      await program.run([x], { onStep: (index, milliseconds) => steps.push(milliseconds >= 0 ? index : -1) });
      expect(steps).toEqual(own.steps.map((_, i) => i));
      expect(x).toEqual(waves(800));
    }
    await here.cpu.dispose();
  });

  test('takes options, and refuses bad ones with the error that is thrown here', async () => {
    expect((await started({ threads: 2 })).info.threads).toBe(2);
    await expect(workerBackend({ threads: 0.5 })).rejects.toThrow(
      expect.objectContaining({ name: 'OptionError', details: { threads: 0.5 } }),
    );
  });

  test('weights are shared by all workers, and those of a view of a large file are posted alone', async () => {
    const file = new Float32Array(1e6);
    file.set([1, 2, 3, 4], 500);
    const weight = tensor(file.subarray(500, 504), [2, 2, 1, 1]);
    const graph = graphOf((x) => conv2d(x, weight), 4);
    const [one, two] = [await started(), await started()];
    const programs = [await one.compile(graph), await two.compile(graph), await one.compile(graph)];
    const results = [];
    for (const program of programs) results.push(await program.run([waves(32)]));
    expect(results[1]).toEqual(results[0]);
    programs[0]!.dispose();
    expect(await programs[2]!.run([waves(32)])).toEqual(results[0]);
    programs[2]!.dispose();
    // posted again, as the worker has forgotten it
    expect(await (await one.compile(graph)).run([waves(32)])).toEqual(results[0]);
    await expect(programs[0]!.run([waves(32)])).rejects.toThrow(/program was disposed/);
  });

  test('constants are copied into shared memory once for all workers, and posted once to each', () => {
    const graph = graphOf((x) => layer(layer(x), 3), 8);
    const [one, two] = [new PostedSet(), new PostedSet()];
    const [first, other, again] = [one.take(graph), two.take(graph), one.take(graph)];
    expect(first.constants).toHaveLength(1);
    expect(first.constants[0]![1].buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(first.constants[0]![1]).toEqual(kernel.dataSync());
    expect(other.constants[0]![1]).toBe(first.constants[0]![1]);
    expect(again.constants).toHaveLength(0);
    expect(one.release(first.uses)).toEqual([]);
    expect(one.release(again.uses)).toEqual([first.constants[0]![0]]);
  });

  test('errors are the same on this side', async () => {
    const backend = await started({ backend: 'reference' });
    const graph = graphOf(layer, 64);
    await expect(backend.compile(graph, { maxMemory: 1000 })).rejects.toThrow(MemoryError);
    const program = await backend.compile(graph);
    // what the worker alone holds is not all
    await expect(backend.compile(graph, { maxMemory: program.memory - 1 })).rejects.toThrow(
      /the program needs .* but maxMemory/,
    );
    await expect(program.run([new Float32Array(3)])).rejects.toThrow(ShapeError);
  });

  test('a run is cancelled with its reason, and the next one works', async () => {
    const backend = await started({ backend: 'reference' });
    const program = await backend.compile(slow);
    const controller = new AbortController();
    const steps: number[] = [];
    const running = program.run([waves(180_000)], {
      signal: controller.signal,
      onStep: (step) => steps.push(step),
    });
    // On its way to the worker behind the run, which has begun when it arrives.
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const small = await backend.compile(graphOf(layer, 8));
    expect((await small.run([waves(128)]))[0]).toHaveLength(128);
    expect(steps.length).toBeLessThan(program.steps.length);
    await expect(program.run([waves(180_000)], { signal: AbortSignal.abort('never') })).rejects.toBe('never');
  });

  test('a backend that is disposed ends its worker and says so', async () => {
    const worker = new Worker(standardWorker, { eval: true });
    const backend = await workerBackend({ worker });
    const program = await backend.compile(graphOf(layer, 8));
    expect(worker.threadId).toBeGreaterThan(0);
    await backend.dispose();
    expect(worker.threadId).toBe(-1);
    await backend.dispose();
    await expect(program.run([waves(128)])).rejects.toThrow(DisposedError);
    await expect(backend.compile(graphOf(layer, 8))).rejects.toThrow(/the backend was disposed/);
  });
});

describe('a worker of the caller', () => {
  const own = (text: string) => new Worker(text, { eval: true });

  test('that dies rejects what waits for it, and is lost', async () => {
    const backend = await started({ worker: own(dyingWorker), backend: 'reference' });
    const program = await backend.compile(slow);
    await expect(program.run([waves(180_000)])).rejects.toThrow(
      /the worker is gone: it ended with code 7; make a new one/,
    );
    await expect(program.run([waves(180_000)])).rejects.toThrow(DisposedError);
    expect((await backend.lost).reason).toMatch(/ended with code 7/);
  });

  test('that throws what is none of atrous is named', async () => {
    await expect(workerBackend({ worker: own(failingWorker) })).rejects.toThrow(
      expect.objectContaining({
        name: 'ExecutionError',
        message: 'worker: RangeError: too large',
        details: { name: 'RangeError', message: 'too large' },
      }),
    );
  });

  test('that does not start is told', async () => {
    for (const [text, reason] of [
      ['throw new Error("no such luck")', /no worker can be started: .*no such luck/],
      ['process.exit(3)', /no worker can be started: .*code 3/],
    ] as const)
      await expect(workerBackend({ worker: own(text) })).rejects.toThrow(
        expect.objectContaining({ name: 'UnsupportedError', message: expect.stringMatching(reason) }),
      );
  });
});
