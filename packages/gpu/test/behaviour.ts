/** What programs of every mode must do; one suite for Node and browsers. */
import {
  add,
  argmax,
  type Backend,
  cast,
  clip,
  concat,
  conv2d,
  conv3d,
  cpu,
  DisposedError,
  erf,
  exp,
  type Graph,
  input,
  log,
  MemoryError,
  max,
  maximum,
  maxPool2d,
  minimum,
  mul,
  type Node,
  pow,
  reference,
  relu,
  ShapeError,
  sigmoid,
  silu,
  slice,
  softmax,
  sqrt,
  type Tensor,
  tanh,
  tensor,
  trace,
  UnsupportedError,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { backendOn } from '../src/backend.js';
import type { Device } from '../src/device.js';

export function noise(length: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const weights = (shape: readonly number[], seed: number) =>
  tensor(
    noise(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );

/** Dilated convolutions, a residual, pooling, a concatenation, probabilities and labels. */
export function network(): (x: Tensor) => Tensor[] {
  const first = weights([8, 3, 3, 3], 2);
  const second = weights([8, 8, 3, 3], 3);
  const bias = weights([8], 4);
  const scale = weights([1, 8, 1, 1], 5);
  const head = weights([4, 16, 1, 1], 6);
  return (x) => {
    const a = relu(conv2d(x, first, { bias, padding: 'same', dilation: 2 }));
    const b = relu(add(mul(conv2d(a, second, { padding: 'same', dilation: 3 }), scale), a));
    const probabilities = softmax(
      conv2d(concat([b, maxPool2d(b, 3, { stride: 1, padding: 1 })], 1), head),
      1,
    );
    return [probabilities, argmax(probabilities, 1)];
  };
}

export const shape = [2, 3, 13, 10];
export const picture = (): Float32Array => noise(2 * 3 * 13 * 10, 7);

export const graphOf = (): Graph => trace(network(), input(shape)).graph;

export async function expectNetwork(backend: Backend): Promise<void> {
  const graph = graphOf();
  const program = await backend.compile(graph);
  const [probabilities, labels] = await program.run([picture()]);
  const [want, wantLabels] = await (await reference().compile(graph)).run([picture()]);
  expectNear(probabilities!, want!, 1e-5);
  expect(labels).toEqual(wantLabels);
  program.dispose();
}

export function expectNear(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!) / (1 + Math.abs(want[i]!));
    if (!(error <= worst)) worst = error;
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** Registers the suite for the devices that `open` opens; `runs` warm runs must leave nothing behind. */
export function programBehaviour(
  name: string,
  open: () => Device | Promise<Device>,
  { runs = 500 }: { readonly runs?: number } = {},
): void {
  const on = async (use: (backend: Backend, device: Device) => Promise<void>) => {
    const device = await open();
    const backend = backendOn(device);
    try {
      await use(backend, device);
    } finally {
      await backend.dispose();
    }
  };

  describe(`programs on ${name}`, () => {
    test('compute what the reference computes', () => on(expectNetwork));

    test('name their steps, count their work and know their memory', () =>
      on(async (backend, device) => {
        const { steps, memory } = await backend.compile(graphOf());
        expect(steps.map(({ algorithm }) => algorithm.split(',')[0])).toEqual([
          'direct',
          'direct',
          'window',
          'direct',
          'stages',
          'search',
        ]);
        expect(steps[0]!.macs).toBe(2 * 8 * 13 * 10 * 27);
        expect(memory).toBeGreaterThan(4 * 2 * 16 * 13 * 10);
        expect(device.holdings().bytes).toBeLessThanOrEqual(memory);
      }));

    test(`hold no more than they said, and no more after ${runs} runs than after the first`, () =>
      on(async (backend, device) => {
        const program = await backend.compile(graphOf());
        await program.run([picture()]);
        const first = device.holdings();
        expect(first.bytes).toBeLessThanOrEqual(program.memory);
        if (device.pooled) expect(first.bytes).toBe(program.memory);
        for (let i = 0; i < runs; i++) await program.run([picture()]);
        expect(device.holdings()).toEqual(first);
      }));

    test('free what they hold when they are disposed', () =>
      on(async (backend, device) => {
        const program = await backend.compile(graphOf());
        await program.run([picture()]);
        program.dispose();
        await expect(program.run([picture()])).rejects.toThrow(DisposedError);
        expect(device.holdings().arrays).toBe(0);
      }));

    test('share constants and kernels', () =>
      on(async (backend, device) => {
        const fn = network();
        const one = await backend.compile(trace(fn, input(shape)).graph);
        const before = device.holdings();
        const two = await backend.compile(trace(fn, input(shape)).graph);
        expect(device.holdings()).toEqual(before);
        one.dispose();
        const [got] = await two.run([picture()]);
        expect(got!.every(Number.isFinite)).toBe(true);
      }));

    test('write into the arrays they are given', () =>
      on(async (backend) => {
        const program = await backend.compile(graphOf());
        const out = [new Float32Array(2 * 4 * 13 * 10), new Int32Array(2 * 13 * 10)] as const;
        const results = await program.run([picture()], { out });
        expect(results[0]).toBe(out[0]);
        expect(results[1]).toBe(out[1]);
        const [fresh] = await program.run([picture()]);
        expect(out[0]).toEqual(fresh);
        expect(fresh).not.toBe(out[0]);
      }));

    test('refuse arrays of another type or length', () =>
      on(async (backend) => {
        const program = await backend.compile(graphOf());
        await expect(program.run([new Float32Array(5)])).rejects.toThrow(ShapeError);
        await expect(program.run([new Int32Array(picture().length)])).rejects.toThrow(ShapeError);
      }));

    test('queue runs that overlap', () =>
      on(async (backend) => {
        const graph = trace((x: Tensor) => conv2d(x, weights([4, 3, 3, 3], 9)), input(shape)).graph;
        const program = await backend.compile(graph);
        const inputs = [noise(780, 1), noise(780, 2), noise(780, 3)];
        const alone = [];
        for (const values of inputs) alone.push(await program.run([values]));
        expect(await Promise.all(inputs.map((values) => program.run([values])))).toEqual(alone);
      }));

    test('report every step and stop between steps when cancelled', () =>
      on(async (backend, device) => {
        const program = await backend.compile(graphOf());
        const seen: number[] = [];
        await program.run([picture()], { onStep: (i) => seen.push(i) });
        expect(seen).toEqual(program.steps.map((_, i) => i));
        const held = device.holdings().arrays;
        const controller = new AbortController();
        const onStep = (i: number) => i === 2 && controller.abort(new Error('enough'));
        await expect(program.run([picture()], { signal: controller.signal, onStep })).rejects.toThrow(
          'enough',
        );
        expect(device.holdings().arrays).toBe(held);
        await program.run([picture()]);
      }));

    test('refuse to compile above maxMemory, and when cancelled, and hold nothing then', () =>
      on(async (backend, device) => {
        await expect(backend.compile(graphOf(), { maxMemory: 10_000 })).rejects.toThrow(MemoryError);
        const signal = AbortSignal.abort(new Error('enough'));
        await expect(backend.compile(graphOf(), { signal })).rejects.toThrow('enough');
        expect(device.holdings().arrays).toBe(0);
      }));

    test('name every node that cannot run', () =>
      on(async (backend) => {
        const { graph } = trace((x: Tensor) => [pow(x, x), add(x, x)], input([4], 'int32'));
        const bytes: Node = { kind: 'input', inputs: [], shape: [2, 3], dtype: 'uint8' };
        const nodes = [...graph.nodes, bytes];
        const at = nodes.length;
        nodes.push({ ...bytes, kind: 'unary', fn: 'relu', inputs: [at - 1], name: 'head.relu' });
        const error = await backend
          .compile({ nodes, inputs: [...graph.inputs, at - 1], outputs: [...graph.outputs, at] })
          .catch((e: unknown) => e);
        expect(error).toBeInstanceOf(UnsupportedError);
        const { problems } = (error as UnsupportedError).details as { problems: readonly string[] };
        expect(problems).toHaveLength(2);
        expect(problems[0]).toMatch(/pow of int32/);
        expect(problems[1]).toMatch(/head.relu .*arithmetic of uint8/);
      }));

    test('take inputs and constants as outputs as they are', () =>
      on(async (backend) => {
        const constant = tensor([1, 2, 3]);
        const { graph } = trace((x: Tensor) => [x, constant, x], input([2], 'int32'));
        const program = await backend.compile(graph);
        const given = Int32Array.of(-5, 2 ** 31 - 1);
        const results = await program.run([given]);
        expect(results).toEqual([given, Float32Array.of(1, 2, 3), given]);
        expect(results[0]).not.toBe(given);
      }));

    test('keep infinities where no tap reaches them', () =>
      on(async (backend) => {
        const { graph } = trace(
          (x: Tensor) => conv2d(x, tensor(new Float32Array(9).fill(1), [1, 1, 3, 3]), { padding: 'same' }),
          input([1, 1, 3, 5]),
        );
        const x = new Float32Array(15).fill(1);
        x[0] = Infinity;
        x[14] = NaN;
        const [got] = await (await backend.compile(graph)).run([x]);
        const [want] = await (await reference().compile(graph)).run([x]);
        expect(got).toEqual(want);
      }));

    test('keep NaN and infinities as the reference does', () =>
      on(async (backend) => {
        const values = [NaN, Infinity, -Infinity, -1, 0, 0.5, 2, -2, 3, NaN, 1e30, -0.25];
        const fn = (x: Tensor) => {
          const turned = tensor(values.toReversed(), [1, 1, 1, 12]);
          return [
            relu(x),
            clip(x, -1, 2),
            maximum(x, turned),
            minimum(turned, x),
            maxPool2d(x, [1, 2], { stride: 1 }),
            max(x),
            sqrt(x),
            log(x),
            tanh(x),
            exp(x),
            softmax(x, 3),
            softmax(slice(x, { start: [0, 0, 0, 3], end: [1, 1, 1, 6] }), 3),
            sigmoid(x),
            silu(x),
            erf(x),
            pow(x, 3),
            pow(x, -2),
            pow(x, 0),
            pow(x, 0.5),
            argmax(x, 3),
            cast(x, 'int32'),
            cast(x, 'uint8'),
          ];
        };
        const { graph } = trace(fn, input([1, 1, 1, 12]));
        const x = Float32Array.from(values);
        const results = await (await backend.compile(graph)).run([x]);
        const wants = await (await reference().compile(graph)).run([x]);
        results.forEach((got, i) => {
          const label = `output ${i}`;
          expect([...got].map(Number.isNaN), label).toEqual([...wants[i]!].map(Number.isNaN));
          [...got].forEach((v, k) => {
            const want = wants[i]![k]!;
            if (Number.isFinite(want))
              expect(Math.abs(v - want) / (1 + Math.abs(want)), label).toBeLessThan(1e-5);
            else if (!Number.isNaN(want)) expect(v, label).toBe(want);
          });
        });
      }));

    test('are exact beyond 2^24 elements', { timeout: 120_000 }, () =>
      on(async (backend) => {
        const [height, width] = [4100, 4200];
        const { graph } = trace(
          (x: Tensor) => slice(relu(x), { start: [0, 0, 4000, 0], end: [1, 1, height, width] }),
          input([1, 1, height, width]),
        );
        const x = Float32Array.from({ length: height * width }, (_, i) => i % 8191);
        const [got] = await (await backend.compile(graph)).run([x]);
        expect(got).toEqual(x.subarray(4000 * width));
      }),
    );

    test('refuse what does not fit, with the numbers', () =>
      on(async (backend) => {
        const { graph } = trace((x: Tensor) => relu(x), input([1, 1, 20_000, 40_000]));
        await expect(backend.compile(graph, { maxMemory: 2 ** 50 })).rejects.toThrow(/800000000/);
      }));

    test('agree with cpu where an epilogue has more operands than a kernel takes', () =>
      on(async (backend) => {
        const fn = (xs: Tensor[]) =>
          xs.slice(1).reduce((y, x) => add(mul(sigmoid(y), 2), x), conv2d(xs[0]!, weights([3, 3, 1, 1], 8)));
        const example = Array.from({ length: 10 }, () => input(shape));
        const { graph } = trace(fn, example);
        const inputs = example.map((_, i) => noise(780, i));
        const [got] = await (await backend.compile(graph)).run(inputs);
        const [want] = await (await (await cpu()).compile(graph)).run(inputs);
        expectNear(got!, want!, 1e-5);
      }));

    test('take kernels that are too large to unroll', () =>
      on(async (backend) => {
        const w = weights([2, 2, 3, 3, 9], 4);
        const { graph } = trace(
          (x: Tensor) => conv3d(x, w, { padding: [1, [2, 0], 4], dilation: [1, 1, 2], stride: [1, 2, 1] }),
          input([2, 2, 4, 6, 17]),
        );
        const x = noise(2 * 2 * 4 * 6 * 17);
        const program = await backend.compile(graph);
        expect(program.steps[0]!.algorithm).toBe('looped');
        const [got] = await program.run([x]);
        const [want] = await (await reference().compile(graph)).run([x]);
        expectNear(got!, want!, 1e-5);
      }));

    test('are gone with their backend', async () => {
      const backend = backendOn(await open());
      const program = await backend.compile(graphOf());
      await backend.dispose();
      await expect(program.run([picture()])).rejects.toThrow(DisposedError);
      await expect(backend.compile(graphOf())).rejects.toThrow(DisposedError);
    });
  });
}
