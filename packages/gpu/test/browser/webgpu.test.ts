import { DisposedError } from '@atrous/core';
import { gpu } from '@atrous/gpu';
import { expect, test } from 'vitest';
import { gpujs } from '../../src/adapter/gpujs.js';
import type { GpuDevice } from '../../src/adapter/webgpu-types.js';
import { expectNetwork, graphOf, picture } from '../behaviour.js';

const device = async () => ((await gpujs.WebGPUContext.acquire()) as { device: GpuDevice }).device;
const destroy = (lost: GpuDevice) => (lost as GpuDevice & { destroy(): void }).destroy();

test('info says what computes, and that it is software here', async () => {
  const backend = await gpu({ mode: 'webgpu' });
  expect(backend.info).toMatchObject({ mode: 'webgpu', software: true });
  expect(backend.info.adapter).toMatch(/swiftshader/i);
  await backend.dispose();
});

test('a lost device rejects runs, and a new backend works', async () => {
  const backend = await gpu({ mode: 'webgpu' });
  const program = await backend.compile(graphOf());
  await program.run([picture()]);
  destroy(await device());
  expect((await backend.lost).reason).toMatch(/device was lost/);
  await expect(program.run([picture()])).rejects.toThrow(DisposedError);
  await expect(backend.compile(graphOf())).rejects.toThrow(DisposedError);
  await backend.dispose();
  const fresh = await gpu({ mode: 'webgpu' });
  await expectNetwork(fresh);
  await fresh.dispose();
});

test('a device lost in the middle of a run, or while its result is read, rejects it', async () => {
  for (const when of ['step', 'read'] as const) {
    const backend = await gpu({ mode: 'webgpu' });
    const program = await backend.compile(graphOf());
    const current = await device();
    const last = program.steps.length - 1;
    const onStep = (i: number) => i === (when === 'step' ? 2 : last) && destroy(current);
    await expect(program.run([picture()], { onStep }), when).rejects.toThrow(DisposedError);
    await backend.lost;
    await backend.dispose();
  }
});
