import {
  add,
  concat,
  conv2d,
  input,
  OptionError,
  relu,
  ShapeError,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  activation,
  type Block,
  type Bound,
  batchNorm,
  block,
  convBnRelu,
  convNormActivation,
  convolution,
  identity,
  initialize,
  type Parameter,
  ParameterError,
  sequential,
} from '../src/index.js';

const scale: Parameter = { shape: [1], init: 'ones', trained: true };
const scaled = block({ scale }, (m, x: Tensor) => add(x, m.scale));
const names = (made: Pick<Block, 'parameters'>) => Object.keys(made.parameters);
/** Class and exact message of an error; its details are looked at where they matter. */
function expectError(run: () => unknown, type: new (message: string) => Error, message: string): void {
  expect(run).toThrow(type);
  expect(run).toThrow(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
}
const values = async (t: Tensor) => [...(await t.data())];

describe('block', () => {
  it('names parameters by the path of children, lists included', () => {
    const made = block(
      { conv: convolution(3, 4, 1), convs: [scaled, [scaled, scale]], scale, absent: undefined },
      (_, x: Tensor) => x,
    );
    expect(made.parameters).toEqual({
      'conv.weight': { shape: [4, 3, 1, 1], init: 'kaiming', trained: true },
      'conv.bias': { shape: [4], init: 'zeros', trained: true },
      'convs.0.scale': scale,
      'convs.1.0.scale': scale,
      'convs.1.1': scale,
      scale,
    });
  });

  it('gives forward functions for blocks, tensors for parameters, lists for lists', async () => {
    const made = block({ scale, one: scaled, more: [scaled, scaled] }, (m, x: Tensor) =>
      m.more.reduce((y, f) => f(y), m.one(add(x, m.scale))),
    );
    const given = {
      scale: tensor([1]),
      'one.scale': tensor([10]),
      'more.0.scale': tensor([100]),
      'more.1.scale': tensor([1000]),
    };
    expect(await values(made.apply(given, tensor([0])))).toEqual([1111]);
  });

  it('shares the weights of a child that is called twice, and not those of two names', async () => {
    const twice = block({ a: scaled }, (m, x: Tensor) => m.a(m.a(x)));
    expect(names(twice)).toEqual(['a.scale']);
    expect(await values(twice.apply({ 'a.scale': tensor([3]) }, tensor([0])))).toEqual([6]);
    const both = block({ a: scaled, b: scaled }, (m, x: Tensor) => m.b(m.a(x)));
    expect(await values(both.apply({ 'a.scale': tensor([3]), 'b.scale': tensor([4]) }, tensor([0])))).toEqual(
      [7],
    );
  });

  it('takes several inputs and gives trees', async () => {
    const made = block({ a: scaled }, (m, low: Tensor, high: Tensor) => ({ low: m.a(low), high }));
    const outputs = made.apply({ 'a.scale': tensor([1]) }, tensor([5]), tensor([7]));
    expect(await values(outputs.low)).toEqual([6]);
    expect(await values(outputs.high)).toEqual([7]);
  });

  it('calls a child that is a block of its own making with its own parameters', async () => {
    const foreign: Block = {
      parameters: { shift: scale },
      apply: (parameters, x) => {
        expect(Object.keys(parameters)).toEqual(['shift']);
        return add(x, parameters.shift!);
      },
    };
    const made = block({ foreign }, (m, x: Tensor) => m.foreign(x));
    expect(await values(made.apply({ 'foreign.shift': tensor([2]) }, tensor([1])))).toEqual([3]);
  });

  it('is traced with the same constants for every size', () => {
    const made = sequential([convBnRelu(2, 3, 3), convolution(3, 1, 1)]);
    const parameters = initialize(made);
    const constants = [8, 12].map((size) => {
      const { graph } = trace((x: Tensor) => made.apply(parameters, x), input([1, 2, size, size]));
      return graph.nodes.flatMap((node) => (node.kind === 'constant' ? [node.value] : []));
    });
    expect(constants[0]).toHaveLength(5);
    constants[0]!.forEach((value, i) => {
      expect(constants[1]![i]).toBe(value);
    });
  });

  it('names convolutions in the graph after their weights', () => {
    const made = block({ stem: convBnRelu(2, 3, 3) }, (m, x: Tensor) => m.stem(x));
    const { graph } = trace((x: Tensor) => made.apply(initialize(made), x), input([1, 2, 8, 8]));
    expect(graph.nodes.find(({ kind }) => kind === 'conv')!.name).toBe('stem.conv');
  });
});

describe('errors inside blocks', () => {
  const branch = block({ atrous_block6: convolution(4, 2, 3, { dilation: 6, padding: 6 }) }, (m, x: Tensor) =>
    m.atrous_block6(x),
  );
  const network = block({ aspp: branch, heads: [branch] }, (m, x: Tensor, list: Tensor) =>
    concat([m.aspp(x), m.heads[0](list)]),
  );
  const parameters = initialize(network);

  it('carry the path of the child', () => {
    const run = () => network.apply(parameters, input([1, 3, 9, 9]), input([1, 4, 9, 9]));
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(
      /^aspp\.atrous_block6: conv2d: weight expects 4 input channels but x has 3 \(x \[1, 3, 9, 9\], weight \[2, 4, 3, 3\], groups 1\)$/,
    );
  });

  it('count the children of a list', () => {
    expect(() => network.apply(parameters, input([1, 4, 9, 9]), input([1, 3, 9, 9]))).toThrow(
      /^heads\.0\.atrous_block6: conv2d: /,
    );
  });

  it('have no path for what the outermost block does itself', () => {
    expect(() => network.apply(parameters, input([1, 4, 9, 9]), input([1, 4, 8, 9]))).toThrow(
      /^concat: tensor 1 /,
    );
  });

  it('leave errors of other kinds alone', () => {
    const broken = block({}, (_, __: Tensor): Tensor => {
      throw new TypeError('not ours');
    });
    const around = block({ broken }, (m, x: Tensor) => m.broken(x));
    expect(() => around.apply({}, input([1]))).toThrow(new TypeError('not ours'));
  });

  it('refuse names and children that cannot be', () => {
    const forward = (_: unknown, x: Tensor) => x;
    expectError(
      () => block({ 'a.b': scale }, forward),
      OptionError,
      "block: child name 'a.b' must not be split by a dot; nest blocks instead",
    );
    expectError(() => block({ '': scale }, forward), OptionError, "block: child name '' must not be empty");
    for (const child of [null, 3, {}, [relu]])
      expect(() => block({ a: child as never }, forward)).toThrow(
        /^block: child 'a(\.0)?' must be a block, a parameter \{ shape, init, trained \} or a list of them$/,
      );
  });
});

describe('apply', () => {
  const made = block({ conv: convolution(2, 3, 1), bn: batchNorm(3) }, (m, x: Tensor) => m.bn(m.conv(x)));
  const x = input([1, 2, 4, 4]);

  it('lists everything that is wrong with the parameters at once', () => {
    const { 'conv.bias': _, 'bn.running_mean': __, ...rest } = initialize(made);
    const given = {
      ...rest,
      'conv.weight': tensor(new Float32Array(6), [2, 3, 1, 1]),
      'bn.weight': tensor([0, 0, 0], [3], 'int32'),
      'bn.bias': [0, 0, 0] as never,
      'fc.weight': tensor([1]),
    };
    let error: unknown;
    try {
      made.apply(given, x);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ParameterError);
    expect((error as ParameterError).message).toBe(
      [
        'apply: the parameters do not fit the block (2 missing, 1 unexpected, 3 misshapen)',
        '  missing: conv.bias [3]',
        '  missing: bn.running_mean [3]',
        '  unexpected: fc.weight',
        '  misshapen: conv.weight is [2, 3, 1, 1] but must be [3, 2, 1, 1]',
        '  misshapen: bn.weight is int32 [3] but must be float32 [3]',
        '  misshapen: bn.bias must be a tensor [3] but is object',
      ].join('\n'),
    );
    expect((error as ParameterError).details).toMatchObject({
      missing: ['conv.bias', 'bn.running_mean'],
      unexpected: ['fc.weight'],
    });
  });

  it('ignores the step counts of batch norms, and nothing that looks like one', () => {
    const parameters = initialize(made);
    expect(made.apply({ ...parameters, 'bn.num_batches_tracked': tensor(7) }, x).shape).toEqual([1, 3, 4, 4]);
    expect(() => made.apply({ ...parameters, 'bn.my_num_batches_tracked': tensor(7) }, x)).toThrow(
      /unexpected: bn\.my_num_batches_tracked$/,
    );
  });

  it('does not take inherited properties for parameters', () => {
    expect(() => made.apply(Object.create(initialize(made)), x)).toThrow(/^apply: .* \(6 missing/);
    expect(() => sequential([]).apply({ toString: tensor([1]) }, x)).toThrow(/unexpected: toString$/);
  });

  it('checks once, at the outermost block', () => {
    let looks = 0;
    const parameters = new Proxy(initialize(block({ a: made }, (m, x: Tensor) => m.a(x))), {
      ownKeys: (target) => {
        looks++;
        return Reflect.ownKeys(target);
      },
    });
    block({ a: made }, (m, y: Tensor) => m.a(y)).apply(parameters, x);
    expect(looks).toBe(1);
  });

  it('says what to give instead of something that is no object of tensors', () => {
    expectError(
      () => made.apply(undefined as never, x),
      OptionError,
      'apply: parameters must be an object of tensors by name but is undefined; see initialize() and loadParameters()',
    );
    expect(() => made.apply(x as never, x)).toThrow(OptionError);
  });
});

describe('basic blocks', () => {
  const run = (made: Block, shape: readonly number[]) => made.apply(initialize(made), input(shape)).shape;

  it('convolves over one, two and three axes', () => {
    expect(run(convolution(2, 3, 3, { axes: 1 }), [1, 2, 9])).toEqual([1, 3, 7]);
    expect(run(convolution(2, 3, 3, { stride: 2, padding: 1 }), [1, 2, 9, 8])).toEqual([1, 3, 5, 4]);
    expect(run(convolution(2, 3, [1, 3, 5]), [1, 2, 9, 9, 9])).toEqual([1, 3, 9, 7, 5]);
    expect(convolution(2, 3, [1, 3, 5]).parameters).toEqual({
      weight: { shape: [3, 2, 1, 3, 5], init: 'kaiming', trained: true },
      bias: { shape: [3], init: 'zeros', trained: true },
    });
  });

  it('passes every option of the op on', async () => {
    const options = { stride: 2, dilation: 2, padding: 2, groups: 2, paddingMode: 'reflect' } as const;
    const made = convolution(4, 6, 3, options);
    const { weight } = initialize(made);
    const bias = tensor([1, 2, 3, 4, 5, 6]);
    const x = tensor(
      Float32Array.from({ length: 4 * 49 }, (_, i) => Math.sin(i)),
      [1, 4, 7, 7],
    );
    const expected = conv2d(x, weight!, { ...options, bias });
    const got = made.apply({ weight: weight!, bias }, x);
    expect(got.shape).toEqual(expected.shape);
    expect(await values(got)).toEqual(await values(expected));
  });

  it('has no bias where none is wanted, and one group per channel for depthwise', () => {
    expect(convolution(8, 8, 3, { groups: 8, bias: false }).parameters).toEqual({
      weight: { shape: [8, 1, 3, 3], init: 'kaiming', trained: true },
    });
  });

  it('refuses sizes that cannot be', () => {
    expectError(
      () => convolution(0, 3, 3),
      OptionError,
      'convolution: inChannels must be a positive integer but is 0',
    );
    expectError(
      () => convolution(4, 6, 3, { groups: 4 }),
      OptionError,
      'convolution: groups 4 must divide inChannels 4 and outChannels 6',
    );
    expectError(
      () => convolution(4, 6, [3, 3], { axes: 3 }),
      OptionError,
      'convolution: kernel [3, 3] has 2 entries; give one number or 3, one per spatial axis',
    );
    expectError(
      () => convolution(4, 6, []),
      OptionError,
      'convolution: there can be 1, 2 or 3 spatial axes but not 0',
    );
    expectError(
      () => convBnRelu(4, 6, 2),
      OptionError,
      "convolution: kernel 2 with dilation 1 has no middle; give padding, for example 'same'",
    );
    expect(() => convBnRelu(4, 6, 3, { dilation: [2] })).toThrow(OptionError);
    expect(() => batchNorm(1.5)).toThrow(OptionError);
  });

  it('normalises with the running statistics', async () => {
    const parameters = {
      weight: tensor([2]),
      bias: tensor([1]),
      running_mean: tensor([3]),
      running_var: tensor([4]),
    };
    const y = batchNorm(1, { epsilon: 0 }).apply(parameters, tensor([[[5, 3]]]));
    expect(await values(y)).toEqual([3, 1]);
    expect(Object.entries(batchNorm(2).parameters).map(([name, { trained }]) => [name, trained])).toEqual([
      ['weight', true],
      ['bias', true],
      ['running_mean', false],
      ['running_var', false],
    ]);
  });

  it('keeps the size in convBnRelu at any rate, halves it at stride 2', () => {
    expect(run(convBnRelu(2, 3, 3, { dilation: 4 }), [1, 2, 11, 7])).toEqual([1, 3, 11, 7]);
    expect(run(convBnRelu(2, 3, [3, 5], { dilation: [2, 3] }), [1, 2, 11, 7])).toEqual([1, 3, 11, 7]);
    expect(run(convBnRelu(2, 3, 3, { stride: 2 }), [1, 2, 11, 8])).toEqual([1, 3, 6, 4]);
    expect(run(convBnRelu(2, 3, 3, { axes: 3, dilation: 2 }), [1, 2, 5, 6, 7])).toEqual([1, 3, 5, 6, 7]);
    expect(run(convBnRelu(2, 3, 3, { padding: 0 }), [1, 2, 11, 7])).toEqual([1, 3, 9, 5]);
  });

  it('computes the same in both namings of convolution, batch norm and ReLU', async () => {
    const named = convBnRelu(2, 3, 3, { epsilon: 0.5 });
    const counted = convNormActivation(2, 3, 3, { epsilon: 0.5 });
    expect(names(named)).toEqual([
      'conv.weight',
      ...['weight', 'bias', 'running_mean', 'running_var'].map((n) => `bn.${n}`),
    ]);
    expect(names(counted)).toEqual(names(named).map((n) => n.replace('conv', '0').replace('bn', '1')));
    const given = initialize(named);
    const x = tensor(
      Float32Array.from({ length: 32 }, (_, i) => Math.cos(i)),
      [1, 2, 4, 4],
    );
    const renamed = Object.fromEntries(names(counted).map((n, i) => [n, given[names(named)[i]!]!]));
    const y = await values(named.apply(given, x));
    expect(await values(counted.apply(renamed, x))).toEqual(y);
    expect(Math.min(...y)).toBe(0);
    expect(Math.max(...y)).toBeGreaterThan(0);
    const linear = convNormActivation(2, 3, 3, { activation: (t) => t });
    expect(Math.min(...(await values(linear.apply(renamed, x))))).toBeLessThan(0);
  });

  it('numbers a sequence, blocks without parameters included', async () => {
    const made = sequential([scaled, activation(relu), identity(), scaled]);
    expect(names(made)).toEqual(['0.scale', '3.scale']);
    const given = { '0.scale': tensor([-2]), '3.scale': tensor([5]) };
    expect(await values(made.apply(given, tensor([1, 3])))).toEqual([5, 6]);
    expect(await values(sequential([]).apply({}, tensor([1])))).toEqual([1]);
  });
});

describe('types', () => {
  it('follow from the children and the function', () => {
    const pair = block({ a: scaled }, (m, low: Tensor, high: Tensor) => ({ low: m.a(low), high: m.a(high) }));
    expectTypeOf(pair).toEqualTypeOf<Block<[Tensor, Tensor], { low: Tensor; high: Tensor }>>();
    expectTypeOf(sequential([])).toEqualTypeOf<Block>();
    block(
      { scale, one: scaled, pair, list: [scaled, scale], maybe: undefined as Block | undefined },
      (m, x: Tensor) => {
        expectTypeOf(m.scale).toEqualTypeOf<Tensor>();
        expectTypeOf(m.one).toEqualTypeOf<(x: Tensor) => Tensor>();
        expectTypeOf(m.pair).toEqualTypeOf<(low: Tensor, high: Tensor) => { low: Tensor; high: Tensor }>();
        expectTypeOf(m.list[0]).toEqualTypeOf<(x: Tensor) => Tensor>();
        expectTypeOf(m.list[1]).toEqualTypeOf<Tensor>();
        expectTypeOf(m.maybe).toEqualTypeOf<((x: Tensor) => Tensor) | undefined>();
        return x;
      },
    );
    expectTypeOf<Bound<{ many: Block[] }>['many']>().toEqualTypeOf<readonly ((x: Tensor) => Tensor)[]>();
    // @ts-expect-error a name that is no child
    block({ scale }, (m, x: Tensor) => add(x, m.missing));
    const tooFew = () =>
      // @ts-expect-error one input too few
      pair.apply({ 'a.scale': tensor([1]) }, tensor([1]));
    expect(tooFew).toThrow(/^a: add: a must be a Tensor but is undefined/);
  });
});
