import { type Backend, compile, cpu, evaluate, reference, type Tensor } from '@atrous/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Value } from '../src/operator.js';
import { type Cases, folder, hasData, type RunnableCase, readCases } from './onnx-data.js';
import { document } from './operators-document.js';

/**
 * Cases whose outputs this does not give, and why. Each is checked to differ, so that none stays here by mistake.
 */
const disputed: Readonly<Record<string, string>> = {
  'node/test_resize_downsample_scales_linear_align_corners':
    'expects align_corners to stretch to input · scale = 2.4 samples; the operator’s text says the length of the result, as PyTorch and onnxruntime compute it',
};

const none: Cases = { runnable: [], skipped: [], foreign: new Map() };
const cases = hasData ? await readCases() : none;
const reason = hasData ? '' : ` (needs ${folder}: apt install libonnx-testdata)`;

async function run({ model, given, placeholders }: RunnableCase, backend: Backend): Promise<Tensor[]> {
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => !placeholders.includes(name)));
  const open = Object.fromEntries(placeholders.map((name) => [name, given[name]!]));
  if (placeholders.length === 0) {
    const results = model(known);
    await evaluate(results, { backend });
    return Object.values(results);
  }
  const program = await compile((inputs: typeof open) => model({ ...known, ...inputs }), open, { backend });
  const results = await program.run(open);
  program.dispose();
  return Object.values(results);
}

/** Within 1e-5 of the largest value and within ONNX's own bounds; half floats within their last bit. */
function differences(result: Tensor, { tensor, type }: Value): string[] {
  expect(result.shape).toEqual(tensor.shape);
  expect(result.dtype).toBe(tensor.dtype);
  const got = result.dataSync();
  const want = tensor.dataSync();
  const largest = Array.from(want).reduce(
    (most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
    0,
  );
  const found: string[] = [];
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!);
    const near = 1e-7 + 1e-3 * Math.abs(want[i]!);
    const within = type === 'float16' ? near : Math.min(near, 1e-5 * largest);
    if (!Object.is(got[i], want[i]) && got[i] !== want[i] && !(error <= within))
      found.push(`element ${i} is ${got[i]} but must be ${want[i]}`);
  }
  return found;
}

describe.skipIf(!hasData)(`ONNX's own test data${reason}`, () => {
  let backends: readonly Backend[] = [];
  beforeAll(async () => {
    backends = [reference(), await cpu()];
  });
  afterAll(async () => {
    for (const backend of backends) await backend.dispose();
  });

  test.each(cases.runnable.map((each) => [each.name, each] as const))('%s', async (name, each) => {
    for (const backend of backends) {
      const results = await run(each, backend);
      const found = results.flatMap((result, i) => differences(result, each.expected[i]!));
      if (Object.hasOwn(disputed, name)) expect(found).not.toEqual([]);
      else expect(found, backend.name).toEqual([]);
    }
  });

  for (const { name, reason: why } of cases.skipped) test.skip(`${name}: ${why}`, () => {});

  test('there are as many cases as there were', () => {
    expect(cases.runnable.length).toBeGreaterThan(680);
  });

  test('docs/onnx-operators.md says what is supported; `npx vitest run --project onnx operators -u` writes it', async () => {
    await expect(document(cases, disputed)).toMatchFileSnapshot('../../../docs/onnx-operators.md');
  });
});
