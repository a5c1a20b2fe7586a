/** Concatenations on every mode: where their parts are written and read, seen by steps and by kernels that run. */
import { aspp, initialize } from '@atrous/blocks';
import {
  add,
  concat,
  conv2d,
  type Graph,
  input,
  interpolate,
  maxPool2d,
  mul,
  reference,
  relu,
  slice,
  type Tensor,
  tensor,
  trace,
  type Values,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { backendOn } from '../src/backend.js';
import type { Device } from '../src/device.js';
import { expectNear, noise } from './behaviour.js';

const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const w = (shape: readonly number[], seed: number) => tensor(noise(elements(shape), seed), shape);

/** Runs a graph, compares with the reference, and tells its steps and the kernels that ran. */
async function observe(open: () => Device | Promise<Device>, { graph }: { readonly graph: Graph }) {
  const device = await open();
  let kernels = 0;
  const run = device.run.bind(device);
  device.run = (...args) => {
    kernels++;
    return run(...args);
  };
  const backend = backendOn(device);
  try {
    const program = await backend.compile(graph);
    const inputs = graph.inputs.map((index) => noise(elements(graph.nodes[index]!.shape), index + 7));
    const wants = await (await reference().compile(graph)).run(inputs);
    const compare = (results: readonly Values[]) => {
      for (const [i, got] of results.entries()) expectNear(got, wants[i]!, 1e-5);
    };
    compare(await program.run(inputs));
    const first = device.holdings();
    const ran = kernels;
    compare(await program.run(inputs));
    expect(device.holdings()).toEqual(first);
    expect(first.bytes).toBeLessThanOrEqual(program.memory);
    if (device.pooled) expect(first.bytes).toBe(program.memory);
    expect(kernels).toBe(2 * ran);
    program.dispose();
    return { steps: program.steps.map(({ algorithm }) => algorithm.split(',', 2).join()), kernels: ran };
  } finally {
    await backend.dispose();
  }
}

/** Registers the suite for the devices that `open` opens. */
export function concatenationBehaviour(name: string, open: () => Device | Promise<Device>): void {
  const of = <I extends Parameters<typeof trace>[1]>(fn: (x: I) => Tensor | Tensor[], example: I) =>
    observe(open, trace(fn as never, example));
  const branches = (x: Tensor, channels: readonly number[], kernel = 1) =>
    channels.map((count, i) => {
      const weight = w([count, x.shape[1]!, kernel, kernel], i + 2);
      return relu(conv2d(x, weight, { padding: 'same', dilation: i + 1 }));
    });

  describe(`concatenations on ${name}`, () => {
    test.each([1, 2])('ASPP copies nothing, batch %i', async (batch) => {
      const block = aspp({ inChannels: 6, depth: 8, rates: [2, 4, 6] });
      const parameters = initialize(block);
      const { steps } = await of((x: Tensor) => block.apply(parameters, x), input([batch, 6, 11, 9]));
      expect(steps.filter((step) => /copy/.test(step))).toEqual([]);
      // The branch of the mean may be added as a constant plane instead.
      expect(steps.filter((step) => /parts/.test(step))).toEqual([
        expect.stringMatching(/^direct, [45] parts$/),
      ]);
    });

    test.each([
      [1, 1],
      [2, 1],
      [1, 3],
      [2, 3],
    ])('a convolution reads the parts, batch %i, kernel %i', async (batch, kernel) => {
      const weight = w([5, 9, kernel, kernel], 31);
      const bias = w([5], 32);
      const { steps, kernels } = await of(
        (x: Tensor) => {
          const all = concat([...branches(x, [2, 3]), x], 1);
          return relu(conv2d(all, weight, { bias, padding: 'same', dilation: 2 }));
        },
        input([batch, 4, 7, 6]),
      );
      expect(steps).toEqual(['direct', 'direct', 'direct, 3 parts']);
      expect(kernels).toBe(3);
    });

    test('several convolutions read the same parts', async () => {
      const { steps } = await of(
        (x: Tensor) => {
          const all = concat(branches(x, [2, 3]), 1);
          return [conv2d(all, w([4, 5, 1, 1], 8)), conv2d(all, w([3, 5, 3, 3], 9))];
        },
        input([1, 4, 7, 6]),
      );
      expect(steps).toEqual(['direct', 'direct', 'direct, 2 parts', 'direct, 2 parts']);
    });

    test('parts are written where they belong, in whatever way they are computed', async () => {
      const { steps, kernels } = await of(
        (x: Tensor) => {
          const parts = [
            ...branches(x, [3, 1], 3),
            add(x, 1),
            maxPool2d(x, 3, { stride: 1, padding: 1 }),
            interpolate(slice(x, { axes: [2], start: [1], end: [5] }), { size: [7, 5], mode: 'bilinear' }),
            conv2d(x, w([8, 4, 3, 3], 9), { padding: 'same' }),
          ];
          return relu(concat(parts, 1));
        },
        input([1, 4, 7, 5]),
      );
      expect(steps.filter((step) => /copy/.test(step))).toEqual([]);
      expect(steps).toHaveLength(8);
      // Four channels at once are sorted by a kernel of their own.
      expect(kernels).toBe(steps.length + steps.filter((step) => /at once/.test(step)).length);
    });

    test('rows and results of any length, into an output of the graph', async () => {
      for (const length of [1, 2, 3, 7, 64, 1000]) {
        const { steps, kernels } = await of(
          ([a, b]: Tensor[]) => concat([add(a!, 1), mul(b!, 2), mul(a!, 3)], 0),
          [input([length]), input([length + 2])],
        );
        expect(steps).toEqual(['elementwise', 'elementwise', 'elementwise']);
        expect(kernels).toBe(3);
      }
    });

    test('what something else reads, inputs and constants are copied, once each', async () => {
      const { steps, kernels } = await of(
        (x: Tensor) => {
          const shared = relu(x);
          const all = concat([x, mul(x, 2), shared, tensor([5, 6], [1, 1, 1, 2]), add(x, 3)], 1);
          return [maxPool2d(all, 1), mul(shared, 2)];
        },
        input([1, 3, 1, 2]),
      );
      expect(steps.filter((step) => step === 'copy')).toHaveLength(1);
      expect(kernels).toBe(steps.length + 2);
    });

    test('a concatenation that cannot be written in place is one kernel', async () => {
      const { steps } = await of(
        (x: Tensor) => maxPool2d(concat([mul(x, 2), add(x, 3)], 1), 1),
        input([2, 3, 4, 2]),
      );
      expect(steps).toEqual(['elementwise', 'elementwise', 'copy', 'window']);
    });

    test('a concatenation of concatenations, and one that is read in other ways too', async () => {
      const { steps } = await of(
        (x: Tensor) => {
          const inner = concat([mul(x, 2), add(x, 3)], 1);
          const outer = concat([inner, mul(x, 4), maxPool2d(x, 1)], 1);
          return [conv2d(outer, w([3, 8, 1, 1], 5)), outer, conv2d(inner, w([2, 4, 1, 1], 6))];
        },
        input([1, 2, 4, 3]),
      );
      expect(steps.filter((step) => step === 'copy')).toHaveLength(1);
    });

    test('more parts than a kernel takes', async () => {
      const { steps } = await of(
        (x: Tensor) => conv2d(concat(branches(x, [1, 2, 3, 1, 2, 3, 1, 2]), 1), w([3, 15, 1, 1], 5)),
        input([1, 4, 7, 6]),
      );
      expect(steps.filter((step) => /copy/.test(step))).toEqual([]);
    });
  });
}
