import { readFileSync } from 'node:fs';
import * as exported from '@atrous/blocks';
import { compile, cpu, reference, type Tensor, type Tree, tensor } from '@atrous/core';
import { afterAll, describe, expect, it } from 'vitest';
import { catalogue } from '../catalogue/index.js';

const entries = catalogue.flatMap((family) => family.entries);
const titleOf = ({ name, variant }: (typeof entries)[number]) =>
  variant === undefined ? name : `${name} (${variant})`;

/** Exported functions that make no block. */
const others = new Set([
  'block',
  'asppRates',
  'describe',
  'foldWeightNorm',
  'hdcRates',
  'hdcVerdict',
  'initialize',
  'loadParameters',
  'tcnParameters',
]);

const leaves = (tree: Tree): readonly Tensor[] =>
  'dtype' in tree ? [tree as Tensor] : Object.values(tree).flatMap((child) => leaves(child as Tree));

const backend = cpu({ threads: 1 });
afterAll(async () => (await backend).dispose());

const json = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

describe('the catalogue', () => {
  it('has a row for every exported function that makes a block, and no other', () => {
    const functions = Object.entries(exported).flatMap(([name, value]) =>
      typeof value === 'function' && /^[a-z]/.test(name) && !others.has(name) ? [name] : [],
    );
    expect([...new Set(entries.map(({ name }) => name))].sort()).toEqual(functions.sort());
  });

  it('tells rows of one block apart', () => {
    const titles = entries.map(titleOf);
    expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
  });

  it('names golden cases that exist', () => {
    const cases = json('../../../internal/conformance/golden/cases.json').cases as {
      id: string;
      params: { module?: string };
    }[];
    const families = ['aspp', 'backbones', 'context', 'hdc', 'networks', 'sequence'].flatMap(
      (file) => json(`../../../internal/conformance/golden/blocks/${file}.json`).cases as { id: string }[],
    );
    const known = new Set([
      ...cases.flatMap(({ id, params }) => [id, params.module]),
      ...families.map(({ id }) => id),
    ]);
    for (const row of entries)
      if ('none' in row.golden) expect(row.golden.none).not.toBe('');
      else for (const id of row.golden) expect(known, `${titleOf(row)}: ${id}`).toContain(id);
  });
});

describe.each(entries.map((row) => [titleOf(row), row] as const))('%s', (_, { example, small }) => {
  it('has the outputs that its row states', () => {
    const { outputs } = exported.describe(example.make(), example.inputs);
    expect(outputs.map(({ shape }) => shape)).toEqual(example.outputs);
  });

  it('computes the same on reference and cpu', async () => {
    const block = small.make();
    const parameters = exported.initialize(block, { seed: 7 });
    const inputs = small.inputs.map((shape, k) =>
      tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (__, i) => Math.sin(i * 1.7 + k)),
        shape,
      ),
    );
    const run = async (on: Parameters<typeof compile>[2]) => {
      const program = await compile((xs: readonly Tensor[]) => block.apply(parameters, ...xs), inputs, on);
      return leaves(await program.run(inputs));
    };
    const want = await run({ backend: reference() });
    const got = await run({ backend: await backend });
    expect(want.map(({ shape }) => shape)).toEqual(small.outputs);
    expect(got.map(({ shape }) => shape)).toEqual(small.outputs);
    want.forEach((expected, k) => {
      const values = expected.dataSync();
      const scale = Math.max(...values.map(Math.abs));
      expect(scale).toBeGreaterThan(0);
      const actual = got[k]!.dataSync();
      for (let i = 0; i < values.length; i++)
        expect(Math.abs(actual[i]! - values[i]!)).toBeLessThanOrEqual(1e-4 * scale);
    });
  });
});
