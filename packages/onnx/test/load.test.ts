import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  compile,
  cpu,
  evaluate,
  FormatError,
  input,
  MemoryError,
  reference,
  ShapeError,
  tensor,
  trace,
  UnsupportedError,
} from '@atrous/core';
import { afterAll, describe, expect, test } from 'vitest';
import { inspect, load } from '../src/index.js';
import {
  int64s,
  modelBytes,
  node,
  smallNetwork,
  type TensorInit,
  types,
  valueInfo,
  weight,
} from './build.js';

const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A model that gives one weight. */
const giving = (w: TensorInit, more = {}) =>
  modelBytes({ initializer: [w], node: [node('Identity', ['w'], ['y'])], output: [valueInfo('y')] }, more);

async function valuesOf(w: TensorInit): Promise<number[]> {
  const { y } = (await load(giving(w)))({});
  await evaluate(y!);
  return [...y!.dataSync()];
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Packed varints, as in the typed lists. */
const varints = (...values: bigint[]) => {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
  }
  return Uint8Array.from(bytes);
};

describe('a network', () => {
  test('says what it is', async () => {
    const model = await load(smallNetwork());
    expect(model.inputs).toEqual([
      { name: 'image', dtype: 'float32', storedType: 'float', shape: ['batch', 2, 8, 8] },
    ]);
    expect(model.outputs.map(({ name }) => name)).toEqual(['logits', 'flat']);
    expect(model.operators).toMatchObject({ Conv: 2, Slice: 4, Shape: 2, Resize: 1 });
    expect(model.metadata).toMatchObject({ producer: 'test', opset: '17', labels: 'a, b, c' });
    expect(model.parameters).toBe(54 + 3 + 81 + 3 + 4);
  });

  test('computes the same on reference and cpu, for several sizes of the batch', async () => {
    const model = await load(smallNetwork());
    for (const batch of [1, 3]) {
      const image = tensor(
        Float32Array.from({ length: batch * 128 }, (_, i) => Math.cos(i)),
        [batch, 2, 8, 8],
      );
      const [a, b] = await Promise.all(
        [reference(), await cpu({ threads: 1 })].map(async (backend) => {
          const program = await compile(model, { image }, { backend });
          return program.run({ image });
        }),
      );
      expect(a!.logits!.shape).toEqual([batch, 3, 8, 8]);
      expect(a!.flat!.shape).toEqual([batch * 3 * 16]);
      a!.logits!.dataSync().forEach((value, i) => {
        expect(b!.logits!.dataSync()[i]).toBeCloseTo(value, 4);
      });
    }
  });

  test('names its steps as the file does, and traces to the same constants', async () => {
    const model = await load(smallNetwork());
    const graphs = [1, 2].map((batch) => trace(model, { image: input([batch, 2, 8, 8]) }).graph);
    const names = graphs[0]!.nodes.map(({ name }) => name);
    // a convolution is called after its weight
    for (const name of ['image', 'w1', 'b1', 'c1', 'w2', 'sum', 'logits', 'flat'])
      expect(names).toContain(name);
    const [one, two] = graphs.map(({ nodes }) =>
      nodes.flatMap((each) => (each.kind === 'constant' ? [each.value] : [])),
    );
    expect(one!.length).toBeGreaterThan(3);
    for (const [i, constant] of one!.entries()) expect(two![i]).toBe(constant);
  });

  test('keeps aligned weights in the bytes of the file', async () => {
    for (let pad = 1; pad <= 4; pad++) {
      const bytes = giving(weight('w', [2], [1.5, -2]), { producerName: 'x'.repeat(pad) });
      const { y } = (await load(bytes))({});
      const aligned = y!.dataSync().buffer === bytes.buffer;
      expect([...y!.dataSync()]).toEqual([1.5, -2]);
      if (aligned) return;
    }
    throw new Error('in one of four files the weights are aligned');
  });

  test('takes nodes in any order, and weights that are listed as inputs', async () => {
    const bytes = modelBytes({
      input: [valueInfo('x', [2]), valueInfo('w', [2])],
      initializer: [weight('w', [2], [10, 20])],
      node: [node('Relu', ['sum'], ['y']), node('Add', ['x', 'w'], ['sum'])],
      output: [valueInfo('y', [2])],
    });
    const model = await load(bytes);
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    const { y } = model({ x: tensor([-15, 1]) });
    expect([...(await y!.data())]).toEqual([0, 21]);
  });

  test('20 000 nodes in a row neither recurse nor take long', async () => {
    const depth = 20_000;
    const nodes = Array.from({ length: depth }, (_, i) => node('Relu', [`v${i}`], [`v${i + 1}`])).reverse();
    const bytes = modelBytes({
      input: [valueInfo('v0', [1])],
      node: nodes,
      output: [valueInfo(`v${depth}`)],
    });
    const start = performance.now();
    const model = await load(bytes);
    expect(trace(model, { v0: input([1]) }).graph.nodes).toHaveLength(depth + 1);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('weights of every type', () => {
  const half = new Uint16Array([0x3c00, 0xc000, 0x7c00]);
  test.each<[string, TensorInit, number[]]>([
    ['float16, raw', { dataType: types.float16, rawData: bytesOf(half) }, [1, -2, Infinity]],
    [
      'float16 in int32_data',
      { dataType: types.float16, int32Data: [varints(0x3c00n, 0xc000n, 0x7c00n)] },
      [1, -2, Infinity],
    ],
    [
      'double, raw',
      { dataType: types.double, rawData: bytesOf(Float64Array.of(0.5, 1e300, -3)) },
      [0.5, Infinity, -3],
    ],
    [
      'double_data',
      { dataType: types.double, doubleData: [bytesOf(Float64Array.of(0.5, 2, -3))] },
      [0.5, 2, -3],
    ],
    [
      'float_data in pieces',
      { dataType: types.float, floatData: [bytesOf(Float32Array.of(1)), bytesOf(Float32Array.of(2, 3))] },
      [1, 2, 3],
    ],
    [
      'int64, saturated',
      { dataType: types.int64, rawData: bytesOf(BigInt64Array.of(-5n, 2n ** 63n - 1n, -(2n ** 63n))) },
      [-5, 2 ** 31 - 1, -(2 ** 31)],
    ],
    [
      'int64_data',
      { dataType: types.int64, int64Data: [varints(-5n, 300n, 2n ** 40n)] },
      [-5, 300, 2 ** 31 - 1],
    ],
    ['int32_data', { dataType: types.int32, int32Data: [varints(-1n, 0n, 7n)] }, [-1, 0, 7]],
    ['bool', { dataType: types.bool, rawData: Uint8Array.of(1, 0, 1) }, [1, 0, 1]],
    ['uint8', { dataType: types.uint8, rawData: Uint8Array.of(255, 0, 1) }, [255, 0, 1]],
  ])('%s', async (_, w, wanted) => {
    expect(await valuesOf({ name: 'w', dims: [3n], ...w })).toEqual(wanted);
  });

  test.each<[string, TensorInit, RegExp]>([
    [
      'too few bytes',
      { ...weight('w', [2, 3], [1, 2]) },
      /w: raw_data has 8 bytes but 6 elements of float take 24/,
    ],
    [
      'no bytes at all',
      { name: 'w', dims: [5n], dataType: types.float },
      /w: floatData has 0 elements of float but the shape has 5/,
    ],
    [
      'a gigantic shape',
      { ...weight('w', [], [1]), dims: [2n ** 40n] },
      /w: dimension 1099511627776 of \[1099511627776\]/,
    ],
    [
      'a gigantic product',
      { ...weight('w', [], [1]), dims: [65536n, 65536n, 4n] },
      /w: \[65536, 65536, 4\] has 17179869184 elements/,
    ],
    ['a negative dimension', { ...weight('w', [], [1]), dims: [-1n] }, /w: dimension -1/],
    [
      'varints that are too many',
      { name: 'w', dims: [1n], dataType: types.int64, int64Data: [varints(1n, 2n)] },
      /w: int64Data has 2 elements/,
    ],
    [
      'varints that are cut off',
      { name: 'w', dims: [1n], dataType: types.int64, int64Data: [Uint8Array.of(128)] },
      /w: int64Data/,
    ],
    ['too many axes', { ...weight('w', Array(9).fill(1), [1]) }, /w: a tensor has 9 axes; at most 8/],
  ])('refused: %s', async (_, w, message) => {
    const error = await load(giving(w)).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).name).toMatch(/^(Format|Shape)Error$/);
  });
});

describe('what is not supported is listed, all of it', () => {
  const bytes = modelBytes({
    input: [valueInfo('x', [1, 1, 4, 4]), valueInfo('words', [1], types.string)],
    initializer: [{ name: 'texts', dims: [1n], dataType: types.string }],
    node: [
      node('If', ['x'], ['a'], {}, { name: 'branch' }),
      node('LSTM', ['a'], ['b'], {}, { name: 'memory' }),
      node('FusedConv', ['b'], ['c'], {}, { name: 'fused', domain: 'com.microsoft' }),
      node('Relu', ['c'], ['d'], { mood: 1 }, { name: 'odd' }),
    ],
    output: [valueInfo('d')],
  });

  test('in one error, and by inspect', async () => {
    const error = (await load(bytes).catch((each: unknown) => each)) as UnsupportedError;
    expect(error).toBeInstanceOf(UnsupportedError);
    for (const part of [
      'things in this file are not supported',
      'branch (If): operator If is not supported',
      'memory (LSTM): operator LSTM is not supported',
      'fused (FusedConv): operator com.microsoft.FusedConv is not part of ONNX',
      'odd (Relu): attribute mood of Relu is not supported',
      'texts: element type string is not read',
      'words: element type string',
    ])
      expect(error.message).toContain(part);
    const { problems, model, operators } = await inspect(bytes);
    expect(problems.map(({ at }) => at)).toEqual(
      expect.arrayContaining(['branch (If)', 'memory (LSTM)', 'fused (FusedConv)', 'odd (Relu)', 'texts']),
    );
    expect(model).toBeUndefined();
    expect(operators).toEqual({ If: 1, LSTM: 1, 'com.microsoft.FusedConv': 1, Relu: 1 });
  });

  test('a version of the operators that is not known', async () => {
    await expect(load(giving(weight('w', [1], [1]), { opset: 99 }))).rejects.toThrow(/version 99/);
  });

  test('what shows at one size only', async () => {
    const model = await load(
      modelBytes({
        input: [valueInfo('x', [4]), valueInfo('n', [1], types.int64)],
        node: [
          node('Reshape', ['x', 'n'], ['a'], {}, { name: 'r1' }),
          node('Expand', ['x', 'n'], ['b'], {}, { name: 'r2' }),
          node('Relu', ['b'], ['c']),
        ],
        output: [valueInfo('a'), valueInfo('c')],
      }),
    );
    const call = () => model({ x: input([4]), n: input([1], 'int32') });
    expect(call).toThrow(
      /2 things in this file are not supported:\n {2}r1 \(Reshape\): .*\n {2}r2 \(Expand\): /,
    );
    expect(call).toThrow(UnsupportedError);
  });
});

describe('graphs that make no sense', () => {
  const x = valueInfo('x', [1]);
  const y = valueInfo('y');
  test.each<[string, Parameters<typeof modelBytes>[0], RegExp]>([
    [
      'a cycle',
      {
        input: [x],
        output: [y],
        node: [
          node('Add', ['x', 'b'], ['a'], {}, { name: 'one' }),
          node('Relu', ['a'], ['b'], {}, { name: 'two' }),
          node('Relu', ['b'], ['y']),
        ],
      },
      /the graph has a cycle among one \(Add\), two \(Relu\)/,
    ],
    [
      'a node that reads itself',
      { output: [y], node: [node('Relu', ['y'], ['y'])] },
      /cycle among y \(Relu\)/,
    ],
    [
      'a name that nobody makes',
      { output: [y], node: [node('Relu', ['ghost'], ['y'], {}, { name: 'n' })] },
      /n \(Relu\) reads 'ghost', which is no input, no weight and made by no node/,
    ],
    ['an output that nobody makes', { input: [x], output: [y] }, /the graph reads 'y'/],
    ['no outputs', { input: [x] }, /the graph has no outputs/],
    [
      'a name made twice',
      { input: [x], output: [y], node: [node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y'])] },
      /'y' is made twice, the second time by y \(Neg\)/,
    ],
    [
      'a node that makes an input',
      { input: [x], output: [x], node: [node('Relu', ['x'], ['x'])] },
      /'x' is made twice/,
    ],
    [
      'two weights of one name',
      { output: [y], initializer: [weight('y', [1], [1]), weight('y', [1], [2])] },
      /two weights are called 'y'/,
    ],
    ['two inputs of one name', { input: [x, x], output: [x] }, /two inputs have one name/],
  ])('%s', async (_, graph, message) => {
    const error = await load(modelBytes(graph)).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(message);
  });

  test('bytes that are no model', async () => {
    await expect(load(new Uint8Array(0))).rejects.toThrow(/has no graph/);
    await expect(load(new TextEncoder().encode('{"a": 1}'))).rejects.toThrow(FormatError);
    await expect(load(smallNetwork(), { maxBytes: 100 })).rejects.toThrow(MemoryError);
  });
});

describe('inputs', () => {
  test('are checked against what the file declares', async () => {
    const model = await load(smallNetwork());
    expect(() => model({})).toThrow(
      'the model takes { image: float32 [batch, 2, 8, 8] }, but image is missing',
    );
    expect(() => model({ image: input([1, 2, 8, 8]), mask: input([1]) })).toThrow(
      'but mask is not among them',
    );
    expect(() => model({ image: input([1, 3, 8, 8]) })).toThrow(
      'input image is float32 [1, 3, 8, 8] but the file declares float32 [batch, 2, 8, 8]; load it with anySize: true',
    );
    expect(() => model({ image: input([1, 2, 8, 8], 'uint8') })).toThrow(ShapeError);
    const free = await load(smallNetwork(), { anySize: true });
    expect(free({ image: input([1, 2, 20, 12]) }).logits!.shape).toEqual([1, 3, 20, 12]);
    expect(() => free({ image: input([1, 3, 8, 8]) })).toThrow(/first \(Conv\): conv2d: /);
  });
});

describe('weights in other files', () => {
  const outside = (location: string, entries: Record<string, string> = {}) =>
    giving({
      name: 'w',
      dims: [2n],
      dataType: types.float,
      dataLocation: 1,
      externalData: Object.entries({ location, ...entries }).map(([key, value]) => ({ key, value })),
    });
  const data = bytesOf(Float32Array.of(1, 2, 3, 4));
  const read = async (...args: Parameters<typeof load>) => [...(await load(...args))({}).y!.dataSync()];

  test('are given by name or by a function, with offset and length', async () => {
    expect(await read(outside('w.bin'), { externalData: { 'w.bin': data.subarray(0, 8) } })).toEqual([1, 2]);
    const bytes = outside('w.bin', { offset: '8', length: '8' });
    expect(await read(bytes, { externalData: async () => new Blob([Uint8Array.from(data)]) })).toEqual([
      3, 4,
    ]);
  });

  test('lie beside a model on the disk', async () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', 'w.bin'), data);
    const path = join(folder, 'model.onnx');
    writeFileSync(path, outside('sub/w.bin', { offset: '4' }));
    expect(await read(path)).toEqual([2, 3]);
    expect(await read(pathToFileURL(path))).toEqual([2, 3]);
  });

  test.each(['../secret.bin', '/etc/hostname', 'link.bin', '..', '.', 'linked/secret.bin'])(
    'but never outside of its folder: %s',
    async (location) => {
      const inner = mkdtempSync(join(folder, 'inner-'));
      writeFileSync(join(folder, 'secret.bin'), data);
      symlinkSync(join(folder, 'secret.bin'), join(inner, 'link.bin'));
      symlinkSync(folder, join(inner, 'linked'));
      const path = join(inner, 'model.onnx');
      writeFileSync(path, outside(location));
      await expect(load(path)).rejects.toThrow(/lie outside the model's folder/);
      await expect(load(path)).rejects.toThrow(FormatError);
    },
  );

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'an offset behind the end',
      { offset: '12' },
      /w: bytes 12 … 19 lie outside the file 'w.bin' of 16 bytes/,
    ],
    ['a length of its own', { length: '12' }, /w: raw_data has 12 bytes but 2 elements of float take 8/],
    ['an offset that is none', { offset: '-4' }, /offset must be a number of bytes but is '-4'/],
    ['a gigantic offset', { offset: '99999999999999999999' }, /must be a number of bytes/],
  ])('refused: %s', async (_, entries, message) => {
    const promise = load(outside('w.bin', entries), { externalData: { 'w.bin': data } });
    await expect(promise).rejects.toThrow(message);
    await expect(promise).rejects.toThrow(FormatError);
  });

  test('that were not given are named', async () => {
    await expect(load(outside('w.bin'))).rejects.toThrow(
      "weights lie in the file 'w.bin', which was not given; load(model, { externalData: { 'w.bin': … } })",
    );
    const path = join(folder, 'alone.onnx');
    writeFileSync(path, outside('nowhere.bin'));
    await expect(load(path)).rejects.toThrow(/'nowhere.bin', which is not beside the model/);
  });
});

test('an attribute that is a tensor, and chains of shapes that are known while reading', async () => {
  const bytes = modelBytes({
    initializer: [int64s('shape', [2, 2])],
    node: [
      {
        opType: 'ConstantOfShape',
        input: ['shape'],
        output: ['y'],
        attribute: [{ name: 'value', type: 4, t: weight('', [1], [7]) }],
      },
    ],
    output: [valueInfo('y')],
  });
  const { y } = (await load(bytes))({});
  expect(y!.shape).toEqual([2, 2]);
  expect([...(await y!.data())]).toEqual([7, 7, 7, 7]);
});
