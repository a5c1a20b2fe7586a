import { type Block, trim, volume } from './block.js';
import { factorsOf } from './counts.js';
import { budgetOf, type CoverageOptions, countsAt, nothingRead } from './coverage.js';
import { prepare } from './graph.js';
import type { Network } from './types.js';

/** The inputs at one distance from the middle of the field (the largest of the distances per axis). */
export interface Ring {
  readonly distance: number;
  /** Inputs at this distance, and those of them that are read. */
  readonly positions: number;
  readonly touched: number;
  /** touched / positions. */
  readonly density: number;
  /** Share of all paths that end here. */
  readonly weight: number;
}

/**
 * How densely the field is sampled by distance from its middle: rates that all share a factor read the same thin
 * grid near and far, large rates alone read little near by, and what is far is reached over few paths.
 *
 * @throws RfError as `coverage` does
 */
export function samplingDensity(network: Network, options: CoverageOptions = {}): readonly Ring[] {
  const prepared = prepare('samplingDensity', network, options);
  const counts = countsAt(prepared, options);
  const blocks = factorsOf(budgetOf(prepared, options), counts).map(trim);
  if (!blocks.length) throw nothingRead(prepared);
  const within = cumulate(blocks.map(ringsOf));
  const all = within.at(-1)!.weight;
  return within.flatMap((now, distance) => {
    const before = within[distance - 1] ?? nothing;
    const positions = now.positions - before.positions;
    const touched = now.touched - before.touched;
    return positions
      ? [
          {
            distance,
            positions,
            touched,
            density: touched / positions,
            weight: (now.weight - before.weight) / all,
          },
        ]
      : [];
  });
}

interface Amounts {
  positions: number;
  touched: number;
  weight: number;
}

const nothing: Amounts = { positions: 0, touched: 0, weight: 0 };

/** Amounts at each distance from the middle of one block. */
function ringsOf({ shape, values }: Block): Amounts[] {
  const rings: Amounts[] = [];
  const distances = shape.map((length) =>
    Array.from({ length }, (_, i) => Math.ceil(Math.abs(i - (length - 1) / 2))),
  );
  const inner = distances.at(-1)!;
  for (let r = 0, rows = volume(shape) / inner.length; r < rows; r++) {
    let outer = 0;
    let rest = r;
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      outer = Math.max(outer, distances[axis]![rest % shape[axis]!]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    for (let i = 0; i < inner.length; i++) {
      const distance = Math.max(outer, inner[i]!);
      while (rings.length <= distance) rings.push({ ...nothing });
      const ring = rings[distance]!;
      const value = values[r * inner.length + i]!;
      ring.positions++;
      ring.touched += Number(value > 0);
      ring.weight += value;
    }
  }
  return rings;
}

function sums(rings: readonly Amounts[]): Amounts[] {
  let total = nothing;
  return rings.map(({ positions, touched, weight }) => {
    total = {
      positions: total.positions + positions,
      touched: total.touched + touched,
      weight: total.weight + weight,
    };
    return total;
  });
}

/** Within a distance, a product of axes holds the product of what each axis holds. */
function cumulate(axes: readonly (readonly Amounts[])[]): Amounts[] {
  const within = axes.map(sums);
  const farthest = Math.max(...within.map((list) => list.length));
  return Array.from({ length: farthest }, (_, distance) =>
    within
      .map((list) => list[Math.min(distance, list.length - 1)]!)
      .reduce((a, b) => ({
        positions: a.positions * b.positions,
        touched: a.touched * b.touched,
        weight: a.weight * b.weight,
      })),
  );
}
