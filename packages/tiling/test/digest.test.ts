import { createHash } from 'node:crypto';
import { add, clip, conv2d, type Graph, input, relu, type Tensor, tensor, trace } from '@atrous/core';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { networkDigest, textDigest } from '../src/digest.js';

const graphOf = (model: (x: Tensor) => Tensor) => trace(model, input([1, 1, 9, 9])).graph;
const digestOf = (...models: ((x: Tensor) => Tensor)[]) => networkDigest(models.map(graphOf));
const conv = (x: Tensor, weights: ArrayLike<number>, rate = 1) =>
  conv2d(x, tensor(Float32Array.from(weights), [1, 1, 3, 3]), { dilation: rate, padding: rate });
const weights = [1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('the digest of a network', () => {
  test('is made of SHA-256', async () => {
    expect(await textDigest('abc')).toBe(createHash('sha256').update('abc').digest('hex'));
  });

  test('is equal for equal layers and weights, wherever they lie and however they are called', async () => {
    const own = await digestOf((x) => conv(x, weights));
    expect(own).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestOf((x) => conv(x, weights))).toBe(own);
    const file = new Float32Array(new SharedArrayBuffer(80), 20, 9);
    file.set(weights);
    expect(await digestOf((x) => conv2d(x, tensor(file, [1, 1, 3, 3]), { padding: 1 }))).toBe(own);
    const { nodes, ...rest } = graphOf((x) => conv(x, weights));
    expect(await networkDigest([{ ...rest, nodes: nodes.map((node) => ({ ...node, name: 'other' })) }])).toBe(
      own,
    );
  });

  test('is another one for every change', async () => {
    const different = [
      (x: Tensor) => conv(x, weights),
      (x: Tensor) => conv(x, weights, 2),
      (x: Tensor) => relu(conv(x, weights)),
      (x: Tensor) => conv(x, [...weights].reverse()),
      (x: Tensor) => conv(conv(x, weights), weights),
      (x: Tensor) => add(conv(x, weights), x),
      ...[
        [0, 6],
        [0, Infinity],
        [-Infinity, 6],
        [-0, 6],
      ].map(
        ([min, max]) =>
          (x: Tensor) =>
            clip(x, min!, max!),
      ),
    ];
    const digests = [
      ...(await Promise.all(different.map((model) => digestOf(model)))),
      await digestOf(different[0]!, different[1]!),
      await digestOf(different[1]!, different[0]!),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  // 12 MiB: three pieces
  const length = 3 * 2 ** 20;
  const big = Float32Array.from({ length }, (_, i) => i);
  const graphWith = (data: Float32Array): Graph => ({
    nodes: [{ kind: 'constant', value: { data }, inputs: [], shape: [length], dtype: 'float32' }],
    inputs: [],
    outputs: [0],
  });

  test('counts every bit of weights of several pieces', async () => {
    const own = await networkDigest([graphWith(big)]);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(length - 1), fc.constantFrom(0, 2 ** 20 - 1, 2 ** 20, length - 1)),
        fc.nat(31),
        async (at, bit) => {
          const changed = big.slice();
          new Int32Array(changed.buffer)[at]! ^= 1 << bit;
          expect(await networkDigest([graphWith(changed)])).not.toBe(own);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('gives events their turn, can be cancelled, and hashes each constant once', async () => {
    const hash = vi.spyOn(crypto.subtle, 'digest');
    try {
      const graph = graphWith(big.slice());
      let turns = 0;
      const timer = setInterval(() => turns++);
      await networkDigest([graph]);
      clearInterval(timer);
      expect(turns).toBeGreaterThan(0);
      const first = hash.mock.calls.length;
      await networkDigest([graph, graph]);
      expect(hash.mock.calls.length - first).toBeLessThan(first);
      expect(Math.max(...hash.mock.calls.map(([, bytes]) => bytes.byteLength))).toBe(2 ** 22);
      await expect(
        networkDigest([graphWith(big.slice())], AbortSignal.abort(new Error('stopped'))),
      ).rejects.toThrow('stopped');
    } finally {
      hash.mockRestore();
    }
  });

  test('needs crypto.subtle, and says where a page has it', async () => {
    vi.stubGlobal('crypto', {});
    try {
      await expect(digestOf((x) => conv(x, weights))).rejects.toMatchObject({
        name: 'UnsupportedError',
        message: expect.stringContaining('over https and on localhost'),
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
