import { AtrousError, FormatError, UnsupportedError } from '@atrous/core';
import { Attributes, type AttributeValue } from './attributes.js';
import type { ExternalData } from './external.js';
import { nodeLabel, type Problem } from './file.js';
import type { Operator } from './operator.js';
import { operators } from './operators/index.js';
import type { AttributeProto, NodeProto } from './schema/onnx_pb.js';
import { readTensor, saturated } from './tensor.js';

/** A node that can be computed. */
export interface ReadNode {
  readonly label: string;
  readonly operator: Operator;
  readonly attributes: Attributes;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** AttributeProto.AttributeType, as far as it is read. */
const attributeTypes: Readonly<
  Record<number, (proto: AttributeProto, external: ExternalData) => AttributeValue>
> = {
  1: ({ f }) => f,
  2: ({ i }) => saturated(i),
  3: ({ s }) => text(s),
  4: ({ t }, external) => {
    if (t === undefined) throw new FormatError('is a tensor without data');
    return readTensor(t, external);
  },
  6: ({ floats }) => floats,
  7: ({ ints }) => ints.map(saturated),
  8: ({ strings }) => strings.map(text),
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Files of the first versions leave the type out; what is filled in tells it. */
const typeOf = ({ type, t, s, floats, ints, strings, f }: AttributeProto): number =>
  type || (t ? 4 : s.length ? 3 : floats.length ? 6 : ints.length ? 7 : strings.length ? 8 : f !== 0 ? 1 : 2);

/** Reads one node; what is not supported is noted, all of it. */
export function readNode(
  node: NodeProto,
  external: ExternalData,
  opset: number,
  problems: Problem[],
): ReadNode | undefined {
  const at = nodeLabel(node);
  const problem = (message: string) => {
    problems.push({ at, message });
    return undefined;
  };
  if (node.domain !== '' && node.domain !== 'ai.onnx')
    return problem(
      `operator ${node.domain}.${node.opType} is not part of ONNX; export without ${node.domain}'s own operators`,
    );
  const operator = Object.hasOwn(operators, node.opType) ? operators[node.opType] : undefined;
  if (operator === undefined)
    return problem(`operator ${node.opType} is not supported; replace it, or cut the network before it`);
  if (opset < (operator.since ?? 1))
    return problem(
      `operator ${node.opType} is read from version ${operator.since} of the operator set on, but the file has ${opset}; convert the file to a later version`,
    );
  const values = new Map<string, AttributeValue>();
  for (const attribute of node.attribute) {
    const { name } = attribute;
    if (attribute.refAttrName)
      problem(
        `attribute ${name} refers to a function's attribute '${attribute.refAttrName}'; inline functions first`,
      );
    else if (!operator.attributes?.includes(name))
      problem(`attribute ${name} of ${node.opType} is not supported; export without it`);
    else
      try {
        const read = attributeTypes[typeOf(attribute)];
        if (read === undefined)
          throw new UnsupportedError(`has type ${attribute.type} (a graph?), which is not read`);
        values.set(name, read(attribute, external));
      } catch (error) {
        if (!(error instanceof AtrousError)) throw error;
        problem(`attribute ${name} ${error.message}`);
      }
  }
  return {
    label: at,
    operator,
    attributes: new Attributes(values),
    inputs: node.input,
    outputs: node.output,
  };
}
