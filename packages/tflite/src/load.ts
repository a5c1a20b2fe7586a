import {
  AtrousError,
  type DType,
  OptionError,
  ShapeError,
  type Tensor,
  UnsupportedError,
} from '@atrous/core';
import {
  type FileSource,
  knownValues,
  type Model,
  type ModelValue,
  makeModel,
  type ReadOptions,
  readFile,
} from '@atrous/core/model';
import { type FileContent, type FileOperator, type FileTensor, readContent } from './file.js';
import { Options } from './operator.js';
import { operators } from './operators/index.js';
import type { TensorType } from './schema.js';
import { toChannelsSecond, Value } from './value.js';

/** Values with at most this many elements that follow from constants are computed while tracing. */
const shapeElements = 4096;

const dtypes: Partial<Record<TensorType, DType>> = {
  float32: 'float32',
  float16: 'float32',
  float64: 'float32',
  int32: 'int32',
  int64: 'int32',
  uint8: 'uint8',
  bool: 'uint8',
};

export interface LoadOptions extends ReadOptions {
  /**
   * How inputs and outputs of three and more axes lie: `'channelsLast'` as in the file, `[N, H, W, C]` (default), or
   * `'channelsFirst'`, `[N, C, H, W]`, as everywhere else in atrous: then no transposition stands at the border, and
   * receptive fields and tiling see the network itself.
   */
  readonly layout?: 'channelsLast' | 'channelsFirst' | undefined;
}

/**
 * Reads a float32 TensorFlow Lite network as a function of tensors.
 *
 * Inputs and outputs have the file's names and its layout, `[N, H, W, C]` for pictures; inside, channels stand second.
 * Half-precision weights are converted. SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND become one dilated
 * convolution. Weights are views of the file's bytes where they need no other layout: do not change the bytes afterwards.
 *
 * ```ts
 * const model = await load('deeplabv3_257_mv_gpu.tflite');
 * const program = await compile(model, { sub_7: input([1, 257, 257, 3]) }, { backend: await cpu() });
 * ```
 *
 * @param source the bytes, a Blob, an address or a path
 * @throws OptionError for an unknown layout, FormatError for a damaged file, UnsupportedError naming every operator and tensor that is not read,
 *   MemoryError above `maxBytes`
 */
export async function load(source: FileSource, options: LoadOptions = {}): Promise<Model> {
  const { layout = 'channelsLast' } = options;
  if (layout !== 'channelsLast' && layout !== 'channelsFirst')
    throw new OptionError(
      `tflite: layout must be 'channelsLast' or 'channelsFirst' but is ${JSON.stringify(layout)}`,
      { layout },
    );
  const first = layout === 'channelsFirst';
  const content = readContent(await readFile(source, options));
  checkSupported(content);
  const { tensors, inputs, outputs } = content;
  const constants = new Map<number, Value>();
  let parameters = 0;
  tensors.forEach(({ constant }, index) => {
    if (!constant) return;
    const value = Value.last(constant);
    value.known = true;
    constants.set(index, value);
    if (constant.dtype === 'float32') parameters += constant.shape.reduce((a, b) => a * b, 1);
  });
  const describeValue = (index: number): ModelValue => {
    const { name, type, signature } = tensors[index]!;
    return {
      name,
      dtype: dtypes[type]!,
      storedType: type,
      shape: (first ? toChannelsSecond(signature.length) : [...signature.keys()]).map((axis) =>
        signature[axis] === -1 ? '?' : signature[axis]!,
      ),
    };
  };
  const counts: Record<string, number> = {};
  for (const { name } of content.operators) counts[name] = (counts[name] ?? 0) + 1;
  const info = {
    inputs: inputs.map(describeValue),
    outputs: outputs.map(describeValue),
    parameters,
    operators: counts,
    metadata: content.metadata,
  };
  for (const [what, list] of Object.entries({ inputs: info.inputs, outputs: info.outputs })) {
    const repeated = list.find(({ name }, i) => list.findIndex((other) => other.name === name) !== i);
    if (repeated)
      throw new UnsupportedError(
        `tflite: two ${what} are called '${repeated.name}'; export the network with different names`,
        { name: repeated.name },
      );
  }
  return makeModel((given) => apply(content, constants, given, first), info);
}

/** Everything that is not read, in one error. */
function checkSupported({ operators: nodes, tensors }: FileContent): void {
  const problems: string[] = [];
  for (const { index, name } of nodes)
    if (!Object.hasOwn(operators, name)) problems.push(`operator ${index} ${name}`);
  const quantized = (entry: FileTensor) => entry.quantized && entry.type !== 'float32';
  for (const [index, entry] of tensors.entries())
    if (quantized(entry)) problems.push(`tensor ${index} '${entry.name}' (quantised ${entry.type})`);
    else if (dtypes[entry.type] === undefined)
      problems.push(`tensor ${index} '${entry.name}' (${entry.type})`);
  if (problems.length > 0)
    throw new UnsupportedError(
      `tflite: the file needs what is not read: ${problems.join('; ')}. Export the network in float32 (no quantisation, no custom operators), or write these steps with the ops of @atrous/core`,
      { problems },
    );
}

function apply(
  content: FileContent,
  constants: ReadonlyMap<number, Value>,
  given: Readonly<Record<string, Tensor>>,
  first: boolean,
): Record<string, Tensor> {
  const { tensors, operators: nodes, inputs, outputs } = content;
  const values = new Map(constants);
  const names = inputs.map((index) => tensors[index]!.name);
  for (const name of Object.keys(given))
    if (!names.includes(name))
      throw new ShapeError(`tflite: there is no input '${name}'; inputs are ${quoted(names)}`, {
        name,
        names,
      });
  for (const index of inputs) {
    const x = checkedInput(tensors[index]!, given, first);
    values.set(index, first ? Value.second(x) : Value.last(x));
  }
  for (const node of nodes) {
    const results = resultsOf(node, values);
    for (const [i, index] of node.outputs.entries()) values.set(index, results[i]!);
  }
  return Object.fromEntries(
    outputs.map((index) => {
      const value = values.get(index)!;
      return [tensors[index]!.name, first ? value.second : value.last];
    }),
  );
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

function checkedInput(entry: FileTensor, given: Readonly<Record<string, Tensor>>, first: boolean): Tensor {
  const order = first ? toChannelsSecond(entry.shape.length) : [...entry.shape.keys()];
  const shape = order.map((axis) => entry.shape[axis]!);
  const x = Object.hasOwn(given, entry.name) ? given[entry.name] : undefined;
  if (x === undefined)
    throw new ShapeError(`tflite: input '${entry.name}' [${shape.join(', ')}] is missing`, {
      name: entry.name,
    });
  const dtype = dtypes[entry.type]!;
  const channels = order.indexOf(shape.length - 1);
  const open = entry.signature.at(-1) === -1 || shape.length < 3;
  if (
    x.dtype !== dtype ||
    x.shape.length !== shape.length ||
    (!open && x.shape[channels] !== shape[channels])
  )
    throw new ShapeError(
      `tflite: input '${entry.name}' is ${dtype} [${shape.join(', ')}]${first ? ', channels first' : ' in the file, channels last'}, but ${x.dtype} [${x.shape.join(', ')}] was given`,
      { name: entry.name, expected: shape, given: x.shape },
    );
  return x;
}

function resultsOf(node: FileOperator, values: ReadonlyMap<number, Value>): readonly Value[] {
  const inputs = node.inputs.map((index) => (index === -1 ? undefined : values.get(index)));
  try {
    const made = operators[node.name]!({
      inputs,
      options: new Options(node.options),
      outputs: node.outputs.length,
    });
    const results = Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
    if (results.length !== node.outputs.length)
      throw new OptionError(`has ${node.outputs.length} outputs in the file but makes ${results.length}`, {
        outputs: node.outputs.length,
      });
    const known = inputs.every((value) => value === undefined || value.known);
    for (const value of results) settle(value, known);
    return results;
  } catch (error) {
    if (error instanceof AtrousError) throw error.within(`operator ${node.index} ${node.name}`);
    throw error;
  }
}

/** Shape arithmetic is computed step by step, so that no chain of it is walked twice. */
function settle(value: Value, known: boolean): void {
  value.known ||= known;
  if (value.known && value.shape.reduce((a, b) => a * b, 1) <= shapeElements)
    knownValues(value.natural.tensor);
}
