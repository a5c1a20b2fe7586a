import { checkDType, checkInteger, checkNumber, checkTensor } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import type { Constant } from '../graph.js';
import { formatShape } from '../shape.js';
import { expressionOf, makeTensor, type Tensor } from '../tensor.js';
import { add, channelOperand, div, mul, sqrt, sub } from './pointwise.js';

export interface BatchNormOptions {
  /** Running mean `[C]`. */
  readonly mean: Tensor;
  /** Running variance `[C]`. */
  readonly variance: Tensor;
  /** Scale `[C]`; default 1. */
  readonly weight?: Tensor | undefined;
  /** Shift `[C]`; default 0. */
  readonly bias?: Tensor | undefined;
  /** Default 1e-5. */
  readonly epsilon?: number | undefined;
}

/**
 * Batch normalisation at inference (Ioffe & Szegedy 2015): `(x - mean) / √(variance + ε) · weight + bias` per channel.
 * It becomes one multiplication and one addition per channel, which backends fuse into the convolution before.
 *
 * @param x float32 `[N, C, …]`
 * @throws ShapeError unless all four have one value per channel
 */
export function batchNorm(x: Tensor, options: BatchNormOptions): Tensor {
  checkTensor('batchNorm', 'x', x);
  checkDType('batchNorm', 'x', x, ['float32']);
  const { mean, variance, weight, bias } = options;
  const epsilon = checkEpsilon('batchNorm', options.epsilon);
  for (const [name, values] of Object.entries({ mean, variance, weight, bias }))
    if (values !== undefined) channelOperand('batchNorm', name, values, x);
  const { scale, shift } =
    foldedScale(mean, variance, weight, bias, epsilon) ??
    composedScale(mean, variance, weight, bias, epsilon);
  return add(
    mul(x, channelOperand('batchNorm', 'scale', scale, x)),
    channelOperand('batchNorm', 'shift', shift, x),
  );
}

interface ScaleAndShift {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/**
 * Scales computed from known statistics, remembered by the identity of the variance, so that tracing a network again
 * for another size gives the same constants and a backend shares them.
 */
const folded = new WeakMap<Constant, { readonly key: readonly unknown[]; readonly value: ScaleAndShift }[]>();

function constantOf(t: Tensor): Constant | undefined {
  const expression = expressionOf(t);
  return expression.kind === 'constant' ? expression.value : undefined;
}

function foldedScale(
  mean: Tensor,
  variance: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  epsilon: number,
): ScaleAndShift | undefined {
  const varianceValue = constantOf(variance);
  const meanValue = constantOf(mean);
  const weightValue = weight && constantOf(weight);
  const biasValue = bias && constantOf(bias);
  if (!varianceValue || !meanValue || (weight && !weightValue) || (bias && !biasValue)) return undefined;
  const key = [meanValue, weightValue, biasValue, epsilon];
  const known = folded.get(varianceValue) ?? [];
  const hit = known.find((entry) => entry.key.every((part, i) => part === key[i]));
  if (hit) return hit.value;
  const channels = varianceValue.data.length;
  const scale = new Float32Array(channels);
  const shift = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const factor = (weightValue?.data[c] ?? 1) / Math.sqrt(varianceValue.data[c]! + epsilon);
    scale[c] = factor;
    shift[c] = (biasValue?.data[c] ?? 0) - meanValue.data[c]! * factor;
  }
  const leaf = (data: Float32Array) =>
    makeTensor({ kind: 'constant', value: { data }, inputs: [] }, [channels], 'float32');
  const value = { scale: leaf(scale), shift: leaf(shift) };
  folded.set(varianceValue, [...known, { key, value }]);
  return value;
}

function composedScale(
  mean: Tensor,
  variance: Tensor,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
  epsilon: number,
): ScaleAndShift {
  const scale = div(weight ?? 1, sqrt(add(variance, epsilon)));
  return { scale, shift: sub(bias ?? 0, mul(mean, scale)) };
}

export interface AffineNormOptions {
  /** Scale `[C]`; default 1. */
  readonly weight?: Tensor | undefined;
  /** Shift `[C]`; default 0. */
  readonly bias?: Tensor | undefined;
  /** Default 1e-5. */
  readonly epsilon?: number | undefined;
}

/**
 * Group normalisation (Wu & He 2018): each sample's channels, in `groups` groups, get mean 0 and (biased) variance 1
 * over channels and positions.
 *
 * @param x float32 `[N, C, …]`
 * @throws OptionError unless groups divides the channels
 */
export function groupNorm(x: Tensor, groups: number, options: AffineNormOptions = {}): Tensor {
  checkTensor('groupNorm', 'x', x);
  checkDType('groupNorm', 'x', x, ['float32']);
  if (x.shape.length < 2 || x.shape.includes(0))
    throw new ShapeError(`groupNorm: x must be [N, C, …] and not empty but is ${formatShape(x.shape)}`, {
      x: x.shape,
    });
  checkInteger('groupNorm', 'groups', groups, 1);
  if (x.shape[1]! % groups !== 0)
    throw new OptionError(
      `groupNorm: groups ${groups} must divide the ${x.shape[1]} channels (x ${formatShape(x.shape)})`,
      { groups, x: x.shape },
    );
  const epsilon = checkEpsilon('groupNorm', options.epsilon);
  let y = makeTensor(
    { kind: 'groupNorm', groups, epsilon, inputs: [x], reach: { type: 'everything' } },
    x.shape,
    'float32',
  ) as Tensor;
  if (options.weight !== undefined) y = mul(y, channelOperand('groupNorm', 'weight', options.weight, x));
  if (options.bias !== undefined) y = add(y, channelOperand('groupNorm', 'bias', options.bias, x));
  return y;
}

/** Instance normalisation (Ulyanov et al. 2016): group normalisation with one channel per group. x float32 `[N, C, …]`. */
export function instanceNorm(x: Tensor, options: AffineNormOptions = {}): Tensor {
  checkTensor('instanceNorm', 'x', x);
  return groupNorm(x, x.shape[1] ?? 1, options);
}

function checkEpsilon(op: string, epsilon = 1e-5): number {
  checkNumber(op, 'epsilon', epsilon);
  if (epsilon < 0)
    throw new OptionError(`${op}: epsilon must not be negative but is ${epsilon}`, { epsilon });
  return epsilon;
}
