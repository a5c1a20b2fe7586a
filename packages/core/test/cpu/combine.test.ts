import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/cpu/engine.js';
import { acrossName, emitAcross } from '../../src/cpu/kernels/across.js';
import { type Combination, combineName, emitCombine } from '../../src/cpu/kernels/combine.js';
import { Tables } from '../../src/cpu/tables.js';

const engine = new Engine();
const tables = new Tables(engine);
const floats = (address: number, count: number) => [
  ...engine.floats.subarray(address / 4, address / 4 + count),
];

describe('combining positions', () => {
  // Two rows of three positions of four channels: 1, 2, … 24.
  const x = tables.addFloats(Array.from({ length: 24 }, (_, i) => i + 1));
  const centre = tables.addFloats([1, 2, 3, 4]);
  const both = tables.add([0, 48]);
  const outer = tables.add([0, 32]);
  const run = (how: Combination, rowCount: number, columnCount: number) => {
    const y = tables.addFloats([0, 0, 0, 0]);
    const rows = tables.add([both, rowCount]);
    const columns = tables.add([outer, columnCount]);
    const kernel = engine.kernel('combine', combineName(how, 1), emitCombine);
    engine.run(kernel)(rows, 1, columns, 1, x, y, 16, 16, centre);
    return floats(y, 4);
  };

  test.each([
    ['sum', [44, 48, 52, 56]],
    ['mean', [11, 12, 13, 14]],
    ['max', [21, 22, 23, 24]],
    ['squares', [0 + 64 + 144 + 400, 608, 608, 608]],
  ] as const)('%s over the corners', (how, want) => expect(run(how, 2, 2)).toEqual(want));

  test('of nothing', () => {
    expect(run('mean', 2, 0)).toEqual([0, 0, 0, 0]);
    expect(run('sum', 0, 2)).toEqual([0, 0, 0, 0]);
    expect(run('max', 0, 0)).toEqual(new Array(4).fill(-Infinity));
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i channels of a position, whatever lies beyond', (channels) => {
  const values = Array.from({ length: 12 }, (_, c) => (c < channels ? -1 - c : NaN));
  const x = tables.addFloats(values);
  const y = tables.addFloats(new Array<number>(4).fill(0));
  const across = (how: 'sum' | 'mean' | 'max') => {
    const kernel = engine.kernel('across', acrossName(how, channels % 4), emitAcross);
    engine.run(kernel)(1, channels >> 2, x, 48, y, 16, channels);
    return floats(y, 1)[0];
  };
  expect(across('sum')).toBe((-channels * (channels + 1)) / 2);
  expect(across('mean')).toBe(-(channels + 1) / 2);
  expect(across('max')).toBe(-1);
});
