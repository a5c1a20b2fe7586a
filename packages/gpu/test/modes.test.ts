import { OptionError, UnsupportedError } from '@atrous/core';
import { gpu, type Mode, type ModeReport } from '@atrous/gpu';
import { describe, expect, test } from 'vitest';
import { bestMode } from '../src/probe.js';
import { expectNetwork } from './behaviour.js';

describe('in Node', () => {
  test('a mode that needs a browser says so', async () => {
    const [webgpu, ...others] = await gpu.modes();
    // Depends on the machine: see webgpu-node.test.ts.
    expect(webgpu!.mode).toBe('webgpu');
    expect(others).toEqual([
      { mode: 'webgl2', available: false, reason: 'there is no canvas (WebGL2 needs a browser)' },
      { mode: 'webasm', available: true, adapter: 'WebAssembly', software: true },
    ]);
  });

  test('the best mode is webasm, and info says so', async () => {
    const backend = await gpu();
    expect(backend.info).toEqual({ mode: 'webasm', adapter: 'WebAssembly', software: true });
    await expectNetwork(backend);
    await backend.dispose();
  });

  test('mode webgl2 is refused with the reason, nothing runs in its place', async () => {
    const error = await gpu({ mode: 'webgl2' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnsupportedError);
    const { details } = error as UnsupportedError;
    expect(details).toMatchObject({ mode: 'webgl2', reason: expect.stringMatching(/canvas/) });
  });

  test.each(['cpu', 'webgl', 'gpu', 7])('%s is no mode', async (mode) => {
    await expect(gpu({ mode: mode as Mode })).rejects.toThrow(OptionError);
  });

  test('where WebAssembly may not be compiled, webasm is refused with the reason', async () => {
    const original = WebAssembly.Module;
    WebAssembly.Module = class {
      constructor() {
        throw new WebAssembly.CompileError('blocked by policy');
      }
    } as unknown as typeof WebAssembly.Module;
    try {
      await expect(gpu({ mode: 'webasm' })).rejects.toThrow(/wasm-unsafe-eval.*blocked by policy/);
      await expect(gpu()).rejects.toThrow(/no mode is available: webgpu: .*; webgl2: .*; webasm: /);
    } finally {
      WebAssembly.Module = original;
    }
  });
});

describe('the best mode', () => {
  const report = (mode: Mode, more: Partial<ModeReport> = {}): ModeReport => ({
    mode,
    available: true,
    ...more,
  });
  const wasm = report('webasm', { software: true });

  test.each<[Mode | undefined, ModeReport[]]>([
    ['webgpu', [report('webgpu', { software: false }), report('webgl2', { software: false }), wasm]],
    ['webgl2', [report('webgpu', { software: true }), report('webgl2', { software: false }), wasm]],
    ['webgl2', [report('webgpu', { available: false }), report('webgl2', { software: false }), wasm]],
    ['webasm', [report('webgpu', { software: true }), report('webgl2', { software: true }), wasm]],
    [undefined, [report('webgl2', { software: true }), report('webasm', { available: false })]],
  ])('is %s', (want, reports) => {
    expect(bestMode(reports)).toBe(want);
  });
});
