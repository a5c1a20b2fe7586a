import { AtrousError, FormatError, UnsupportedError } from '@atrous/core';
import {
  type FileSource,
  type Model,
  type ModelInfo,
  makeModel,
  type ReadOptions,
  readFile,
} from '@atrous/core/model';
import { evaluator, problemsOf, unsupported } from './evaluate.js';
import { besideModel, ExternalData, type ExternalSources } from './external.js';
import { decodeModel, modelValue, type Problem, sortNodes } from './file.js';
import { readNode } from './nodes.js';
import type { Value } from './operator.js';
import type { ModelProto } from './schema/onnx_pb.js';
import { readTensor } from './tensor.js';

export interface LoadOptions extends ReadOptions {
  /**
   * Files of weights that lie beside the model. A model read from a path of the disk finds those in its own folder by
   * itself.
   */
  readonly externalData?: ExternalSources | undefined;
  /** Takes inputs of other sizes than the file declares; its operators then check what fits. Default false. */
  readonly anySize?: boolean | undefined;
}

/** A file as far as it can be read: what it contains, what of it is not supported, and the model if nothing is. */
export interface Inspection extends ModelInfo {
  readonly problems: readonly Problem[];
  readonly model: Model | undefined;
}

/**
 * Reads an ONNX network. Every operator and attribute is checked now; shapes are when it is traced or compiled, for
 * any size that the file allows.
 *
 * ```ts
 * const model = await load('deeplab.onnx');
 * const program = await compile(model, { image: input([1, 3, 257, 257]) }, { backend: await cpu() });
 * ```
 *
 * @param source bytes, a Blob, an address, or a path: of the disk in Node, of the page in a browser
 * @throws FormatError for files that are no ONNX model, truncated or inconsistent; UnsupportedError with every
 * operator, attribute and type that is not supported; MemoryError above `maxBytes`
 */
export async function load(source: FileSource, options: LoadOptions = {}): Promise<Model> {
  const { model, problems } = await inspect(source, options);
  if (model) return model;
  throw unsupported(problems);
}

/**
 * Reads an ONNX file also where parts of it are not supported, and says which.
 *
 * @throws FormatError, MemoryError as `load` does
 */
export async function inspect(source: FileSource, options: LoadOptions = {}): Promise<Inspection> {
  const bytes = await readFile(source, options);
  const proto = decodeModel(bytes);
  const beside = typeof source === 'string' || source instanceof URL ? besideModel(source) : undefined;
  const tensors = [
    ...proto.graph!.initializer,
    ...proto.graph!.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? [])),
  ];
  const external = await ExternalData.open(tensors, options.externalData ?? beside, {
    maxBytes: options.maxBytes,
    signal: options.signal,
  });
  return read(proto, external, options.anySize ?? false);
}

/** The latest version of the operator set whose changes are known. */
const latestOpset = 24;

function read(proto: ModelProto, external: ExternalData, anySize: boolean): Inspection {
  const graph = proto.graph!;
  const problems: Problem[] = [];
  const opset = Number(
    proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n,
  );
  if (opset > latestOpset)
    problems.push({
      at: 'the file',
      message: `version ${opset} of the operator set is not known; convert it to ${latestOpset}`,
    });
  for (const { values } of graph.sparseInitializer)
    problems.push({ at: values?.name ?? '', message: 'sparse weights are not supported; make them dense' });

  const weights = new Map<string, Value>();
  for (const tensor of graph.initializer) {
    const at = tensor.name || 'a weight without name';
    if (weights.has(tensor.name)) throw new FormatError(`two weights are called '${at}'`, { name: at });
    try {
      weights.set(tensor.name, readTensor(tensor, external));
    } catch (error) {
      if (!(error instanceof AtrousError)) throw error;
      if (!(error instanceof UnsupportedError)) throw error.within(at);
      problems.push({ at, message: error.message });
    }
  }
  // the first versions list weights among the inputs as well
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input
    .filter(({ name }) => !initialized.has(name))
    .map((value) => modelValue(value, problems));
  const outputs = graph.output.map((value) => modelValue(value, []));
  if (outputs.length === 0) throw new FormatError('the graph has no outputs');
  const names = inputs.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw new FormatError(`two inputs have one name: ${names.join(', ')}`, { names });
  const given = new Set([...names, ...initialized]);
  const sorted = sortNodes(
    graph.node,
    given,
    outputs.map(({ name }) => name),
  );
  const nodes = sorted.flatMap((node) => readNode(node, external, opset, problems) ?? []);

  const operators: Record<string, number> = {};
  for (const { opType, domain } of sorted) {
    const name = domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
    operators[name] = (operators[name] ?? 0) + 1;
  }
  const read = new Set(sorted.flatMap(({ input }) => input));
  const info: ModelInfo = {
    inputs,
    outputs,
    operators,
    parameters: [...weights].reduce(
      (sum, [name, { tensor }]) => sum + (read.has(name) ? tensor.shape.reduce((a, b) => a * b, 1) : 0),
      0,
    ),
    metadata: metadataOf(proto, opset),
  };
  if (problems.length > 0) return { ...info, problems, model: undefined };
  const network = { nodes, inputs, outputs, weights, opset };
  try {
    return { ...info, problems, model: makeModel(evaluator(network, anySize), info) };
  } catch (error) {
    // what depends on weights alone is computed while the file is read
    if (error instanceof UnsupportedError) return { ...info, problems: problemsOf(error), model: undefined };
    throw error;
  }
}

function metadataOf(proto: ModelProto, opset: number): Record<string, string> {
  const entries: [string, string][] = [
    ['name', proto.graph!.name],
    ['producer', [proto.producerName, proto.producerVersion].filter(Boolean).join(' ')],
    ['domain', proto.domain],
    ['description', proto.docString],
    ['version', proto.modelVersion ? String(proto.modelVersion) : ''],
    ['opset', String(opset)],
    ...proto.metadataProps.map(({ key, value }): [string, string] => [key, value]),
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}
