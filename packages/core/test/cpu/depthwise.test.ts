import {
  add,
  clip,
  compile,
  conv1d,
  conv2d,
  conv3d,
  cpu,
  input,
  reference,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Engine } from '../../src/cpu/engine.js';
import {
  type DepthwiseVariant,
  depthwiseFlags,
  depthwiseName,
  emitDepthwise,
} from '../../src/cpu/kernels/depthwise.js';

const numbers = (length: number, step: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * step));
const worstOf = (got: Float32Array, want: Float32Array) =>
  got.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i]!)), 0);
const engines = { cpu: await cpu({ threads: 1 }), reference: reference() };
const convs = [conv1d, conv2d, conv3d];

/** Any kernel, stride, dilation and padding in 1 to 3 axes. */
const cases = fc
  .record({
    axes: fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 14 }),
        kernel: fc.integer({ min: 1, max: 4 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 5 }),
        before: fc.integer({ min: 0, max: 9 }),
        after: fc.integer({ min: 0, max: 9 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    channels: fc.integer({ min: 2, max: 9 }),
    multiplier: fc.constantFrom(1, 2, 4),
    batch: fc.integer({ min: 1, max: 2 }),
    fused: fc.boolean(),
  })
  .filter(({ axes }) =>
    axes.every(
      ({ size, kernel, dilation, before, after }) => size + before + after > (kernel - 1) * dilation,
    ),
  );

test('any geometry is what the reference computes', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ axes, channels, multiplier, batch, fused }) => {
      const shape = [batch, channels, ...axes.map(({ size }) => size)];
      const outputs = channels * multiplier;
      const kernel = [outputs, 1, ...axes.map((axis) => axis.kernel)];
      const weight = tensor(numbers(outputs * axes.reduce((n, axis) => n * axis.kernel, 1), 0.7), kernel);
      const bias = tensor(numbers(outputs, 0.9), [outputs]);
      const network = (x: Tensor) => {
        const y = convs[axes.length - 1]!(x, weight, {
          bias,
          groups: channels,
          stride: axes.map(({ stride }) => stride) as never,
          dilation: axes.map(({ dilation }) => dilation) as never,
          padding: axes.map(({ before, after }) => [before, after]) as never,
        });
        return fused
          ? clip(
              add(
                y,
                tensor(
                  numbers(
                    y.shape.reduce((a, b) => a * b),
                    0.3,
                  ),
                  y.shape,
                ),
              ),
              -0.5,
              1,
            )
          : y;
      };
      const x = numbers(
        shape.reduce((a, b) => a * b),
        0.11,
      );
      const results = [];
      for (const backend of Object.values(engines)) {
        const { program } = await compile(network, input(shape), { backend });
        if (backend === engines.cpu)
          expect(program.steps.map(({ algorithm }) => algorithm)).toContain('depthwise');
        results.push((await program.run([x]))[0] as Float32Array);
        program.dispose();
      }
      const [got, want] = results as [Float32Array, Float32Array];
      expect(got.length).toBe(want.length);
      expect(worstOf(got, want)).toBeLessThan(1e-5);
    }),
    { numRuns: 150 },
  );
});

test('a kernel row longer than the registers is cut into strips', async () => {
  const weight = tensor(numbers(8 * 3 * 17, 0.7), [8, 1, 3, 17]);
  const x = numbers(8 * 20 * 40, 0.11);
  const results = [];
  for (const backend of Object.values(engines)) {
    const network = (x: Tensor) => conv2d(x, weight, { padding: [2, 16], dilation: 2, groups: 8 });
    const { program } = await compile(network, input([1, 8, 20, 40]), { backend });
    results.push((await program.run([x]))[0] as Float32Array);
  }
  const [got, want] = results as [Float32Array, Float32Array];
  expect(worstOf(got, want)).toBeLessThan(1e-5);
});

test('a kernel adds its strips to bias or sums, and finishes with residual and clip', () => {
  const engine = new Engine();
  const { floats } = engine;
  const place = (values: number[]) => {
    const address = engine.allocate(4 * values.length + 64);
    floats.set(values, address / 4);
    return address;
  };
  const table = (words: number[]) => {
    const address = engine.allocate(4 * words.length);
    engine.integers.set(words, address / 4);
    return address;
  };
  const vector = (value: number) => [value, value + 10, value + 20, value + 30];
  for (const sliding of [true, false]) {
    const variant: DepthwiseVariant = { taps: 2, sliding, multiplier: 1, fma: engine.features.fma };
    const run = engine.run(
      engine.kernel(`test ${sliding}`, depthwiseName(2), (module) => emitDepthwise(module, variant)),
    );
    const x = place([1, 2, 3].flatMap(vector));
    const weights = place([...vector(1), ...vector(2)]);
    const y = place(new Array(8).fill(100));
    const constants = table([16, 16, 16, 16, 32, 0, 0]);
    floats.set([0, 2000], constants / 4 + 5);
    const call = (flags: number) =>
      run(
        table([0, 0, 0]), 1, table([0, 0]), 1, x, weights, y, 1, flags,
        place(vector(0.5)), place(new Array(8).fill(0.25)), constants,
      ); // biome-ignore format: one line per group
    const want = (output: number, lane: number) =>
      [0, 1].reduce((sum, tap) => sum + (output + 1 + tap + 10 * lane) * (1 + tap + 10 * lane), 0);
    const got = (output: number, lane: number) => floats[y / 4 + 4 * output + lane];
    call(0);
    for (const output of [0, 1])
      for (const lane of [0, 1, 2, 3]) expect(got(output, lane)).toBe(want(output, lane) + 0.5 + 10 * lane);
    call(depthwiseFlags.accumulate | depthwiseFlags.residual | depthwiseFlags.clip);
    for (const output of [0, 1])
      for (const lane of [0, 1, 2, 3])
        expect(got(output, lane)).toBe(Math.min(2000, 2 * want(output, lane) + 0.75 + 10 * lane));
  }
});
