/** The catalogue of blocks on any backend, compared with the reference. */
import { initialize } from '@atrous/blocks';
import { isTensor, reference, type Tensor, type Tree } from '@atrous/core';
import { type CatalogueEntry, catalogue } from '../../../packages/blocks/catalogue/index.js';
import { widestSum } from './block-cases.js';
import { formulaTensor } from './formula.js';
import { type ConformanceOptions, expectClose, lazily, runOrSkip, Tally } from './suite.js';

/**
 * Registers a test for every block of the catalogue in its small form, with seeded weights: the backend must give what
 * `reference()` gives.
 */
export function catalogueConformance(options: ConformanceOptions): void {
  const { name, framework } = options;
  framework.describe(`${name}: blocks of the catalogue`, () => {
    const backend = lazily(options.createBackend);
    const tally = new Tally();
    for (const entry of catalogue.flatMap(({ entries }) => entries)) {
      const title = entry.variant === undefined ? entry.name : `${entry.name} (${entry.variant})`;
      framework.test(`${name}: ${title}`, () =>
        tally.count(title, async () => runEntry(title, entry, await backend.get(), options)),
      );
    }
    framework.afterAll(async () => {
      framework.report(tally.summary(name, 'catalogue'));
      await backend.dispose();
    });
  });
}

async function runEntry(
  title: string,
  { small }: CatalogueEntry,
  backend: Awaited<ReturnType<ConformanceOptions['createBackend']>>,
  options: ConformanceOptions,
): Promise<string | undefined> {
  const block = small.make();
  const parameters = initialize(block, { seed: 1 });
  const inputs = small.inputs.map((shape, i) => formulaTensor(`input${i}`, shape));
  const apply = (given: readonly Tensor[]) => leavesOf(block.apply(parameters, ...given));
  const got = await runOrSkip(backend, apply, inputs, options);
  if (typeof got === 'string') return got;
  const want = (await runOrSkip(reference(), apply, inputs, {})) as readonly Tensor[];
  const factor = options.tolerance?.(widestSum(block.parameters)) ?? 1;
  want.forEach((expected, i) => {
    if (expected.shape.join() !== small.outputs[i]?.join())
      throw new Error(
        `${title}: output ${i} is [${expected.shape}], the catalogue says [${small.outputs[i]}]`,
      );
    // weights of many layers grow values: the tolerance follows the largest
    let largest = 1;
    for (const value of expected.dataSync()) largest = Math.max(largest, Math.abs(value));
    expectClose(`${title}, output ${i}`, got[i]!, expected, 1e-5 * factor * largest, 1e-5 * factor);
  });
  return undefined;
}

const leavesOf = (tree: Tree): readonly Tensor[] =>
  isTensor(tree) ? [tree] : Object.values(tree).flatMap((child) => leavesOf(child as Tree));
