import { expect, test } from 'vitest';
import { Engine } from '../../src/cpu/engine.js';
import { emitGather } from '../../src/cpu/kernels/gather.js';
import { Tables } from '../../src/cpu/tables.js';

const engine = new Engine();
const tables = new Tables(engine);
const run = (name: string, ...args: number[]) =>
  engine.run(engine.kernel('gather', name, emitGather))(...args);
const floats = (address: number, count: number) => [
  ...engine.floats.subarray(address / 4, address / 4 + count),
];
const counting = (count: number) => tables.addFloats(Array.from({ length: count }, (_, i) => i + 1));
const empty = (count: number) => tables.addFloats(new Array<number>(count).fill(-1));
const fill = tables.addFloats([9]);

test('words come from the sum of a row and a column, or are the fill value', () => {
  const y = empty(8);
  run('words', tables.add([8, -1, 0]), 3, tables.add([4, -1]), 2, counting(4), y, 8, 4, fill, 1, 0, 0);
  expect(floats(y, 8)).toEqual([4, 9, 9, 9, 2, 9, -1, -1]);
});

test.each([1, 2, 3, 4, 5, 7, 8])('runs of %i channels write nothing else', (channels) => {
  const y = empty(24);
  run(
    `runs${channels % 4}`,
    tables.add([0]),
    1,
    tables.add([40, -1]),
    2,
    counting(20),
    y,
    0,
    48,
    fill,
    channels >> 2,
    0,
    0,
  );
  const padded = (values: number[]) => [...values, ...new Array<number>(12 - channels).fill(-1)];
  const want = [
    ...padded(Array.from({ length: channels }, (_, c) => 11 + c)),
    ...padded(new Array<number>(channels).fill(9)),
  ];
  expect(floats(y, 24)).toEqual(want);
});

test('strided channels are read and written at their distances', () => {
  const y = empty(6);
  run('strided', tables.add([16]), 1, tables.add([0]), 1, counting(6), y, 0, 0, fill, 3, -8, 8);
  expect(floats(y, 6)).toEqual([5, -1, 3, -1, 1, -1]);
});

test('bytes', () => {
  const x = tables.add([0x04030201]);
  const y = tables.add([0]);
  run('bytes', tables.add([2, 0]), 2, tables.add([1, -1]), 2, x, y, 2, 1, tables.add([7]), 1, 0, 0);
  expect(engine.integers[y / 4]).toBe(0x07020704);
});
