/** Moving blocks of positions between space and channels or batch. */
import { checkTensor, describe, type PerAxis, perAxis } from '../check.js';
import { ShapeError } from '../errors.js';
import type { Reach, Shape } from '../graph.js';
import { elementCount, formatShape } from '../shape.js';
import { makeTensor, type Tensor } from '../tensor.js';
import { pad } from './layout.js';

function spatialShape(op: string, x: Tensor): Shape {
  checkTensor(op, 'x', x);
  if (x.shape.length < 3 || x.shape.length > 5)
    throw new ShapeError(
      `${op}: x must be [N, C, …] with 1 to 3 spatial axes but is ${formatShape(x.shape)}`,
      { x: x.shape },
    );
  return x.shape.slice(2);
}

function toDepth(op: string, x: Tensor, block: readonly number[], axis: 0 | 1, phaseMajor: boolean): Tensor {
  const spatial = spatialShape(op, x);
  spatial.forEach((size, i) => {
    if (size % block[i]! !== 0)
      throw new ShapeError(
        `${op}: block [${block.join(', ')}] does not divide the spatial size ${formatShape(spatial)}; pad first`,
        { block, x: x.shape },
      );
  });
  const positions = elementCount(block);
  const shape = x.shape.map((size, a) =>
    a === axis ? size * positions : a < 2 ? size : size / block[a - 2]!,
  );
  const reach: Reach = {
    type: 'window',
    axes: block.map((b) => ({ kernel: b, stride: b, dilation: 1, padBefore: 0, padAfter: 0 })),
  };
  return makeTensor({ kind: 'spaceToDepth', block, axis, phaseMajor, inputs: [x], reach }, shape, x.dtype);
}

function toSpace(op: string, x: Tensor, block: readonly number[], axis: 0 | 1, phaseMajor: boolean): Tensor {
  spatialShape(op, x);
  const positions = elementCount(block);
  if (x.shape[axis]! % positions !== 0)
    throw new ShapeError(
      `${op}: axis ${axis} of x ${formatShape(x.shape)} must be a multiple of ${positions} (block [${block.join(', ')}])`,
      { block, x: x.shape },
    );
  const shape = x.shape.map((size, a) =>
    a === axis ? size / positions : a < 2 ? size : size * block[a - 2]!,
  );
  // (o + 1/2) / block stays clear of rounding; its floor is that of o / block
  const reach: Reach = {
    type: 'sample',
    axes: block.map((b) => ({ scale: 1 / b, offset: 0.5 / b, taps: 1 })),
  };
  return makeTensor({ kind: 'depthToSpace', block, axis, phaseMajor, inputs: [x], reach }, shape, x.dtype);
}

const blockOf = (op: string, x: Tensor, block: PerAxis) =>
  perAxis(op, 'block', block, spatialShape(op, x).length, 1);

export interface DepthOrder {
  /**
   * `'CRD'` (default): channel-major, PyTorch's pixel_shuffle. `'DCR'`: block-major, ONNX's default and TensorFlow's
   * order.
   */
  readonly mode?: 'CRD' | 'DCR' | undefined;
}

/** `[N, C·b², H, W]` → `[N, C, H·b, W·b]`: channels become positions of a block. */
export function depthToSpace(x: Tensor, block: PerAxis, { mode = 'CRD' }: DepthOrder = {}): Tensor {
  return toSpace('depthToSpace', x, blockOf('depthToSpace', x, block), 1, mode === 'DCR');
}

/** `[N, C, H·b, W·b]` → `[N, C·b², H, W]`: the inverse of depthToSpace. */
export function spaceToDepth(x: Tensor, block: PerAxis, { mode = 'CRD' }: DepthOrder = {}): Tensor {
  return toDepth('spaceToDepth', x, blockOf('spaceToDepth', x, block), 1, mode === 'DCR');
}

/** PyTorch's name for depthToSpace (Shi et al. 2016; the last step of dense upsampling convolution). */
export const pixelShuffle = (x: Tensor, factor: PerAxis): Tensor => depthToSpace(x, factor);
/** PyTorch's name for spaceToDepth. */
export const pixelUnshuffle = (x: Tensor, factor: PerAxis): Tensor => spaceToDepth(x, factor);

type Sides = readonly (readonly [before: number, after: number])[];

/**
 * Pads with zeros, then turns phase p (every block-th position) of sample n into sample `p · N + n` (TensorFlow's
 * SpaceToBatchND). A convolution with dilation `block` becomes a dense convolution on the result.
 *
 * @throws ShapeError if the block does not divide the padded size
 */
export function spaceToBatch(x: Tensor, block: PerAxis, padding?: Sides): Tensor {
  const sizes = blockOf('spaceToBatch', x, block);
  return toDepth(
    'spaceToBatch',
    padding === undefined ? x : pad(x, checkSides('spaceToBatch', x, padding)),
    sizes,
    0,
    true,
  );
}

/** Undoes spaceToBatch, then crops `[before, after]` from each spatial axis. */
export function batchToSpace(x: Tensor, block: PerAxis, crops?: Sides): Tensor {
  const whole = toSpace('batchToSpace', x, blockOf('batchToSpace', x, block), 0, true);
  if (crops === undefined) return whole;
  return pad(
    whole,
    checkSides('batchToSpace', x, crops).map(([before, after]) => [-before, -after] as const),
  );
}

function checkSides(op: string, x: Tensor, sides: Sides): Sides {
  if (sides.length !== x.shape.length - 2)
    throw new ShapeError(
      `${op}: give [before, after] for each of the ${x.shape.length - 2} spatial axes, not ${describe(sides)}`,
      { sides, x: x.shape },
    );
  return sides;
}
