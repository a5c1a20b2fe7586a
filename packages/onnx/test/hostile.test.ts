import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AtrousError, input, trace } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { load } from '../src/index.js';
import { int64s, modelBytes, node, smallNetwork, types, valueInfo, weight } from './build.js';

/** What a file may take; a real one of this size takes a fraction. */
const limits = { milliseconds: 10_000, bytes: 512 * 2 ** 20 };

/** Loads, and traces where that is possible: an AtrousError or none, in bounded time and memory. */
async function survives(bytes: Uint8Array): Promise<'loaded' | 'refused'> {
  const before = process.memoryUsage();
  const start = performance.now();
  try {
    const model = await load(bytes);
    const example = Object.fromEntries(
      model.inputs.map(({ name, dtype, shape = [] }) => [
        name,
        input(
          shape.map((size) => (typeof size === 'number' ? size : 2)),
          dtype,
        ),
      ]),
    );
    trace(model, example);
    return 'loaded';
  } catch (error) {
    if (!(error instanceof AtrousError)) throw error;
    expect(error.message.length).toBeLessThan(100_000);
    return 'refused';
  } finally {
    const after = process.memoryUsage();
    expect(performance.now() - start).toBeLessThan(limits.milliseconds);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(limits.bytes);
  }
}

function mutated(bytes: Uint8Array, changes: readonly (readonly [number, number])[]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of changes) copy[at % copy.length] = value;
  return copy;
}

const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });

describe('a small network', () => {
  const bytes = smallNetwork();

  test('itself loads', async () => expect(await survives(bytes)).toBe('loaded'));

  test('cut off at every byte', async () => {
    let refused = 0;
    for (let length = 0; length < bytes.length; length++)
      if ((await survives(bytes.subarray(0, length))) === 'refused') refused++;
    // the metadata stands behind the graph and may be missing
    expect(refused).toBeGreaterThan(bytes.length * 0.9);
  });

  test('every byte set to 255 and changed by one bit', async () => {
    for (let at = 0; at < bytes.length; at++)
      for (const value of [255, bytes[at]! ^ 1]) await survives(mutated(bytes, [[at, value]]));
  }, 300_000);

  test('several bytes changed', () =>
    fc.assert(
      fc.asyncProperty(changes, async (list) => {
        await survives(mutated(bytes, list));
      }),
      { numRuns: 1000 },
    ));
});

test('random bytes', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await survives(bytes);
    }),
    { numRuns: 1000 },
  ));

const folder = fileURLToPath(new URL('../../../../shared/models/networks/', import.meta.url));

describe.skipIf(!existsSync(folder))('real networks (skipped without ../shared/models/networks)', () => {
  test.each(['deeplabv3-mnv2-257', 'meshnet-model5-gw', 'meshnet-model11-gw'])(
    '%s, cut off and changed',
    async (name) => {
      const bytes = new Uint8Array(readFileSync(`${folder}${name}.onnx`));
      // weights are most of a file, so most changes go into what is between them: the start
      const structure = fc.tuple(fc.nat(6000), fc.nat(255));
      for (let i = 0; i < 100; i++) await survives(bytes.subarray(0, Math.floor((bytes.length * i) / 100)));
      await fc.assert(
        fc.asyncProperty(fc.array(structure, { minLength: 1, maxLength: 4 }), changes, async (some, more) => {
          await survives(mutated(bytes, [...some, ...more]));
        }),
        { numRuns: 100 },
      );
    },
    300_000,
  );
});

describe('files made to hurt', () => {
  const x = valueInfo('x', [1, 1, 4, 4]);
  const y = valueInfo('y');

  test('messages in messages, a hundred thousand deep', async () => {
    // field 7 (the graph), field 1 (a node), field 5 (an attribute), field 6 (its graph), and again
    let bytes = new Uint8Array(0);
    const sizes: Uint8Array[] = [];
    let length = 0;
    for (let depth = 0; depth < 100_000; depth++) {
      const tag = depth % 3 === 0 ? 0x32 : depth % 3 === 1 ? 0x2a : 0x0a;
      const head = [tag];
      let rest = length;
      for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128);
      head.push(rest);
      sizes.push(Uint8Array.from(head));
      length += head.length;
    }
    bytes = new Uint8Array(length);
    let at = 0;
    for (const head of sizes.reverse()) {
      bytes.set(head, at);
      at += head.length;
    }
    expect(await survives(bytes)).toBe('refused');
  });

  test('groups in groups', async () => {
    expect(await survives(new Uint8Array(200_000).fill(0x0b))).toBe('refused');
  });

  test.each<[string, Parameters<typeof modelBytes>[0]]>([
    [
      'a constant of 2 GiB',
      {
        initializer: [int64s('s', [2 ** 14, 2 ** 15])],
        node: [node('ConstantOfShape', ['s'], ['c']), node('Relu', ['c'], ['y'])],
        output: [y],
      },
    ],
    [
      'a constant of more elements than there are',
      {
        initializer: [int64s('s', [2 ** 30, 2 ** 30, 2 ** 30])],
        node: [node('ConstantOfShape', ['s'], ['y'])],
        output: [y],
      },
    ],
    [
      'a shape that follows from a huge known value',
      {
        initializer: [int64s('s', [2 ** 14, 2 ** 14]), int64s('one', [1])],
        node: [
          node('ConstantOfShape', ['s'], ['c']),
          node('NonZero', ['c'], ['n']),
          node('Reshape', ['c', 'n'], ['y']),
        ],
        output: [y],
      },
    ],
    [
      'a tile of a tile of a tile',
      {
        initializer: [weight('w', [1, 1], [1]), int64s('s', [2 ** 15, 2 ** 15])],
        node: [node('Tile', ['w', 's'], ['a']), node('Tile', ['a', 's'], ['y'])],
        output: [y],
      },
    ],
    [
      'an output that grows beyond all bounds',
      {
        input: [x],
        initializer: [weight('scales', [4], [1, 1, 1e9, 1e9])],
        node: [node('Resize', ['x', '', 'scales'], ['y'], { mode: 'nearest' })],
        output: [y],
      },
    ],
    [
      'padding without end',
      {
        input: [x],
        initializer: [int64s('p', [0, 0, 2 ** 31 - 1, 0, 0, 0, 2 ** 31 - 1, 0])],
        node: [node('Pad', ['x', 'p'], ['y'])],
        output: [y],
      },
    ],
    [
      'a window of 2⁴⁰',
      {
        input: [x],
        node: [node('MaxPool', ['x'], ['y'], { kernel_shape: [2 ** 40, 1], strides: [1, 1] })],
        output: [y],
      },
    ],
    [
      'strides of 0 and dilations of −1',
      {
        input: [x],
        initializer: [weight('w', [1, 1, 1, 1], [1])],
        node: [node('Conv', ['x', 'w'], ['y'], { strides: [0, 0], dilations: [-1, -1] })],
        output: [y],
      },
    ],
    [
      'an axis of −2⁴⁰',
      { input: [x], node: [node('Softmax', ['x'], ['y'], { axis: -(2 ** 40) })], output: [y] },
    ],
    [
      'an operator called like a method',
      { input: [x], node: [node('constructor', ['x'], ['y'])], output: [y] },
    ],
    [
      'names like those of methods',
      { input: [valueInfo('__proto__', [1])], node: [node('Relu', ['__proto__'], ['y'])], output: [y] },
    ],
    [
      'a shape that is none',
      { input: [valueInfo('x', [2 ** 40])], node: [node('Relu', ['x'], ['y'])], output: [y] },
    ],
    [
      'a list of a million dimensions',
      { initializer: [{ name: 'y', dims: Array(1_000_000).fill(1n), dataType: types.float }], output: [y] },
    ],
    [
      'a name of a million letters',
      { initializer: [], node: [node('A'.repeat(1_000_000), ['x'.repeat(1_000_000)], ['y'])], output: [y] },
    ],
  ])('%s', async (_, graph) => {
    await survives(modelBytes(graph));
  });

  test('doubling in forty steps: every node reads the one before twice', async () => {
    const nodes = Array.from({ length: 40 }, (_, i) =>
      node('Concat', [`v${i}`, `v${i}`], [`v${i + 1}`], { axis: 0 }),
    );
    const output = [valueInfo('v40')];
    expect(await survives(modelBytes({ input: [valueInfo('v0', [1])], node: nodes, output }))).toBe(
      'refused',
    );
    expect(await survives(modelBytes({ initializer: [weight('v0', [1], [1])], node: nodes, output }))).toBe(
      'refused',
    );
  });

  test('a shape that depends on a chain of known values, each as large as may be', async () => {
    const side = 2 ** 10;
    const chain = Array.from({ length: 200 }, (_, i) => node('MatMul', [`v${i}`, `v${i}`], [`v${i + 1}`]));
    await survives(
      modelBytes({
        initializer: [int64s('s', [side, side]), int64s('zero', [0])],
        node: [
          node('ConstantOfShape', ['s'], ['v0']),
          ...chain,
          node('Cast', ['v200'], ['i'], { to: types.int64 }),
          node('Reshape', ['v0', 'i'], ['y']),
        ],
        output: [y],
      }),
    );
  });
});
