import { describe, expect, test } from 'vitest';
import { fuse, splitUniformParts } from '../src/backend/index.js';
import {
  broadcastTo,
  compile,
  concat,
  conv2d,
  cpu,
  globalAvgPool,
  interpolate,
  reference,
  relu,
  type Tensor,
  tensor,
  trace,
} from '../src/index.js';

const wave = (shape: readonly number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7)),
    shape,
  );
const weight = wave([6, 20, 1, 1]);
const bias = wave([6]);

/** Pooled features on both sides of a map, as ASPP joins them; `spread` takes a vector to the map's size. */
const pyramid =
  (spread: (vector: Tensor, like: Tensor) => Tensor, options = {}) =>
  (x: Tensor) => {
    const pooled = spread(globalAvgPool(x), x);
    return relu(conv2d(concat([pooled, x, relu(x), pooled, x], 1), weight, { bias, ...options }));
  };
const repeated = (vector: Tensor, like: Tensor) => broadcastTo(vector, like.shape);
const resized = (vector: Tensor, like: Tensor) =>
  interpolate(vector, { size: like.shape.slice(2), mode: 'bilinear', alignCorners: true });

const convolutions = (fn: (x: Tensor) => Tensor, x: Tensor) =>
  fuse(splitUniformParts(trace(fn, x).graph)).nodes.filter(({ kind }) => kind === 'conv');

describe('parts of a concatenation that are the same everywhere', () => {
  const x = wave([1, 4, 9, 7]);

  test.each([
    ['repeated', pyramid(repeated)],
    ['resized from one sample', pyramid(resized)],
  ])('%s, are convolved once', async (_, fn) => {
    const shapes = convolutions(fn, x).map(({ inputs, shape }) => ({ shape, operands: inputs.length }));
    expect(shapes.map(({ shape }) => shape)).toEqual([
      [1, 6, 1, 1],
      [1, 6, 9, 7],
    ]);
    const want = await (await compile(fn, x, { backend: reference() })).run(x);
    const backend = await cpu({ threads: 1 });
    const program = await compile(fn, x, { backend });
    const got = await program.run(x);
    for (const [i, value] of want.dataSync().entries()) expect(got.dataSync()[i]).toBeCloseTo(value, 5);
    await backend.dispose();
  });

  test('share what is cut out of the weights between programs', () => {
    const constants = () =>
      fuse(splitUniformParts(trace(pyramid(repeated), x).graph)).nodes.flatMap((node) =>
        node.kind === 'constant' && node.shape[0] === 6 && node.shape.length === 4 ? [node.value] : [],
      );
    const [first, second] = [constants(), constants()];
    expect(first).toHaveLength(2);
    expect(second.every((value, i) => value === first[i])).toBe(true);
  });

  test.each<[string, (x: Tensor) => Tensor, Tensor]>([
    ['padding, which the vector does not fill', pyramid(repeated, { padding: 1 }), x],
    ['a batch, whose vectors differ', pyramid(repeated), wave([2, 4, 9, 7])],
    [
      'a concatenation that others read as well',
      (given) => {
        const joined = concat([repeated(globalAvgPool(given), given), given, given, given, given], 1);
        return concat([conv2d(joined, weight), joined], 1);
      },
      x,
    ],
  ])('stay where they are with %s', async (_, fn, given) => {
    expect(convolutions(fn, given)).toHaveLength(1);
    const want = await (await compile(fn, given, { backend: reference() })).run(given);
    const got = await (await compile(fn, given, { backend: await cpu({ threads: 1 }) })).run(given);
    for (const [i, value] of want.dataSync().entries()) expect(got.dataSync()[i]).toBeCloseTo(value, 5);
  });
});
