import { cpu, UnsupportedError } from '@atrous/core';
import { afterEach, describe, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('cpu() where WebAssembly cannot be used', () => {
  test('without SIMD it says so', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    await expect(cpu()).rejects.toThrow(UnsupportedError);
    await expect(cpu()).rejects.toThrow(
      'cpu: this machine has no WebAssembly SIMD; use reference(), or a newer browser or Node',
    );
  });

  test('without WebAssembly at all it says the same', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    await expect(cpu()).rejects.toThrow('cpu: this machine has no WebAssembly SIMD');
  });

  test('where a content security policy forbids it, it says what to add', async () => {
    vi.stubGlobal('WebAssembly', {
      ...Object.fromEntries(
        Object.getOwnPropertyNames(WebAssembly).map((name) => [name, Reflect.get(WebAssembly, name)]),
      ),
      Module: class {
        constructor() {
          throw new Error('violates the policy');
        }
      },
    });
    await expect(cpu()).rejects.toThrow(UnsupportedError);
    await expect(cpu()).rejects.toThrow(
      "cpu: this page does not allow WebAssembly (violates the policy); add 'wasm-unsafe-eval' to script-src of its content security policy, or use reference()",
    );
  });
});

test('plain SIMD, without fused multiply-add, is enough', async () => {
  const validate = WebAssembly.validate.bind(WebAssembly);
  let calls = 0;
  // The second module asks for relaxed SIMD.
  vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => (++calls === 2 ? false : validate(bytes)));
  const backend = await cpu({ threads: 1 });
  expect(backend.info.kernels).toBe('WebAssembly SIMD');
  await backend.dispose();
});
