import { type Block, rowStart, volume } from './block.js';
import { countPaths, factorsOf, isProduct, toDense } from './counts.js';
import { budgetOf, type CoverageOptions, outputIndex } from './coverage.js';
import { prepare } from './graph.js';
import type { Network } from './types.js';

/** What an output has in common with its neighbour along one axis. */
export interface SharedInputs {
  /** Inputs that both read. */
  readonly common: number;
  /** common / inputs that the output reads. */
  readonly fraction: number;
  /**
   * Correlation of the path counts, Σ c·c′ / √(Σ c² · Σ c′²): 0 if neighbours see nothing in common (rates 2, 2, 2),
   * near 1 if they see nearly the same (0.95 for rates 1, 2, 3). Inside a map this is Σ cⱼcⱼ₊₁ / Σ cⱼ².
   */
  readonly correlation: number;
}

/**
 * What neighbouring outputs share, per axis: the next output along the axis, or the one before at the end of a real
 * map. Gridding shows here first: neighbours of one picture that are computed from disjoint inputs.
 *
 * @throws RfError as `coverage` does
 */
export function sharedInputs(network: Network, options: CoverageOptions = {}): readonly SharedInputs[] {
  const prepared = prepare('sharedInputs', network, options);
  const budget = budgetOf(prepared, options);
  const at = outputIndex(prepared, options.at);
  const own = countPaths(prepared, at, budget);
  return at.map((index, axis) => {
    const size = prepared.sizes?.[prepared.target]?.[axis];
    if (size === 1) return nothing;
    const next = size !== undefined && index === size - 1 ? index - 1 : index + 1;
    const neighbour = countPaths(prepared, at.with(axis, next), budget);
    if (isProduct(own) && isProduct(neighbour))
      return compare(factorsOf(budget, own), factorsOf(budget, neighbour));
    const [a, b] = [toDense(budget, own), toDense(budget, neighbour)];
    return a && b ? compare([a], [b]) : nothing;
  });
}

const nothing: SharedInputs = { common: 0, fraction: 0, correlation: 0 };

/** Compares two products of blocks, factor by factor. */
function compare(own: readonly Block[], other: readonly Block[]): SharedInputs {
  let [common, touched, correlation] = [1, 1, 1];
  own.forEach((block, k) => {
    const shared = overlap(block, other[k]!);
    common *= shared.common;
    touched *= block.values.reduce((count, value) => count + Number(value > 0), 0);
    correlation *= shared.products / (norm(block) * norm(other[k]!));
  });
  return { common, fraction: common / touched, correlation: Math.min(correlation, 1) };
}

const norm = ({ values }: Block) => Math.sqrt(values.reduce((total, value) => total + value * value, 0));

function overlap(a: Block, b: Block): { common: number; products: number } {
  const from = a.start.map((start, axis) => Math.max(start, b.start[axis]!));
  const shape = from.map(
    (first, axis) => Math.min(a.start[axis]! + a.shape[axis]!, b.start[axis]! + b.shape[axis]!) - first,
  );
  let [common, products] = [0, 0];
  if (shape.some((length) => length <= 0)) return { common, products };
  const at = ({ start }: Block) => from.map((first, axis) => first - start[axis]!);
  const length = shape.at(-1)!;
  for (let row = 0, rows = volume(shape) / length; row < rows; row++) {
    const i = rowStart(row, shape, at(a), a.shape);
    const k = rowStart(row, shape, at(b), b.shape);
    for (let c = 0; c < length; c++) {
      const product = a.values[i + c]! * b.values[k + c]!;
      products += product;
      common += Number(product > 0);
    }
  }
  return { common, products };
}
