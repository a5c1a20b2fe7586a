import { integer, RfError, show } from './error.js';
import { label, type Prepared, prepare } from './graph.js';
import { gcd } from './reads.js';
import type { Network, NetworkOptions } from './types.js';

export interface HybridDilation {
  /** Whether the schedule passes the published rule. */
  readonly passes: boolean;
  /** M₁ … Mₙ: largest distance between inputs with a nonzero weight, as the paper bounds it. */
  readonly distances: readonly number[];
  /** M₂ (M₁ for a single layer), which must not exceed the kernel size. */
  readonly distance: number;
  /** Greatest common divisor of the rates, which must be 1. */
  readonly commonFactor: number;
  /** Whether the rule decides exactly for such a schedule: kernel 3, rates ascending from 1. */
  readonly exact: boolean;
  /** What the rule says for this schedule, and how far that can be trusted. */
  readonly domain: string;
}

/**
 * The design rule of hybrid dilated convolution (Wang et al., WACV 2018), as published:
 * Mₙ = rₙ, Mᵢ = max(Mᵢ₊₁ − 2rᵢ, 2rᵢ − Mᵢ₊₁, rᵢ); M₂ ≤ kernel, and no common factor in the rates.
 *
 * It decides exactly for kernel 3 and rates that ascend from 1. Elsewhere it is neither sufficient (rates 2, 3) nor
 * necessary (1, 3, 1); it misses holes of kernel 2 and is too strict for kernels of 4 and more. `holeTest` is exact.
 *
 * @param rates dilation of each layer, from the input on
 * @param kernel taps of every layer, default 3
 * @throws RfError unless all are positive integers
 */
export function hybridDilation(rates: readonly number[], kernel = 3): HybridDilation {
  const where = 'hybridDilation';
  if (!Array.isArray(rates) || !rates.length)
    throw new RfError(`${where}: rates must be a list of positive integers but is ${show(rates)}`, { rates });
  rates.forEach((rate, i) => {
    integer(where, `rate ${i}`, rate);
  });
  integer(where, 'kernel', kernel);
  const distances = [rates.at(-1)!];
  for (const rate of rates.slice(0, -1).reverse()) {
    const next = distances[0]!;
    distances.unshift(Math.max(next - 2 * rate, 2 * rate - next, rate));
  }
  const distance = distances[1] ?? distances[0]!;
  const commonFactor = rates.reduce(gcd);
  const ascends = rates[0] === 1 && rates.every((rate, i) => i === 0 || rate >= rates[i - 1]!);
  const exact = kernel === 3 && ascends;
  const domain = exact
    ? 'kernel 3 with rates ascending from 1, where the rule is exact'
    : kernel === 2
      ? 'kernel 2, where the rule misses holes; use the exact hole test'
      : kernel > 3 && ascends
        ? `kernel ${kernel}, where the rule is too strict; use the exact hole test`
        : 'rates that do not ascend from 1, where the rule proves nothing; use the exact hole test';
  return {
    passes: distance <= kernel && commonFactor === 1,
    distances,
    distance,
    commonFactor,
    exact,
    domain,
  };
}

/** One layer in the exact hole test. */
export interface SpacedLayer {
  readonly node: number;
  readonly name: string;
  readonly kernel: number;
  /** Distance between its taps, in input samples: dilation × product of the strides before. */
  readonly spacing: number;
  /** Largest spacing that leaves no hole: 1 + Σ (kernel − 1)·spacing over the layers of smaller spacing. */
  readonly allowed: number;
}

export interface HoleTest {
  readonly holeFree: boolean;
  /** Layers with more than one tap, by ascending spacing. */
  readonly layers: readonly SpacedLayer[];
  /** The first of them whose spacing exceeds what is allowed. */
  readonly offender: SpacedLayer | undefined;
  /** What the test holds for. */
  readonly domain: string;
}

const domain = 'chains of convolutions and pools';

/**
 * The exact hole test for a chain of convolutions and pools, per axis: with the layers sorted by their spacing
 * sᵢ = dilation × product of the strides before, there are no holes if and only if every
 * sᵢ ≤ 1 + Σ_{j<i} (kernelⱼ − 1)·sⱼ. Any kernels, rates, strides and order.
 *
 * @throws RfError for networks that branch or upsample; `coverage` finds their holes
 */
export function holeTest(network: Network, options: NetworkOptions = {}): readonly HoleTest[] {
  const prepared = prepare('holeTest', network, options);
  return Array.from({ length: prepared.ndim }, (_, axis) => testSpacings(chainSpacings(prepared, axis)));
}

type Spaced = Omit<SpacedLayer, 'allowed'>;

export function testSpacings(spaced: readonly Spaced[]): HoleTest {
  let allowed = 1;
  const layers = spaced
    .filter(({ kernel }) => kernel > 1)
    .toSorted((a, b) => a.spacing - b.spacing)
    .map((layer) => {
      const result = { ...layer, allowed };
      allowed += (layer.kernel - 1) * layer.spacing;
      return result;
    });
  const offender = layers.find((layer) => layer.spacing > layer.allowed);
  return {
    holeFree: !offender,
    layers,
    offender,
    domain: `${domain}, exact for any kernels, rates, strides and order`,
  };
}

/** Kernel and spacing of every window of a chain. */
export function chainSpacings({ where, nodes, live }: Prepared, axis: number): Spaced[] {
  const result: Spaced[] = [];
  let jump = 1;
  for (let n = 0; n < nodes.length; n++) {
    if (!live[n]) continue;
    const { inputs, reach, name } = nodes[n]!;
    const branches = inputs.filter((input) => live[input]).length > 1;
    if (branches || (reach && reach.type !== 'window'))
      throw new RfError(
        `${where}: ${label(nodes, n)} ${branches ? 'joins branches' : `has a reach of type ${show(reach!.type)}`}; this test is for ${domain}, use coverage`,
        { node: n },
      );
    if (!reach) continue;
    const { kernel, stride, dilation } = reach.axes[axis]!;
    result.push({ node: n, name: name ?? `node ${n}`, kernel, spacing: dilation * jump });
    jump *= stride;
  }
  return result;
}
