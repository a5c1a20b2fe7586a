import {
  add,
  batchNorm,
  compile,
  conv2d,
  cpu,
  evaluate,
  fuse,
  type Graph,
  input,
  mul,
  reference,
  relu,
  reshape,
  sub,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { describe, expect, test } from 'vitest';

const kinds = (graph: Graph) => graph.nodes.map(({ kind }) => kind);
const weight = (out: number, into: number, name?: string) =>
  tensor(new Float32Array(out * into), [out, into, 1, 1], 'float32', name);
const image = input([1, 4, 5, 6], 'float32', 'image');

describe('trace', () => {
  test('gives plain data in topological order', () => {
    const w = weight(4, 4, 'stem.weight');
    const { graph, output } = trace((x: Tensor) => relu(conv2d(x, w, { bias: tensor([1, 2, 3, 4]) })), image);
    expect(kinds(graph)).toEqual(['input', 'constant', 'conv', 'constant', 'broadcast', 'binary', 'unary']);
    expect(graph.nodes.map(({ inputs }) => inputs)).toEqual([[], [], [0, 1], [], [3], [2, 4], [5]]);
    expect([graph.inputs, graph.outputs]).toEqual([[0], [6]]);
    expect([graph.nodes[0]!.name, graph.nodes[2]!.name]).toEqual(['image', 'stem']);
    expect(output.shape).toEqual([1, 4, 5, 6]);
    expect(structuredClone(graph)).toEqual(graph);
  });

  test('a value used twice is one node; a constant in one shape is one node', () => {
    const values = tensor([1, 2, 3, 4, 5, 6]);
    const { graph } = trace((x: Tensor) => {
      const y = relu(x);
      return [add(y, values), mul(y, tensor(values.dataSync(), [6])), add(y, reshape(values, [6]))];
    }, image);
    expect(kinds(graph).filter((kind) => kind === 'unary')).toHaveLength(1);
    expect(kinds(graph).filter((kind) => kind === 'constant')).toHaveLength(2);
  });

  test('inputs and results may be trees; inputs are named after their path', () => {
    const { graph, output } = trace(
      ({ low, pair: [a, b] }: { low: Tensor; pair: [Tensor, Tensor] }) => ({ sum: add(low, a), all: [b] }),
      {
        low: input([2]),
        pair: [input([2]), input([3])],
      } as { low: Tensor; pair: [Tensor, Tensor] },
    );
    expect(graph.inputs.map((i) => graph.nodes[i]!.name)).toEqual(['low', 'pair.0', 'pair.1']);
    expect([output.sum.shape, output.all[0]!.shape]).toEqual([[2], [3]]);
  });

  test('refuses an input from outside, an async function, and what is no tensor', () => {
    expect(() => trace((x: Tensor) => add(x, input([1], 'float32', 'stray')), image)).toThrow(
      "depends on the input 'stray' [1]",
    );
    expect(() => trace((async (x: Tensor) => x) as never, image)).toThrow(
      'trace: the function must not be async',
    );
    expect(() => trace(() => ({ a: 1 }) as never, image)).toThrow(
      'trace: a must be a tensor, a list or an object of tensors but is 1',
    );
  });

  test('the constants of a batch norm are the same for every size, so that backends share them', () => {
    const statistics = {
      mean: tensor([1, 2]),
      variance: tensor([1, 4]),
      weight: tensor([2, 2]),
      bias: tensor([0, 1]),
    };
    const constantsFor = (size: number) =>
      trace((x: Tensor) => batchNorm(x, statistics), input([1, 2, size, size])).graph.nodes.flatMap((node) =>
        node.kind === 'constant' ? [node.value] : [],
      );
    expect(constantsFor(3)).toHaveLength(2);
    constantsFor(3).forEach((constant, i) => {
      expect(constantsFor(5)[i]).toBe(constant);
    });
  });

  test('batch norms that share a variance keep their own scales', async () => {
    const variance = tensor([3, 3]);
    const norm = (mean: number, epsilon: number) => (x: Tensor) =>
      batchNorm(x, { mean: tensor([mean, mean]), variance, epsilon });
    const x = tensor([1, 2], [1, 2]);
    const all = [norm(0, 1)(x), norm(1, 1)(x), norm(0, 6)(x)];
    await evaluate(all, { backend: reference() });
    expect(all.map((y) => [...y.dataSync()])).toEqual([[0.5, 1], [0, 0.5], [1 / 3, 2 / 3].map(Math.fround)]);
  });

  test('200,000 ops deep', async () => {
    let y: Tensor = tensor([0]);
    for (let i = 0; i < 100_000; i++) y = relu(add(y, 1));
    await evaluate(y);
    expect(y.dataSync()).toEqual(Float32Array.of(100_000));
    let z: Tensor = tensor([0, 0]);
    for (let i = 0; i < 20_000; i++) z = reshape(add(z, 1), i % 2 === 0 ? [2, 1] : [2]);
    await evaluate(z, { backend: reference() });
    expect(z.dataSync()).toEqual(Float32Array.of(20_000, 20_000));
  });
});

describe('fuse', () => {
  const fused = (fn: (x: Tensor) => Tensor | readonly Tensor[]) =>
    fuse(trace((x: Tensor) => [fn(x)].flat(), image).graph);
  const w = weight(4, 4);

  test('bias, batch norm, residual and activation become an epilogue, read before broadcasting', () => {
    const graph = fused((x) =>
      relu(
        add(
          x,
          batchNorm(conv2d(x, w, { bias: tensor([1, 2, 3, 4]) }), {
            mean: tensor([0, 0, 0, 0]),
            variance: tensor([1, 1, 1, 1]),
          }),
        ),
      ),
    );
    const conv = graph.nodes.at(-1)!;
    expect(kinds(graph)).toEqual(['input', 'constant', 'constant', 'constant', 'constant', 'conv']);
    expect(conv.inputs).toEqual([0, 1, 2, 3, 4, 0]);
    expect(conv.epilogue).toEqual([
      { kind: 'binary', fn: 'add', operand: 2 },
      { kind: 'binary', fn: 'mul', operand: 3 },
      { kind: 'binary', fn: 'add', operand: 4 },
      { kind: 'binary', fn: 'add', operand: 5 },
      { kind: 'unary', fn: 'relu' },
    ]);
    expect(graph.outputs).toEqual([5]);
  });

  test('a value used twice, or wanted as a result, is not fused away', () => {
    const twice = fused((x) => {
      const y = conv2d(x, w);
      return mul(relu(y), y);
    });
    expect(kinds(twice)).toEqual(['input', 'constant', 'conv', 'unary']);
    expect(twice.nodes[3]).toMatchObject({
      inputs: [2, 2],
      epilogue: [{ kind: 'binary', fn: 'mul', operand: 1 }],
    });
    const result = fused((x) => {
      const y = conv2d(x, w);
      return [y, relu(y)];
    });
    expect(kinds(result)).toEqual(['input', 'constant', 'conv', 'unary']);
    expect(result.outputs).toEqual([2, 3]);
  });

  test('the right operand of a subtraction is not fused', () => {
    expect(kinds(fused((x) => sub(x, conv2d(x, w))))).toEqual(['input', 'constant', 'conv', 'binary']);
    expect(kinds(fused((x) => sub(conv2d(x, w), x)))).toEqual(['input', 'constant', 'conv']);
  });

  test('of two convolutions that are added, one waits for the other', () => {
    const graph = fused((x) => add(conv2d(x, w), conv2d(x, weight(4, 4))));
    expect(kinds(graph)).toEqual(['input', 'constant', 'conv', 'constant', 'conv']);
    expect(graph.nodes[4]).toMatchObject({
      inputs: [0, 3, 2],
      epilogue: [{ kind: 'binary', fn: 'add', operand: 2 }],
    });
  });

  test('the graph itself is not changed', () => {
    const { graph } = trace((x: Tensor) => relu(add(conv2d(x, w), 1)), image);
    const before = structuredClone(graph);
    fuse(graph);
    expect(graph).toEqual(before);
  });
});

describe('compile', () => {
  test('takes and gives trees, again and again', async () => {
    const program = await compile(
      ({ a, b }: { a: Tensor; b: Tensor }) => ({ sum: add(a, b), first: a }),
      { a: input([2]), b: input([2]) },
      { backend: await cpu() },
    );
    for (const k of [1, 5]) {
      const { sum, first } = await program.run({ a: tensor([k, 2]), b: add(tensor([10, 20]), k) });
      expect([[...sum.dataSync()], [...first.dataSync()]]).toEqual([
        [2 * k + 10, 22 + k],
        [k, 2],
      ]);
    }
    await expect(program.run({ a: tensor([1, 2]) } as never)).rejects.toThrow(
      'run: expected inputs a, b but got a',
    );
    await expect(program.run({ a: tensor([1, 2]), b: tensor([1]) })).rejects.toThrow(
      'run: input b is float32 [1] but the program was compiled for float32 [2]; compile again for another shape',
    );
  });

  test('evaluate shares what tensors have in common', async () => {
    const base = relu(tensor([-1, 2]));
    const [a, b] = [add(base, 1), mul(base, 3)];
    await evaluate({ a, list: [b] });
    expect([[...a.dataSync()], [...b.dataSync()]]).toEqual([
      [1, 3],
      [0, 6],
    ]);
  });
});
