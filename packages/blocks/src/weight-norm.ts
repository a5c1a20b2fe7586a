import { isTensor, OptionError, ShapeError, type Tensor, tensor } from '@atrous/core';
import type { Parameters } from './block.js';
import { checkRecord } from './parameters.js';

/** Names of magnitude and direction: PyTorch's `weight_norm`, and the `parametrizations.weight_norm` of PyTorch 2. */
const forms = [
  { magnitude: /(^|\.)(\w+)_g$/, direction: (name: string) => `${name}_v` },
  {
    magnitude: /(^|\.)parametrizations\.(\w+)\.original0$/,
    direction: (name: string) => `parametrizations.${name}.original1`,
  },
] as const;

/**
 * Weights that PyTorch stores as magnitude and direction (`weight_g`, `weight_v`), multiplied out to the one `weight` that
 * inference needs: `weight = g · v / ‖v‖`, with the norm over all of one output channel. All other tensors stay as they
 * are.
 *
 * ```ts
 * loadParameters(network, foldWeightNorm(tensors));
 * ```
 *
 * Source: Salimans & Kingma, "Weight normalization", NeurIPS 2016; `torch.nn.utils.weight_norm` with its default `dim=0`.
 *
 * @throws OptionError where only one of the two is there, or a direction has no length
 * @throws ShapeError where the magnitudes are not one per output channel
 */
export function foldWeightNorm(tensors: Parameters): Parameters {
  checkRecord('foldWeightNorm', tensors);
  const folded: Record<string, Tensor> = { ...tensors };
  for (const name of Object.keys(tensors))
    for (const { magnitude, direction } of forms) {
      const match = magnitude.exec(name);
      if (match === null) continue;
      const before = name.slice(0, match.index) + match[1];
      const [target, partner] = [before + match[2], before + direction(match[2]!)];
      if (!Object.hasOwn(tensors, partner))
        throw new OptionError(`foldWeightNorm: ${name} is there but ${partner} is missing`, {
          name,
          partner,
        });
      if (Object.hasOwn(tensors, target))
        throw new OptionError(`foldWeightNorm: ${name} and ${target} are both there; leave one out`, {
          name,
          target,
        });
      delete folded[name];
      delete folded[partner];
      folded[target] = multiply(target, name, tensors[name]!, tensors[partner]!);
    }
  return folded;
}

function multiply(target: string, name: string, g: Tensor, v: Tensor): Tensor {
  if (!isTensor(g) || !isTensor(v))
    throw new OptionError(`foldWeightNorm: ${name} and its direction must be tensors`, { name });
  const [channels = 1] = v.shape;
  const expected = v.shape.map((size, axis) => (axis === 0 ? size : 1));
  if (g.shape.join() !== expected.join())
    throw new ShapeError(
      `foldWeightNorm: ${name} is [${g.shape.join(', ')}] but must be [${expected.join(', ')}], one magnitude per output channel of the direction [${v.shape.join(', ')}]`,
      { name, magnitude: g.shape, direction: v.shape },
    );
  const [lengths, values] = [g.dataSync(), v.dataSync()];
  const perChannel = values.length / channels;
  const weight = new Float32Array(values.length);
  for (let o = 0; o < channels; o++) {
    const start = o * perChannel;
    let squares = 0;
    for (let i = start; i < start + perChannel; i++) squares += values[i]! ** 2;
    if (squares === 0)
      throw new OptionError(`foldWeightNorm: the direction of ${target} is 0 in output channel ${o}`, {
        name: target,
        channel: o,
      });
    const factor = lengths[o]! / Math.sqrt(squares);
    for (let i = start; i < start + perChannel; i++) weight[i] = values[i]! * factor;
  }
  return tensor(weight, v.shape, 'float32', target);
}
