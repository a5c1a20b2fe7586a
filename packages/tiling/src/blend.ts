import type { DType, Shape, Values } from '@atrous/core';
import type { Interval } from '@atrous/rf';
import { combination, copyRegion, eachRow, elements, offsetOf, type Region, type Sink } from './region.js';

/**
 * How the results of overlapping windows become one: `'none'`: each tile keeps its own part, the centre of its window;
 * otherwise a weighted mean, with weights that are equal (`'constant'`), fall linearly towards the window's border
 * (`'linear'`), or as a Gaussian with a standard deviation of an eighth of the window (`'gaussian'`, as MONAI and
 * nnU-Net do).
 */
export type Blend = (typeof blends)[number];
export const blends = ['none', 'constant', 'linear', 'gaussian'] as const;

/** One window along one axis of the result. */
export interface BlendPart {
  /** First position that it computes. */
  readonly first: number;
  /** One per position that it computes; over all windows they sum to one at every position. */
  readonly weights: Float64Array;
  /** The positions that are its tile's own, if there are any. */
  readonly owned: Interval | undefined;
}

const profiles: Readonly<Record<Exclude<Blend, 'none'>, (i: number, length: number) => number>> = {
  constant: () => 1,
  linear: (i, length) => Math.min(i + 1, length - i),
  gaussian: (i, length) => Math.exp(-0.5 * ((i - (length - 1) / 2) / (length / 8)) ** 2),
};

/**
 * Weights along one axis. That windows form a grid makes the weight at a position the product of its weights along the
 * axes, before and after they are made to sum to one.
 *
 * @param windows what each window computes and owns, in positions of the result
 */
export function blendAxis(
  windows: readonly {
    readonly first: number;
    readonly length: number;
    readonly owned: Interval | undefined;
  }[],
  size: number,
  blend: Exclude<Blend, 'none'>,
): BlendPart[] {
  const sums = new Float64Array(size);
  const parts = windows.map(({ first, length, owned }): BlendPart => {
    const weights = Float64Array.from({ length }, (_, i) => profiles[blend](i, length));
    for (const [i, weight] of weights.entries()) sums[first + i]! += weight;
    return { first, weights, owned };
  });
  for (const { first, weights } of parts) for (const i of weights.keys()) weights[i]! /= sums[first + i]!;
  return parts;
}

/** Bytes that blending holds: the rows of one row of windows, and what is written of them. */
export const blendBytes = (axes: readonly (readonly BlendPart[])[], shape: Shape): number =>
  8 * shape[0]! * shape[1]! * elements([axes[0]![0]!.weights.length, ...shape.slice(3)]);

/**
 * Takes what whole windows compute, in the order of tiles, and hands on the weighted mean: one box per tile, when the
 * last window that reaches its rows is there. Holds the rows of one row of windows, over the picture's full width.
 */
export class BlendSink implements Sink {
  readonly #to: Sink;
  readonly #axes: readonly (readonly BlendPart[])[];
  readonly #perRow: number;
  #rows: Float32Array | undefined;
  #taken = 0;

  constructor(to: Sink, axes: readonly (readonly BlendPart[])[]) {
    this.#to = to;
    this.#axes = axes;
    this.#perRow = axes.slice(1).reduce((product, parts) => product * parts.length, 1);
  }

  async begin(result: { readonly shape: Shape; readonly dtype: DType }, kept: number): Promise<void> {
    await this.#to.begin?.(result, kept);
  }

  async write(
    region: Region,
    values: Values,
    result: { readonly shape: Shape; readonly dtype: DType },
  ): Promise<void> {
    const row = Math.floor(this.#taken / this.#perRow);
    const parts = combination(this.#taken++, this.#axes);
    const planes = result.shape[0]! * result.shape[1]!;
    const held = [region.size[0]!, ...result.shape.slice(3)];
    this.#rows ??= new Float32Array(elements(held) * planes);
    const rows = this.#rows;
    const at = [0, ...region.start.slice(1)];
    const last = region.size.length - 1;
    const across = parts[last]!.weights;
    let read = 0;
    eachRow(region.size, planes, (plane, position) => {
      const weight = position.reduce((product, i, axis) => product * parts[axis]!.weights[i]!, 1);
      const to = offsetOf(plane, held, at, position);
      for (let i = 0; i < across.length; i++) rows[to + i]! += weight * across[i]! * values[read++]!;
    });
    if (this.#taken % this.#perRow === 0) await this.#finish(row, region.start[0]!, held, planes, result);
  }

  /** Writes the rows that no later window reaches. */
  async #finish(
    row: number,
    first: number,
    held: readonly number[],
    planes: number,
    result: { readonly shape: Shape; readonly dtype: DType },
  ): Promise<void> {
    const rows = this.#rows!;
    const done = (this.#axes[0]![row + 1]?.first ?? result.shape[2]!) - first;
    for (let column = 0; column < this.#perRow; column++) {
      const others = combination(column, this.#axes)
        .slice(1)
        .flatMap(({ owned }) => (owned ? [owned] : []));
      if (others.length < held.length - 1) continue;
      const start = [first, ...others.map(([from]) => from)];
      const size = [done, ...others.map(([from, to]) => to - from + 1)];
      const values = new Float32Array(elements(size) * planes);
      const zero = size.map(() => 0);
      copyRegion(rows, held, [0, ...start.slice(1)], values, size, zero, size, planes);
      await this.#to.write({ start, size }, values, result);
    }
    const perPlane = elements(held);
    const moved = done * elements(held.slice(1));
    for (let plane = 0; plane < planes; plane++) {
      const from = plane * perPlane;
      rows.copyWithin(from, from + moved, from + perPlane);
      rows.fill(0, from + perPlane - moved, from + perPlane);
    }
  }
}
