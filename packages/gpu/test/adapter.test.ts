import { UnsupportedError } from '@atrous/core';
import { expect, test } from 'vitest';
import { buildKernel, createKernel, gpujs, swapYZ } from '../src/adapter/gpujs.js';
import { openWebasm } from '../src/adapter/webasm.js';
import type { Kernel } from '../src/kernel.js';
import { Loss } from '../src/loss.js';

const kernel = (source: string): Kernel => ({
  source,
  output: [1, 1, 4],
  components: 1,
  arrays: [[1, 1, 4]],
  scalars: 0,
});
const double = kernel('function (x) {\nreturn x[0][0][this.thread.x] * 2;\n}');

test('a kernel that gpu.js would run as plain JavaScript is refused', async () => {
  const instance = new gpujs.GPU({ mode: 'cpu' });
  const callable = createKernel(instance, double.source, double.output);
  const args = [new gpujs.Input([1, 2, 3, 4], [4, 1, 1])];
  const build = buildKernel('webasm', callable, gpujs.WebAssemblyKernel, double, args);
  await expect(build).rejects.toThrow(UnsupportedError);
  await expect(build).rejects.toThrow(/gpu.js cannot run a kernel: it chose CPUKernel by itself/);
  await instance.destroy();
});

test('a kernel that gpu.js gave up is refused with its reason', async () => {
  const { kernel: target } = createKernel(new gpujs.GPU({ mode: 'webasm' }), double.source, double.output);
  const callable = {
    kernel: Object.assign(target, { fallbackReason: 'no such type', build: () => undefined }),
  };
  const build = buildKernel('webasm', callable as never, gpujs.WebAssemblyKernel, double, []);
  await expect(build).rejects.toThrow(/gpu.js cannot run a kernel: no such type/);
});

test('a kernel that gpu.js cannot compile is refused with its text', async () => {
  const device = openWebasm();
  const source = 'function (x) {\nreturn unknown(x);\n}';
  const error = await device.build(kernel(source)).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UnsupportedError);
  expect((error as UnsupportedError).details).toMatchObject({ mode: 'webasm', kernel: source });
  await device.dispose();
});

test('kernels whose memory was given up are built again', async () => {
  const device = openWebasm({ kernelMemory: 1 });
  const one = await device.build(double);
  const two = await device.build(kernel('function (x) {\nreturn x[0][0][this.thread.x] + 1;\n}'));
  const x = device.upload(Float32Array.of(1, 2, 3, 4), 4);
  for (const [built, want] of [
    [one, [2, 4, 6, 8]],
    [two, [2, 3, 4, 5]],
    [one, [2, 4, 6, 8]],
  ] as const)
    expect([...(await device.read(await device.run(built, [x], []), 4))]).toEqual(want);
  const { bytes } = device.holdings();
  expect(bytes).toBeLessThan(2 * device.bytesOfKernels([double]));
  await device.dispose();
});

test('a kernel larger than a WebAssembly memory is refused with the numbers', () => {
  const { limits } = openWebasm();
  const large: Kernel = { ...double, output: [1, 2 ** 15, 2 ** 14] };
  expect(limits.kernelProblem(large)).toMatch(/214\d+ bytes.*2147483648/);
  expect(limits.kernelProblem(double)).toBeUndefined();
});

test('turning a result exchanges its rows and planes', () => {
  expect(swapYZ('x[this.thread.z][this.thread.y][this.thread.x]')).toBe(
    'x[this.thread.y][this.thread.z][this.thread.x]',
  );
});

test('a loss is told once, with its first reason', async () => {
  const loss = new Loss();
  expect(() => loss.check('webgl2')).not.toThrow();
  loss.lose('first');
  loss.lose('second');
  expect(await loss.promise).toEqual({ reason: 'first' });
  expect(() => loss.check('webgl2')).toThrow(/webgl2.*first.*gpu\(\) again/);
});
