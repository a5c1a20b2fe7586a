import {
  add,
  clip,
  compile,
  conv1d,
  conv2d,
  conv3d,
  cpu,
  input,
  OptionError,
  reference,
  relu,
  type Tensor,
  tensor,
} from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Queue } from '../../src/backend/run.js';
import type { AlgorithmOptions } from '../../src/cpu/choose.js';
import { Engine } from '../../src/cpu/engine.js';
import { prepare } from '../../src/cpu/program.js';
import { detectFeatures } from '../../src/cpu/wasm/features.js';
import { axisTileCount, axisTiles, fitsAxis, outside } from '../../src/cpu/winograd-tiles.js';
import { identity, inputsOf, outputsOf, transforms } from '../../src/cpu/winograd-transforms.js';
import { fuse } from '../../src/fuse.js';
import type { AxisWindow } from '../../src/graph.js';
import { trace } from '../../src/trace.js';

const named = (name: string) => transforms.find((transform) => transform.name === name)!;
const names = ['T2', 'Winograd F(2,3)', 'Winograd F(3,3)', 'Winograd F(4,3)'];

/** Values in [-1, 1). */
function noise(count: number, seed: number): Float32Array {
  const values = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}

type Network = (inputs: Tensor[]) => Tensor;

/** Runs with the options; the name of the algorithm of the only convolution, and the result. */
async function runWith(network: Network, shapes: readonly (readonly number[])[], options: AlgorithmOptions) {
  const { graph } = trace(
    network,
    shapes.map((shape) => input(shape)),
  );
  const engine = new Engine(detectFeatures(), undefined, options);
  const program = prepare(
    fuse(graph),
    engine,
    new Queue(),
    () => undefined,
    () => undefined,
  );
  const inputs = shapes.map((shape, i) =>
    noise(
      shape.reduce((a, b) => a * b, 1),
      i + 1,
    ),
  );
  await program.run(inputs);
  // The second run finds what the first one left in the memory that is shared.
  const [result] = await program.run(inputs);
  program.dispose();
  const { algorithm, name } = program.steps.find(({ macs }) => macs > 0)!;
  return { algorithm, name, result: result as Float32Array, inputs };
}

async function expected(
  network: Network,
  inputs: readonly Float32Array[],
  shapes: readonly (readonly number[])[],
) {
  const { program } = await compile(
    network,
    shapes.map((shape) => input(shape)),
    { backend: reference() },
  );
  return (await program.run(inputs))[0] as Float32Array;
}

function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [error, square] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    error += (got[i]! - want[i]!) ** 2;
    square += want[i]! ** 2;
  }
  return Math.sqrt(error / (square || 1));
}

describe('tiles of an axis', () => {
  const axis = fc.record({
    kernel: fc.constant(3),
    stride: fc.constant(1),
    dilation: fc.integer({ min: 1, max: 9 }),
    padBefore: fc.integer({ min: -2, max: 12 }),
    padAfter: fc.constant(0),
  });

  test('cover every output once, and read what its taps read', () => {
    fc.assert(
      fc.property(
        axis,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(...transforms),
        (anyWindow, size, output, transform) => {
          const window = { ...anyWindow, kernel: transform.G[0]!.length };
          const tiles = axisTiles(window, transform, size, output);
          expect(tiles).toHaveLength(axisTileCount(window, transform, output));
          const seen = tiles.flatMap(({ outputs }) => outputs.filter((o) => o !== outside));
          expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: output }, (_, o) => o));
          const fits = fitsAxis(window, transform, size, output);
          for (const { inputs, outputs } of tiles) {
            expect(outputs).toHaveLength(outputsOf(transform));
            expect(inputs).toHaveLength(inputsOf(transform));
            outputs.forEach((o, i) => {
              if (o === outside) return;
              for (let tap = 0; tap < window.kernel; tap++) {
                const position = o - window.padBefore + tap * window.dilation;
                const inside = position >= 0 && position < size;
                const at = i + tap - transform.firstInput;
                if (at < 0 || at >= inputs.length) expect(inside && fits).toBe(false);
                else expect(inputs[at]).toBe(inside ? position : outside);
              }
            });
          }
        },
      ),
    );
  });

  test('T2 fits where every phase has at most two samples', () => {
    const same = (dilation: number): AxisWindow => ({
      kernel: 3,
      stride: 1,
      dilation,
      padBefore: dilation,
      padAfter: dilation,
    });
    expect(fitsAxis(same(18), named('T2'), 33, 33)).toBe(true);
    expect(fitsAxis(same(17), named('T2'), 33, 33)).toBe(true);
    expect(fitsAxis(same(16), named('T2'), 33, 33)).toBe(false);
    expect(fitsAxis({ ...same(18), stride: 2 }, named('T2'), 33, 17)).toBe(false);
    expect(fitsAxis(same(1), identity, 33, 33)).toBe(false);
  });
});

const geometry = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 1, max: 19 })),
  dilation: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
  padding: fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
    minLength: 2,
    maxLength: 2,
  }),
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inPerGroup: fc.integer({ min: 1, max: 18 }),
  outPerGroup: fc.integer({ min: 1, max: 18 }),
  residual: fc.boolean(),
  bounded: fc.boolean(),
});

const slices = fc.record({
  size: fc.integer({ min: 1, max: 7 }),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 4 }),
  padding: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
});

describe.each(names)('%s', (algorithm) => {
  test('agrees with the reference on random geometries', async () => {
    let fitting = 0;
    await fc.assert(
      fc.asyncProperty(geometry, async (g) => {
        // T2 needs padding around each sample of a phase.
        const dilation =
          algorithm === 'T2' ? g.size.map((n) => Math.ceil(n / 2) + g.dilation[0] - 1) : g.dilation;
        const padding = algorithm === 'T2' ? dilation.map((d) => [d, d] as const) : g.padding;
        const output = g.size.map((n, i) => n + padding[i]![0] + padding[i]![1] - 2 * dilation[i]!);
        fc.pre(output.every((n) => n > 0));
        // One input channel per group is depthwise, which has kernels of its own.
        fc.pre(g.groups === 1 || g.inPerGroup > 1);
        const [inChannels, outChannels] = [g.groups * g.inPerGroup, g.groups * g.outPerGroup];
        const weightShape = [outChannels, g.inPerGroup, 3, 3];
        const weight = tensor(noise(outChannels * g.inPerGroup * 9, 7), weightShape);
        const bias = tensor(noise(outChannels, 8), [1, outChannels, 1, 1]);
        const network: Network = ([x, r]) => {
          const y = add(conv2d(x!, weight, { dilation, padding, groups: g.groups }), bias);
          const sum = g.residual ? add(y, r!) : y;
          return g.bounded ? clip(sum, -1, 2) : sum;
        };
        const shapes = [
          [g.batch, inChannels, ...g.size],
          [g.batch, outChannels, ...output],
        ];
        const got = await runWith(network, shapes, { algorithm });
        expect(got.algorithm).toBe(algorithm);
        fitting++;
        expect(relativeError(got.result, await expected(network, got.inputs, shapes))).toBeLessThan(2e-6);
      }),
      { numRuns: 40 },
    );
    expect(fitting).toBeGreaterThan(5);
  });

  test('sums over the taps of the first of three axes, whatever they are', async () => {
    let fitting = 0;
    await fc.assert(
      fc.asyncProperty(geometry, slices, async (g, first) => {
        const rate = algorithm === 'T2' ? 10 : 2;
        const dilation = [first.dilation, rate, rate];
        const padding = [first.padding, [rate, rate], [rate, rate]] as const;
        const reach = first.size + first.padding[0] + first.padding[1];
        fc.pre(reach > (first.kernel - 1) * first.dilation);
        fc.pre(g.groups === 1 || g.inPerGroup > 1);
        const [inChannels, outChannels] = [g.groups * g.inPerGroup, g.groups * g.outPerGroup];
        const count = outChannels * g.inPerGroup * first.kernel * 9;
        const weight = tensor(noise(count, 7), [outChannels, g.inPerGroup, first.kernel, 3, 3]);
        const stride = [first.stride, 1, 1];
        const plain = ([x]: Tensor[]) => conv3d(x!, weight, { stride, dilation, padding, groups: g.groups });
        const network: Network = ([x, r]) => relu(g.residual ? add(plain([x!]), r!) : plain([x!]));
        const shape = [g.batch, inChannels, first.size, ...g.size];
        const shapes = [shape, plain([input(shape)]).shape];
        const got = await runWith(network, shapes, { algorithm });
        expect(got.algorithm).toBe(algorithm);
        fitting++;
        expect(relativeError(got.result, await expected(network, got.inputs, shapes))).toBeLessThan(2e-6);
      }),
      { numRuns: 40 },
    );
    expect(fitting).toBeGreaterThan(5);
  });

  test('weights of several blocks of tiles and passes over the channels', async () => {
    const rate = algorithm === 'T2' ? 17 : 2;
    const weight = tensor(noise(12 * 520 * 9, 3), [12, 520, 3, 3]);
    const network: Network = ([x]) => relu(conv2d(x!, weight, { dilation: rate, padding: rate }));
    const shapes = [[1, 520, 33, 34]];
    const got = await runWith(network, shapes, { algorithm });
    expect(got.algorithm).toBe(algorithm);
    expect(relativeError(got.result, await expected(network, got.inputs, shapes))).toBeLessThan(5e-6);
  });
});

test.each([
  ['along rows', [3, 1], 'Winograd F(2,3)'],
  ['along columns', [1, 3], 'Winograd F(4,3)'],
] as const)('a kernel of one axis, %s', async (_, kernel, algorithm) => {
  const weight = tensor(noise(20 * 9 * 3, 3), [20, 9, ...kernel]);
  const network: Network = ([x]) => conv2d(x!, weight, { dilation: 3, padding: kernel.map((k) => k) });
  const shapes = [[2, 9, 14, 17]];
  const got = await runWith(network, shapes, { algorithm });
  expect(got.algorithm).toBe(algorithm);
  expect(relativeError(got.result, await expected(network, got.inputs, shapes))).toBeLessThan(2e-6);
});

test('kernels of two taps', async () => {
  const pair = tensor(noise(20 * 9 * 2, 3), [20, 9, 2]);
  const causal: Network = ([x]) => conv1d(x!, pair, { dilation: 16, padding: [[16, 0]] });
  for (const algorithm of ['Winograd F(3,2)', 'Winograd F(4,2)']) {
    const got = await runWith(causal, [[2, 9, 101]], { algorithm });
    expect(got.algorithm).toBe(algorithm);
    expect(relativeError(got.result, await expected(causal, got.inputs, [[2, 9, 101]]))).toBeLessThan(2e-6);
  }
  const square = tensor(noise(20 * 9 * 4, 3), [20, 9, 2, 2]);
  const plane: Network = ([x]) =>
    conv2d(x!, square, {
      dilation: 2,
      padding: [
        [2, 0],
        [1, 1],
      ],
    });
  const got = await runWith(plane, [[2, 9, 14, 17]], { algorithm: 'Winograd F(3,2)' });
  expect(got.algorithm).toBe('Winograd F(3,2)');
  expect(relativeError(got.result, await expected(plane, got.inputs, [[2, 9, 14, 17]]))).toBeLessThan(2e-6);
});

test('a volume of several blocks and passes over taps and channels', async () => {
  const weight = tensor(noise(9 * 200 * 27, 3), [9, 200, 3, 3, 3]);
  const network: Network = ([x]) => relu(conv3d(x!, weight, { dilation: 2, padding: 2 }));
  const shapes = [[1, 200, 9, 26, 27]];
  const got = await runWith(network, shapes, { algorithm: 'Winograd F(4,3)' });
  expect(got.algorithm).toBe('Winograd F(4,3)');
  expect(relativeError(got.result, await expected(network, got.inputs, shapes))).toBeLessThan(3e-6);
});

test('one axis, and two of three axes', async () => {
  const along = tensor(noise(20 * 9 * 3, 3), [20, 9, 3]);
  const line: Network = ([x]) => conv1d(x!, along, { dilation: 5, padding: [[10, 0]] });
  const first = await runWith(line, [[2, 9, 101]], { algorithm: 'Winograd F(4,3)' });
  expect(first.algorithm).toBe('Winograd F(4,3)');
  expect(relativeError(first.result, await expected(line, first.inputs, [[2, 9, 101]]))).toBeLessThan(2e-6);
  const plane = tensor(noise(6 * 5 * 9, 3), [6, 5, 1, 3, 3]);
  const volume: Network = ([x]) => conv3d(x!, plane, { dilation: 2, padding: [1, 2, 2] });
  const shapes = [[2, 5, 4, 9, 11]];
  const second = await runWith(volume, shapes, { algorithm: 'Winograd F(3,3) × F(4,3)' });
  expect(second.algorithm).toBe('Winograd F(3,3) × F(4,3)');
  expect(relativeError(second.result, await expected(volume, second.inputs, shapes))).toBeLessThan(2e-6);
});

/** Relative error against float64 on some outputs of a padded convolution. */
async function errorOf(
  [size, inChannels, outChannels, dilation]: readonly [number, number, number, number],
  options: AlgorithmOptions,
) {
  const weights = noise(outChannels * inChannels * 9, 2);
  const weight = tensor(weights, [outChannels, inChannels, 3, 3]);
  const network: Network = ([x]) => conv2d(x!, weight, { dilation, padding: dilation });
  const { algorithm, result, inputs } = await runWith(network, [[1, inChannels, size, size]], options);
  const x = inputs[0]!;
  const got: number[] = [];
  const want: number[] = [];
  for (let i = 0; i < 400; i++) {
    const at = (i * 7919) % result.length;
    const [o, row, column] = [Math.floor(at / size ** 2), Math.floor(at / size) % size, at % size];
    let sum = 0;
    for (let kh = 0; kh < 3; kh++)
      for (let kw = 0; kw < 3; kw++) {
        const [h, w] = [row + (kh - 1) * dilation, column + (kw - 1) * dilation];
        if (h < 0 || h >= size || w < 0 || w >= size) continue;
        for (let c = 0; c < inChannels; c++)
          sum += x[(c * size + h) * size + w]! * weights[(o * inChannels + c) * 9 + kh * 3 + kw]!;
      }
    got.push(result[at]!);
    want.push(sum);
  }
  return { algorithm, error: relativeError(got, want) };
}

const shapes = [
  [12, 2048, 16, 1],
  [17, 2048, 24, 6],
  [17, 2048, 24, 9],
  [33, 512, 32, 12],
  [33, 512, 32, 18],
  [33, 320, 64, 6],
  [65, 64, 64, 2],
  [64, 16, 16, 1],
  [30, 30, 30, 4],
] as const;

describe('error against float64', () => {
  test.each(shapes)('%d², %d→%d channels, rate %d', async (...shape) => {
    const chosen = await errorOf(shape, {});
    expect(chosen.error, chosen.algorithm).toBeLessThan(2.5e-6);
    const precise = await errorOf(shape, { precise: true });
    expect(['T2', 'direct', 'Winograd F(2,3)', 'T2 × F(2,3)', 'Winograd F(2,3) × T2']).toContain(
      precise.algorithm,
    );
    expect(precise.error, precise.algorithm).toBeLessThan(1.2e-6);
  });
});

test('longer sums do not round more: they are sums of sums', async () => {
  const { error } = await errorOf([12, 4096, 8, 1], {});
  expect(error).toBeLessThan(2.5e-6);
});

describe('choice', () => {
  const chosen = async (shape: readonly [number, number, number, number], options: AlgorithmOptions = {}) => {
    const [size, inChannels, outChannels, dilation] = shape;
    const weight = tensor(noise(outChannels * inChannels * 9, 2), [outChannels, inChannels, 3, 3]);
    const network: Network = ([x]) => conv2d(x!, weight, { dilation, padding: dilation });
    return (await runWith(network, [[1, inChannels, size, size]], options)).algorithm;
  };

  test.each([
    [[33, 128, 64, 6], 'Winograd F(3,3)'],
    [[33, 128, 64, 18], 'T2'],
    [[33, 128, 64, 36], 'direct'],
    [[64, 64, 64, 16], 'Winograd F(4,3)'],
    [[65, 64, 64, 1], 'Winograd F(4,3)'],
    [[40, 3, 4, 1], 'direct'],
  ] as const)('%j: %s', async (shape, algorithm) => {
    expect(await chosen(shape)).toBe(algorithm);
  });

  test('keeps to what is precise, and to a bound of memory', async () => {
    expect(await chosen([64, 64, 64, 1], { precise: true })).toBe('Winograd F(2,3)');
    expect(await chosen([66, 64, 64, 1], { maxWeightMemory: 3 })).toBe('Winograd F(3,3)');
    expect(await chosen([64, 64, 64, 1], { maxWeightMemory: 1 })).toBe('direct');
    expect(await chosen([33, 64, 64, 18], { maxWeightMemory: 1 })).toBe('T2');
  });

  test('the backend takes the options, and refuses a bound that is none', async () => {
    const weight = tensor(noise(64 * 64 * 9, 2), [64, 64, 3, 3]);
    const backend = await cpu({ precise: true, threads: 1 });
    const { program } = await compile(
      (x: Tensor) => conv2d(x, weight, { padding: 1 }),
      input([1, 64, 64, 64]),
      {
        backend,
      },
    );
    expect(program.steps.map(({ algorithm }) => algorithm)).toContain('Winograd F(2,3)');
    await backend.dispose();
    await expect(cpu({ maxWeightMemory: Number.NaN })).rejects.toThrow(OptionError);
    await expect(cpu({ maxWeightMemory: -1 })).rejects.toThrow('maxWeightMemory must be a number from 0 on');
  });
});
