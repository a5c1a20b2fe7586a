import { gpu } from '@atrous/gpu';
import { expect, test } from 'vitest';
import { expectNetwork } from '../behaviour.js';

test('every mode is listed with what it would run on', async () => {
  const reports = await gpu.modes();
  expect(reports.map(({ mode, available, software }) => [mode, available, software])).toEqual([
    ['webgpu', true, true],
    ['webgl2', true, true],
    ['webasm', true, true],
  ]);
  for (const { adapter } of reports) expect(adapter).toMatch(/swiftshader|webassembly/i);
});

test('a software adapter is never chosen over WebAssembly', async () => {
  const backend = await gpu();
  expect(backend.info).toMatchObject({ mode: 'webasm' });
  await expectNetwork(backend);
  await backend.dispose();
});

test('without float targets, webgl2 is refused with the reason', async () => {
  const original = WebGL2RenderingContext.prototype.getExtension;
  WebGL2RenderingContext.prototype.getExtension = function (this: WebGL2RenderingContext, name: string) {
    return name === 'EXT_color_buffer_float' ? null : original.call(this, name);
  } as typeof original;
  try {
    await expect(gpu({ mode: 'webgl2' })).rejects.toThrow(/webgl2.*EXT_color_buffer_float/);
    expect((await gpu.modes())[1]).toMatchObject({
      available: false,
      reason: expect.stringMatching(/EXT_color_buffer_float/),
    });
  } finally {
    WebGL2RenderingContext.prototype.getExtension = original;
  }
});

test('without an adapter, webgpu is refused with the reason', async () => {
  const { gpu: api } = navigator as unknown as { gpu: { requestAdapter(): Promise<unknown> } };
  const original = api.requestAdapter;
  api.requestAdapter = async () => null;
  try {
    expect((await gpu.modes())[0]).toMatchObject({
      available: false,
      reason: expect.stringMatching(/adapter/),
    });
    await expect(gpu({ mode: 'webgpu' })).rejects.toThrow(/webgpu.*adapter/);
  } finally {
    api.requestAdapter = original;
  }
});
