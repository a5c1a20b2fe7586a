import { expect, test } from 'vitest';
import { Engine } from '../../src/cpu/engine.js';
import { emitLerp } from '../../src/cpu/kernels/lerp.js';
import { Tables } from '../../src/cpu/tables.js';

const engine = new Engine();
const tables = new Tables(engine);
const weight = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0]!;

test.each([1, 2, 3, 4, 6])('mixes runs of %i floats and reads no neighbour without weight', (floats) => {
  const [low, middle, high] = [1, 5, Infinity].map((value) => new Array<number>(8).fill(value));
  const x = tables.addFloats([...low!, ...middle!, ...high!]);
  const y = tables.addFloats(new Array<number>(24).fill(-1));
  const table = tables.add([0, 1, weight(0.25), 1, 2, 0, 2, 2, weight(0.5)]);
  const kernel = engine.kernel('lerp', `lerp${floats % 4}`, emitLerp);
  engine.run(kernel)(table, 3, x, 32, y, 32, 1, 0, 0, floats >> 2, 1, 0, 0);
  const padded = (value: number) => Array.from({ length: 8 }, (_, i) => (i < floats ? value : -1));
  expect([...engine.floats.subarray(y / 4, y / 4 + 24)]).toEqual([
    ...padded(2),
    ...padded(5),
    ...padded(Infinity),
  ]);
});

test('runs inside and outside of the axis have distances of their own', () => {
  const x = tables.addFloats(Array.from({ length: 16 }, (_, i) => i));
  const y = tables.addFloats(new Array<number>(12).fill(-1));
  const table = tables.add([1, 0, weight(0.5)]);
  const kernel = engine.kernel('lerp', 'lerp1', emitLerp);
  engine.run(kernel)(table, 1, x, 16, y, 24, 2, 8, 12, 0, 2, 32, 24);
  expect([...engine.floats.subarray(y / 4, y / 4 + 12)]).toEqual([
    2, -1, -1, 4, -1, -1, 10, -1, -1, 12, -1, -1,
  ]);
});
