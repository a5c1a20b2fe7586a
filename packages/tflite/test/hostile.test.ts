import { existsSync, readFileSync } from 'node:fs';
import { AtrousError, FormatError, input, trace, UnsupportedError } from '@atrous/core';
import { load } from '@atrous/tflite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { build, f32, i32, single } from './build.js';

const original = new URL('../../../../shared/models/networks/deeplabv3_257_mv_gpu.tflite', import.meta.url);

/** Loads and traces; every failure must be one that is meant. */
async function attempt(bytes: Uint8Array): Promise<void> {
  try {
    const model = await load(bytes, { maxBytes: 2 ** 24 });
    const example = Object.fromEntries(
      model.inputs.map(({ name, dtype, shape }) => [
        name,
        input(
          shape!.map((size) => (typeof size === 'number' ? size : 1)),
          dtype,
        ),
      ]),
    );
    trace(model as never, example as never);
  } catch (error) {
    if (!(error instanceof AtrousError)) throw error;
  }
}

/** A few bytes or words overwritten, perhaps cut off. */
function mutated(bytes: Uint8Array, changes: readonly (readonly [number, number])[], keep: number) {
  const copy = bytes.slice(0, Math.max(1, Math.ceil(bytes.length * keep)));
  for (const [at, value] of changes) copy[Math.floor(at * copy.length)] = value;
  return copy;
}

const change = fc.tuple(fc.double({ min: 0, max: 0.999999, noNaN: true }), fc.integer({ min: 0, max: 255 }));
const mutation = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 8 }),
  keep: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
});

const samples = [
  single(
    'CONV_2D',
    { shape: [1, 5, 5, 2] },
    [f32([3, 3, 3, 2], new Float32Array(54))],
    [
      { field: 0, byte: 0 },
      { field: 1, int: 1 },
      { field: 2, int: 1 },
    ],
  ),
  single('RESHAPE', { shape: [1, 2, 3, 2] }, [i32(3, -1)]),
  single('STRIDED_SLICE', { shape: [1, 4] }, [i32(0, 1), i32(1, 3), i32(1, 1)]),
  single('RESIZE_BILINEAR', { shape: [1, 3, 3, 1] }, [i32(7, 7)]),
].map(build);

describe('damaged files', () => {
  test('any bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(bytes)));
    const headed = fc.uint8Array({ minLength: 8, maxLength: 200 }).map((bytes) => {
      bytes.set([84, 70, 76, 51], 4);
      return bytes;
    });
    await fc.assert(fc.asyncProperty(headed, (bytes) => attempt(bytes)));
  });

  test('built files with changed and missing bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...samples), mutation, (bytes, { changes, keep }) =>
        attempt(mutated(bytes, changes, keep)),
      ),
      { numRuns: 2000 },
    );
  });

  test('every cut of a built file', async () => {
    for (let length = 0; length < samples[0]!.length; length++)
      await expect(load(samples[0]!.slice(0, length))).rejects.toBeInstanceOf(AtrousError);
  });

  test.skipIf(!existsSync(original))(
    'a real network with changed bytes (skipped without ../shared/models/networks)',
    async () => {
      const bytes = readFileSync(original);
      // the tables stand at both ends; changes amid the weights alone change numbers
      const place = fc.oneof(
        fc.double({ min: 0, max: 0.03, noNaN: true }),
        fc.double({ min: 0.97, max: 0.999999, noNaN: true }),
      );
      const changes = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(changes, (list) => attempt(mutated(bytes, list, 1))),
        { numRuns: 100 },
      );
    },
  );
});

describe('messages', () => {
  test('not a TensorFlow Lite file', async () => {
    await expect(load(new TextEncoder().encode('{"json": true}'))).rejects.toThrow(/'TFL3'/);
  });

  test('all unsupported operators and tensors at once', async () => {
    const x = { name: 'x', shape: [1], type: 'int8' as const, scale: 0.5 };
    const model = {
      tensors: [x, { name: 'y', shape: [1] }, { name: 'z', shape: [1] }],
      operators: [
        { name: 'LSTM', inputs: [0], outputs: [1] },
        { name: 'MyOwn', inputs: [1], outputs: [2] },
      ],
      inputs: [0],
      outputs: [2],
    };
    const error = await load(build(model)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as Error).message).toMatch(
      /operator 0 LSTM; operator 1 CUSTOM 'MyOwn'; tensor 0 'x' \(quantised int8\)/,
    );
    expect((error as Error).message).toMatch(/float32/);
  });

  test('a cycle, and a tensor that is made twice', async () => {
    const tensors = ['x', 'y', 'z'].map((name) => ({ name, shape: [1] }));
    const relu = (from: number, to: number) => ({ name: 'RELU', inputs: [from], outputs: [to] });
    const cycle = { tensors, operators: [relu(2, 1), relu(1, 2)], inputs: [0], outputs: [2] };
    await expect(load(build(cycle))).rejects.toThrow(/operator 0 RELU uses tensor 2 'z' before/);
    const twice = { tensors, operators: [relu(0, 1), relu(0, 1)], inputs: [0], outputs: [1] };
    await expect(load(build(twice))).rejects.toThrow(/operator 1 RELU makes tensor 1 'y', which has a value/);
  });

  test('data that does not fill its shape', async () => {
    const model = single('ADD', { shape: [1] }, [f32([1_000_000, 1_000_000], [1, 2])]);
    await expect(load(build(model))).rejects.toBeInstanceOf(FormatError);
  });

  test('a size that the file fixes', async () => {
    const model = await load(build(single('RESHAPE', { shape: [1, 2, 3, 2] }, [i32(4, 3)])));
    const given = { x: input([1, 4, 3, 2]) };
    expect(() => model(given)).toThrow(
      /operator 0 RESHAPE: the shape of RESHAPE is constant in the file, \[4, 3\]/,
    );
    expect(() => model({})).toThrow(/input 'x' .* is missing/);
    expect(() => model({ ...given, other: given.x })).toThrow(/no input 'other'/);
    expect(() => model({ x: input([1, 2, 3]) })).toThrow(/\[1, 2, 3, 2\] in the file, channels last/);
  });

  test('a size beyond memory', async () => {
    const model = await load(
      build(single('RESIZE_BILINEAR', { shape: [1, 3, 3, 1] }, [i32(2 ** 30, 2 ** 30)])),
    );
    expect(() => model({ x: input([1, 3, 3, 1]) })).toThrow(/operator 0 RESIZE_BILINEAR: .*at most/);
  });
});
