import { type Block, sum, volume } from './block.js';
import { type Counts, isEmpty } from './counts.js';
import { budgetOf, type CoverageOptions, countsAt, nothingRead } from './coverage.js';
import { prepare } from './graph.js';
import type { Network } from './types.js';

/** Along one axis, how the influence of the inputs is distributed. */
export interface EffectiveField {
  /** Mean position of the influence. */
  readonly mean: number;
  /** In input samples squared. */
  readonly variance: number;
  /** √variance. */
  readonly sigma: number;
  /** 2σ: a Gaussian has 95.45 % of its weight within this distance of the mean. */
  readonly radius: number;
  /** Inputs in the smallest interval around the mean that holds 95.45 % of the paths. */
  readonly size: number;
  /** size / size of the field. */
  readonly fraction: number;
}

/**
 * The theoretical effective receptive field (Luo et al., NeurIPS 2016), per axis: with equal weights and no
 * nonlinearity, the influence of an input is proportional to its number of paths, a distribution that tends to a
 * Gaussian. Each layer of a chain adds (K² − 1)/12 · spacing² to its variance. With independent random weights the
 * gradient's standard deviation goes with the root of the paths, so its σ is √2 times as large.
 *
 * @throws RfError as `coverage` does
 */
export function effectiveField(network: Network, options: CoverageOptions = {}): readonly EffectiveField[] {
  const prepared = prepare('effectiveField', network, options);
  const counts = countsAt(prepared, options);
  if (isEmpty(counts)) throw nothingRead(prepared);
  const budget = budgetOf(prepared, options);
  return Array.from({ length: prepared.ndim }, (_, axis) =>
    describe(
      sum(
        budget,
        marginals(counts, axis).map((block) => [block]),
      ),
    ),
  );
}

const within = 0.9545;

function describe({ start, values }: Block): EffectiveField {
  let [total, first, second] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    total += values[i]!;
    first += values[i]! * i;
  }
  const middle = first / total;
  for (let i = 0; i < values.length; i++) second += values[i]! * (i - middle) ** 2;
  const variance = second / total;
  const from = values.findIndex((value) => value > 0);
  const to = values.findLastIndex((value) => value > 0);
  let [low, high, held] = [Math.floor(middle) + 1, Math.floor(middle), 0];
  while (held < within * total && (low > from || high < to)) {
    const left = low > from ? middle - (low - 1) : Infinity;
    const right = high < to ? high + 1 - middle : Infinity;
    // both ends at once where they are equally near
    if (left <= right + 1e-9) held += values[--low]!;
    if (right <= left + 1e-9) held += values[++high]!;
  }
  const size = high - low + 1;
  const sigma = Math.sqrt(variance);
  return {
    mean: start[0]! + middle,
    variance,
    sigma,
    radius: 2 * sigma,
    size,
    fraction: size / (to - from + 1),
  };
}

/** The counts summed over all other axes, one block for every term. */
function marginals({ terms, dense }: Counts, axis: number): Block[] {
  const result = terms.map((term): Block => {
    const own = term[axis]!;
    const others = term.filter((_, a) => a !== axis);
    const factor = others.reduce((product, { values }) => product * values.reduce((a, b) => a + b), 1);
    const exponent = others.reduce((total, other) => total + other.exponent, own.exponent);
    return { ...own, values: own.values.map((value) => value * factor), exponent, most: own.most * factor };
  });
  if (dense) {
    const length = dense.shape[axis]!;
    const inner = volume(dense.shape.slice(axis + 1));
    const values = new Float64Array(length);
    for (let i = 0; i < dense.values.length; i++) values[Math.floor(i / inner) % length]! += dense.values[i]!;
    const most = dense.most * (dense.values.length / length);
    result.push({ start: [dense.start[axis]!], shape: [length], values, exponent: dense.exponent, most });
  }
  return result;
}
