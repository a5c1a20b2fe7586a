import * as atrous from '@atrous/core';
import {
  add,
  conv2d,
  type Graph,
  input,
  mul,
  reference,
  relu,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { fuse, isComputed } from '@atrous/core/backend';
import { describe, expect, test } from 'vitest';
import { fromFloats, toFloats } from '../src/dtype.js';
import { maxArrays, type Recipe, signatureOf } from '../src/kernel.js';
import { lower } from '../src/lower.js';
import { expectNear, noise } from './behaviour.js';
import { emulate } from './emulate.js';

const w = (shape: readonly number[], seed = 3) =>
  tensor(
    noise(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );

/** The recipes of a function's nodes, fused, in order. */
function recipesOf(
  fn: (...xs: Tensor[]) => Tensor,
  ...examples: Tensor[]
): { graph: Graph; recipes: Recipe[] } {
  const graph = fuse(trace((xs: Tensor[]) => fn(...xs), examples).graph);
  const recipes = graph.nodes.filter(isComputed).map((node) => lower(node, graph));
  return { graph, recipes };
}

const only = (fn: (...xs: Tensor[]) => Tensor, ...examples: Tensor[]): Recipe => {
  const { recipes } = recipesOf(fn, ...examples);
  expect(recipes).toHaveLength(1);
  return recipes[0]!;
};

const textOf = ({ launches }: Recipe): string => launches.map(({ kernel }) => kernel.source).join('\n');
const x = (...shape: number[]) => input(shape);

describe('the text of a convolution', () => {
  const taps = (source: string) => source.match(/v \+= /g)?.length;

  test('has a term per tap and one loop over the channels, bounded by an argument', () => {
    const [launch] = only((a) => conv2d(a, w([4, 8, 3, 3]), { padding: 'same' }), x(1, 8, 9, 9)).launches;
    expect(taps(launch!.kernel.source)).toBe(9);
    expect(launch!.kernel.source.match(/for \(/g)).toHaveLength(1);
    expect(launch!.kernel.source).toContain('c < channels');
    expect(launch!.scalars).toEqual([8]);
  });

  test('leaves out taps that no output can use', () => {
    const rate = (dilation: number) =>
      textOf(only((a) => conv2d(a, w([1, 1, 3, 3]), { padding: dilation, dilation }), x(1, 1, 33, 33)));
    expect(taps(rate(32))).toBe(9);
    expect(taps(rate(33))).toBe(1);
    expect(taps(rate(36))).toBe(1);
  });

  test('asks only where a tap can lie outside', () => {
    const text = textOf(only((a) => conv2d(a, w([1, 1, 3, 3])), x(1, 1, 9, 9)));
    expect(text).not.toMatch(/if|\?/);
    const padded = textOf(only((a) => conv2d(a, w([1, 1, 1, 3]), { padding: [0, [1, 0]] }), x(1, 1, 9, 9)));
    expect(padded.match(/ \? /g)).toHaveLength(1);
    expect(padded).toContain('w0At >= 0');
    expect(padded).not.toContain('w0At < ');
  });

  test('is the same for other weights, and another for another geometry', () => {
    const kernel = (seed: number, dilation: number) =>
      signatureOf(
        only((a) => conv2d(a, w([2, 3, 3, 3], seed), { dilation }), x(1, 3, 9, 9)).launches[0]!.kernel,
      );
    expect(kernel(1, 2)).toBe(kernel(2, 2));
    expect(kernel(1, 2)).not.toBe(kernel(1, 3));
  });

  test('is a loop over taps when there are many', () => {
    const recipe = only((a) => conv2d(a, w([1, 2, 9, 9]), { padding: 4 }), x(1, 2, 9, 9));
    expect(recipe.algorithm).toBe('looped');
    expect(textOf(recipe).length).toBeLessThan(1500);
  });

  test('ends with its epilogue, and operands beyond the limit go to further kernels', () => {
    const fused = only((a) => relu(add(conv2d(a, w([2, 3, 1, 1])), w([1, 2, 1, 1]))), x(1, 3, 4, 4));
    expect(fused.launches).toHaveLength(1);
    expect(fused.launches[0]!.operands).toEqual([{ input: 0 }, { input: 1 }, { input: 2 }]);
    const long = only(
      (a, ...more) => more.reduce((y, b) => mul(add(y, b), 0.5), conv2d(a, w([3, 3, 1, 1]))),
      ...Array.from({ length: 9 }, () => x(1, 3, 4, 4)),
    );
    expect(long.launches.length).toBeGreaterThan(1);
    for (const { operands } of long.launches) expect(operands.length).toBeLessThanOrEqual(maxArrays);
  });
});

describe('the text of a layout op', () => {
  const gathered = (fn: (a: Tensor) => Tensor, ...shape: number[]) => only(fn, x(...shape)).launches[0]!;

  test('is linear where the op is', () => {
    const cut = gathered(
      (a) => atrous.slice(a, { start: [0, 1, 2], end: [2, 3, 9], step: [1, 1, 3] }),
      2,
      3,
      9,
    );
    expect(cut.operands).toHaveLength(1);
    expect(cut.kernel.source).toBe(
      'function (x) {\nreturn x[this.thread.z][this.thread.y + 1][this.thread.x * 3 + 2];\n}',
    );
    const turned = gathered((a) => atrous.transpose(a, [2, 0, 1]), 2, 3, 4);
    expect(turned.kernel.source).toContain('x[this.thread.y][this.thread.x][this.thread.z]');
  });

  test('reads a table where the op is not linear', () => {
    const reflected = gathered(
      (a) =>
        atrous.pad(
          a,
          [
            [0, 0],
            [2, 2],
          ],
          { mode: 'reflect' },
        ),
      3,
      4,
    );
    expect(reflected.operands[1]).toEqual({ table: Float32Array.of(2, 1, 0, 1, 2, 3, 2, 1) });
  });

  test('asks once per side whether a padded position lies inside', () => {
    const padded = gathered(
      (a) =>
        atrous.pad(a, [
          [0, 0],
          [1, 2],
        ]),
      3,
      4,
    );
    expect(padded.kernel.source).toContain('if (this.thread.x >= 1 && this.thread.x < 5)');
    expect(padded.operands).toHaveLength(1);
  });
});

describe('four channels per thread', () => {
  const recipe = (channels: number, groups: number, perGroup = 8) => {
    const fn = (a: Tensor) => relu(conv2d(a, w([channels, perGroup, 3, 3]), { groups, padding: 'same' }));
    const graph = fuse(trace(fn, input([2, perGroup * groups, 5, 4])).graph);
    const node = graph.nodes.find(isComputed)!;
    return { graph, node, ...lower(node, graph, true) };
  };

  test('are computed where groups have multiples of four and the sums are long', () => {
    expect(recipe(8, 2).launches.map(({ kernel }) => kernel.components)).toEqual([4, 1]);
    expect(recipe(6, 2).launches.map(({ kernel }) => kernel.components)).toEqual([1]);
    expect(recipe(8, 8, 1).launches.map(({ kernel }) => kernel.components)).toEqual([1]);
  });

  test('read x once for all four, and are sorted before the epilogue', () => {
    const [sums, sorted] = recipe(8, 2).launches.map(({ kernel }) => kernel.source);
    expect(sums!.match(/ = x\[/g)).toHaveLength(9);
    expect(sums!.match(/v\d \+= /g)).toHaveLength(36);
    expect(sorted).toContain('if (v < 0) { v = 0; }');
  });

  test('give what the reference gives', async () => {
    const { graph, node, launches } = recipe(8, 2);
    const given = noise(2 * 16 * 5 * 4);
    const inputs = node.inputs.map((i) => {
      const source = graph.nodes[i]!;
      return source.kind === 'constant' ? (source.value.data as Float32Array) : given;
    });
    const [want] = await (await reference().compile(graph)).run([given]);
    const got = emulate(launches, inputs);
    expectNear(
      got,
      want!.map((v) => Math.max(v, 0)),
      1e-5,
    );
  });
});

test('a concatenation of many parts takes several kernels', () => {
  const recipe = only((...xs) => atrous.concat(xs, 1), ...Array.from({ length: 15 }, () => x(1, 2, 3)));
  expect(recipe.launches).toHaveLength(3);
  for (const { operands } of recipe.launches) expect(operands.length).toBeLessThanOrEqual(maxArrays);
});

test('long reductions run in stages', () => {
  const recipe = only((a) => atrous.sum(a, [2, 3]), x(1, 2, 100, 100));
  expect(recipe.launches.map(({ kernel }) => kernel.output)).toEqual([
    [1, 2, 157],
    [1, 2, 3],
    [1, 2, 1],
  ]);
});

describe('texts run as JavaScript give what the reference gives', () => {
  const cases: Record<string, readonly [fn: (...xs: Tensor[]) => Tensor, ...shapes: number[][]]> = {
    'a convolution with stride, dilation and groups': [
      (a) =>
        conv2d(a, w([4, 2, 3, 2]), { stride: [2, 1], dilation: [1, 3], groups: 2, padding: [[1, 0], 2] }),
      [2, 4, 7, 8],
    ],
    'a transposed convolution': [
      (a) => atrous.convTranspose2d(a, w([4, 3, 3, 2]), { stride: 2, dilation: [1, 2], padding: 1 }),
      [2, 4, 3, 4],
    ],
    'a large kernel': [(a) => conv2d(a, w([1, 2, 9, 8]), { padding: 5, stride: 2 }), [1, 2, 7, 9]],
    'a depthwise convolution': [
      (a) => atrous.depthwiseConv2d(a, w([6, 1, 3, 3]), { padding: 'same' }),
      [1, 3, 5, 4],
    ],
    'pooling with dilation': [
      (a) => atrous.maxPool2d(a, 3, { stride: 2, padding: 1, dilation: [1, 2] }),
      [1, 2, 8, 7],
    ],
    'adaptive pooling': [(a) => atrous.adaptiveAvgPool(a, [3, 5]), [1, 2, 8, 7]],
    'linear resizing': [(a) => atrous.interpolate(a, { size: [7, 3], mode: 'bilinear' }), [1, 2, 4, 5]],
    'batch to space': [(a) => atrous.batchToSpace(a, [2, 2]), [8, 2, 3, 2]],
    'a softmax of a middle axis': [(a) => atrous.softmax(a, 1), [2, 5, 3, 4]],
    'a softmax of the last axis': [(a) => atrous.softmax(a, -1), [2, 5, 7]],
    'a sum over several axes': [(a) => atrous.sum(a, [0, 2]), [3, 4, 70, 2]],
    'a norm of groups': [(a) => atrous.groupNorm(a, 2), [2, 4, 5, 3]],
    'a concatenation along the last axis': [(...xs) => atrous.concat(xs, 2), [2, 3, 4], [2, 3, 1], [2, 3, 5]],
  };

  test.each(Object.entries(cases))('%s', async (_, [fn, ...shapes]) => {
    const examples = shapes.map((shape) => input(shape));
    const given = shapes.map((shape, i) =>
      noise(
        shape.reduce((a, b) => a * b, 1),
        i + 1,
      ),
    );
    const { graph } = trace((xs: Tensor[]) => fn(...xs), examples);
    const fused = fuse(graph);
    const values = new Map<number, Float32Array>();
    fused.nodes.forEach((node, index) => {
      const read = () => node.inputs.map((i) => values.get(i)!);
      if (node.kind === 'input') values.set(index, given[fused.inputs.indexOf(index)]!);
      else if (node.kind === 'constant') values.set(index, node.value.data as Float32Array);
      else if (node.kind === 'reshape') values.set(index, read()[0]!);
      else values.set(index, emulate(lower(node, fused).launches, read()));
    });
    const [want] = await (await reference().compile(graph)).run(given);
    expectNear(values.get(fused.outputs[0]!)!, want!, 1e-5);
  });
});

describe('int32 in two planes', () => {
  const edge = Int32Array.of(
    0,
    1,
    -1,
    65535,
    65536,
    -65536,
    -65537,
    2 ** 31 - 1,
    -(2 ** 31),
    46341,
    -46341,
    255,
  );
  const a = Int32Array.from({ length: 144 }, (_, i) => edge[Math.floor(i / 12)]!);
  const b = Int32Array.from({ length: 144 }, (_, i) => edge[i % 12]!);

  test('keeps every value', () => {
    const back = new Int32Array(12);
    fromFloats(toFloats(edge) as Float32Array, back);
    expect(back).toEqual(edge);
  });

  test.each(
    Object.entries({
      add,
      sub: atrous.sub,
      mul,
      div: atrous.div,
      minimum: atrous.minimum,
      maximum: atrous.maximum,
    }),
  )('%s of every pair of edges', async (_, fn) => {
    const { graph } = trace(
      ([p, q]: [Tensor, Tensor]) => fn(p, q),
      [input([144], 'int32'), input([144], 'int32')],
    );
    const node = fuse(graph).nodes.find(isComputed)!;
    const [want] = await (await reference().compile(graph)).run([a, b]);
    const got = new Int32Array(144);
    fromFloats(emulate(lower(node, fuse(graph)).launches, [toFloats(a), toFloats(b)]), got);
    expect(got).toEqual(want);
  });
});
