import type { OpKind } from '../graph.js';
import { lowerCast } from './cast.js';
import { chooseTransforms } from './choose.js';
import { lowerPool } from './combine.js';
import { lowerConcat } from './concat.js';
import { depthwiseConv, depthwiseMultiplier } from './depthwise.js';
import { type ConvNode, directConv } from './direct.js';
import { hostEpilogue } from './host.js';
import { lowerLayout } from './layout.js';
import type { Lowered, Lowering } from './lower.js';
import { lowerGroupNorm } from './norm.js';
import type { Operation } from './operation.js';
import { lowerPointwise, pointwiseAfter } from './pointwise.js';
import { lowerReduce } from './reduce.js';
import { lowerResize } from './resize.js';
import { lowerArgmax, lowerSoftmax } from './softmax.js';
import { singleChannel, type Value } from './values.js';
import { winogradConv } from './winograd.js';

const lowerConv: Lowering = (fused, index, lowered) => {
  const node = fused as ConvNode;
  const [input, weight] = node.inputs as readonly [number, number];
  const { shape } = lowered.graph.nodes[input]!;
  const computed = lowered.constantOf(weight) === undefined;
  const multiplier = computed ? undefined : depthwiseMultiplier(node, shape[1]!);
  const pair =
    computed || multiplier
      ? undefined
      : chooseTransforms(node, shape, lowered.graph.nodes[weight]!.shape, lowered.engine.algorithms);
  const x = () => lowered.value(input, 'channels');
  const convolution = multiplier
    ? depthwiseConv(node, index, x(), multiplier, lowered)
    : pair
      ? winogradConv(node, index, x(), pair, lowered)
      : directConv(node, index, withoutGaps(input, lowered) ?? x(), lowered);
  return finish(convolution, node, index, lowered);
};

/** A picture of one channel as it was given: channels-last it would be three quarters gaps. */
const withoutGaps = (index: number, lowered: Lowered): Value | undefined =>
  lowered.graph.nodes[index]!.shape[1] === 1 && lowered.has(index, 'plain')
    ? singleChannel(lowered.value(index, 'plain'))
    : undefined;

const lowerConvTranspose: Lowering = (fused, index, lowered) => {
  const node = fused as ConvNode;
  const x = lowered.value(node.inputs[0]!, 'channels');
  return finish(directConv(node, index, x, lowered), node, index, lowered);
};

/** What is left of the epilogue follows as an operation of its own. */
function finish(
  { operation, folded }: ReturnType<typeof directConv>,
  node: ConvNode,
  index: number,
  lowered: Lowered,
): Operation {
  const { rest } = folded;
  if (rest.length === 0) return operation;
  lowered.add(operation);
  return (
    pointwiseAfter(operation.output, rest, node, index, lowered) ??
    hostEpilogue(operation.output, rest, node, index, lowered)
  );
}

/** The ways to compute each op with WebAssembly; what has none here runs in JavaScript. */
export const lowerings: Partial<Record<OpKind, Lowering>> = {
  conv: lowerConv,
  convTranspose: lowerConvTranspose,
  unary: lowerPointwise,
  clip: lowerPointwise,
  binary: lowerPointwise,
  pool: lowerPool,
  adaptivePool: lowerPool,
  reduce: lowerReduce,
  resize: lowerResize,
  softmax: lowerSoftmax,
  argmax: lowerArgmax,
  groupNorm: lowerGroupNorm,
  cast: lowerCast,
  concat: lowerConcat,
  pad: lowerLayout,
  slice: lowerLayout,
  broadcast: lowerLayout,
  transpose: lowerLayout,
  depthToSpace: lowerLayout,
  spaceToDepth: lowerLayout,
};
