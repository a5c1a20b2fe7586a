import { OptionError, tensor } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backends, first, node, numbers } from './operator-case.js';

const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 29) % 13) - 5);

interface Window {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly auto: string;
  readonly pads: readonly [number, number];
}

const window = fc.record({
  size: fc.integer({ min: 1, max: 14 }),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 4 }),
  dilation: fc.integer({ min: 1, max: 3 }),
  auto: fc.constantFrom('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  pads: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
});

const span = ({ kernel, dilation }: Window) => dilation * (kernel - 1) + 1;

/** Padding before and after, as the specification says it. */
function padding(w: Window): readonly [number, number] {
  if (w.auto === 'NOTSET') return w.pads;
  if (w.auto === 'VALID') return [0, 0];
  const outputs = Math.ceil(w.size / w.stride);
  const total = Math.max((outputs - 1) * w.stride + span(w) - w.size, 0);
  const less = Math.floor(total / 2);
  return w.auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
}

/** The positions of every window, those in the padding included. */
function windows(w: Window, ceilMode = false): number[][] {
  const [before, after] = padding(w);
  const room = (w.size + before + after - span(w)) / w.stride;
  let count = (ceilMode ? Math.ceil(room) : Math.floor(room)) + 1;
  if (ceilMode && (count - 1) * w.stride >= w.size + before) count--;
  return Array.from({ length: count }, (_, o) =>
    Array.from({ length: w.kernel }, (_, t) => o * w.stride - before + t * w.dilation),
  );
}

const attributesOf = (w: Window) => ({
  strides: [w.stride],
  dilations: [w.dilation],
  ...(w.auto === 'NOTSET' ? { pads: [...w.pads] } : {}),
  auto_pad: w.auto,
});

const fits = (w: Window) => w.size + padding(w)[0] + padding(w)[1] >= span(w);

function expectClose(got: readonly number[], expected: readonly number[]) {
  expect(got.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    if (Number.isFinite(value)) expect(got[i]).toBeCloseTo(value, 4);
    else expect(got[i]).toBe(value);
}

describe.each(backends)('windows on %s', (_, createBackend) => {
  test('Conv with any auto_pad, stride and dilation', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(window.filter(fits), async (w) => {
        const x = ramp(w.size);
        const weight = ramp(w.kernel);
        const y = first('Conv', [tensor(x, [1, 1, w.size]), tensor(weight, [1, 1, w.kernel])], {
          attributes: attributesOf(w),
        });
        const expected = windows(w).map((taps) =>
          taps.reduce((sum, at, t) => sum + (x[at] ?? 0) * weight[t]!, 0),
        );
        expectClose(await numbers(y, backend), expected);
      }),
      { numRuns: 150 },
    );
    await backend.dispose();
  });

  test('MaxPool and AveragePool with any padding, ceil mode, and padding counted or not', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(
        // a window that sees no sample has no defined mean
        window.filter(
          (w) => fits(w) && windows(w, true).every((taps) => taps.some((at) => at >= 0 && at < w.size)),
        ),
        fc.boolean(),
        fc.boolean(),
        async (w, ceilMode, counted) => {
          const x = ramp(w.size);
          const input = tensor(x, [1, 1, w.size]);
          const attributes = {
            ...attributesOf(w),
            kernel_shape: [w.kernel],
            ceil_mode: Number(ceilMode),
          };
          const [before, after] = padding(w);
          const inside = (taps: number[]) => taps.filter((at) => at >= 0 && at < w.size).map((at) => x[at]!);
          const all = windows(w, ceilMode);
          expectClose(
            await numbers(first('MaxPool', [input], { attributes }), backend),
            all.map((taps) => Math.max(...inside(taps))),
          );
          const mean = first('AveragePool', [input], {
            attributes: { ...attributes, count_include_pad: Number(counted) },
          });
          expectClose(
            await numbers(mean, backend),
            all.map((taps) => {
              const sum = inside(taps).reduce((a, b) => a + b, 0);
              const padded = taps.filter((at) => at >= -before && at < w.size + after).length;
              return sum / (counted ? padded : inside(taps).length);
            }),
          );
        },
      ),
      { numRuns: 150 },
    );
    await backend.dispose();
  });

  test('ConvTranspose with pads, auto_pad and output_shape', async () => {
    const backend = await createBackend();
    await fc.assert(
      fc.asyncProperty(window, fc.option(fc.integer({ min: 0, max: 3 })), async (w, extra) => {
        const x = ramp(w.size);
        const weight = ramp(w.kernel);
        const whole = (w.size - 1) * w.stride + span(w);
        const same = w.auto.startsWith('SAME');
        const wanted =
          extra === null ? (same ? w.size * w.stride : undefined) : Math.max(whole - 2, 1) + extra;
        const total = Math.max(wanted === undefined ? w.pads[0] + w.pads[1] : whole - wanted, 0);
        const less = Math.floor(total / 2);
        const before =
          wanted === undefined
            ? w.auto === 'VALID'
              ? 0
              : w.pads[0]
            : w.auto === 'SAME_UPPER'
              ? less
              : total - less;
        const length = wanted ?? (w.auto === 'VALID' ? whole : whole - total);
        fc.pre(length > 0);
        const full = new Float64Array(before + Math.max(length, whole));
        for (const [i, value] of x.entries())
          for (const [t, factor] of weight.entries()) full[i * w.stride + t * w.dilation]! += value * factor;
        const y = first(
          'ConvTranspose',
          [tensor(x, [1, 1, w.size]), tensor(weight, [1, 1, w.kernel]), tensor([0.5])],
          {
            attributes: {
              ...attributesOf(w),
              ...(extra === null ? {} : { output_shape: [wanted!] }),
            },
          },
        );
        expectClose(
          await numbers(y, backend),
          Array.from(full.subarray(before, before + length), (value) => value + 0.5),
        );
      }),
      { numRuns: 150 },
    );
    await backend.dispose();
  });

  test('Pad: every mode, wider than the axis, negative amounts, chosen axes', async () => {
    const backend = await createBackend();
    const places: Record<string, (at: number, size: number) => number> = {
      edge: (at, size) => Math.min(Math.max(at, 0), size - 1),
      wrap: (at, size) => ((at % size) + size) % size,
      reflect(at, size) {
        const period = 2 * (size - 1);
        const place = ((at % period) + period) % period;
        return place < size ? place : period - place;
      },
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('constant', ...Object.keys(places)),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: -1, max: 13 }),
        fc.integer({ min: -1, max: 13 }),
        async (mode, size, before, after) => {
          fc.pre(size + Math.min(before, 0) + Math.min(after, 0) > 1);
          const x = ramp(2 * size);
          const y = first(
            'Pad',
            [
              tensor(x, [2, size]),
              tensor([before, after], [2], 'int32'),
              tensor(9),
              tensor([-1], [1], 'int32'),
            ],
            { attributes: { mode } },
          );
          const start = -Math.min(before, 0);
          const kept = size - start + Math.min(after, 0);
          const rows = [0, 1].map((row) => x.subarray(row * size + start, row * size + start + kept));
          const expected = rows.flatMap((row) =>
            Array.from({ length: kept + Math.max(before, 0) + Math.max(after, 0) }, (_, o) => {
              const at = o - Math.max(before, 0);
              return mode === 'constant' ? (row[at] ?? 9) : row[places[mode]!(at, kept)]!;
            }),
          );
          expect(await numbers(y, backend)).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
    await backend.dispose();
  });
});

describe('windows reject', () => {
  const x = tensor(ramp(16), [1, 1, 4, 4]);
  const weight = tensor(ramp(9), [1, 1, 3, 3]);
  test.each([
    ['a kernel_shape that is not the weight’s', 'Conv', { kernel_shape: [2, 2] }, /kernel_shape \[2,2\]/],
    ['strides for other axes', 'Conv', { strides: [1] }, /strides \[1\]/],
    ['pads for other axes', 'Conv', { pads: [1, 1] }, /pads \[1,1\]/],
    ['an unknown auto_pad', 'Conv', { auto_pad: 'SAME' }, /auto_pad 'SAME'/],
    ['groups that do not divide', 'Conv', { group: 3 }, /group/],
  ])('%s', (_, name, attributes, message) => {
    expect(() => first(name, [x, weight], { attributes })).toThrow(message);
  });
  test('the indices of MaxPool', () => {
    expect(() => node('MaxPool', [x], { attributes: { kernel_shape: [2, 2] }, outputs: 2 })).toThrow(
      /indices/,
    );
  });
  test('kernels for other axes than X has', () => {
    for (const kernel_shape of [[], [2], [2, 2, 2, 2]])
      expect(() => first('MaxPool', [x], { attributes: { kernel_shape } })).toThrow(OptionError);
  });
  test('four spatial axes', () => {
    const five = tensor(ramp(1), [1, 1, 1, 1, 1, 1]);
    expect(() => first('Conv', [five, five])).toThrow(/4 axes/);
    expect(() => first('MaxPool', [five], { attributes: { kernel_shape: [1, 1, 1, 1] } })).toThrow(/4 axes/);
  });
  test('reflection of a single sample', () => {
    const one = tensor([1]);
    const pads = tensor([1, 1], [2], 'int32');
    expect(() => first('Pad', [one, pads], { attributes: { mode: 'reflect' } })).toThrow(/reflect/);
  });
});
