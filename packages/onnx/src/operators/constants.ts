/** Known values, shapes among them, and conversions between element types. */
import {
  broadcastTo,
  cast,
  FormatError,
  reshape,
  type Shape,
  type Tensor,
  tensor,
  UnsupportedError,
} from '@atrous/core';
import type { ElementType, NodeContext, OperatorTable, Value } from '../operator.js';
import { storedType } from '../tensor.js';
import { truth, truthOf, wrapped } from './exact.js';
import { dtypeOf, given, integers, isFloat, like, product, required } from './values.js';

/** Floats lose their fraction; integers keep their lowest bits. */
export function converted(x: Value, type: ElementType): Value {
  if (type === 'bool') return x.type === 'bool' ? x : truth(truthOf(x));
  if (isFloat(type)) return { tensor: cast(x.tensor, 'float32'), type };
  // all that the wider type holds already
  if (x.tensor.dtype === dtypeOf(type) && (x.type === type || type === 'int32' || type === 'int64'))
    return { tensor: x.tensor, type };
  return wrapped(cast(x.tensor, 'int32'), type);
}

/** Most numbers that Range makes. */
const mostInRange = 2 ** 20;

function rangeOf(inputs: readonly (Value | undefined)[], context: NodeContext): Value {
  const first = required(inputs, 0, 'start');
  const [start, limit, delta] = ['start', 'limit', 'delta'].map((name, i) =>
    given(context.known(required(inputs, i, name), name)[0], name),
  ) as [number, number, number];
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  if (!(count <= mostInRange))
    throw new UnsupportedError(
      `a range from ${start} to ${limit} by ${delta} has ${count} numbers; at most ${mostInRange} are supported`,
      { start, limit, delta },
    );
  const values = Array.from({ length: count }, (_, i) => start + i * delta);
  return like(first, tensor(values, [count], dtypeOf(first.type)));
}

/** A scalar repeated lazily: a shape in a file allocates nothing. */
function filled(inputs: readonly (Value | undefined)[], context: NodeContext): Value {
  const shape = context.known(required(inputs, 0, 'input'), 'shape');
  const value = context.attributes.value('value') ?? { tensor: tensor(0), type: 'float' as const };
  if (product(value.tensor.shape) !== 1)
    throw new FormatError(`value must hold one number but is [${value.tensor.shape}]`, {
      value: value.tensor.shape,
    });
  return like(value, broadcastTo(reshape(value.tensor, []), shape));
}

function constant({ attributes }: NodeContext): Value {
  const value = attributes.value('value');
  if (value !== undefined) return value;
  const number = attributes.number('value_float');
  if (number !== undefined) return { tensor: tensor(number), type: 'float' };
  const numbers = attributes.numbers('value_floats');
  if (numbers !== undefined) return { tensor: tensor(Float32Array.from(numbers)), type: 'float' };
  const integer = attributes.number('value_int');
  if (integer !== undefined) return integers([integer], []);
  return integers(given(attributes.numbers('value_ints'), 'value'));
}

const ones = (shape: Shape): Tensor => broadcastTo(tensor(1, [], 'uint8'), shape);

function dropout(inputs: readonly (Value | undefined)[], context: NodeContext): Value[] {
  const x = required(inputs, 0, 'data');
  const training = inputs[2] ? context.known(inputs[2], 'training_mode')[0] : 0;
  const ratio = inputs[1] ? context.known(inputs[1], 'ratio')[0] : 0.5;
  if (training && ratio !== 0)
    throw new UnsupportedError('training mode is not supported; export the network for inference', {
      training_mode: training,
    });
  if (context.outputs < 2) return [x];
  const mask: Value = { tensor: ones(x.tensor.shape), type: 'bool' };
  return [x, context.opset < 10 ? converted(mask, x.type) : mask];
}

export const constants: OperatorTable = {
  Constant: {
    attributes: ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'],
    run: (_, context) => constant(context),
  },
  ConstantOfShape: { since: 9, attributes: ['value'], run: filled },
  Range: { since: 11, run: rangeOf },
  Shape: {
    attributes: ['start', 'end'],
    run(inputs, { attributes }) {
      const { shape } = required(inputs, 0, 'data').tensor;
      return integers(shape.slice(attributes.number('start', 0), attributes.number('end', shape.length)));
    },
  },
  Size: {
    run(inputs) {
      return integers([product(required(inputs, 0, 'data').tensor.shape)], []);
    },
  },
  Cast: {
    since: 6,
    // saturate is about 8-bit floats alone
    attributes: ['to', 'saturate'],
    run(inputs, { attributes }) {
      return converted(required(inputs, 0, 'input'), storedType(given(attributes.number('to'), 'to')).type);
    },
  },
  CastLike: {
    since: 15,
    attributes: ['saturate'],
    run: (inputs) => converted(required(inputs, 0, 'input'), required(inputs, 1, 'target_type').type),
  },
  Dropout: { attributes: ['ratio', 'seed', 'is_test', 'consumed_inputs'], run: dropout },
};
