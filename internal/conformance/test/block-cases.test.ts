import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, reference, type Tensor, tensor } from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { type BlockOutput, blockOf, expectOutput, family, samplePositions } from '../src/block-cases.js';
import { families } from '../src/families/index.js';
import { bits, formulaTensor, uniform } from '../src/formula.js';

describe('the formula gives the numbers of its twin in Python', () => {
  test('words', () => {
    expect([0, 1, 2, 3, 4].map(bits('sample'))).toEqual([
      425071599, 2913085046, 2051278108, 2796573415, 3453677333,
    ]);
    expect([99997, 99998, 99999].map(bits('convs.0.weight'))).toEqual([2658392012, 2566430171, 3238952200]);
  });

  test.each([
    ['x', [2, 3], [-0.177978992, 0.341579318, 0.747490644]],
    ['convs.0.weight', [2, 3, 3, 3], [0.306956768, 0.214602306, 0.108997501]],
    ['bn.weight', [4], [1.41286778, 0.542810619, 1.28738952]],
    ['bn.bias', [4], [0.212306291, 0.071629256, 0.0979451835]],
    ['bn.running_var', [4], [1.14510393, 1.09408808, 0.677904487]],
    ['bn.running_mean', [4], [0.182022482, 0.021370858, 0.169345558]],
    ['conv.weight_v', [2, 2, 2], [-0.2707977, 0.57577616, -0.218939468]],
  ] as const)('%s %j', (name, shape, last) => {
    const values = formulaTensor(name, shape).dataSync();
    expect([...values.slice(-3)]).toEqual(last.map(Math.fround));
  });
});

describe('golden cases of blocks', () => {
  const every = families.flatMap(({ cases }) => cases);

  test('have names of their own', () => {
    expect(new Set(every.map(({ id }) => id)).size).toBe(every.length);
  });

  test('are all run: every file of golden/blocks belongs to a family', () => {
    const folder = fileURLToPath(new URL('../golden/blocks', import.meta.url));
    const files = readdirSync(folder);
    expect(files.length).toBe(families.length);
    const bytes = files.reduce((sum, file) => sum + statSync(`${folder}/${file}`).size, 0);
    expect(bytes).toBeLessThan(2 ** 20);
  });

  test('show every block that a family names', () => {
    for (const { blocks, cases } of families)
      expect([...new Set(cases.map(({ block }) => block))].sort()).toEqual(Object.keys(blocks).sort());
  });
});

describe('a block that computes something else fails its case', () => {
  test.each([
    ['hdc_group_bottleneck_1259', { rates: [1, 2, 5, 8] }],
    ['hdc_stages_50_bigger', { schedule: 'rf' }],
    ['duc_4_rate_6', { rate: 5 }],
    ['context_1d', { rates: [1, 1, 2, 4, 8, 15, 1] }],
    ['drn_tail_c', { rates: [1, 2] }],
    ['esp_five', { residual: false }],
    ['wavenet_kernel_3', { rates: [1, 2, 4, 1, 2, 3] }],
    ['tcn_block', { rate: 3 }],
    ['meshnet_2d', { rates: [1, 2, 4, 8, 4, 2, 2] }],
  ])('%s with %j', async (id, change) => {
    const found = families.find(({ cases }) => cases.some((blockCase) => blockCase.id === id))!;
    const blockCase = found.cases.find((one) => one.id === id)!;
    const resultOf = async (config: object) => {
      const { block, parameters } = blockOf(found, { ...blockCase, config });
      const inputs = Object.entries(blockCase.inputs).map(([name, shape]) => formulaTensor(name, shape));
      const program = await compile(
        (given: readonly Tensor[]) => block.apply(parameters, ...given) as Tensor,
        inputs,
        { backend: reference() },
      );
      return program.run(inputs);
    };
    const config = blockCase.config as object;
    const want = blockCase.outputs.output!;
    expectOutput(id, await resultOf(config), want);
    const changed = await resultOf({ ...config, ...change });
    expect(() => expectOutput(id, changed, want)).toThrow(/times the tolerance/);
  });
});

describe('what is wrong is said', () => {
  const count = 1000;
  const u = uniform('projection');
  const right = Float32Array.from({ length: count }, (_, i) => Math.sin(i));
  const want: BlockOutput = {
    shape: [1, count],
    samples: samplePositions(count).map((i) => right[i]!),
    projection: right.reduce((sum, value, i) => sum + u(i) * value, 0),
    absSum: right.reduce((sum, value) => sum + Math.abs(value), 0),
    atol: 1e-5,
    rtol: 1e-5,
  };
  const changed = (change: (values: Float32Array) => void) => {
    const values = right.slice();
    change(values);
    return tensor(values, [1, count]);
  };

  test('values as stored pass, and so does what lies within the tolerance', () => {
    expectOutput('case', tensor(right, [1, count]), want);
    expectOutput(
      'case',
      changed((values) => {
        values[3]! += 5e-6;
      }),
      want,
    );
  });

  test('a sample, an element that is no sample, two that changed places, the shape', () => {
    const [sampled] = samplePositions(count) as [number];
    const hidden = Array.from({ length: count }, (_, i) => i).filter(
      (i) => !samplePositions(count).includes(i),
    );
    const [a, b] = [hidden[0]!, hidden.find((i) => Math.abs(right[i]! - right[hidden[0]!]!) > 1)!];
    const off = (change: (values: Float32Array) => void) => () => expectOutput('case', changed(change), want);
    expect(
      off((values) => {
        values[sampled]! += 1;
      }),
    ).toThrow(/^case: the error is .* times the tolerance/);
    expect(
      off((values) => {
        values[a]! += 1;
      }),
    ).toThrow(/the stored samples agree, but the weighted sum of all 1000 elements is/);
    expect(
      off((values) => {
        [values[a], values[b]] = [values[b]!, values[a]!];
      }),
    ).toThrow(/the stored samples agree, but the weighted sum/);
    expect(
      off((values) => {
        values[a] = Number.NaN;
      }),
    ).toThrow(/weighted sum of all 1000 elements is NaN/);
    expect(() => expectOutput('case', tensor(right, [count, 1]), want)).toThrow(
      /got float32 \[1000,1\], expected float32 \[1,1000\]/,
    );
  });

  test('parameters that are not those of PyTorch', () => {
    const [first] = families;
    const [blockCase] = first!.cases;
    expect(() => blockOf(first!, { ...blockCase!, parameters: 1 })).toThrow(
      new RegExp(`^${blockCase!.id}: the block has other parameters than PyTorch's module`),
    );
  });

  test('a file of another format, and a case whose block is not there', () => {
    expect(() => family({ format: 'other', cases: [] }, {})).toThrow(/format "other", expected/);
    const [{ cases }] = families as [(typeof families)[number]];
    expect(() => family({ format: 'atrous-block-golden/1', cases }, {})).toThrow(/which is none of/);
  });
});
