/** The messages of onnx.proto that a small model needs; the numbers are the field numbers there. */
import type { Shape } from '@atrous/core';
import { Message } from './protobuf.js';

const elementTypes = { float32: 1, int64: 7 } as const;

export type Attribute = number | string | readonly number[];

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return message.text(4, value).integer(20, 3);
  return message.integers(8, value).integer(20, 7);
}

export const node = (
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): Message => {
  const message = new Message();
  for (const input of inputs) message.text(1, input);
  return message
    .text(2, output)
    .text(4, type)
    .messages(
      5,
      Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    );
};

export const initializer = (name: string, shape: Shape, data: Float32Array | BigInt64Array): Message =>
  new Message()
    .integers(1, shape)
    .integer(2, elementTypes[data instanceof Float32Array ? 'float32' : 'int64'])
    .text(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

/** The declaration of a float32 input or output. */
export const value = (name: string, shape: Shape): Message => {
  const dims = shape.map((size) => new Message().integer(1, size));
  const tensor = new Message().integer(1, elementTypes.float32).message(2, new Message().messages(1, dims));
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
};

export interface Model {
  readonly nodes: readonly Message[];
  readonly initializers: readonly Message[];
  readonly inputs: readonly Message[];
  readonly outputs: readonly Message[];
}

/** The version of the operators: the last with the axes of a reduction as an attribute. */
const operators = 17;

export const encodeModel = ({ nodes, initializers, inputs, outputs }: Model): Uint8Array<ArrayBuffer> => {
  const graph = new Message()
    .messages(1, nodes)
    .text(2, 'graph')
    .messages(5, initializers)
    .messages(11, inputs)
    .messages(12, outputs);
  return new Message()
    .integer(1, 8)
    .text(2, 'atrous')
    .message(7, graph)
    .message(8, new Message().text(1, '').integer(2, operators))
    .encode();
};
