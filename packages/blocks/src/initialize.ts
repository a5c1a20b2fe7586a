import { OptionError, ShapeError, tensor } from '@atrous/core';
import type { Block, FeatureIdentity, Parameter, Parameters } from './block.js';
import { hash, xoshiro128 } from './random.js';

export interface InitializeOptions {
  /** Any integer from 0 to 2^53 − 1. Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Random parameters for a block, ready to train or to measure with. Seed, name and shape decide every value: the same
 * on every machine, and not changed by what else the network holds.
 *
 * - `kaiming`: uniform with variance 2 / fan-in, which keeps the size of activations through ReLU layers (He, Zhang,
 *   Ren & Sun, "Delving deep into rectifiers", ICCV 2015); fan-in is the number of inputs of one output,
 *   `C / groups · kh · kw` of a weight `[O, C / groups, kh, kw]`;
 * - `identity`: outputs copy inputs (Yu & Koltun, ICLR 2016, eq. 4): 1 at the middle tap where input and output
 *   channel are the same, 0 elsewhere;
 * - `{ identity: C, noise }`: the same where a layer has `k · C` inputs and `l · C` outputs (eq. 5): output b reads all
 *   k copies of its feature with weight 1 / l at the middle tap, so that a stack that ends with C outputs copies its
 *   input; every other weight is random, uniform with standard deviation `noise / l`, which tells copies apart;
 * - `zeros` and `ones`: biases, batch norm; a number: that number.
 *
 * @throws OptionError for an unusable seed or initialisation
 * @throws ShapeError for a parameter of 2^31 elements or more
 */
export function initialize(
  block: Pick<Block, 'parameters'>,
  { seed = 0 }: InitializeOptions = {},
): Parameters {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new OptionError(`initialize: seed must be an integer from 0 to 2^53 - 1 but is ${seed}`, { seed });
  return Object.fromEntries(
    Object.entries(block.parameters).map(([name, parameter]) => [
      name,
      tensor(valuesOf(name, parameter, seed), parameter.shape, 'float32', name),
    ]),
  );
}

/** What a tensor of the core holds at most. */
const maxElements = 2 ** 31;

function valuesOf(name: string, { shape, init }: Parameter, seed: number): Float32Array {
  const count = product(shape);
  if (!(count < maxElements))
    throw new ShapeError(
      `initialize: '${name}' [${shape.join(', ')}] would have ${count} elements; a tensor has fewer than 2^31`,
      { name, shape },
    );
  const values = new Float32Array(count);
  if (typeof init === 'number') return values.fill(init);
  if (typeof init === 'object') return fillFeatureIdentity(values, name, shape, init, streamOf(seed, name));
  switch (init) {
    case 'zeros':
      return values;
    case 'ones':
      return values.fill(1);
    case 'kaiming':
      return fillKaiming(values, product(shape.slice(1)), streamOf(seed, name));
    case 'identity':
      return fillIdentity(values, shape);
    default:
      throw new OptionError(
        `initialize: init of '${name}' must be 'kaiming', 'zeros', 'ones', 'identity', a number or { identity, noise } but is ${String(init satisfies never)}`,
        { name, init },
      );
  }
}

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

function streamOf(seed: number, name: string): () => number {
  const word = (i: number) => hash(`${seed}/${i}/${name}`);
  return xoshiro128([word(0), word(1), word(2), word(3)]);
}

/** The uniform distribution needs a square root only, which is exact everywhere; a logarithm is not. */
const fillKaiming = (values: Float32Array, fanIn: number, next: () => number): Float32Array =>
  fillUniform(values, Math.sqrt(6 / fanIn), next);

function fillUniform(values: Float32Array, bound: number, next: () => number): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = bound * (next() * 2 ** -31 - 1);
  return values;
}

const middleOf = (kernel: readonly number[]) =>
  kernel.reduce((index, size) => index * size + Math.floor(size / 2), 0);

/** With groups, output o is in the group of input o where both have equally many channels. */
function fillIdentity(values: Float32Array, shape: readonly number[]): Float32Array {
  const [outChannels = 1, inChannels = 1, ...kernel] = shape;
  const taps = product(kernel);
  const middle = middleOf(kernel);
  for (let o = 0; o < outChannels; o++) values[(o * inChannels + (o % inChannels)) * taps + middle] = 1;
  return values;
}

function fillFeatureIdentity(
  values: Float32Array,
  name: string,
  shape: readonly number[],
  { identity: features, noise = 0 }: FeatureIdentity,
  next: () => number,
): Float32Array {
  const [outChannels = 1, inChannels = 1, ...kernel] = shape;
  if (!Number.isSafeInteger(features) || features < 1 || outChannels % features || inChannels % features)
    throw new OptionError(
      `initialize: identity of '${name}' must divide its ${outChannels} output and ${inChannels} input channels but is ${features}`,
      { name, identity: features, shape },
    );
  const taps = product(kernel);
  const middle = middleOf(kernel);
  const one = features / outChannels;
  // a uniform distribution reaches √3 standard deviations
  if (noise > 0) fillUniform(values, Math.sqrt(3) * noise * one, next);
  const featureOf = (channel: number, channels: number) => Math.floor((channel * features) / channels);
  for (let o = 0; o < outChannels; o++)
    for (let i = 0; i < inChannels; i++)
      if (featureOf(o, outChannels) === featureOf(i, inChannels))
        values[(o * inChannels + i) * taps + middle] = one;
  return values;
}
