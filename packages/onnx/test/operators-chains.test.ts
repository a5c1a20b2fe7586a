/** Chains of operators that exporters write, as whole files. */
import {
  type AxisWindow,
  compile,
  conv1d,
  conv2d,
  evaluate,
  input,
  interpolate,
  reference,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { load } from '../src/index.js';
import { int64s, modelBytes, type NodeInit, node, valueInfo, weight } from './build.js';

const backend = reference();
const ramp = (count: number) => Array.from({ length: count }, (_, i) => ((i * 29) % 13) / 4 - 1);

const kindsOf = (graph: ReturnType<typeof trace>['graph']) =>
  graph.nodes.map(({ kind }) => kind).filter((kind) => kind !== 'constant');

async function sameValues(a: Tensor, b: Tensor) {
  expect(a.shape).toEqual(b.shape);
  await evaluate([a, b], { backend });
  const expected = b.dataSync();
  a.dataSync().forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
}

describe('dilation as TensorFlow exports it', () => {
  const rate = 4;
  const [height, width] = [9, 14];
  const extra = [height, width].map((n) => (rate - ((n + 2 * rate) % rate)) % rate) as [number, number];
  const filter = ramp(4 * 2 * 9);
  const pads = int64s('pads', [0, rate, rate, 0, 0, rate + extra[0], rate + extra[1], 0]);
  const cuts = [
    int64s('starts', [0, 0]),
    int64s('ends', [-extra[0] || 2 ** 40, -extra[1] || 2 ** 40]),
    int64s('axes', [1, 2]),
  ];

  /** Channels last around what happens to them, as a converter leaves it that does not clean up. */
  const between = (toBatch: NodeInit[], toSpace: NodeInit[], more: ReturnType<typeof int64s>[]) =>
    modelBytes({
      input: [valueInfo('x', [1, 2, height, width])],
      output: [valueInfo('y')],
      initializer: [weight('w', [4, 2, 3, 3], filter), pads, ...cuts, ...more],
      node: [
        node('Transpose', ['x'], ['last'], { perm: [0, 2, 3, 1] }),
        node('Pad', ['last', 'pads'], ['padded']),
        ...toBatch,
        node('Transpose', ['phases'], ['first'], { perm: [0, 3, 1, 2] }),
        node('Conv', ['first', 'w'], ['dense']),
        node('Relu', ['dense'], ['active']),
        node('Transpose', ['active'], ['back'], { perm: [0, 2, 3, 1] }),
        ...toSpace,
        node('Slice', ['whole', 'starts', 'ends', 'axes'], ['cropped']),
        node('Transpose', ['cropped'], ['y'], { perm: [0, 3, 1, 2] }),
      ],
    });

  const bySpaceToDepth = between(
    [
      node('Transpose', ['padded'], ['swapped'], { perm: [3, 0, 1, 2] }),
      node('SpaceToDepth', ['swapped'], ['deep'], { blocksize: rate }),
      node('Transpose', ['deep'], ['phases'], { perm: [1, 2, 3, 0] }),
    ],
    [
      node('Transpose', ['back'], ['deep2'], { perm: [3, 0, 1, 2] }),
      node('DepthToSpace', ['deep2'], ['flat'], { blocksize: rate }),
      node('Transpose', ['flat'], ['whole'], { perm: [1, 2, 3, 0] }),
    ],
    [],
  );

  const [tall, wide] = [(height + 2 * rate + extra[0]) / rate, (width + 2 * rate + extra[1]) / rate];
  const byReshape = between(
    [
      node('Reshape', ['padded', 'split'], ['six']),
      node('Transpose', ['six'], ['front'], { perm: [2, 4, 0, 1, 3, 5] }),
      node('Reshape', ['front', 'batch'], ['phases']),
    ],
    [
      node('Reshape', ['back', 'split2'], ['six2']),
      node('Transpose', ['six2'], ['woven'], { perm: [2, 3, 0, 4, 1, 5] }),
      node('Reshape', ['woven', 'joined'], ['whole']),
    ],
    [
      int64s('split', [1, tall, rate, wide, rate, 2]),
      int64s('batch', [rate * rate, tall, wide, 2]),
      int64s('split2', [rate, rate, 1, tall - 2, wide - 2, 4]),
      int64s('joined', [1, (tall - 2) * rate, (wide - 2) * rate, 4]),
    ],
  );

  test.each([
    ['transpositions around SpaceToDepth', bySpaceToDepth],
    ['reshape, transpose, reshape', byReshape],
  ])('%s becomes one dilated convolution', async (_, bytes) => {
    const model = await load(bytes);
    const { graph } = trace((x: Tensor) => model({ x }).y!, input([1, 2, height, width]));
    expect(kindsOf(graph)).toEqual(['input', 'conv', 'unary']);
    const conv = graph.nodes.find(({ kind }) => kind === 'conv')!;
    const axis: AxisWindow = { kernel: 3, stride: 1, dilation: rate, padBefore: rate, padAfter: rate };
    expect(conv.reach).toEqual({ type: 'window', axes: [axis, axis] });
    const x = tensor(ramp(2 * height * width), [1, 2, height, width]);
    const direct = conv2d(x, tensor(filter, [4, 2, 3, 3]), { dilation: rate, padding: rate });
    const y = model({ x }).y!;
    await evaluate([y, direct], { backend });
    expect([...y.dataSync()]).toEqual([...direct.dataSync()].map((value) => Math.max(value, 0)));
  });

  test('one axis, causal, as WaveNet has it', async () => {
    const [length, dilation] = [16, 8];
    const values = ramp(3 * 2 * 2);
    const model = await load(
      modelBytes({
        input: [valueInfo('x', [1, 2, length])],
        output: [valueInfo('y')],
        initializer: [
          weight('w', [3, 2, 2], values),
          int64s('pads', [0, dilation, 0, 0, 0, 0]),
          int64s('split', [1, 3, dilation, 2]),
          int64s('batch', [dilation, 3, 2]),
          int64s('split2', [dilation, 1, 2, 3]),
          int64s('joined', [1, length, 3]),
        ],
        node: [
          node('Transpose', ['x'], ['last'], { perm: [0, 2, 1] }),
          node('Pad', ['last', 'pads'], ['padded']),
          node('Reshape', ['padded', 'split'], ['four']),
          node('Transpose', ['four'], ['front'], { perm: [2, 0, 1, 3] }),
          node('Reshape', ['front', 'batch'], ['phases']),
          node('Transpose', ['phases'], ['first'], { perm: [0, 2, 1] }),
          node('Conv', ['first', 'w'], ['dense']),
          node('Transpose', ['dense'], ['back'], { perm: [0, 2, 1] }),
          node('Reshape', ['back', 'split2'], ['four2']),
          node('Transpose', ['four2'], ['woven'], { perm: [1, 2, 0, 3] }),
          node('Reshape', ['woven', 'joined'], ['whole']),
          node('Transpose', ['whole'], ['y'], { perm: [0, 2, 1] }),
        ],
      }),
    );
    const { graph } = trace((x: Tensor) => model({ x }).y!, input([1, 2, length]));
    expect(kindsOf(graph)).toEqual(['input', 'conv']);
    const x = tensor(ramp(2 * length), [1, 2, length]);
    await sameValues(model({ x }).y!, conv1d(x, tensor(values, [3, 2, 2]), { dilation, padding: 'causal' }));
  });

  test('pixel shuffle and other reshapes stay what they are', async () => {
    const model = await load(
      modelBytes({
        input: [valueInfo('x', [1, 8, 3, 5])],
        output: [valueInfo('y')],
        initializer: [int64s('split', [1, 2, 2, 2, 3, 5]), int64s('joined', [1, 2, 6, 10])],
        node: [
          node('Reshape', ['x', 'split'], ['six']),
          node('Transpose', ['six'], ['woven'], { perm: [0, 1, 4, 2, 5, 3] }),
          node('Reshape', ['woven', 'joined'], ['y']),
        ],
      }),
    );
    const x = tensor(ramp(120), [1, 8, 3, 5]);
    const shuffled = await load(
      modelBytes({
        input: [valueInfo('x', [1, 8, 3, 5])],
        output: [valueInfo('y')],
        node: [node('DepthToSpace', ['x'], ['y'], { blocksize: 2, mode: 'CRD' })],
      }),
    );
    await sameValues(model({ x }).y!, shuffled({ x }).y!);
  });
});

describe('shape arithmetic as torchvision exports it', () => {
  const constants = [
    int64s('two', [2]),
    int64s('zero', [0]),
    { ...int64s('third', [2]), dims: [] },
    { ...int64s('fourth', [3]), dims: [] },
  ];
  const resize = { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' };

  test('Shape, Gather, Unsqueeze, Concat, Resize to the size of the picture, for any size', async () => {
    const model = await load(
      modelBytes({
        input: [valueInfo('x', ['N', 1, 'H', 'W'])],
        output: [valueInfo('y')],
        initializer: constants,
        node: [
          node('AveragePool', ['x'], ['small'], { kernel_shape: [3, 3], strides: [2, 2] }),
          node('Shape', ['x'], ['shape']),
          node('Gather', ['shape', 'third'], ['h'], { axis: 0 }),
          node('Gather', ['shape', 'fourth'], ['w'], { axis: 0 }),
          node('Unsqueeze', ['h', 'zero'], ['h1']),
          node('Unsqueeze', ['w', 'zero'], ['w1']),
          node('Concat', ['h1', 'w1'], ['hw'], { axis: 0 }),
          node('Shape', ['small'], ['shape2']),
          node('Slice', ['shape2', 'zero', 'two'], ['nc']),
          node('Cast', ['hw'], ['hw64'], { to: 7 }),
          node('Concat', ['nc', 'hw64'], ['sizes'], { axis: 0 }),
          node('Resize', ['small', '', '', 'sizes'], ['y'], resize),
        ],
      }),
    );
    for (const [h, w] of [
      [7, 9],
      [12, 5],
    ] as const) {
      const { graph } = trace((x: Tensor) => model({ x }).y!, input([2, 1, h, w]));
      expect(kindsOf(graph)).toEqual(['input', 'pool', 'resize']);
      const x = tensor(ramp(2 * h * w), [2, 1, h, w]);
      const program = await compile((value: Tensor) => model({ x: value }).y!, x, { backend });
      const small = model({ x }).y!;
      expect(small.shape).toEqual([2, 1, h, w]);
      await sameValues(await program.run(x), small);
    }
  });

  test('sizes by Cast, Mul, Floor and Cast, as interpolate with a factor has them', async () => {
    const model = await load(
      modelBytes({
        input: [valueInfo('x', [1, 1, 'H', 'W'])],
        output: [valueInfo('y')],
        initializer: [...constants, weight('factor', [], [1.5]), int64s('end', [2 ** 40])],
        node: [
          node('Shape', ['x'], ['shape']),
          node('Slice', ['shape', 'two', 'end'], ['hw']),
          node('Cast', ['hw'], ['float'], { to: 1 }),
          node('Mul', ['float', 'factor'], ['scaled']),
          node('Floor', ['scaled'], ['floored']),
          node('Cast', ['floored'], ['whole'], { to: 7 }),
          node('Slice', ['shape', 'zero', 'two'], ['nc']),
          node('Concat', ['nc', 'whole'], ['sizes'], { axis: 0 }),
          node('Resize', ['x', '', '', 'sizes'], ['y'], resize),
        ],
      }),
    );
    const x = tensor(ramp(35), [1, 1, 5, 7]);
    await sameValues(model({ x }).y!, interpolate(x, { size: [7, 10], mode: 'bilinear' }));
  });
});
