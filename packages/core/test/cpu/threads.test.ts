import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  add,
  type Backend,
  compile,
  concat,
  conv2d,
  cpu,
  DisposedError,
  ExecutionError,
  input,
  OptionError,
  relu,
  sigmoid,
  type Tensor,
  tensor,
  type Values,
} from '@atrous/core';
import { build } from 'vite';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Breather } from '../../src/backend/run.js';
import { Calls, Schedule } from '../../src/cpu/calls.js';
import { Engine } from '../../src/cpu/engine.js';
import { Pool } from '../../src/cpu/threads/pool.js';
import { i32 } from '../../src/cpu/wasm/encoder.js';
import { detectFeatures } from '../../src/cpu/wasm/features.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const numbers = (length: number, step: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * step));
const size = [1, 64, 40, 40] as const;
const wide = tensor(numbers(96 * 64 * 9, 0.7), [96, 64, 3, 3]);
const narrow = tensor(numbers(64 * 96 * 9, 0.3), [64, 96, 3, 3]);
/** Steps with many tasks, with one, and in between. */
const network = (x: Tensor) => {
  const y = relu(conv2d(x, wide, { padding: 2, dilation: 2 }));
  const z = conv2d(y, narrow, { padding: 6, dilation: 6 });
  return concat([sigmoid(add(z, x)), y], 1);
};
const picture = numbers(64 * 40 * 40, 0.11);
/** `toEqual` takes seconds on arrays of this length. */
const sameBits = (a: Values, b: Values) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
const programOf = async (backend: Backend) => (await compile(network, input(size), { backend })).program;

test('1, 2 and 4 threads give the same bits, run after run', async () => {
  const results: Float32Array[] = [];
  for (const threads of [1, 2, 4]) {
    const backend = await cpu({ threads });
    expect(backend.info.threads).toBe(threads);
    const program = await programOf(backend);
    for (let run = 0; run < 4; run++) results.push((await program.run([picture]))[0] as Float32Array);
    await backend.dispose();
  }
  for (const result of results) expect(sameBits(result, results[0]!)).toBe(true);
});

test.each([0, -1, 1.5, 65, Number.NaN])('threads: %s is refused', async (threads) => {
  await expect(cpu({ threads })).rejects.toThrow(OptionError);
  await expect(cpu({ threads })).rejects.toThrow(/from 1 to 64/);
});

describe('one thread where memory cannot be shared, and info says why', () => {
  test('in a page without isolation', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const { info } = await cpu({ threads: 4 });
    expect(info).toMatchObject({ threads: 1, reason: expect.stringMatching(/not cross-origin isolated/) });
  });

  test('without SharedArrayBuffer', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const { info } = await cpu({ threads: 4 });
    expect(info).toMatchObject({ threads: 1, reason: expect.stringMatching(/SharedArrayBuffer/) });
  });

  test('where workers cannot start', async () => {
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(() => {
      throw new Error('workers are forbidden');
    });
    const backend = await cpu({ threads: 2 });
    expect(backend.info).toMatchObject({ threads: 1, reason: 'one thread: workers are forbidden' });
    const program = await programOf(backend);
    expect(await program.run([picture])).toHaveLength(1);
  });

  test('not when one thread was asked for', async () => {
    const { info } = await cpu({ threads: 1 });
    expect(info.threads).toBe(1);
    expect(info).not.toHaveProperty('reason');
  });
});

test('a run can be cancelled between tasks; the next one is right', async () => {
  const backend = await cpu({ threads: 2 });
  const weight = tensor(numbers(256 * 128 * 9, 0.7), [256, 128, 3, 3]);
  const { program } = await compile(
    (x: Tensor) => conv2d(x, weight, { padding: 4, dilation: 4 }),
    input([1, 128, 224, 224]),
    { backend },
  );
  const x = numbers(128 * 224 * 224, 0.1);
  const [want] = await program.run([x]);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 5);
  const steps: number[] = [];
  await expect(
    program.run([x], { signal: controller.signal, onStep: (step) => steps.push(step) }),
  ).rejects.toThrow('enough');
  expect(steps.length).toBeLessThan(program.steps.length);
  expect(sameBits((await program.run([x]))[0]!, want!)).toBe(true);
});

test('runs into given arrays make no arrays', async () => {
  const program = await programOf(await cpu({ threads: 2 }));
  const out = [new Float32Array(160 * 40 * 40)];
  for (let i = 0; i < 3; i++) await program.run([picture], { out });
  const growths: number[] = [];
  for (let i = 0; i < 20; i++) {
    const before = process.memoryUsage().arrayBuffers;
    expect(await program.run([picture], { out })).toBe(out);
    growths.push(process.memoryUsage().arrayBuffers - before);
  }
  // Now and then others in the process make arrays, or V8 frees some.
  expect(growths.filter((bytes) => bytes > 0).length).toBeLessThan(10);
});

test('dispose ends the workers and refuses what comes later', async () => {
  const terminate = vi.spyOn(Worker.prototype, 'terminate');
  const backend = await cpu({ threads: 3 });
  const program = await programOf(backend);
  let running: Promise<unknown> | undefined;
  await new Promise<void>((started) => {
    running = program.run([picture], { onStep: () => started() });
  });
  await backend.dispose();
  expect(terminate).toHaveBeenCalledTimes(2);
  await expect(running).resolves.toHaveLength(1);
  await expect(program.run([picture])).rejects.toThrow(DisposedError);
});

test('a worker that dies makes the backend lost', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  const backend = await cpu({ threads: 2 });
  const program = await programOf(backend);
  await (post.mock.contexts[0] as unknown as Worker).terminate();
  expect((await backend.lost).reason).toMatch(/worker ended/);
  await expect(program.run([picture])).rejects.toThrow(DisposedError);
});

describe('a kernel that traps', () => {
  const start = async () => {
    const pool = (await Pool.start(1)) as Pool;
    const engine = new Engine(detectFeatures(), pool);
    const calls = new Calls();
    const trap = engine.kernel('trap', 'run', (module) =>
      module.function('run', new Array(13).fill(i32), (f) => f.emit(0x00)),
    );
    for (let task = 0; task < 8; task++) {
      calls.call(trap);
      calls.endTask();
    }
    const schedule = new Schedule([calls], true);
    engine.sendKernels();
    return { pool, engine, schedule, program: pool.addProgram(schedule.words) };
  };
  const wait = (milliseconds: number) => {
    const until = performance.now() + milliseconds;
    while (performance.now() < until);
  };

  test('in a worker rejects the step with its message; the next step runs', async () => {
    const { pool, program } = await start();
    for (let round = 0; round < 2; round++) {
      const failing = pool.run(program, 0, 8, () => wait(20), new Breather(undefined));
      await expect(failing).rejects.toThrow(ExecutionError);
      await expect(failing).rejects.toThrow(/unreachable/);
    }
    const empty = new Schedule([], true);
    await pool.run(pool.addProgram(empty.words), 0, 0, () => undefined, new Breather(undefined));
    pool.dispose('the test is over');
  });

  test('in the calling thread rejects the step too', async () => {
    const { pool, engine, schedule, program } = await start();
    const failing = pool.run(program, 0, 8, (task) => schedule.run(task, engine), new Breather(undefined));
    await expect(failing).rejects.toThrow(/unreachable/);
    pool.dispose('the test is over');
  });
});

test('a process with an idle backend ends by itself, from a minified bundle', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atrous-'));
  try {
    await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        outDir: folder,
        minify: true,
        lib: {
          entry: fileURLToPath(new URL('../../src/index.ts', import.meta.url)),
          formats: ['es'],
          fileName: 'core',
        },
      },
    });
    const script = join(folder, 'script.mjs');
    await writeFile(
      script,
      `import { compile, conv2d, cpu, input, ones } from './core.js';
       const backend = await cpu({ threads: 3 });
       const weight = ones([128, 128, 3, 3]);
       const { program } = await compile((x) => conv2d(x, weight, { padding: 1 }), input([1, 128, 32, 32]), { backend });
       const [y] = await program.run([new Float32Array(128 * 32 * 32).fill(1)]);
       console.log(backend.info.threads, Math.round(y[33]));`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 20_000 });
    expect(stdout.trim()).toBe(`3 ${128 * 9}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
