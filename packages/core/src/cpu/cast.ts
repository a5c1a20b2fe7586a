import { bytesPerElement, elementCount } from '../shape.js';
import { castName, emitCast } from './kernels/cast.js';
import type { Lowering } from './lower.js';
import { addressOf, makeValue, plus } from './values.js';

/** Elements of one task, a multiple of four. */
const elementsPerTask = 1 << 18;

/** cast between any two dtypes, of row-major values. */
export const lowerCast: Lowering = (node, index, lowered) => {
  const source = node.inputs[0]!;
  const { dtype } = lowered.graph.nodes[source]!;
  const x = lowered.value(
    source,
    lowered.has(source, 'channels') && dtype === node.dtype ? 'channels' : 'plain',
  );
  if (dtype === node.dtype) return { ...x };
  const output = makeValue('plain', node.shape, node.dtype);
  const { engine } = lowered;
  return {
    name: lowered.label(index),
    algorithm: castName(dtype, node.dtype),
    macs: 0,
    inputs: [x],
    output,
    emit(calls) {
      const count = elementCount(node.shape);
      for (let first = 0; first < count; first += elementsPerTask) {
        calls.call(
          engine.kernel('cast', castName(dtype, node.dtype), emitCast),
          Math.ceil(Math.min(elementsPerTask, count - first) / 4),
          plus(addressOf(x), first * bytesPerElement[dtype]),
          plus(addressOf(output), first * bytesPerElement[node.dtype]),
        );
        calls.endTask();
      }
    },
  };
};
