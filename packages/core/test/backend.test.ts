import { input, relu, sigmoid, type Tensor, trace, UnsupportedError } from '@atrous/core';
import { checkSupported, lastUses, planArena, Queue, storageOf } from '@atrous/core/backend';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('planArena', () => {
  const lifetime = fc
    .record({
      bytes: fc.integer({ min: 0, max: 5000 }),
      from: fc.integer({ min: 0, max: 300 }),
      length: fc.integer({ min: 0, max: 200 }),
    })
    .map(({ bytes, from, length }) => ({ bytes, from, to: from + length }));

  test('nothing that lives at the same time overlaps; the arena is no larger than all together, no smaller than the peak', () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 60 }), (lifetimes) => {
        const { offsets, bytes } = planArena(lifetimes);
        lifetimes.forEach((a, i) => {
          expect(offsets[i]! % 64).toBe(0);
          expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
          lifetimes.slice(0, i).forEach((b, j) => {
            if (a.bytes === 0 || b.bytes === 0 || a.to < b.from || b.to < a.from) return;
            expect(offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!).toBe(true);
          });
        });
        const peak = Math.max(
          0,
          ...lifetimes.map(({ from }) =>
            lifetimes.reduce((sum, b) => sum + (b.from <= from && from <= b.to ? b.bytes : 0), 0),
          ),
        );
        expect(bytes).toBeGreaterThanOrEqual(peak);
        expect(bytes).toBeLessThanOrEqual(
          lifetimes.reduce((sum, b) => sum + Math.ceil(b.bytes / 64) * 64, 0),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('a chain needs two places', () => {
    const chain = Array.from({ length: 1000 }, (_, i) => ({ bytes: 640, from: i, to: i + 1 }));
    expect(planArena(chain).bytes).toBe(1280);
  });
});

test('a reshape shares the storage of its source, which lives as long', () => {
  const { graph } = trace(
    (x: Tensor) => {
      const y = relu(x);
      return [sigmoid(y), relu(y)];
    },
    input([2, 2]),
  );
  expect(storageOf(graph)).toEqual([0, 1, 2, 3]);
  expect(lastUses(graph)).toEqual([1, 3, 4, 4]);
});

test('a backend names every node that it cannot run, at once', () => {
  const { graph } = trace((x: Tensor) => sigmoid(relu(x)), input([2, 2]));
  const check = () =>
    checkSupported('mine', graph, (node) => (node.kind === 'unary' ? `no ${node.fn}` : undefined));
  expect(check).toThrow(UnsupportedError);
  expect(check).toThrow(
    'mine: 2 nodes not supported: unary 1 (unary, float32 [2, 2]): no relu; unary 2 (unary, float32 [2, 2]): no sigmoid',
  );
});

test('a queue runs tasks in turn, whatever fails', async () => {
  const queue = new Queue();
  const order: number[] = [];
  const task =
    (id: number, fail = false) =>
    async () => {
      order.push(id);
      await new Promise((resolve) => setTimeout(resolve, 3 - id));
      order.push(-id);
      if (fail) throw new Error(`task ${id}`);
      return id;
    };
  const results = await Promise.allSettled([
    queue.add(task(1)),
    queue.add(task(2, true)),
    queue.add(task(3)),
  ]);
  expect(order).toEqual([1, -1, 2, -2, 3, -3]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
