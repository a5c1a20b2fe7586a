import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/cpu/engine.js';
import { emitConvert } from '../../src/cpu/kernels/convert.js';
import { emitGemm, gemmFlags, gemmName, maxRows } from '../../src/cpu/kernels/gemm.js';
import { emitPointwise, type PointwiseStep, pointwiseName } from '../../src/cpu/kernels/pointwise.js';
import { Tables } from '../../src/cpu/tables.js';
import { unaryFunctions } from '../../src/reference/pointwise.js';

const engine = new Engine();
const tables = new Tables(engine);
const floats = (address: number, count: number) => [
  ...engine.floats.subarray(address / 4, address / 4 + count),
];
const filled = (count: number, value: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => value(i));

describe('the matrix kernel', () => {
  const { fma } = engine.features;
  const sizes = filled(maxRows(fma), (i) => i + 1).flatMap((rows) =>
    [1, 2].map((vectors) => [rows, vectors] as const),
  );

  test.each(sizes)('%i rows by %i vectors, two taps, two panels', (rows, vectors) => {
    const width = 4 * vectors;
    const channels = 3;
    // Rows read at places of their own; the second tap four floats further on.
    const x = tables.addFloats(filled(64, (i) => ((i * 7) % 11) - 5));
    const perPanel = 2 * channels * width;
    const weights = tables.addFloats(filled(2 * perPanel, (i) => ((i * 5) % 13) - 6));
    const bias = tables.addFloats(filled(2 * width, (i) => i - 3));
    const residual = tables.addFloats(filled(2 * width * rows, (i) => i % 5));
    const y = tables.addFloats(filled(2 * width * rows, () => NaN));
    const bounds = tables.addFloats([-20, 25]);
    const inputs = filled(rows, (row) => 4 * 5 * row);
    const outputs = filled(rows, (row) => 4 * 2 * width * row);
    const tile = tables.add([...inputs, ...outputs]);
    const taps = tables.add([0, 0, channels, 16, 4 * channels * width, channels]);
    const kernel = engine.run(
      engine.kernel('gemm', gemmName(rows, vectors), (module) => {
        for (let r = 1; r <= maxRows(fma); r++) for (const v of [1, 2]) emitGemm(module, r, v, fma);
      }),
    );
    const run = (flags: number, list = taps, count = 2) =>
      kernel(tile, 1, list, count, x, weights, y, flags, 2, 4 * perPanel, bias, residual, bounds);

    const [xs, ws] = [floats(x, 64), floats(weights, 2 * perPanel)];
    const products = (row: number, column: number, tap: number) => {
      const panel = Math.floor(column / width);
      return filled(channels, (c) => {
        const weight = ws[panel * perPanel + (tap * channels + c) * width + (column % width)]!;
        return xs[5 * row + 4 * tap + c]! * weight;
      }).reduce((a, b) => a + b, 0);
    };
    const expected = (finish: (sum: number, i: number) => number, ...used: number[]) =>
      filled(2 * width * rows, (i) => {
        const [row, column] = [Math.floor(i / (2 * width)), i % (2 * width)];
        return finish(
          used.reduce((sum, tap) => sum + products(row, column, tap), column - 3),
          i,
        );
      });

    run(0);
    expect(floats(y, 2 * width * rows)).toEqual(expected((sum) => sum, 0, 1));
    run(gemmFlags.residual | gemmFlags.clip);
    expect(floats(y, 2 * width * rows)).toEqual(
      expected((sum, i) => Math.min(Math.max(sum + (i % 5), -20), 25), 0, 1),
    );
    // One tap now, the other in a second pass.
    run(0, taps, 1);
    run(gemmFlags.accumulate, taps + 12, 1);
    expect(floats(y, 2 * width * rows)).toEqual(expected((sum) => sum, 0, 1));
    run(0, taps, 0);
    expect(floats(y, 2 * width * rows)).toEqual(expected((sum) => sum));
  });
});

describe('conversion of layouts', () => {
  test.each(
    [1, 2, 3, 4].flatMap((channels) =>
      [1, 3, 4, 5, 8, 11].map((positions) => [channels, positions] as const),
    ),
  )('%i channels of %i positions, there and back', (channels, positions) => {
    const pitch = 8;
    const values = filled(channels * positions, (i) => i + 1);
    const plain = tables.addFloats([...values, ...filled(8, () => NaN)]);
    const last = tables.addFloats(filled(positions * pitch + 8, () => -1));
    const back = tables.addFloats(filled(channels * positions, () => NaN));
    const to = engine.run(engine.kernel('convert', `toChannels${channels}`, emitConvert));
    to(plain, last, positions, 4 * positions, 4 * pitch);
    for (let p = 0; p < positions; p++)
      expect(floats(last + 4 * pitch * p, 5)).toEqual([
        ...filled(channels, (c) => values[c * positions + p]!),
        ...filled(4 - channels, () => 0),
        -1,
      ]);
    const from = engine.run(engine.kernel('convert', `toPlain${channels}`, emitConvert));
    from(last, back, positions, 4 * pitch, 4 * positions);
    expect(floats(back, channels * positions)).toEqual(values);
  });
});

describe('pointwise chains', () => {
  const run = (steps: readonly PointwiseStep[], x: readonly number[], vectors: number, ...args: number[]) => {
    const source = tables.addFloats(x);
    const y = tables.addFloats(x.map(() => NaN));
    const kernel = engine.kernel(`pointwise ${pointwiseName('whole', steps)}`, 'run', (module) =>
      emitPointwise(module, 'whole', steps),
    );
    engine.run(kernel)(source, y, x.length / (4 * vectors), vectors, 16 * vectors, 16 * vectors, ...args);
    return floats(y, x.length);
  };

  test('operands for all, per channel and per element, and bounds', () => {
    const x = filled(16, (i) => i - 8);
    const channel = tables.addFloats(filled(8, (c) => c));
    const whole = tables.addFloats(filled(16, (i) => 2 * i));
    const [one, bounds] = [tables.addFloats([3]), tables.addFloats([-10, 40])];
    const steps: PointwiseStep[] = [
      { kind: 'binary', fn: 'mul', mode: 'one' },
      { kind: 'binary', fn: 'add', mode: 'channel' },
      { kind: 'binary', fn: 'sub', mode: 'whole' },
      { kind: 'clip' },
    ];
    expect(run(steps, x, 2, one, channel, whole, 32, bounds)).toEqual(
      x.map((v, i) => Math.min(Math.max(v * 3 + (i % 8) - 2 * i, -10), 40)),
    );
  });

  const points = [...filled(400, (i) => (i - 200) / 10), 1e-4, -1e-4, 1e-8, 80, -80, 0, 1e30, -1e30].slice(
    0,
    408,
  );
  const domains: Record<string, (x: number) => boolean> = { log: (x) => x > 1e-30, sqrt: (x) => x >= 0 };
  test.each(Object.keys(unaryFunctions) as (keyof typeof unaryFunctions)[])(
    '%s to float32 accuracy',
    (fn) => {
      const x = points.map((v) => Math.fround((domains[fn] ?? (() => true))(v) ? v : 1));
      run([{ kind: 'unary', fn }], x, 1).forEach((got, i) => {
        const want = Math.fround(unaryFunctions[fn](x[i]!));
        if (got === want) return;
        expect(Math.abs(got - want), `${fn}(${x[i]}) is ${got}, not ${want}`).toBeLessThanOrEqual(
          2e-6 * Math.abs(want) + 4e-7,
        );
      });
    },
  );

  test.each([
    ['exp', [-Infinity, 0], [Infinity, Infinity]],
    ['sigmoid', [-Infinity, 0], [Infinity, 1]],
    ['tanh', [-Infinity, -1], [Infinity, 1]],
    ['silu', [-Infinity, 0], [Infinity, Infinity]],
    ['erf', [-Infinity, -1], [Infinity, 1]],
    ['log', [0, -Infinity], [-1, NaN]],
    ['sqrt', [-1, NaN], [Infinity, Infinity]],
    ['relu', [-Infinity, 0], [NaN, NaN]],
  ] as const)('%s at the ends', (fn, [a, atA], [b, atB]) => {
    const [first, second, nan] = run([{ kind: 'unary', fn }], [a, b, NaN, 1], 1);
    expect(first! + 0).toBe(atA);
    expect(second! + 0).toBe(atB);
    expect(nan).toBeNaN();
  });
});
