import { add, mul, relu, sigmoid, type Tensor, tanh } from '@atrous/core';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convolution } from './convolution.js';

export interface WavenetOptions {
  readonly inChannels: number;
  /** Channels of the stack. */
  readonly residualChannels: number;
  /** Channels that each layer hands to the output. */
  readonly skipChannels: number;
  readonly outChannels: number;
  /** Taps of the dilated convolutions. Default 2. */
  readonly kernel?: number | undefined;
  /** Rates, one per layer. Default 1, 2, 4, …, 512: a field of 1024 samples with two taps. */
  readonly rates?: readonly number[] | undefined;
}

const defaultRates = Array.from({ length: 10 }, (_, i) => 2 ** i);

/**
 * Causal stack of gated dilated convolutions over a sequence: `z = tanh(filter(x)) · sigmoid(gate(x))`; each layer adds a
 * 1×1 convolution of z to its input (residual) and another to the output (skip). Output t depends on no later input.
 *
 * Input `[N, inChannels, T]`, output `[N, outChannels, T]`. Children `input`, then one of each per layer: `filter.0` …,
 * `gate.0` …, `res.0` …, `skip.0` …; then `out1` and `out2`, each behind a ReLU. The last `res` has weights, as a stack
 * that is built in a loop has, and is not used.
 *
 * ```ts
 * wavenet({ inChannels: 1, residualChannels: 32, skipChannels: 64, outChannels: 256 });
 * ```
 *
 * Source: van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior & Kavukcuoglu, "WaveNet: a
 * generative model for raw audio", 2016 (arXiv 1609.03499), sections 2.1 to 2.4, figure 4.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function wavenet({
  inChannels,
  residualChannels,
  skipChannels,
  outChannels,
  kernel = 2,
  rates = defaultRates,
}: WavenetOptions): Block {
  checkCounts('wavenet', { inChannels, residualChannels, skipChannels, outChannels, kernel });
  checkRates('wavenet', rates);
  const pointwise = (from: number, to: number) => convolution(from, to, 1, { axes: 1 });
  const dilated = (dilation: number) =>
    convolution(residualChannels, residualChannels, kernel, { axes: 1, dilation, padding: 'causal' });
  return block(
    {
      input: pointwise(inChannels, residualChannels),
      filter: rates.map(dilated),
      gate: rates.map(dilated),
      res: rates.map(() => pointwise(residualChannels, residualChannels)),
      skip: rates.map(() => pointwise(residualChannels, skipChannels)),
      out1: pointwise(skipChannels, skipChannels),
      out2: pointwise(skipChannels, outChannels),
    },
    (m, sequence: Tensor) => {
      let x = m.input(sequence);
      const skips = rates.map((_, i) => {
        const z = mul(tanh(m.filter[i]!(x)), sigmoid(m.gate[i]!(x)));
        x = i === rates.length - 1 ? x : add(x, m.res[i]!(z));
        return m.skip[i]!(z);
      });
      return m.out2(relu(m.out1(relu(skips.reduce((total, skip) => add(total, skip))))));
    },
  );
}
