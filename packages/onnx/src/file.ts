import { AtrousError, FormatError } from '@atrous/core';
import type { ModelValue } from '@atrous/core/model';
import { fromBinary } from '@bufbuild/protobuf';
import { dtypeOf } from './operators/values.js';
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from './schema/onnx_pb.js';
import { storedType } from './tensor.js';

/** Something in a file that is not supported: where, and what to do. */
export interface Problem {
  /** The node, tensor or value concerned. */
  readonly at: string;
  readonly message: string;
}

/** A node as it is called in messages. */
export const nodeLabel = ({ name, opType, output }: NodeProto): string =>
  `${name || output.find((each) => each !== '') || 'unnamed'} (${opType})`;

/** Longer names are damage, and would drown every message. */
const longestName = 4096;

function* namesIn({ node, initializer, input, output }: GraphProto): Generator<string> {
  for (const { name } of [...initializer, ...input, ...output]) yield name;
  for (const { name, opType, domain, input, output, attribute } of node) {
    yield* [name, opType, domain, ...input, ...output];
    for (const each of attribute) yield each.name;
  }
}

/** @throws FormatError for bytes that are no ONNX model */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new FormatError(
      `not an ONNX file, or a damaged one (${bytes.byteLength} bytes): ${(error as Error).message}`,
      { bytes: bytes.byteLength },
    );
  }
  if (model.graph === undefined)
    throw new FormatError(`not an ONNX model: the file of ${bytes.byteLength} bytes has no graph`, {
      bytes: bytes.byteLength,
    });
  for (const name of namesIn(model.graph))
    if (name.length > longestName)
      throw new FormatError(
        `a name has ${name.length} characters, at most ${longestName} are possible: ${name.slice(0, 40)}…`,
        { length: name.length },
      );
  return model;
}

/**
 * The nodes that the outputs need, each behind those it reads. The order of the file counts where several are
 * possible. Iterative and linear in the number of edges.
 *
 * @param given names that need no node: inputs and weights
 * @throws FormatError for names that are made twice or by nobody, and for cycles
 */
export function sortNodes(
  nodes: readonly NodeProto[],
  given: ReadonlySet<string>,
  outputs: readonly string[],
): NodeProto[] {
  const maker = new Map<string, number>();
  nodes.forEach((node, n) => {
    for (const name of node.output) {
      if (name === '') continue;
      if (maker.has(name) || given.has(name))
        throw new FormatError(`'${name}' is made twice, the second time by ${nodeLabel(node)}`, { name });
      maker.set(name, n);
    }
  });
  const wanted = new Set<number>();
  const stack: number[] = [];
  const want = (name: string, by: string) => {
    if (name === '' || given.has(name)) return;
    const n = maker.get(name);
    if (n === undefined)
      throw new FormatError(`${by} reads '${name}', which is no input, no weight and made by no node`, {
        name,
      });
    if (wanted.has(n)) return;
    wanted.add(n);
    stack.push(n);
  };
  for (const name of outputs) want(name, 'the graph');
  for (let n = stack.pop(); n !== undefined; n = stack.pop())
    for (const name of nodes[n]!.input) want(name, nodeLabel(nodes[n]!));

  const readers = new Map<number, number[]>();
  const missing = new Map<number, number>();
  for (const n of wanted) {
    const sources = new Set(nodes[n]!.input.flatMap((name) => maker.get(name) ?? []));
    missing.set(n, sources.size);
    for (const source of sources) {
      const known = readers.get(source);
      if (known) known.push(n);
      else readers.set(source, [n]);
    }
  }
  const inOrder = [...wanted].sort((a, b) => a - b);
  const sorted: number[] = [];
  const ready = inOrder.filter((n) => missing.get(n) === 0).reverse();
  for (let n = ready.pop(); n !== undefined; n = ready.pop()) {
    sorted.push(n);
    for (const reader of (readers.get(n) ?? []).sort((a, b) => b - a)) {
      missing.set(reader, missing.get(reader)! - 1);
      if (missing.get(reader) === 0) ready.push(reader);
    }
  }
  if (sorted.length < wanted.size) {
    const stuck = inOrder.filter((n) => missing.get(n)! > 0).map((n) => nodeLabel(nodes[n]!));
    throw new FormatError(
      `the graph has a cycle among ${stuck.slice(0, 5).join(', ')}${stuck.length > 5 ? ` and ${stuck.length - 5} more` : ''}`,
      { nodes: stuck },
    );
  }
  return sorted.map((n) => nodes[n]!);
}

/** An input or output as the file declares it; problems are noted, not thrown. */
export function modelValue({ name, type }: ValueInfoProto, problems: Problem[]): ModelValue {
  const tensor = type?.tensorType;
  try {
    if (tensor === undefined) throw new FormatError('is no tensor; only tensors are read');
    const stored = storedType(tensor.elemType);
    const shape = tensor.shape?.dim.map(({ dimValue, dimParam }) =>
      dimValue !== undefined && dimValue > 0n ? Number(dimValue) : dimParam || '?',
    );
    return { name, dtype: dtypeOf(stored.type), storedType: stored.type, ...(shape && { shape }) };
  } catch (error) {
    if (!(error instanceof AtrousError)) throw error;
    problems.push({ at: name, message: error.message });
    return { name, dtype: 'float32', storedType: `type ${tensor?.elemType ?? 'unknown'}` };
  }
}
