/** Integers that stand for floats: `(x − zero point) · scale`. */
import { add, cast, clip, div, mul, reshape, sub, type Tensor, UnsupportedError } from '@atrous/core';
import type { ElementType, NodeContext, OperatorTable } from '../operator.js';
import { storedType } from '../tensor.js';
import { converted } from './constants.js';
import { round } from './exact.js';
import { like, product, required } from './values.js';

/** Scales and zero points of one axis, or of blocks, as they broadcast to x. */
function perAxis(value: Tensor, x: Tensor, { attributes }: NodeContext): Tensor {
  if (attributes.number('block_size', 0) !== 0)
    throw new UnsupportedError('quantization in blocks is not supported; use one scale per tensor or axis', {
      block_size: attributes.number('block_size'),
    });
  if (value.shape.length === 0) return value;
  const axis = attributes.number('axis', 1);
  const after = axis < 0 ? -axis - 1 : x.shape.length - 1 - axis;
  return product(value.shape) === 1
    ? reshape(value, [])
    : reshape(value, [value.shape[0]!, ...new Array<number>(Math.max(after, 0)).fill(1)]);
}

const ranges: Partial<Record<ElementType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

const attributes = ['axis', 'block_size', 'output_dtype', 'precision', 'saturate'];

export const quantization: OperatorTable = {
  DequantizeLinear: {
    since: 10,
    attributes,
    run(inputs, context) {
      const x = required(inputs, 0, 'x');
      const scale = required(inputs, 1, 'x_scale');
      const zero = inputs[2] && perAxis(cast(inputs[2].tensor, 'float32'), x.tensor, context);
      const value = cast(x.tensor, 'float32');
      return like(scale, mul(zero ? sub(value, zero) : value, perAxis(scale.tensor, x.tensor, context)));
    },
  },
  QuantizeLinear: {
    since: 10,
    attributes,
    run(inputs, context) {
      const x = required(inputs, 0, 'x').tensor;
      const scale = perAxis(required(inputs, 1, 'y_scale').tensor, x, context);
      const zero = inputs[2] && perAxis(cast(inputs[2].tensor, 'float32'), x, context);
      const code = context.attributes.number('output_dtype', 0);
      const type = inputs[2]?.type ?? (code === 0 ? 'uint8' : storedType(code).type);
      const range = ranges[type];
      if (range === undefined)
        throw new UnsupportedError(`quantization to ${type} is not supported`, { type });
      const steps = round(div(cast(x, 'float32'), scale));
      const limited = clip(zero ? add(steps, zero) : steps, ...range);
      return converted({ tensor: limited, type: 'float' }, type);
    },
  },
};
