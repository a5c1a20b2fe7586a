import { input, relu, type Tensor, trace } from '@atrous/core';
import { isComputed } from '@atrous/core/backend';
import { describe, expect, test } from 'vitest';
import { Pool } from '../src/adapter/pool.js';
import {
  axisView,
  channelsView,
  maxSide,
  planesView,
  product,
  resultProblem,
  rowsView,
  viewProblem,
} from '../src/layout.js';
import { lower } from '../src/lower.js';
import { peakBytes } from '../src/memory.js';

describe('views', () => {
  test('of planes', () => {
    expect(planesView([2, 3, 5, 7])).toEqual([6, 5, 7]);
    expect(planesView([2, 3, 4, 5, 7])).toEqual([6, 20, 7]);
    expect(planesView([2, 3, 7])).toEqual([6, 1, 7]);
    expect(planesView([2, 3])).toEqual([6, 1, 1]);
  });

  test('of rows are one row unless it would be too long', () => {
    expect(rowsView([])).toEqual([1, 1, 1]);
    expect(rowsView([2, 3, 5, 7])).toEqual([1, 1, 210]);
    expect(rowsView([1, 8, 2000, 2000])).toEqual([1, 16_000, 2000]);
  });

  test('by channels, unless a channel is longer than a row may be', () => {
    expect(channelsView([2, 3, 5, 7])).toEqual([2, 3, 35]);
    expect(channelsView([1, 3, 600, 600])).toBeUndefined();
  });

  test('around an axis', () => {
    const middle = axisView([2, 3, 5, 7], 1);
    expect(middle).toMatchObject({
      outer: 2,
      size: 3,
      rows: 1,
      columns: 35,
      isLast: false,
      view: [2, 3, 35],
    });
    expect(middle.resized(1)).toEqual([2, 1, 35]);
    expect(axisView([2, 3, 5, 7], 3)).toMatchObject({ outer: 30, isLast: true, view: [1, 30, 7] });
    expect(axisView([2, 3, 5, 7], 1, 2).view).toEqual([2, 15, 7]);
    // Rows of 600 × 600 would be too long: each element of the axis is 600 rows.
    expect(axisView([1, 4, 600, 600], 1)).toMatchObject({ rows: 600, columns: 600, view: [1, 2400, 600] });
  });

  test('keep the number of elements', () => {
    for (const shape of [[3], [2, 3], [1, 64, 300, 300, 30], [7, 1, 1, 9]]) {
      expect(product(planesView(shape))).toBe(product(shape));
      expect(product(rowsView(shape))).toBe(product(shape));
      shape.forEach((_, axis) => {
        expect(product(axisView(shape, axis).view)).toBe(product(shape));
      });
    }
  });

  test('are refused beyond what float32 counts', () => {
    expect(viewProblem([1, 1, maxSide])).toBeUndefined();
    expect(viewProblem([1, maxSide + 1, 1])).toMatch(/16777217.*16777216/);
    expect(resultProblem([1, 2 ** 21, maxSide])).toBeUndefined();
    expect(resultProblem([2 ** 21 + 1, 1, 1])).toMatch(/2097153.*2097152/);
  });
});

describe('memory', () => {
  const chain = trace((x: Tensor) => [1, 2, 3, 4].reduce((y) => relu(relu(y)), x), input([100])).graph;
  const recipes = new Map(
    chain.nodes.flatMap((node, index) => (isComputed(node) ? [[index, lower(node, chain)] as const] : [])),
  );

  test('of a chain is two values, whatever its length', () => {
    expect(peakBytes(chain, recipes, (count) => 4 * count, true)).toBe(800);
    expect(peakBytes(chain, recipes, (count) => 4 * count, false)).toBe(800);
  });

  test('of arrays that are kept serves only the same size', () => {
    const pool = new Pool<object>(
      () => ({}),
      () => undefined,
    );
    const first = pool.take(100);
    pool.give(first, 100);
    expect(pool.take(100)).toBe(first);
    expect(pool.take(50)).not.toBe(first);
    expect([pool.arrays, pool.bytes]).toEqual([2, 150]);
    pool.give(first, 100);
    pool.trim();
    expect([pool.arrays, pool.bytes]).toEqual([1, 50]);
  });
});
