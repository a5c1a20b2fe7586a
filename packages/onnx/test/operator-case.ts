/** One operator alone, as a node of a file would call it. */
import { type Backend, cpu, evaluate, reference, type Tensor } from '@atrous/core';
import { knownValues } from '@atrous/core/model';
import { Attributes, type AttributeValue } from '../src/attributes.js';
import type { ElementType, Value } from '../src/operator.js';
import { operators } from '../src/operators/index.js';

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  readonly outputs?: number;
}

const usualTypes = { float32: 'float', int32: 'int64', uint8: 'bool' } as const;

export const typed = (tensor: Tensor, type: ElementType = usualTypes[tensor.dtype]): Value => ({
  tensor,
  type,
});

/** What a node gives for inputs; tensors get the usual type of their dtype. */
export function node(
  name: string,
  inputs: readonly (Tensor | Value | undefined)[],
  { attributes = {}, opset = 21, outputs = 1 }: NodeOptions = {},
): readonly Value[] {
  const row = operators[name];
  if (row === undefined) throw new Error(`no row for ${name}`);
  for (const key of Object.keys(attributes))
    if (!row.attributes?.includes(key)) throw new Error(`${name} does not list the attribute ${key}`);
  const results = row.run(
    inputs.map((value) => (value !== undefined && 'shape' in value ? typed(value) : value)),
    {
      attributes: new Attributes(new Map(Object.entries(attributes))),
      opset,
      outputs,
      known(value, what) {
        const values = knownValues(value.tensor);
        if (values === undefined) throw new Error(`${what} is not known`);
        return [...values];
      },
    },
  );
  return 'tensor' in results ? [results] : results;
}

/** The first output of a node. */
export const first = (...args: Parameters<typeof node>): Tensor => node(...args)[0]!.tensor;

export const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['reference', async () => reference()],
  ['cpu', () => cpu()],
];

/** The numbers of a tensor, computed on a backend. */
export async function numbers(tensor: Tensor, backend: Backend): Promise<number[]> {
  await evaluate(tensor, { backend });
  return [...tensor.dataSync()];
}
