import { describe, expect, test } from 'vitest';
import { emitLinear } from '../../src/cpu/kernels/linear.js';
import {
  emitInputTransform,
  emitOutputTransform,
  inputParameters,
  outputParameters,
  scratchBytes,
} from '../../src/cpu/kernels/winograd.js';
import { i32, type ModuleWriter, v128, ModuleWriter as Writer } from '../../src/cpu/wasm/encoder.js';
import { detectFeatures } from '../../src/cpu/wasm/features.js';
import {
  inputsOf,
  type Matrix,
  outputsOf,
  productsOf,
  transforms,
} from '../../src/cpu/winograd-transforms.js';

/** A module with a memory of its own. */
function instantiate(emit: (writer: ModuleWriter) => void) {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536 });
  const writer = new Writer();
  emit(writer);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(writer.bytes()), { env: { memory } });
  return {
    run: (name: string, names: readonly string[], values: Record<string, number>) =>
      (exports[name] as (...args: number[]) => void)(...names.map((parameter) => values[parameter] ?? 0)),
    call: exports as Record<string, (...args: number[]) => void>,
    floats: new Float32Array(memory.buffer),
    integers: new Int32Array(memory.buffer),
  };
}

const multiply = (a: Matrix, b: Matrix) =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const transpose = (a: Matrix) => a[0]!.map((_, j) => a.map((row) => row[j]!));
const value = (i: number) => Math.fround(Math.sin(i * 1.7) + 0.1);

const variants = detectFeatures().fma ? [false, true] : [false];

test.each(transforms)('$name is the filter, for every input and tap by itself', ({ A, B, G, firstInput }) => {
  const [outputs, inputs] = [A.length, B[0]!.length];
  for (let input = 0; input < inputs; input++)
    for (let tap = 0; tap < G[0]!.length; tap++)
      for (let output = 0; output < outputs; output++) {
        const sum = B.reduce((s, row, k) => s + A[output]![k]! * G[k]![tap]! * row[input]!, 0);
        expect(sum).toBeCloseTo(input + firstInput === output + tap ? 1 : 0, 14);
      }
});

test.each(transforms)('$name: what multiplies values is exact in float32', ({ A, B }) => {
  for (const entry of [...A, ...B].flat()) expect(Math.fround(entry)).toBe(entry);
});

describe.each(variants)('fused multiply-add: %s', (fma) => {
  test.each([
    ['a row of zeros', [[0, 0]]],
    [
      'signs',
      [
        [-1, 0, 1],
        [0, -1, -1],
      ],
    ],
    [
      'a pair with shared halves',
      [
        [1, 2, -0.5],
        [1, -2, -0.5],
        [0, -3, 0],
      ],
    ],
    ...transforms.flatMap(({ name, A, B }) => [[`A of ${name}`, A] as const, [`B of ${name}`, B] as const]),
  ] as const)('matrix times vectors: %s', (_, matrix) => {
    const { call, floats } = instantiate((writer) =>
      writer.function('run', [i32, i32], (f, x, y) => {
        const inputs = f.locals(v128, matrix[0]!.length);
        inputs.forEach((input, k) => {
          f.get(x)
            .vectorLoad(16 * k)
            .set(input);
        });
        const temporaries = [f.local(v128), f.local(v128)] as const;
        emitLinear(f, matrix, inputs, { fma, temporaries }, (row, push) => {
          f.get(y);
          push();
          f.vectorStore(16 * row);
        });
      }),
    );
    for (let i = 0; i < 4 * matrix[0]!.length; i++) floats[i] = value(i);
    call.run!(0, 4096);
    matrix.forEach((row, i) => {
      for (let lane = 0; lane < 4; lane++)
        expect(floats[1024 + 4 * i + lane]).toBeCloseTo(
          row.reduce((sum, c, k) => sum + c * value(4 * k + lane), 0),
          5,
        );
    });
  });

  const places = { rows: 64, columns: 192, data: 4096, result: 65536, zeros: 40960, scratch: 45056 };

  const axes = transforms.flatMap((transform) => [
    { name: `${transform.name} along both axes`, rows: transform, columns: transform },
    { name: `${transform.name} along rows`, rows: transform, columns: undefined },
    { name: `${transform.name} along columns`, rows: undefined, columns: transform },
  ]);

  test.each(axes)('input of $name, 20 channels, with an end of the map', ({ rows, columns }) => {
    const passes = { rows: rows?.B, columns: columns?.B };
    const { run, floats, integers } = instantiate((writer) => emitInputTransform(writer, passes, fma));
    const [height, width] = [rows ? inputsOf(rows) : 1, columns ? inputsOf(columns) : 1];
    const [channels, tiles, mapWidth] = [20, 2, 13];
    // The last row, and the last column of the second tile, lie outside.
    const rowPlaces = Array.from({ length: height }, (_, i) =>
      i > 0 && i === height - 1 ? -1 : 2 * i * mapWidth,
    );
    const columnPlaces = Array.from({ length: tiles * width }, (_, j) =>
      j > 0 && j === tiles * width - 1 ? -1 : Math.floor(j / width) + (j % width),
    );
    const pitch = 4 * channels;
    rowPlaces.forEach((at, i) => {
      integers[places.rows / 4 + i] = at < 0 ? -1 : at * pitch;
    });
    columnPlaces.forEach((at, j) => {
      integers[places.columns / 4 + j] = at < 0 ? -1 : at * pitch;
    });
    for (let i = 0; i < 150 * channels; i++) floats[places.data / 4 + i] = value(i);
    floats.fill(5, places.zeros / 4, places.zeros / 4 + channels);
    const [component, tile] = [1088, 96];
    run('input', inputParameters, {
      ...places,
      count: tiles,
      x: places.data,
      v: places.result,
      component,
      tile,
      bytes: 4 * channels,
    });
    expect(scratchBytes(passes)).toBeLessThan(places.result - places.scratch);
    const identity = [[1]];
    for (let t = 0; t < tiles; t++)
      for (let c = 0; c < channels; c++) {
        const x = rowPlaces.map((row) =>
          columnPlaces
            .slice(t * width, (t + 1) * width)
            .map((column) => (row < 0 || column < 0 ? 0 : value((row + column) * channels + c))),
        );
        const want = multiply(multiply(rows?.B ?? identity, x), transpose(columns?.B ?? identity)).flat();
        want.forEach((number, g) => {
          expect(floats[(places.result + g * component + t * tile) / 4 + c]).toBeCloseTo(number, 4);
        });
      }
  });

  test.each(
    axes.flatMap((axis) => [
      { ...axis, residual: false, clip: false },
      { ...axis, residual: true, clip: true },
    ]),
  )('output of $name, residual and clip: $clip', ({ rows, columns, residual, clip }) => {
    const passes = { rows: rows?.A, columns: columns?.A };
    const { run, floats, integers } = instantiate((writer) =>
      emitOutputTransform(writer, passes, { residual, clip }, fma),
    );
    const [height, width] = [rows ? outputsOf(rows) : 1, columns ? outputsOf(columns) : 1];
    const [rowComponents, columnComponents] = [
      rows ? productsOf(rows) : 1,
      columns ? productsOf(columns) : 1,
    ];
    const [channels, tiles] = [20, 2];
    const [component, tile] = [192, 96];
    const rowPlaces = Array.from({ length: height }, (_, i) => (i > 0 && i === height - 1 ? -1 : i * 10));
    const columnPlaces = Array.from({ length: tiles * width }, (_, j) =>
      j > 0 && j === tiles * width - 1 ? -1 : j,
    );
    rowPlaces.forEach((at, i) => {
      integers[places.rows / 4 + i] = at < 0 ? -1 : at * 80;
    });
    columnPlaces.forEach((at, j) => {
      integers[places.columns / 4 + j] = at < 0 ? -1 : at * 80;
    });
    const m = (g: number, t: number, c: number) => value(1000 * t + 37 * g + c);
    for (let g = 0; g < rowComponents * columnComponents; g++)
      for (let t = 0; t < tiles; t++)
        for (let c = 0; c < channels; c++)
          floats[(places.data + g * component + t * tile) / 4 + c] = m(g, t, c);
    const [bias, bounds, residuals] = [32768, 36864, 131072];
    for (let c = 0; c < channels; c++) floats[bias / 4 + c] = c / 7;
    floats.set([-1, 1.5], bounds / 4);
    for (let i = 0; i < 100 * channels; i++) floats[residuals / 4 + i] = value(3 * i);
    floats.fill(99, places.result / 4, residuals / 4);
    run('output', outputParameters, {
      ...places,
      count: tiles,
      y: places.result,
      m: places.data,
      component,
      tile,
      bytes: 4 * channels,
      bias,
      residual: residuals,
      bounds,
    });
    const identity = [[1]];
    const want = new Float32Array((residuals - places.result) / 4).fill(99);
    for (let t = 0; t < tiles; t++)
      for (let c = 0; c < channels; c++) {
        const products = Array.from({ length: rowComponents }, (_, i) =>
          Array.from({ length: columnComponents }, (_, j) => m(i * columnComponents + j, t, c)),
        );
        const y = multiply(multiply(rows?.A ?? identity, products), transpose(columns?.A ?? identity));
        y.forEach((line, i) => {
          line.forEach((sum, j) => {
            const [row, column] = [rowPlaces[i]!, columnPlaces[t * width + j]!];
            if (row < 0 || column < 0) return;
            const at = (row + column) * channels + c;
            const plain = sum + c / 7 + (residual ? value(3 * at) : 0);
            want[at] = clip ? Math.min(Math.max(plain, -1), 1.5) : plain;
          });
        });
      }
    const got = floats.subarray(places.result / 4, residuals / 4);
    want.forEach((number, at) => {
      if (Math.abs(got[at]! - number) > 1e-4) expect(got[at], `at ${at}`).toBeCloseTo(number, 4);
    });
  });
});
