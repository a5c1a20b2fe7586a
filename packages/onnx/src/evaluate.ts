import { AtrousError, ShapeError, type Tensor, UnsupportedError } from '@atrous/core';
import { knownValues, type ModelValue, nameTensor } from '@atrous/core/model';
import type { Problem } from './file.js';
import type { ReadNode } from './nodes.js';
import type { NodeContext, Value } from './operator.js';

/** What a file says, nodes in an order in which they can be computed. */
export interface Network {
  readonly nodes: readonly ReadNode[];
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  readonly weights: ReadonlyMap<string, Value>;
  readonly opset: number;
}

/** One error of everything that is not supported. */
export function unsupported(problems: readonly Problem[]): UnsupportedError {
  const shown = problems.slice(0, 50).map(({ at, message }) => `\n  ${at}: ${message}`);
  const more = problems.length > shown.length ? `\n  and ${problems.length - shown.length} more` : '';
  const head =
    problems.length === 1 ? 'one thing in this file is' : `${problems.length} things in this file are`;
  return new UnsupportedError(`onnx: ${head} not supported:${shown.join('')}${more}`, { problems });
}

/** What such an error lists. */
export const problemsOf = ({ details, path, message }: UnsupportedError): readonly Problem[] =>
  (details.problems as readonly Problem[] | undefined) ?? [{ at: path ?? 'the network', message }];

/**
 * Computes the nodes in order, lazily. What depends on weights alone is computed once for all traces, so that every
 * trace has the same constants.
 */
export function evaluator({ nodes, inputs, outputs, weights, opset }: Network, anySize: boolean) {
  const varies = new Set(inputs.map(({ name }) => name));
  const [settled, varying]: [ReadNode[], ReadNode[]] = [[], []];
  for (const node of nodes)
    if (node.inputs.some((name) => varies.has(name))) {
      varying.push(node);
      for (const name of node.outputs) if (name !== '') varies.add(name);
    } else settled.push(node);
  const fixed = new Map(weights);
  computeAll(settled, fixed, opset);
  return (given: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
    const values = new Map(fixed);
    for (const value of checkedInputs(inputs, given, anySize)) values.set(...value);
    computeAll(varying, values, opset);
    return Object.fromEntries(outputs.map(({ name }) => [name, values.get(name)!.tensor]));
  };
}

/** Goes on behind a node that is not supported, as far as nothing reads its outputs, to find all of them. */
function computeAll(nodes: readonly ReadNode[], values: Map<string, Value>, opset: number): void {
  const problems: Problem[] = [];
  const unknown = new Set<string>();
  for (const node of nodes)
    try {
      if (node.inputs.some((name) => unknown.has(name))) for (const name of node.outputs) unknown.add(name);
      else compute(node, values, opset);
    } catch (error) {
      if (!(error instanceof AtrousError)) throw error;
      if (!(error instanceof UnsupportedError)) throw error.within(node.label);
      problems.push({ at: node.label, message: error.message });
      for (const name of node.outputs) unknown.add(name);
    }
  if (problems.length > 0) throw unsupported(problems);
}

function compute(
  { operator, attributes, inputs, outputs }: ReadNode,
  values: Map<string, Value>,
  opset: number,
) {
  const context: NodeContext = {
    attributes,
    opset,
    outputs: outputs.filter((name) => name !== '').length,
    known(value, what) {
      const numbers = knownValues(value.tensor);
      if (numbers) return Array.from(numbers);
      throw new UnsupportedError(
        `${what} depends on the values of an input, but must follow from shapes and constants`,
        { what },
      );
    },
  };
  const read = inputs.map((name) => (name === '' ? undefined : values.get(name)));
  const result = operator.run(read, context);
  const results = Array.isArray(result) ? (result as readonly Value[]) : [result as Value];
  const passed = new Set(read.map((value) => value?.tensor));
  outputs.forEach((name, k) => {
    if (name === '') return;
    const value = results[k];
    if (value === undefined)
      throw new UnsupportedError(`output ${k} ('${name}') is not computed; export without it`, { name });
    // what a node hands on as it is keeps its own name
    if (!passed.has(value.tensor)) nameTensor(value.tensor, name);
    values.set(name, value);
  });
}

function checkedInputs(
  inputs: readonly ModelValue[],
  given: Readonly<Record<string, Tensor>>,
  anySize: boolean,
): [string, Value][] {
  const shapeText = (shape: readonly (number | string)[]) => `[${shape.join(', ')}]`;
  const expected = inputs
    .map(({ name, dtype, shape }) => `${name}: ${dtype} ${shape ? shapeText(shape) : 'of any shape'}`)
    .join(', ');
  const unknown = Object.keys(given).filter((name) => inputs.every((value) => value.name !== name));
  const missing = inputs.filter(({ name }) => given[name] === undefined).map(({ name }) => name);
  if (unknown.length || missing.length)
    throw new ShapeError(
      `the model takes { ${expected} }${missing.length ? `, but ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing` : ''}${unknown.length ? `${missing.length ? ' and' : ', but'} ${unknown.join(', ')} ${unknown.length === 1 ? 'is' : 'are'} not among them` : ''}`,
      { missing, unknown },
    );
  return inputs.map(({ name, dtype, storedType, shape }) => {
    const tensor = given[name]!;
    const fits =
      shape === undefined ||
      (shape.length === tensor.shape.length &&
        shape.every((size, axis) => typeof size === 'string' || anySize || size === tensor.shape[axis]));
    if (!fits || tensor.dtype !== dtype)
      throw new ShapeError(
        `input ${name} is ${tensor.dtype} ${shapeText(tensor.shape)} but the file declares ${dtype} ${shape ? shapeText(shape) : ''}${!fits && shape?.length === tensor.shape.length ? '; load it with anySize: true to try other sizes' : ''}`,
        { input: name, given: tensor.shape, expected: shape },
      );
    return [name, { tensor, type: storedType as Value['type'] }];
  });
}
