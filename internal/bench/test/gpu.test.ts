import { reference } from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { type Engine, Unsupported } from '../src/contestant.js';
import { measureGpu, reasonOf } from '../src/gpu/measure.js';
import type { Family, GpuMeasurement, GpuRecord, GpuSession, GpuSkip } from '../src/gpu/records.js';
import { gpuMarkdown } from '../src/gpu/report.js';
import { gpuWorkloads } from '../src/gpu/workloads.js';
import { makeProblem } from '../src/problem.js';
import { gpuMarkers, replaceMeasured } from '../src/report/document.js';

const session: GpuSession = {
  kind: 'session',
  place: 'Chromium 1',
  model: 'a machine',
  cores: 2,
  quick: true,
  adapters: [
    { mode: 'webgpu', adapter: 'a renderer', software: true },
    { mode: 'webgl2', adapter: 'a card', software: false },
  ],
};

const measured = (
  family: Family,
  mode: GpuMeasurement['mode'],
  first: number,
  warm: number,
): GpuMeasurement => ({
  kind: 'measurement',
  workload: 'C',
  family,
  mode,
  first,
  warm,
  samples: 3,
  error: 0,
});

const skipped = (family: Family, mode: GpuMeasurement['mode'], reason: string): GpuSkip => ({
  kind: 'skip',
  workload: 'C',
  family,
  mode,
  reason,
  failed: false,
});

const rowsOf = (records: readonly GpuRecord[]) =>
  gpuMarkdown(records)
    .split('\n')
    .filter((line) => line.startsWith('| '));

describe('the table of modes', () => {
  test('sets others against the same mode, as first / warm', () => {
    const rows = rowsOf([
      session,
      measured('atrous', 'webgpu', 100, 10),
      measured('atrous', 'webgl2', 200, 20),
      measured('cpu', 'cpu', 1, 1),
      measured('tfjs', 'webgpu', 150, 30),
      skipped('tfjs', 'webgl2', 'does not start'),
    ]);
    expect(rows).toEqual([
      '| workload | mode | first, ms | warm, ms | tfjs | cpu() |',
      '| --- | --- | --- | --- | --- | --- |',
      '| C | webgpu | 100 | 10 | 1.50× / 3.00× | 0.01× / 0.10× |',
      '| C | webgl2 | 200 | 20 | – [1] | 0.005× / 0.05× |',
    ]);
  });

  test('says why a peer or a mode did not run', () => {
    const markdown = gpuMarkdown([session, skipped('atrous', 'webgpu', 'no adapter')]);
    expect(markdown).toContain('| C | webgpu | – [1] |');
    expect(markdown).toContain('[1] atrous, webgpu: no adapter');
  });

  test('names the adapters and marks software', () => {
    const markdown = gpuMarkdown([session, measured('atrous', 'webgpu', 1, 1)]);
    expect(markdown).toContain('webgpu: a renderer (software); webgl2: a card.');
    expect(markdown).toContain('say nothing about a GPU');
    expect(gpuMarkdown([{ ...session, adapters: [session.adapters[1]!] }])).not.toContain('software');
  });

  test('judges the target against plain gpu.js', () => {
    const own = measured('atrous', 'webasm', 10, 10);
    expect(gpuMarkdown([session, own, measured('gpu.js', 'webasm', 9, 25)])).toContain(
      '≥ 2.00×: 2.50× in the geometric mean, 2.50× at worst: met',
    );
    expect(gpuMarkdown([session, own, measured('gpu.js', 'webasm', 9, 15)])).toContain('**missed**');
    expect(gpuMarkdown([session, own])).not.toContain('≥ 2');
  });
});

test('the tables of modes have markers of their own', () => {
  const document = `a\n${gpuMarkers.begin}\nold\n${gpuMarkers.end}\nb`;
  expect(replaceMeasured(document, 'new', gpuMarkers)).toBe(
    `a\n${gpuMarkers.begin}\n\nnew\n\n${gpuMarkers.end}\nb`,
  );
});

test('only the first line of an error is kept, shortened', () => {
  expect(reasonOf(new Error('one\ntwo'))).toBe('one');
  expect(reasonOf('x'.repeat(300))).toHaveLength(201);
});

describe('measuring', () => {
  const engine = (change: (y: Float32Array) => Float32Array = (y) => y): Engine => ({
    async prepare({ graph, x }) {
      const program = await reference().compile(graph);
      let out: readonly Float32Array[] = [];
      return {
        async run() {
          out = (await program.run([x])) as readonly Float32Array[];
          return 0;
        },
        output: async () => change(out[0]!),
        dispose: () => program.dispose(),
      };
    },
    dispose: async () => undefined,
  });
  const workload = { id: 'C', inChannels: 2, outChannels: 2, size: [5, 5], kernel: 3, dilation: 2 };
  const options = { samples: 4, budget: 1e6 };

  test('takes the first time and the samples', async () => {
    const contestant = { family: 'cpu', mode: 'cpu', own: true, engine: engine() } as const;
    const [result] = await measureGpu(await makeProblem(workload), [contestant], options);
    expect(result).toMatchObject({ kind: 'measurement', workload: 'C', family: 'cpu', samples: 4 });
  });

  test('a wrong result has no time, and fails if it is ours', async () => {
    const wrong = engine((y) => y.map((value) => value + 1));
    const problem = await makeProblem(workload);
    for (const own of [true, false]) {
      const contestant = { family: 'tfjs', mode: 'webgpu', own, engine: wrong } as const;
      const [result] = await measureGpu(problem, [contestant], options);
      expect(result).toMatchObject({
        kind: 'skip',
        failed: own,
        reason: expect.stringMatching(/differs from float64/),
      });
    }
  });

  test('what did not start is listed with its reason', async () => {
    const contestant = {
      family: 'tfjs',
      mode: 'webgl2',
      own: false,
      engine: new Unsupported('no context'),
    } as const;
    expect(await measureGpu(await makeProblem(workload), [contestant], options)).toEqual([
      skipped('tfjs', 'webgl2', 'no context'),
    ]);
  });
});

test('every workload can be built', async () => {
  for (const workload of gpuWorkloads) expect((await makeProblem(workload)).operations).toBeGreaterThan(0);
});
