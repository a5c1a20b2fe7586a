/** In a page that is cross-origin isolated and in one that is not: two projects of vitest.config.ts run this file. */
import { compile, conv2d, cpu, input, reference, type Tensor, tensor } from '@atrous/core';
import { expect, test } from 'vitest';

const numbers = (length: number, step: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * step));
const weight = tensor(numbers(64 * 64 * 9, 0.7), [64, 64, 3, 3]);
const network = (x: Tensor) => conv2d(conv2d(x, weight, { padding: 2, dilation: 2 }), weight, { padding: 1 });
const picture = numbers(64 * 48 * 48, 0.11);
const shape = [1, 64, 48, 48] as const;

test('info tells the truth about threads', async () => {
  const { info } = await cpu({ threads: 3 });
  if (crossOriginIsolated) {
    expect(info.threads).toBe(3);
    expect(info).not.toHaveProperty('reason');
  } else
    expect(info).toMatchObject({ threads: 1, reason: expect.stringMatching(/not cross-origin isolated/) });
});

test('several threads compute what the reference does', async () => {
  const { program: plain } = await compile(network, input(shape), { backend: reference() });
  const [want] = (await plain.run([picture])) as [Float32Array];
  const backend = await cpu({ threads: 3 });
  const { program } = await compile(network, input(shape), { backend });
  for (let run = 0; run < 5; run++) {
    const [got] = (await program.run([picture])) as [Float32Array];
    const error = got.reduce((sum, value, i) => sum + (value - want[i]!) ** 2, 0);
    const scale = want.reduce((sum, value) => sum + value ** 2, 0);
    expect(Math.sqrt(error / scale)).toBeLessThan(1e-5);
  }
  await backend.dispose();
});

test('a run can be cancelled, and the next one works', async () => {
  const backend = await cpu({ threads: 2 });
  const { program } = await compile(network, input(shape), { backend });
  const controller = new AbortController();
  const cancelled = program.run([picture], {
    signal: controller.signal,
    onStep: () => controller.abort(new Error('enough')),
  });
  await expect(cancelled).rejects.toThrow('enough');
  expect(await program.run([picture])).toHaveLength(1);
  await backend.dispose();
});
