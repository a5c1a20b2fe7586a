/** ONNX's own test data: models with inputs and the outputs that they must give. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AtrousError, input, type Tensor, UnsupportedError } from '@atrous/core';
import type { Model } from '@atrous/core/model';
import { fromBinary } from '@bufbuild/protobuf';
import { problemsOf, unsupported } from '../src/evaluate.js';
import { ExternalData } from '../src/external.js';
import { inspect, operators } from '../src/index.js';
import type { Value } from '../src/operator.js';
import { TensorProtoSchema } from '../src/schema/onnx_pb.js';
import { readTensor } from '../src/tensor.js';

/** Where Debian's libonnx-testdata puts it. */
export const folder = process.env.ONNX_TESTDATA ?? '/usr/share/libonnx-testdata/data';
export const hasData = existsSync(folder);

/** `real` holds no models but addresses of them. */
const groups = ['node', 'simple', 'pytorch-operator', 'pytorch-converted'];

interface Named {
  readonly name: string;
  /** The operators that the model uses. */
  readonly operators: readonly string[];
}

export interface RunnableCase extends Named {
  readonly model: Model;
  readonly given: Readonly<Record<string, Tensor>>;
  /** The inputs whose values need not be known to trace the model. */
  readonly placeholders: readonly string[];
  readonly expected: readonly Value[];
}

export interface SkippedCase extends Named {
  readonly reason: string;
}

export interface Cases {
  readonly runnable: readonly RunnableCase[];
  /** Models of supported operators that use what is not supported. */
  readonly skipped: readonly SkippedCase[];
  /** Operators that occur and are not in the table, with how many cases. */
  readonly foreign: ReadonlyMap<string, number>;
}

/** Reads and traces every case. */
export async function readCases(): Promise<Cases> {
  const runnable: RunnableCase[] = [];
  const skipped: SkippedCase[] = [];
  const foreign = new Map<string, number>();
  const nothing = await ExternalData.open([], undefined, {});
  const read = (file: string) => readTensor(fromBinary(TensorProtoSchema, readFileSync(file)), nothing);
  for (const group of groups)
    for (const name of readdirSync(join(folder, group)).sort()) {
      const at = join(folder, group, name);
      const { model, problems, inputs, outputs, operators: used } = await inspect(join(at, 'model.onnx'));
      const own = { name: `${group}/${name}`, operators: Object.keys(used) };
      const unknown = own.operators.filter((each) => !Object.hasOwn(operators, each));
      for (const each of unknown) foreign.set(each, (foreign.get(each) ?? 0) + 1);
      if (unknown.length > 0) continue;
      try {
        if (model === undefined) throw unsupported(problems);
        const file = (kind: string, i: number) => join(at, 'test_data_set_0', `${kind}_${i}.pb`);
        const given = Object.fromEntries(
          inputs.map((value, i) => [value.name, read(file('input', i)).tensor]),
        );
        const expected = outputs.map((_, i) => read(file('output', i)));
        runnable.push({ ...own, model, given, expected, placeholders: placeholdersFor(model, given) });
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw withName(error, own.name);
        skipped.push({ ...own, reason: reasonOf(error) });
      }
    }
  return { runnable, skipped, foreign };
}

/**
 * As many of the inputs as can be unknown: all, the first, or none. Shapes, scales and indices must be known, and the
 * data has them as inputs.
 */
function placeholdersFor(model: Model, given: Readonly<Record<string, Tensor>>): readonly string[] {
  const names = Object.keys(given);
  for (const placeholders of [names, names.slice(0, 1)])
    try {
      model(withPlaceholders(given, placeholders));
      return placeholders;
    } catch (error) {
      if (!(error instanceof UnsupportedError && unknownValue.test(error.message))) throw error;
    }
  model(given);
  return [];
}

const withPlaceholders = (given: Readonly<Record<string, Tensor>>, placeholders: readonly string[]) =>
  Object.fromEntries(
    Object.entries(given).map(([name, tensor]) => [
      name,
      placeholders.includes(name) ? input(tensor.shape, tensor.dtype, name) : tensor,
    ]),
  );

const withName = (error: unknown, name: string) =>
  error instanceof AtrousError ? error.within(name) : error;

/** What loading and tracing say where a shape or the like depends on an input. */
const unknownValue = /must follow from shapes and constants/;

const reasonOf = (error: UnsupportedError): string =>
  [...new Set(problemsOf(error).map(({ message }) => message))].join('; ');
