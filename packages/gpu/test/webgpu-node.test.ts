/** WebGPU of the package `webgpu`: what is said without it, and the suites on it where a machine has both it and a driver. */
import { goldenConformance, operationConformance, vitestFramework } from '@atrous/conformance';
import { openFolder } from '@atrous/conformance/node';
import { DisposedError, UnsupportedError } from '@atrous/core';
import { gpu } from '@atrous/gpu';
import { afterAll, describe, expect, test } from 'vitest';
import { gpujs } from '../src/adapter/gpujs.js';
import { openWebgpu } from '../src/adapter/webgpu.js';
import { loadGpu } from '../src/adapter/webgpu-node.js';
import type { GpuDevice } from '../src/adapter/webgpu-types.js';
import type { Device } from '../src/device.js';
import { graphOf, picture, programBehaviour } from './behaviour.js';

describe('without the package webgpu', () => {
  const failing = (error: unknown) => loadGpu(() => Promise.reject(error));

  test('the reason says how to get it', async () => {
    const error = Object.assign(new Error("Cannot find package 'webgpu' imported from here"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    expect(await failing(error)).toEqual({
      reason: expect.stringMatching(/optional package 'webgpu', which is not installed/),
    });
  });

  test('a package that does not load is told from one that is missing', async () => {
    expect(await failing(new Error('GLIBC_2.38 not found'))).toEqual({
      reason: "the package 'webgpu' does not load: GLIBC_2.38 not found",
    });
  });
});

const [webgpu] = await gpu.modes();

test('looking for modes leaves no globals behind', () => {
  expect((globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu).toBeUndefined();
  expect('GPUBufferUsage' in globalThis).toBe(false);
});

if (!webgpu!.available) {
  test('webgpu is refused with the reason', async () => {
    expect(webgpu!.reason).toMatch(/webgpu|adapter/i);
    const error = await gpu({ mode: 'webgpu' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnsupportedError);
  });
  test.skip(`webgpu in Node: ${webgpu!.reason}`);
} else {
  test('info says what computes', async () => {
    const backend = await gpu({ mode: 'webgpu' });
    const { adapter, software } = webgpu!;
    expect(backend.info).toEqual({ mode: 'webgpu', adapter, software });
    if (/swiftshader|llvmpipe/i.test(adapter!)) expect(software).toBe(true);
    await backend.dispose();
  });

  test('a lost device rejects runs', async () => {
    const backend = await gpu({ mode: 'webgpu' });
    const program = await backend.compile(graphOf());
    await program.run([picture()]);
    const { device } = (await gpujs.WebGPUContext.acquire()) as { device: GpuDevice & { destroy(): void } };
    device.destroy();
    expect((await backend.lost).reason).toMatch(/device was lost/);
    await expect(program.run([picture()])).rejects.toThrow(DisposedError);
    await backend.dispose();
  });

  programBehaviour('webgpu in Node', async () => (await openWebgpu()) as unknown as Device);
  const options = {
    name: 'gpu (webgpu)',
    createBackend: () => gpu({ mode: 'webgpu' }),
    framework: vitestFramework({ describe, test, afterAll }),
  };
  goldenConformance(await openFolder(), options);
  operationConformance(options);
}
