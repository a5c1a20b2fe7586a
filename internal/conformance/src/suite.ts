/** Runs every case on a backend, within any test framework. */
import { type Backend, compile, isTensor, type Tensor, type Tree, UnsupportedError } from '@atrous/core';
import { type BlockCase, blockOf, expectOutput, type Family, widestSum } from './block-cases.js';
import { families } from './families/index.js';
import { formulaTensor } from './formula.js';
import { errorRatio, type GoldenCase, type GoldenSuite } from './golden.js';
import { moduleFunction } from './modules.js';
import { operators } from './operators.js';

/** The test framework, reduced to what the suite needs. */
export interface TestFramework {
  describe(title: string, body: () => void): void;
  /** Runs a test; a returned text means "skipped" and says why. */
  test(title: string, body: () => Promise<string | undefined>): void;
  /** Runs after all tests of the surrounding describe. */
  afterAll(body: () => Promise<void>): void;
  /** Tells a person the result. */
  report(line: string): void;
}

export interface ConformanceOptions {
  /** Stands in every test title. */
  readonly name: string;
  readonly createBackend: () => Promise<Backend>;
  readonly framework: TestFramework;
  /**
   * Multiplies the tolerance stored in a case; default 1. Backends that add in float32 need more for long sums.
   *
   * @param sumLength products that one output adds up
   */
  readonly tolerance?: (sumLength: number) => number;
  /**
   * What to do when the backend says that it does not support a case: `'fail'` (default), or `'skip'` with the reason
   * shown.
   */
  readonly unsupported?: 'fail' | 'skip';
}

/** Inputs that vary from run to run; every other tensor of a golden case is a constant, as weights are. */
const isRuntimeInput = (name: string) => /^(input\d*|residual|low|high)$/.test(name);

/** Counts results and prints them as one line per suite. */
export class Tally {
  passed = 0;
  failed = 0;
  readonly skipped: string[] = [];

  async count(title: string, body: () => Promise<string | undefined>): Promise<string | undefined> {
    try {
      const skipped = await body();
      if (skipped === undefined) this.passed++;
      else this.skipped.push(title);
      return skipped;
    } catch (error) {
      this.failed++;
      throw error;
    }
  }

  summary(name: string, kind: string): string {
    const skipped =
      this.skipped.length === 0 ? '' : `, ${this.skipped.length} skipped (${this.skipped.join(', ')})`;
    return `conformance: ${name}: ${this.passed} ${kind} cases passed, ${this.failed} failed${skipped}`;
  }
}

/**
 * Registers a test for every forward case of a golden suite, and for every golden case of blocks, which this package
 * has of its own.
 *
 * ```ts
 * goldenConformance(await openFolder(), { name: 'mine', createBackend: () => mine(), framework: vitestFramework });
 * ```
 */
export function goldenConformance(suite: GoldenSuite, options: ConformanceOptions): void {
  const { name, framework } = options;
  framework.describe(`${name}: golden cases of '${suite.name}'`, () => {
    const backend = lazily(options.createBackend);
    const tally = new Tally();
    for (const goldenCase of suite.cases.filter(({ op }) => !op.endsWith('_grad'))) {
      const title = `${name}: ${goldenCase.op} ${goldenCase.id}${goldenCase.note === undefined ? '' : ` (${goldenCase.note})`}`;
      framework.test(title, () =>
        tally.count(goldenCase.id, async () => runGolden(suite, goldenCase, await backend.get(), options)),
      );
    }
    framework.afterAll(async () => {
      framework.report(tally.summary(name, 'golden'));
      await backend.dispose();
    });
  });
  blockConformance(options);
}

/** Registers a test for every golden case of blocks. */
export function blockConformance(options: ConformanceOptions): void {
  const { name, framework } = options;
  framework.describe(`${name}: golden cases of blocks`, () => {
    const backend = lazily(options.createBackend);
    const tally = new Tally();
    for (const family of families)
      for (const blockCase of family.cases)
        framework.test(`${name}: block ${blockCase.id}`, () =>
          tally.count(blockCase.id, async () => runBlock(family, blockCase, await backend.get(), options)),
        );
    framework.afterAll(async () => {
      framework.report(tally.summary(name, 'block'));
      await backend.dispose();
    });
  });
}

async function runBlock(
  family: Family,
  blockCase: BlockCase,
  backend: Backend,
  options: ConformanceOptions,
): Promise<string | undefined> {
  const { block, parameters } = blockOf(family, blockCase);
  const inputs = Object.entries(blockCase.inputs).map(([name, shape]) => formulaTensor(name, shape));
  const result = await runOrSkip(
    backend,
    (given: readonly Tensor[]) => block.apply(parameters, ...given),
    inputs,
    options,
  );
  if (typeof result === 'string') return result;
  const outputs: Readonly<Record<string, Tensor>> = isTensor(result) ? { output: result } : result;
  const factor = options.tolerance?.(widestSum(block.parameters)) ?? 1;
  for (const [name, want] of Object.entries(blockCase.outputs)) {
    const got = outputs[name];
    if (got === undefined)
      throw new Error(`${blockCase.id}: no output '${name}' among ${Object.keys(outputs).join(', ')}`);
    expectOutput(`${blockCase.id} ${name}`, got, want, factor);
  }
  return undefined;
}

/** One backend for many tests, started by the first. */
export function lazily(create: () => Promise<Backend>): {
  get(): Promise<Backend>;
  dispose(): Promise<void>;
} {
  let backend: Promise<Backend> | undefined;
  return {
    get() {
      backend ??= create();
      return backend;
    },
    async dispose() {
      await (await backend)?.dispose();
    },
  };
}

async function runGolden(
  suite: GoldenSuite,
  goldenCase: GoldenCase,
  backend: Backend,
  options: ConformanceOptions,
): Promise<string | undefined> {
  const apply = await functionOf(suite, goldenCase);
  if (apply === undefined) return `no block for ${String(goldenCase.params.module ?? goldenCase.op)} yet`;
  const given = Object.entries(suite.tensors(goldenCase, 'input'));
  const constants = Object.fromEntries(given.filter(([name]) => !isRuntimeInput(name)));
  const inputs = Object.fromEntries(given.filter(([name]) => isRuntimeInput(name)));
  const result = await runOrSkip(backend, (values) => apply({ ...constants, ...values }), inputs, options);
  if (typeof result === 'string') return result;
  const [want] = Object.values(suite.tensors(goldenCase, 'output'));
  const { rtol = goldenCase.rtol, atol = goldenCase.atol } = goldenCase.tensors.find(
    ({ role }) => role === 'output',
  )!;
  const factor = options.tolerance?.(sumLengthOf(suite, goldenCase)) ?? 1;
  expectClose(goldenCase.id, result, want!, atol * factor, rtol * factor);
  return undefined;
}

async function functionOf(
  suite: GoldenSuite,
  goldenCase: GoldenCase,
): Promise<((inputs: Record<string, Tensor>) => Tensor) | undefined> {
  if (goldenCase.op !== 'module') {
    const operator = operators[goldenCase.op];
    return operator && ((inputs) => operator(inputs, goldenCase.params));
  }
  const { module, config } = goldenCase.params;
  return moduleFunction(module as string, config, await suite.weights(goldenCase));
}

/** Products that one output adds up: from the largest weight of the case. */
function sumLengthOf(suite: GoldenSuite, goldenCase: GoldenCase): number {
  const { weight, input } = suite.tensors(goldenCase, 'input');
  const of = (t: Tensor | undefined) => t?.shape.slice(1).reduce((a, b) => a * b, 1) ?? 1;
  return goldenCase.op.startsWith('conv') ? of(weight) : of(input);
}

/** Compiles and runs a function of tensors; a text if the backend refuses and that may be skipped. */
export async function runOrSkip<I extends Tree, O extends Tree>(
  backend: Backend,
  apply: (inputs: I) => O,
  inputs: I,
  { unsupported = 'fail' }: Pick<ConformanceOptions, 'unsupported'>,
): Promise<O | string> {
  try {
    const program = await compile(apply, inputs, { backend });
    try {
      return await program.run(inputs);
    } finally {
      program.dispose();
    }
  } catch (error) {
    if (unsupported === 'skip' && error instanceof UnsupportedError) return error.message;
    throw error;
  }
}

/** Throws unless a result has the wanted shape, dtype and values. */
export function expectClose(title: string, got: Tensor, want: Tensor, atol: number, rtol: number): void {
  if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join())
    throw new Error(`${title}: got ${got.dtype} [${got.shape}], expected ${want.dtype} [${want.shape}]`);
  const ratio = errorRatio(got.dataSync(), want.dataSync(), atol, rtol);
  if (!(ratio <= 1))
    throw new Error(
      `${title}: the error is ${ratio.toPrecision(3)} times the tolerance (atol ${atol}, rtol ${rtol})`,
    );
}
