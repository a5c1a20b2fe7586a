import { DisposedError, input, relu, type Tensor, trace } from '@atrous/core';
import { gpu } from '@atrous/gpu';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectNetwork, graphOf, picture } from '../behaviour.js';
import { watchContexts } from './contexts.js';

let watch: ReturnType<typeof watchContexts>;
beforeEach(() => {
  watch = watchContexts();
});
afterEach(() => watch.stop());

const open = async () => {
  const backend = await gpu({ mode: 'webgl2' });
  const { gl, alive } = watch.contexts.at(-1)!;
  return { backend, alive, lose: () => gl.getExtension('WEBGL_lose_context')!.loseContext(), gl };
};

test('info says what computes, and that it is software here', async () => {
  const { backend, gl } = await open();
  const details = gl.getExtension('WEBGL_debug_renderer_info')!;
  expect(backend.info).toEqual({
    mode: 'webgl2',
    adapter: gl.getParameter(details.UNMASKED_RENDERER_WEBGL),
    software: true,
  });
  await backend.dispose();
});

test('500 warm runs make nothing that stays, and compile nothing', async () => {
  const { backend, alive } = await open();
  const program = await backend.compile(graphOf());
  await program.run([picture()]);
  const first = { ...alive };
  expect(first.Program).toBeGreaterThan(5);
  for (let i = 0; i < 500; i++) await program.run([picture()]);
  expect(alive).toEqual(first);
  program.dispose();
  await backend.dispose();
});

test('a disposed program leaves no texture behind', async () => {
  const { backend, alive } = await open();
  const before = alive.Texture;
  const program = await backend.compile(graphOf());
  await program.run([picture()]);
  expect(alive.Texture).toBeGreaterThan(before!);
  program.dispose();
  await (await backend.compile(trace((x: Tensor) => x, input([1])).graph)).run([new Float32Array(1)]);
  expect(alive.Texture).toBe(before);
  await backend.dispose();
});

test('many programs do not keep many kernels', async () => {
  const { backend, alive } = await open();
  for (let size = 1; size <= 90; size++) {
    const program = await backend.compile(trace((x: Tensor) => relu(x), input([size])).graph);
    const [got] = await program.run([new Float32Array(size).fill(-1)]);
    expect(got).toEqual(new Float32Array(size));
    program.dispose();
  }
  expect(alive.Program).toBeLessThan(70);
  await expectNetwork(backend);
  await backend.dispose();
});

test('a lost context rejects runs instead of giving zeros, and a new backend works', async () => {
  const { backend, lose } = await open();
  const program = await backend.compile(graphOf());
  await program.run([picture()]);
  lose();
  await expect(program.run([picture()])).rejects.toThrow(DisposedError);
  expect((await backend.lost).reason).toMatch(/context was lost/);
  await expect(program.run([picture()])).rejects.toThrow(/context was lost/);
  await expect(backend.compile(graphOf())).rejects.toThrow(DisposedError);
  await backend.dispose();
  const fresh = await gpu({ mode: 'webgl2' });
  await expectNetwork(fresh);
  await fresh.dispose();
});

test('a context lost in the middle of a run, or while its result is read, rejects it', async () => {
  for (const when of ['step', 'read'] as const) {
    const { backend, lose } = await open();
    const program = await backend.compile(graphOf());
    const { length } = program.steps;
    const onStep = (i: number) => i === (when === 'step' ? 2 : length - 1) && lose();
    await expect(program.run([picture()], { onStep }), when).rejects.toThrow(DisposedError);
    await backend.lost;
    await backend.dispose();
  }
});

test('losing the device is not reported when the backend is disposed', async () => {
  const { backend } = await open();
  await backend.dispose();
  const settled = await Promise.race([
    backend.lost.then(() => true),
    new Promise((resolve) => setTimeout(() => resolve(false), 50)),
  ]);
  expect(settled).toBe(false);
});

test('many backends in turn do not exhaust contexts', async () => {
  for (let i = 0; i < 40; i++) {
    const backend = await gpu({ mode: 'webgl2' });
    await backend.dispose();
  }
  const { backend } = await open();
  await expectNetwork(backend);
  await backend.dispose();
});

test('pictures wider than a texture', async () => {
  const { backend, gl } = await open();
  const width = (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number) + 1000;
  const { graph } = trace((x: Tensor) => relu(x), input([1, 1, 3, width]));
  const x = Float32Array.from({ length: 3 * width }, (_, i) => i % 1000);
  const [got] = await (await backend.compile(graph)).run([x]);
  expect(got).toEqual(x);
  await backend.dispose();
});
