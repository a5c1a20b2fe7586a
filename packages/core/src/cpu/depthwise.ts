/** Depthwise convolution: every output channel reads one input channel. */
import { DepthwiseWriter } from './depthwise-calls.js';
import type { ConvNode } from './direct.js';
import { type FoldedEpilogue, foldEpilogue } from './folded.js';
import type { Lowered } from './lower.js';
import type { KernelOperation } from './operation.js';
import { Tables } from './tables.js';
import { makeValue, roundUp, type Value } from './values.js';

/** Output channels per input channel if the convolution is depthwise and has a kernel here. */
export function depthwiseMultiplier({ groups, shape }: ConvNode, channels: number): 1 | 2 | 4 | undefined {
  if (groups !== channels || channels === 1) return undefined;
  const multiplier = shape[1]! / channels;
  return multiplier === 1 || multiplier === 2 || multiplier === 4 ? multiplier : undefined;
}

/** Depthwise convolution of a channels-last value by constant weights. */
export function depthwiseConv(
  node: ConvNode,
  index: number,
  x: Value,
  multiplier: 1 | 2 | 4,
  lowered: Lowered,
): { operation: KernelOperation; folded: FoldedEpilogue } {
  const { engine } = lowered;
  const folded = foldEpilogue(node, node.shape[1]!, lowered);
  const residual = folded.residual === undefined ? undefined : lowered.value(folded.residual, 'channels');
  const output = makeValue('channels', node.shape, 'float32');
  const weights = packTaps(node, folded, lowered);
  const tables = new Tables(engine);
  const macs = lowered.macs(node);
  const operation: KernelOperation = {
    name: lowered.label(index),
    algorithm: 'depthwise',
    macs,
    inputs: residual === undefined ? [x] : [x, residual],
    output,
    emit: (calls) =>
      new DepthwiseWriter(node, folded, { x, output, residual }, multiplier, weights, engine, tables).write(
        calls,
        macs,
      ),
    dispose() {
      tables.dispose();
      engine.unpack(weights);
    },
  };
  return { operation, folded };
}

/** Weights as `[vector of channels][tap][channel]`, scaled, with the bias behind; padded with zeros to whole vectors. */
function packTaps(node: ConvNode, folded: FoldedEpilogue, lowered: Lowered): string {
  const weight = lowered.constantOf(node.inputs[1]!)!;
  const { shape } = lowered.graph.nodes[node.inputs[1]!]!;
  const channels = shape[0]!;
  const taps = shape.slice(2).reduce((a, b) => a * b, 1);
  const pitch = roundUp(channels, 4);
  const length = (taps + 1) * pitch;
  const constants = [weight, ...folded.constants];
  return lowered.engine.pack(constants, `taps ${shape} ${folded.key}`, 4 * length, (address) => {
    const into = lowered.engine.floats.subarray(address / 4, address / 4 + length).fill(0);
    for (let c = 0; c < channels; c++) {
      const scale = folded.scale[c]!;
      const start = (c >> 2) * 4 * taps + (c & 3);
      for (let t = 0; t < taps; t++) into[start + 4 * t] = weight.data[c * taps + t]! * scale;
      into[taps * pitch + c] = folded.bias[c]!;
    }
  });
}
