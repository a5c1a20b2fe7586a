import { type Backend, cpu, input, reference } from '@atrous/core';
import { auto, gpu, type OpenBackend } from '@atrous/gpu';
import { expect, test } from 'vitest';
import { expectNear, network, picture, shape } from '../behaviour.js';

const modes = ['webgpu', 'webgl2', 'webasm'] as const;
const everyMode: Record<string, OpenBackend> = {
  cpu: () => cpu({ threads: 1 }),
  ...Object.fromEntries(modes.map((mode) => [mode, () => gpu({ mode })])),
};

/** A backend that says when it is disposed. */
const watched =
  (open: OpenBackend, disposed: () => void): OpenBackend =>
  async () => {
    const backend = await open();
    return {
      ...backend,
      async dispose() {
        disposed();
        await backend.dispose();
      },
    };
  };

/** A backend whose results are computed on the device, and wrong in one value. */
const wrong = (open: OpenBackend) => async (): Promise<Backend> => {
  const backend = await open();
  return {
    ...backend,
    async compile(graph, options) {
      const program = await backend.compile(graph, options);
      return {
        steps: program.steps,
        memory: program.memory,
        async run(inputs, runOptions) {
          const outputs = await program.run(inputs, runOptions);
          outputs[0]![5]! += 0.5;
          return outputs;
        },
        dispose: () => program.dispose(),
      };
    },
  };
};

async function expectRight({ graph, program }: Awaited<ReturnType<typeof auto>>): Promise<void> {
  const [got, labels] = await program.run([picture()]);
  const [want, wantLabels] = await (await (await reference()).compile(graph)).run([picture()]);
  expectNear(got!, want!, 1e-5);
  expect(labels).toEqual(wantLabels);
}

test('times cpu and every mode of the browser, and keeps the fastest of those that agree', async () => {
  const disposed: string[] = [];
  const backends = Object.fromEntries(
    Object.entries(everyMode).map(([name, open]) => [name, watched(open, () => disposed.push(name))]),
  );
  const program = await auto(network(), input(shape), { backends });
  const names = Object.keys(backends);
  expect(program.trials.map(({ name, reason }) => [name, reason])).toEqual(
    names.map((name) => [name, undefined]),
  );
  for (const { name, info, milliseconds } of program.trials) {
    expect(milliseconds).toBeGreaterThan(0);
    if (name !== 'cpu') expect(info).toMatchObject({ mode: name, software: true });
  }
  const times = program.trials.map(({ milliseconds }) => milliseconds!);
  expect(program.name).toBe(names[times.indexOf(Math.min(...times))]);
  expect(disposed.sort()).toEqual(names.filter((name) => name !== program.name).sort());
  await expectRight(program);
  await program.backend.dispose();
});

test.each(modes)('leaves out %s where its outputs disagree, with the reason', async (mode) => {
  const backends = { ...everyMode, [mode]: wrong(everyMode[mode]!) };
  const program = await auto(network(), input(shape), { backends });
  expect(program.name).not.toBe(mode);
  for (const { name, milliseconds, reason } of program.trials) {
    expect(milliseconds).toBeGreaterThan(0);
    if (name === mode)
      expect(reason).toMatch(/^disagrees with cpu: output 0: 1 of \d+ values differ, the first at 5: /);
    else expect(reason).toBeUndefined();
  }
  await expectRight(program);
  await program.backend.dispose();
});

test('by itself leaves software adapters out, with the reason', async () => {
  const program = await auto(network(), input(shape));
  const reasons = new Map(program.trials.map(({ name, reason }) => [name, reason]));
  expect([...reasons.keys()]).toEqual(['cpu', ...modes]);
  for (const mode of ['webgpu', 'webgl2'])
    expect(reasons.get(mode)).toMatch(/has only a software adapter \(.*SwiftShader/i);
  expect(reasons.get('cpu')).toBeUndefined();
  expect(reasons.get('webasm')).toBeUndefined();
  expect(['cpu', 'webasm']).toContain(program.name);
  await expectRight(program);
  await program.backend.dispose();
});
