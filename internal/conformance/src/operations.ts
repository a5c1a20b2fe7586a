/**
 * Op cases as data, compared with the reference backend: what golden data leave out. Every op, dtype, border and shape
 * that the graph allows has a case here.
 */

import type { Tensor } from '@atrous/core';
import * as atrous from '@atrous/core';
import { makeInput, type OperationCase } from './operations/case.js';
import { channelCases } from './operations/channels.js';
import { convolutionCases } from './operations/conv.js';
import { graphCases } from './operations/graph.js';
import { layoutCases } from './operations/layout.js';
import { pointwiseCases } from './operations/pointwise.js';
import { poolingAndResizeCases } from './operations/pool.js';
import { reductionCases } from './operations/reduce.js';
import { transposedCases } from './operations/transposed.js';
import { type ConformanceOptions, expectClose, lazily, runOrSkip, Tally } from './suite.js';

/** All op cases. */
export const operationCases: readonly OperationCase[] = [
  ...pointwiseCases(),
  ...layoutCases(),
  ...channelCases(),
  ...reductionCases(),
  ...poolingAndResizeCases(),
  ...convolutionCases(),
  ...transposedCases(),
  ...graphCases(),
];

/** Registers a test for every op case: the backend must give what `reference()` gives. */
export function operationConformance(options: ConformanceOptions): void {
  const { name, framework } = options;
  framework.describe(`${name}: op cases`, () => {
    const backend = lazily(options.createBackend);
    const tally = new Tally();
    for (const operation of operationCases)
      framework.test(`${name}: ${operation.name}`, () =>
        tally.count(operation.name, async () => runOperation(operation, await backend.get(), options)),
      );
    framework.afterAll(async () => {
      framework.report(tally.summary(name, 'op'));
      await backend.dispose();
    });
  });
}

async function runOperation(
  operation: OperationCase,
  backend: atrous.Backend,
  options: ConformanceOptions,
): Promise<string | undefined> {
  const all = operation.inputs.map(makeInput);
  const isInput = (i: number) => !operation.inputs[i]!.constant;
  const apply = (given: readonly Tensor[]) => {
    const rest = given.values();
    return [operation.apply(all.map((tensor, i) => (isInput(i) ? rest.next().value! : tensor)))].flat();
  };
  const inputs = all.filter((_, i) => isInput(i));
  const got = await runOrSkip(backend, apply, inputs, options);
  if (typeof got === 'string') return got;
  const want = await runOrSkip(atrous.reference(), apply, inputs, {});
  const { tolerance = 1e-5, sumLength = 1 } = operation;
  const allowed = tolerance * (options.tolerance?.(sumLength) ?? 1);
  for (const [i, expected] of (want as Tensor[]).entries())
    expectClose(operation.name, got[i]!, expected, allowed, allowed);
  return undefined;
}
