import { type Block, type Budget, profile, volume } from './block.js';
import { type Counts, countPaths, factorsOf, isProduct, toDense } from './counts.js';
import { integer, LARGEST, perAxis, RfError, show } from './error.js';
import { type Prepared, prepare } from './graph.js';
import { gcd, modulo } from './reads.js';
import { regionsOf } from './regions.js';
import type { Network, NetworkOptions, PerAxis } from './types.js';

export interface CoverageOptions extends NetworkOptions {
  /** The output to look at, per axis. Default: the middle of a real map, 0 on an endless one. */
  readonly at?: PerAxis;
  /** Largest number of positions that may be counted at once. Default 2^24 (128 MiB). */
  readonly maxPositions?: number;
}

/** Coverage along one axis: whether anything at this position, at any position of the other axes, is read. */
export interface AxisCoverage {
  /** First and last input that is read. */
  readonly first: number;
  readonly last: number;
  readonly size: number;
  readonly touched: number;
  /** One character per input from `first` to `last`: `1` read, `0` a hole. */
  readonly pattern: string;
  /** Greatest common divisor of the distances between inputs that are read; 0 where only one is. */
  readonly phaseGcd: number;
  /** Sets of outputs that never share an input with each other, however far apart (gridding if more than 1). */
  readonly lattices: number;
}

export interface Coverage {
  readonly axes: readonly AxisCoverage[];
  /** Inputs in the box of the receptive field. */
  readonly area: number;
  /** Those of them that are read. */
  readonly touched: number;
  readonly holes: number;
  /** touched / area. */
  readonly fraction: number;
  /** Whether the inputs read are the product of the axes' patterns. */
  readonly separable: boolean;
  /** Product of the axes' lattices. */
  readonly lattices: number;
  readonly paths: PathStatistics;
}

/** Paths from the output to the inputs that are read. Exact up to 2^53, float64 beyond. */
export interface PathStatistics {
  readonly min: number;
  readonly max: number;
  readonly total: number;
  /** Entropy of the distribution of paths over inputs, in nats. */
  readonly entropy: number;
  /** e^entropy / area: 1 if every input of the box is reached equally often. */
  readonly evenness: number;
}

/**
 * Which inputs one output reads, exactly, and over how many paths.
 *
 * Without `inputSize` the map is endless, as for outputs far from the border. With it, reads outside the map (and
 * outside the maps in between) count for nothing. A linear network with equal weights has these counts as its
 * gradient.
 *
 * @throws RfError if the network makes no sense, if its field is unbounded and there is no `inputSize`, or if more
 *   than `maxPositions` would have to be counted
 */
export function coverage(network: Network, options: CoverageOptions = {}): Coverage {
  const prepared = prepare('coverage', network, options);
  return describeCoverage(prepared, countsAt(prepared, options), budgetOf(prepared, options));
}

/**
 * The path counts themselves, as a dense array over the box from `start` (row-major, as long as `shape`), in units
 * of 2^`exponent` (0 unless counts exceed 2^240).
 *
 * @throws RfError as `coverage` does
 */
export function pathCounts(
  network: Network,
  options: CoverageOptions = {},
): {
  readonly start: readonly number[];
  readonly shape: readonly number[];
  readonly values: Float64Array;
  readonly exponent: number;
} {
  const prepared = prepare('pathCounts', network, options);
  const block = toDense(budgetOf(prepared, options), countsAt(prepared, options));
  if (!block) throw nothingRead(prepared);
  const { start, shape, values, exponent } = block;
  return { start, shape, values, exponent };
}

export function budgetOf({ where }: Prepared, { maxPositions = 2 ** 24 }: CoverageOptions): Budget {
  return { where, positions: integer(where, 'maxPositions', maxPositions) };
}

export const countsAt = (prepared: Prepared, options: CoverageOptions): Counts =>
  countPaths(prepared, outputIndex(prepared, options.at), budgetOf(prepared, options));

/** The output to look at. */
export function outputIndex(prepared: Prepared, at: PerAxis | undefined): readonly number[] {
  const { ndim, sizes, target } = prepared;
  const size = sizes?.[target];
  const middle = Array.from({ length: ndim }, (_, axis) => (size ? Math.floor(size[axis]! / 2) : 0));
  return at === undefined ? middle : indexIn(prepared, 'output', at, size);
}

/** A position given by a caller, checked against the map if there is one. */
export function indexIn(
  { where, ndim }: Prepared,
  name: string,
  at: PerAxis,
  size: readonly number[] | undefined,
): readonly number[] {
  const list = perAxis(where, name, at, ndim, size ? 0 : -LARGEST);
  if (!size || list.every((index, axis) => index < size[axis]!)) return list;
  throw new RfError(`${where}: ${name} ${show(at)} lies outside the map of ${size.join('×')}`, {
    [name]: at,
    size,
  });
}

export const nothingRead = ({ where }: Prepared): RfError =>
  new RfError(`${where}: this output reads no input at all`);

/** What is known of a block of counts without looking at positions. */
interface Totals {
  readonly touched: number;
  readonly min: number;
  readonly max: number;
  readonly total: number;
  readonly entropy: number;
  readonly exponent: number;
}

function totalsOf({ values, exponent }: Block): Totals {
  let [touched, min, max, total, weighted] = [0, Infinity, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!value) continue;
    touched++;
    total += value;
    if (value < min) min = value;
    if (value > max) max = value;
    weighted += value * Math.log(value);
  }
  return { touched, min, max, total, entropy: Math.log(total) - weighted / total, exponent };
}

const productOf = (a: Totals, b: Totals): Totals => ({
  touched: a.touched * b.touched,
  min: a.min * b.min,
  max: a.max * b.max,
  total: a.total * b.total,
  entropy: a.entropy + b.entropy,
  exponent: a.exponent + b.exponent,
});

export function describeCoverage(prepared: Prepared, counts: Counts, budget: Budget): Coverage {
  const blocks = factorsOf(budget, counts);
  if (!blocks.length) throw nothingRead(prepared);
  const product = isProduct(counts);
  const totals = blocks.map(totalsOf).reduce(productOf);
  const axes = Array.from({ length: prepared.ndim }, (_, axis) => {
    const block = blocks[product ? axis : 0]!;
    const own = product ? 0 : axis;
    return axisCoverage(prepared, axis, block.start[own]!, profile(block, own));
  });
  const area = volume(axes.map(({ size }) => size));
  const { touched, entropy } = totals;
  const unit = 2 ** totals.exponent;
  return {
    axes,
    area,
    touched,
    holes: area - touched,
    fraction: touched / area,
    separable: touched === volume(axes.map((axis) => axis.touched)),
    lattices: volume(axes.map(({ lattices }) => lattices)),
    paths: {
      min: totals.min * unit,
      max: totals.max * unit,
      total: totals.total * unit,
      entropy,
      evenness: Math.min(Math.exp(entropy) / area, 1),
    },
  };
}

function axisCoverage(prepared: Prepared, axis: number, start: number, counts: Float64Array): AxisCoverage {
  const from = counts.findIndex((count) => count > 0);
  const to = counts.findLastIndex((count) => count > 0);
  let pattern = '';
  let phaseGcd = 0;
  let touched = 0;
  for (let i = from; i <= to; i++) {
    pattern += counts[i] ? '1' : '0';
    if (!counts[i]) continue;
    touched++;
    phaseGcd = gcd(i - from, phaseGcd);
  }
  const lattices = latticesOf(prepared, axis, phaseGcd);
  return { first: start + from, last: start + to, size: to - from + 1, touched, pattern, phaseGcd, lattices };
}

/** Residues modulo the phase gcd that outputs fall on. */
function latticesOf(prepared: Prepared, axis: number, phaseGcd: number): number {
  if (phaseGcd <= 1) return 1;
  const regions = regionsOf(prepared, axis)[prepared.target];
  if (!regions) return phaseGcd;
  const shared = gcd(phaseGcd, regions.shift);
  const residues = new Set(
    regions.first.filter(Number.isFinite).map((first) => modulo(first, shared || phaseGcd)),
  );
  return Math.max(residues.size, 1) * (phaseGcd / (shared || phaseGcd));
}
