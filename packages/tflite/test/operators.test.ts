import { compile, input, reference, type Tensor, tensor, trace } from '@atrous/core';
import { load } from '@atrous/tflite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { operators } from '../src/operators/index.js';
import { type BuiltModel, build, f32, i32, type Option, single } from './build.js';

const ramp = (n: number, at = 0.5): number[] =>
  Array.from({ length: n }, (_, i) => Math.sin(i * 1.7 + at) * 3);
const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

async function run(model: BuiltModel, shape: readonly number[], values: readonly number[]) {
  const network = await load(build(model));
  const x = tensor(Float32Array.from(values), [...shape]);
  const program = await compile(
    (inputs: { x: Tensor }) => network(inputs),
    { x: input(shape) },
    { backend: reference() },
  );
  const outputs = await program.run({ x });
  return Object.values(outputs).map((y) => ({ shape: y.shape, data: [...y.dataSync()] }));
}

const expectClose = (got: readonly number[], wanted: readonly number[]): void => {
  expect(got).toHaveLength(wanted.length);
  for (const [i, value] of got.entries())
    expect(Math.abs(value - wanted[i]!), `element ${i}`).toBeLessThan(2e-5 * (1 + Math.abs(wanted[i]!)));
};

/** TensorFlow's rule, written down independently: outputs and zeros before. */
function window(size: number, kernel: number, stride: number, rate: number, same: boolean) {
  const span = (kernel - 1) * rate + 1;
  const out = same ? Math.ceil(size / stride) : Math.ceil((size - span + 1) / stride);
  return { out, before: same ? Math.floor(Math.max(0, (out - 1) * stride + span - size) / 2) : 0 };
}

interface Case {
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly rate: number;
  readonly same: boolean;
}
const cases: Case[] = [
  { size: [6, 7], kernel: [3, 3], stride: 2, rate: 1, same: true },
  { size: [7, 8], kernel: [2, 3], stride: 2, rate: 1, same: true },
  { size: [9, 8], kernel: [3, 2], stride: 1, rate: 2, same: true },
  { size: [9, 10], kernel: [3, 3], stride: 1, rate: 3, same: false },
];

/** Calls `visit` with every output position and the input positions under its taps, channels last. */
function slide({ size, kernel, stride, rate, same }: Case) {
  const [h, w] = [0, 1].map((axis) => window(size[axis]!, kernel[axis]!, stride, rate, same));
  const positions: { taps: { y: number; x: number; ky: number; kx: number }[] }[] = [];
  for (let oy = 0; oy < h!.out; oy++)
    for (let ox = 0; ox < w!.out; ox++) {
      const taps: { y: number; x: number; ky: number; kx: number }[] = [];
      for (let ky = 0; ky < kernel[0]; ky++)
        for (let kx = 0; kx < kernel[1]; kx++) {
          const [y, x] = [oy * stride - h!.before + ky * rate, ox * stride - w!.before + kx * rate];
          if (y >= 0 && y < size[0] && x >= 0 && x < size[1]) taps.push({ y, x, ky, kx });
        }
      positions.push({ taps });
    }
  return { positions, out: [h!.out, w!.out] };
}

describe.each(cases)('windows %o', (c) => {
  // pools and transposed convolutions have no rate in the format
  const withoutRate = c.rate === 1 ? test : () => {};
  const [h, w] = c.size;
  const [kh, kw] = c.kernel;
  const { positions, out } = slide(c);
  const geometry: Option[] = [
    { field: 0, byte: c.same ? 0 : 1 },
    { field: 1, int: c.stride },
    { field: 2, int: c.stride },
  ];
  const x = ramp(h * w * 2);
  const at = (y: number, column: number, channel: number) => x[(y * w + column) * 2 + channel]!;

  test('CONV_2D with RELU', async () => {
    const weight = ramp(3 * kh * kw * 2, 0.2);
    const bias = [0.5, -1, 2];
    const wanted = positions.flatMap(({ taps }) =>
      bias.map((b, o) =>
        Math.max(
          0,
          taps.reduce((sum, { y, x: column, ky, kx }) => {
            const from = ((o * kh + ky) * kw + kx) * 2;
            return sum + weight[from]! * at(y, column, 0) + weight[from + 1]! * at(y, column, 1);
          }, b),
        ),
      ),
    );
    const model = single(
      'CONV_2D',
      { shape: [1, h, w, 2] },
      [f32([3, kh, kw, 2], weight), f32([3], bias)],
      [...geometry, { field: 3, byte: 1 }, { field: 4, int: c.rate }, { field: 5, int: c.rate }],
    );
    const [y] = await run(model, [1, h, w, 2], x);
    expect(y!.shape).toEqual([1, ...out, 3]);
    expectClose(y!.data, wanted);
  });

  test('DEPTHWISE_CONV_2D with multiplier 2', async () => {
    const weight = ramp(kh * kw * 4, 0.9);
    const wanted = positions.flatMap(({ taps }) =>
      [0, 1, 2, 3].map((o) =>
        taps.reduce(
          (sum, { y, x: column, ky, kx }) =>
            sum + weight[(ky * kw + kx) * 4 + o]! * at(y, column, Math.floor(o / 2)),
          0,
        ),
      ),
    );
    const model = single(
      'DEPTHWISE_CONV_2D',
      { shape: [1, h, w, 2] },
      [f32([1, kh, kw, 4], weight)],
      [...geometry, { field: 3, int: 2 }, { field: 5, int: c.rate }, { field: 6, int: c.rate }],
    );
    expectClose((await run(model, [1, h, w, 2], x))[0]!.data, wanted);
  });

  withoutRate('AVERAGE_POOL_2D and MAX_POOL_2D leave the border out', async () => {
    const pool: Option[] = [...geometry, { field: 3, int: kw }, { field: 4, int: kh }];
    const values = positions.flatMap(({ taps }) =>
      [0, 1].map((channel) => taps.map(({ y, x: column }) => at(y, column, channel))),
    );
    const [mean] = await run(single('AVERAGE_POOL_2D', { shape: [1, h, w, 2] }, [], pool), [1, h, w, 2], x);
    expectClose(
      mean!.data,
      values.map((list) => list.reduce((a, b) => a + b, 0) / list.length),
    );
    const [max] = await run(single('MAX_POOL_2D', { shape: [1, h, w, 2] }, [], pool), [1, h, w, 2], x);
    expectClose(
      max!.data,
      values.map((list) => Math.max(...list)),
    );
  });

  withoutRate('TRANSPOSE_CONV is the adjoint of the convolution', async () => {
    // the convolution's outputs scattered back: y[input position] += w · x[output position]
    const small = ramp(count(out), 0.1);
    const weight = ramp(kh * kw, 0.3);
    const wanted = new Array<number>(h * w).fill(0);
    positions.forEach(({ taps }, o) => {
      for (const { y, x: column, ky, kx } of taps)
        wanted[y * w + column]! += weight[ky * kw + kx]! * small[o]!;
    });
    const model = single(
      'TRANSPOSE_CONV',
      { shape: [1, ...out, 1] },
      [i32(1, h, w, 1), f32([1, kh, kw, 1], weight)],
      geometry,
      { at: 2 },
    );
    const [y] = await run(model, [1, ...out, 1], small);
    expect(y!.shape).toEqual([1, h, w, 1]);
    expectClose(y!.data, wanted);
  });
});

describe('resizing', () => {
  const modes = { legacy: [0, 0], 'align corners': [1, 0], 'half pixel': [0, 1] } as const;
  const [from, to] = [5, 8];
  const x = ramp(from);
  for (const [mode, [align, half]] of Object.entries(modes)) {
    const position = (o: number) =>
      align ? (o * (from - 1)) / (to - 1) : half ? ((o + 0.5) * from) / to - 0.5 : (o * from) / to;
    const clamp = (i: number) => x[Math.min(Math.max(i, 0), from - 1)]!;
    test(`RESIZE_BILINEAR, ${mode}`, async () => {
      const wanted = Array.from({ length: to }, (_, o) => {
        const p = Math.max(0, position(o));
        const low = Math.floor(p);
        return clamp(low) + (clamp(low + 1) - clamp(low)) * (p - low);
      });
      const options = [
        { field: 2, byte: align },
        { field: 3, byte: half },
      ];
      const model = single('RESIZE_BILINEAR', { shape: [1, from, 1, 1] }, [i32(to, 1)], options);
      expectClose((await run(model, [1, from, 1, 1], x))[0]!.data, wanted);
    });
    test(`RESIZE_NEAREST_NEIGHBOR, ${mode}`, async () => {
      const wanted = Array.from({ length: to }, (_, o) =>
        clamp(
          align
            ? Math.floor(position(o) + 0.5)
            : half
              ? Math.floor(((o + 0.5) * from) / to)
              : Math.floor(position(o)),
        ),
      );
      const options = [
        { field: 0, byte: align },
        { field: 1, byte: half },
      ];
      const model = single('RESIZE_NEAREST_NEIGHBOR', { shape: [1, from, 1, 1] }, [i32(to, 1)], options);
      expectClose((await run(model, [1, from, 1, 1], x))[0]!.data, wanted);
    });
  }
});

describe('elements', () => {
  const x = [-7, -2, -0.5, 0, 0.25, 3, 5, 9];
  const unary: Record<string, (v: number) => number> = {
    RELU: (v) => Math.max(v, 0),
    RELU6: (v) => Math.min(Math.max(v, 0), 6),
    RELU_N1_TO_1: (v) => Math.min(Math.max(v, -1), 1),
    ELU: (v) => (v > 0 ? v : Math.expm1(v)),
    HARD_SWISH: (v) => (v * Math.min(Math.max(v + 3, 0), 6)) / 6,
    LOGISTIC: (v) => 1 / (1 + Math.exp(-v)),
    TANH: Math.tanh,
    EXP: Math.exp,
    NEG: (v) => -v,
    ABS: Math.abs,
    SQUARE: (v) => v * v,
    LEAKY_RELU: (v) => (v > 0 ? v : v * 0.25),
    DEQUANTIZE: (v) => v,
  };
  for (const [name, f] of Object.entries(unary))
    test(name, async () => {
      const [y] = await run(
        single(name, { shape: [1, 2, 2, 2] }, [], [{ field: 0, float: 0.25 }]),
        [1, 2, 2, 2],
        x,
      );
      expectClose(
        y!.data,
        x.map((v) => f(v)),
      );
    });
  const positive: Record<string, (v: number) => number> = {
    SQRT: Math.sqrt,
    RSQRT: (v) => 1 / Math.sqrt(v),
    LOG: Math.log,
  };
  for (const [name, f] of Object.entries(positive))
    test(name, async () => {
      const [y] = await run(single(name, { shape: [4] }), [4], [0.5, 1, 3, 9]);
      expectClose(y!.data, [0.5, 1, 3, 9].map(f));
    });
  const binary: Record<string, (a: number, b: number) => number> = {
    ADD: (a, b) => a + b,
    SUB: (a, b) => a - b,
    MUL: (a, b) => a * b,
    DIV: (a, b) => a / b,
    MAXIMUM: Math.max,
    MINIMUM: Math.min,
    SQUARED_DIFFERENCE: (a, b) => (a - b) ** 2,
    PRELU: (a, b) => (a > 0 ? a : a * b),
  };
  for (const [name, f] of Object.entries(binary))
    test(`${name} with one value per channel`, async () => {
      const [y] = await run(single(name, { shape: [1, 2, 2, 2] }, [f32([2], [2, -3])]), [1, 2, 2, 2], x);
      expectClose(
        y!.data,
        x.map((v, i) => f(v, [2, -3][i % 2]!)),
      );
    });
  test('POW and SOFTMAX', async () => {
    expectClose((await run(single('POW', { shape: [2] }, [f32([1], [2])]), [2], [3, 4]))[0]!.data, [9, 16]);
    const [y] = await run(
      single('SOFTMAX', { shape: [1, 3] }, [], [{ field: 0, float: 2 }]),
      [1, 3],
      [0, 1, 2],
    );
    const total = 1 + Math.exp(2) + Math.exp(4);
    expectClose(y!.data, [1 / total, Math.exp(2) / total, Math.exp(4) / total]);
  });
  test('CAST goes towards zero', async () => {
    const [y] = await run(single('CAST', { shape: [2] }, [], [{ field: 1, byte: 2 }]), [2], [2.7, -2.7]);
    expect(y!.data).toEqual([2, -2]);
  });
  test('FULLY_CONNECTED', async () => {
    const weight = [1, 2, 3, 4, 5, 6];
    const model = single('FULLY_CONNECTED', { shape: [2, 3] }, [f32([2, 3], weight), f32([2], [10, 20])]);
    expectClose((await run(model, [2, 3], [1, 0, 0, 1, 1, 1]))[0]!.data, [11, 24, 16, 35]);
  });
});

describe('positions and layout', () => {
  const shape = [1, 2, 3, 2];
  const x = Array.from({ length: 12 }, (_, i) => i);
  const one = async (name: string, constants: ReturnType<typeof i32>[], options: Option[] = [], more = {}) =>
    (await run(single(name, { shape }, constants, options, more), shape, x))[0]!;
  test('MEAN, SUM, REDUCE_MAX, ARG_MAX', async () => {
    expect(await one('MEAN', [i32(1, 2)])).toEqual({ shape: [1, 2], data: [5, 6] });
    expect(await one('SUM', [i32(1, 2)], [{ field: 0, byte: 1 }])).toEqual({
      shape: [1, 1, 1, 2],
      data: [30, 36],
    });
    expect(await one('REDUCE_MAX', [i32(-1)])).toEqual({ shape: [1, 2, 3], data: [1, 3, 5, 7, 9, 11] });
    expect(await one('ARG_MAX', [i32(1)])).toEqual({ shape: [1, 3, 2], data: [1, 1, 1, 1, 1, 1] });
  });
  test('RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE', async () => {
    expect(await one('RESHAPE', [i32(4, -1)])).toEqual({ shape: [4, 3], data: x });
    expect((await one('SQUEEZE', [])).shape).toEqual([2, 3, 2]);
    expect((await one('EXPAND_DIMS', [i32(-1)])).shape).toEqual([1, 2, 3, 2, 1]);
    expect(await one('TRANSPOSE', [i32(0, 3, 1, 2)])).toEqual({
      shape: [1, 2, 2, 3],
      data: [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11],
    });
  });
  test('PAD, PADV2, MIRROR_PAD', async () => {
    const sides = { shape: [4, 2], type: 'int32' as const, data: Int32Array.of(0, 0, 0, 0, 1, 0, 0, 0) };
    const rows = (first: number[], second: number[]) => [
      ...first,
      0,
      1,
      2,
      3,
      4,
      5,
      ...second,
      6,
      7,
      8,
      9,
      10,
      11,
    ];
    expect((await one('PAD', [sides])).data).toEqual(rows([0, 0], [0, 0]));
    expect((await one('PADV2', [sides, f32([], [9]) as never])).data).toEqual(rows([9, 9], [9, 9]));
    expect((await one('MIRROR_PAD', [sides])).data).toEqual(rows([2, 3], [8, 9]));
    expect((await one('MIRROR_PAD', [sides], [{ field: 0, byte: 1 }])).data).toEqual(rows([0, 1], [6, 7]));
  });
  test('SLICE, STRIDED_SLICE, SPLIT', async () => {
    expect(await one('SLICE', [i32(0, 1, 0, 1), i32(1, 1, -1, 1)])).toEqual({
      shape: [1, 1, 3, 1],
      data: [7, 9, 11],
    });
    const strided = [i32(0, 1, 2, 0), i32(0, 0, 0, 0), i32(1, 1, -2, 1)];
    expect(
      await one('STRIDED_SLICE', strided, [
        { field: 1, int: 0b1101 },
        { field: 4, int: 0b0010 },
      ]),
    ).toEqual({
      shape: [1, 2, 2],
      data: [10, 11, 6, 7],
    });
    const parts = await run(single('SPLIT', { shape }, [i32(3)], [], { at: 1, outputs: 2 }), shape, x);
    expect(parts.map(({ data }) => data)).toEqual([
      [0, 2, 4, 6, 8, 10],
      [1, 3, 5, 7, 9, 11],
    ]);
  });
  test('CONCATENATION and PACK', async () => {
    const other = f32(
      shape,
      x.map((v) => -v),
    );
    const y = await run(single('CONCATENATION', { shape }, [other], [{ field: 0, int: -1 }]), shape, x);
    expect(y[0]!.data.slice(0, 8)).toEqual([0, 1, -0, -1, 2, 3, -2, -3]);
    expect(
      (await run(single('PACK', { shape }, [other], [{ field: 1, int: 0 }]), shape, x))[0]!.shape,
    ).toEqual([2, ...shape]);
  });
  test('SPACE_TO_DEPTH and DEPTH_TO_SPACE are inverse, block-major', async () => {
    const block: Option[] = [{ field: 0, int: 2 }];
    const [deep] = await run(
      single('SPACE_TO_DEPTH', { shape: [1, 2, 4, 1] }, [], block),
      [1, 2, 4, 1],
      x.slice(0, 8),
    );
    expect(deep).toEqual({ shape: [1, 1, 2, 4], data: [0, 1, 4, 5, 2, 3, 6, 7] });
    const [flat] = await run(
      single('DEPTH_TO_SPACE', { shape: [1, 1, 2, 4] }, [], block),
      [1, 1, 2, 4],
      deep!.data,
    );
    expect(flat!.data).toEqual(x.slice(0, 8));
  });
  test('SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND: phases become samples and back', async () => {
    const zero = { shape: [2, 2], type: 'int32' as const, data: new Int32Array(4) };
    const [y] = await run(
      single('SPACE_TO_BATCH_ND', { shape: [1, 2, 2, 1] }, [i32(2, 2), zero]),
      [1, 2, 2, 1],
      [1, 2, 3, 4],
    );
    expect(y).toEqual({ shape: [4, 1, 1, 1], data: [1, 2, 3, 4] });
    const [back] = await run(
      single('BATCH_TO_SPACE_ND', { shape: [4, 1, 1, 1] }, [i32(2, 2), zero]),
      [4, 1, 1, 1],
      y!.data,
    );
    expect(back).toEqual({ shape: [1, 2, 2, 1], data: [1, 2, 3, 4] });
  });
  test('SHAPE', async () => {
    expect((await run(single('SHAPE', { shape }), shape, x))[0]!.data).toEqual(shape);
  });
});

test('every operator of the table is named by a test of this file', async () => {
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(new URL(import.meta.url), 'utf8');
  expect(Object.keys(operators).filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

test('SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND become one dilated convolution of equal value', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        h: fc.integer({ min: 3, max: 9 }),
        w: fc.integer({ min: 3, max: 9 }),
        rate: fc.integer({ min: 2, max: 3 }),
      }),
      async ({ h, w, rate }) => {
        const weight = ramp(9);
        const extra = (size: number) => (rate - ((size + 2 * rate) % rate)) % rate;
        const pads = [rate, rate + extra(h), rate, rate + extra(w)];
        const four = (values: number[]) => ({
          shape: [2, 2],
          type: 'int32' as const,
          data: Int32Array.from(values),
        });
        const model: BuiltModel = {
          tensors: [
            { name: 'x', shape: [1, h, w, 1] },
            { name: 'block', ...i32(rate, rate) },
            { name: 'pads', ...four(pads) },
            { name: 'weight', ...f32([1, 3, 3, 1], weight) },
            { name: 'crops', ...four([0, extra(h), 0, extra(w)]) },
            { name: 'phases', shape: [] },
            { name: 'dense', shape: [] },
            { name: 'y', shape: [] },
          ],
          operators: [
            { name: 'SPACE_TO_BATCH_ND', inputs: [0, 1, 2], outputs: [5] },
            {
              name: 'CONV_2D',
              inputs: [5, 3],
              outputs: [6],
              options: [
                { field: 0, byte: 1 },
                { field: 1, int: 1 },
                { field: 2, int: 1 },
                { field: 3, byte: 3 },
              ],
            },
            { name: 'BATCH_TO_SPACE_ND', inputs: [6, 1, 4], outputs: [7] },
          ],
          inputs: [0],
          outputs: [7],
        };
        const network = await load(build(model));
        const { graph } = trace((inputs: { x: Tensor }) => network(inputs), { x: input([1, h, w, 1]) });
        expect(graph.nodes.filter(({ kind }) => kind === 'depthToSpace' || kind === 'spaceToDepth')).toEqual(
          [],
        );
        expect(graph.nodes.find(({ kind }) => kind === 'conv')!.reach).toMatchObject({
          axes: [{ dilation: rate }, { dilation: rate }],
        });
        const x = ramp(h * w, 0.7);
        const wanted = slide({ size: [h, w], kernel: [3, 3], stride: 1, rate, same: true }).positions.map(
          ({ taps }) =>
            Math.min(
              6,
              Math.max(
                0,
                taps.reduce(
                  (sum, { y, x: column, ky, kx }) => sum + weight[ky * 3 + kx]! * x[y * w + column]!,
                  0,
                ),
              ),
            ),
        );
        expectClose((await run(model, [1, h, w, 1], x))[0]!.data, wanted);
      },
    ),
    { numRuns: 20 },
  );
});

describe('weights and shapes as files store them', () => {
  test('half-precision weights through DEQUANTIZE', async () => {
    // 0.5, -2 and 1/3 rounded to half precision
    const halves = Uint16Array.of(0x3800, 0xc000, 0x3555);
    const model: BuiltModel = {
      tensors: [
        { name: 'x', shape: [1, 2, 1, 3] },
        { name: 'half', shape: [1, 1, 1, 3], type: 'float16', data: halves },
        { name: 'scale', shape: [1, 1, 1, 3] },
        { name: 'y', shape: [1, 2, 1, 3] },
      ],
      operators: [
        { name: 'DEQUANTIZE', inputs: [1], outputs: [2] },
        { name: 'MUL', inputs: [0, 2], outputs: [3] },
      ],
      inputs: [0],
      outputs: [3],
    };
    const [y] = await run(model, [1, 2, 1, 3], [1, 2, 3, 4, 5, 6]);
    expect(y!.data).toEqual([0.5, -4, 3 * 0.333251953125, 2, -10, 6 * 0.333251953125]);
  });

  test('channels first on request', async () => {
    const model = single('RELU', { shape: [1, 2, 3, 2] }, []);
    const network = await load(build(model), { layout: 'channelsFirst' });
    expect(network.inputs[0]!.shape).toEqual([1, 2, 2, 3]);
    const x = tensor(Float32Array.from(ramp(12)), [1, 2, 2, 3]);
    const program = await compile(
      (inputs: { x: Tensor }) => network(inputs),
      { x: input([1, 2, 2, 3]) },
      { backend: reference() },
    );
    const [y] = Object.values(await program.run({ x }));
    expectClose(
      [...y!.dataSync()],
      ramp(12).map((value) => Math.max(0, value)),
    );
    expect(program.graph.nodes.map(({ kind }) => kind)).toEqual(['input', 'unary']);
  });
});
