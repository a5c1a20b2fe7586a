/** Kernels that work along channels: softmax, argmax, statistics of groups; and casts. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/cpu/engine.js';
import { emitArgmax } from '../../src/cpu/kernels/argmax.js';
import { castName, emitCast } from '../../src/cpu/kernels/cast.js';
import { emitGroups } from '../../src/cpu/kernels/groups.js';
import { emitSoftmax } from '../../src/cpu/kernels/softmax.js';
import { Tables } from '../../src/cpu/tables.js';

const engine = new Engine();
const tables = new Tables(engine);
const floats = (address: number, count: number) => [
  ...engine.floats.subarray(address / 4, address / 4 + count),
];
const integers = (address: number, count: number) => [
  ...engine.integers.subarray(address / 4, address / 4 + count),
];
const zeros = (count: number) => tables.addFloats(new Array<number>(count).fill(0));

/** Seven rows of values, the largest of which is where `row % channels` says. */
const rowsOf = (channels: number) =>
  Array.from({ length: 7 }, (_, row) =>
    Array.from({ length: channels }, (_, c) => (c === row % channels ? 2 : Math.sin(row + 3 * c))),
  );
const softmaxOf = (row: readonly number[]) => {
  const sum = row.reduce((s, value) => s + Math.exp(value), 0);
  return row.map((value) => Math.exp(value) / sum);
};

describe.each([1, 3, 4, 6])('%i channels', (channels) => {
  const rows = rowsOf(channels);
  const beyond = [NaN, NaN, NaN];
  const positions = tables.addFloats(
    rows.flatMap((row) => [...row, ...beyond].slice(0, (channels + 3) & ~3)),
  );
  const pitch = 4 * ((channels + 3) & ~3);
  const planes = tables.addFloats(
    Array.from({ length: channels }, (_, c) => rows.map((row) => row[c]!)).flat(),
  );

  test('softmax across lanes', () => {
    const y = zeros((7 * pitch) / 4);
    const kernel = engine.kernel('softmax', `lanes${channels % 4}`, emitSoftmax);
    engine.run(kernel)(7, channels >> 2, positions, pitch, y, pitch);
    rows.forEach((row, i) => {
      const got = floats(y + i * pitch, channels);
      for (const [c, want] of softmaxOf(row).entries()) expect(got[c]).toBeCloseTo(want, 6);
    });
  });

  test('softmax across planes', () => {
    const y = zeros(7 * channels);
    engine.run(engine.kernel('softmax', 'planes', emitSoftmax))(7, channels, 28, planes, y);
    const got = floats(y, 7 * channels);
    rows.forEach((row, i) => {
      for (const [c, want] of softmaxOf(row).entries()) expect(got[7 * c + i]).toBeCloseTo(want, 6);
    });
  });

  test('argmax', () => {
    const want = rows.map((_, row) => row % channels);
    const y = zeros(8);
    const kernel = engine.kernel('argmax', `lanes${channels % 4}`, emitArgmax);
    engine.run(kernel)(7, channels >> 2, positions, pitch, y, positions + 6 * pitch);
    expect(integers(y, 7)).toEqual(want);
    const z = zeros(8);
    engine.run(engine.kernel('argmax', 'planes', emitArgmax))(7, channels, 28, planes, z);
    expect(integers(z, 7)).toEqual(want);
    expect(integers(z, 8)[7]).toBe(0);
  });
});

test('statistics of two groups of two channels', () => {
  const means = tables.addFloats([1, 3, 5, 5]);
  const squares = tables.addFloats([6, 2, 8, 0]);
  const kernel = engine.kernel('groups', 'groups', emitGroups);
  engine.run(kernel)(2, 2, means, squares, 2, tables.addFloats([1]));
  expect(floats(means, 4)).toEqual([2, 2, 5, 5]);
  // Variances (3 + 1 + 1 + 1) / 2 and (4 + 0) / 2, and ε.
  const want = [1 / 2, 1 / 2, 1 / Math.sqrt(3), 1 / Math.sqrt(3)];
  for (const [i, got] of floats(squares, 4).entries()) expect(got).toBeCloseTo(want[i]!, 6);
});

test('casts are towards zero and saturate', () => {
  const x = tables.addFloats([1.9, -1.9, 3e10, NaN, 255.5, -Infinity, 256, 7]);
  const y = zeros(8);
  const cast = (from: 'float32' | 'uint8' | 'int32', to: typeof from, source: number, target: number) =>
    engine.run(engine.kernel('cast', castName(from, to), emitCast))(2, source, target);
  cast('float32', 'int32', x, y);
  expect(integers(y, 8)).toEqual([1, -1, 2 ** 31 - 1, 0, 255, -(2 ** 31), 256, 7]);
  const bytes = zeros(2);
  cast('float32', 'uint8', x, bytes);
  const back = zeros(8);
  cast('uint8', 'float32', bytes, back);
  expect(floats(back, 8)).toEqual([1, 0, 255, 0, 255, 0, 255, 7]);
  cast('int32', 'uint8', y, bytes);
  cast('uint8', 'int32', bytes, back);
  expect(integers(back, 8)).toEqual([1, 0, 255, 0, 255, 0, 255, 7]);
});
