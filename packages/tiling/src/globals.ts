import { type Graph, type Node, UnsupportedError, type Values } from '@atrous/core';
import { combination, type Region } from './region.js';

/** What one tile adds to the value of a global node: float64 sums (or maxima) per plane and bin. */
export type Partial = Float64Array;

/** Values that become known: by what they are called as inputs of the next pass. */
export interface KnownValues {
  readonly value?: Float32Array;
  readonly scale?: Float32Array;
  readonly offset?: Float32Array;
}

/** Gathers the value of a node that reads its whole map, tile by tile, in the order of the tiles. */
export interface Accumulator {
  /** What one tile's part of the map adds; `region` in positions of the whole map. */
  partial(values: Values, region: Region): Partial;
  /** The value, from all partials in the order of tiles. */
  finish(partials: readonly Partial[]): KnownValues;
}

/** @throws UnsupportedError for global nodes that no sum over tiles gives, naming them */
export function accumulatorOf(graph: Graph, n: number, whole: readonly number[], name: string): Accumulator {
  const node = graph.nodes[n]!;
  const [batch, channels] = graph.nodes[node.inputs[0]!]!.shape as [number, number];
  const planes = batch * channels;
  if (node.kind === 'groupNorm') return moments(node, batch, channels, whole);
  if (node.kind === 'adaptivePool') {
    const bins = node.shape.slice(2).map((count, axis) =>
      Array.from({ length: count }, (_, i) => {
        const length = whole[axis]!;
        return [Math.floor((i * length) / count), Math.ceil(((i + 1) * length) / count) - 1] as const;
      }),
    );
    return binned(planes, bins, node.fn);
  }
  const { axes } = node as Node & { axes: readonly number[] };
  const rank = whole.length + 2;
  if (node.kind === 'reduce' && axes.length === whole.length && whole.every((_, i) => axes.includes(i + 2)))
    return binned(
      planes,
      whole.map((length) => [[0, length - 1] as const]),
      node.fn,
    );
  throw new UnsupportedError(
    `tiled: ${name} (${node.kind}) reads the whole map of [${whole.join(', ')}] positions and its value is no sum over tiles; make the tile as large as the picture, or move the layer out of the tiled part`,
    { node: name, rank },
  );
}

type Bin = readonly [first: number, last: number];

/** Sums, means or maxima over boxes of the whole map. */
function binned(planes: number, bins: readonly (readonly Bin[])[], fn: 'sum' | 'mean' | 'max'): Accumulator {
  const counts = bins.map((list) => list.length);
  const perPlane = counts.reduce((a, b) => a * b, 1);
  const empty = fn === 'max' ? -Infinity : 0;
  return {
    partial(values, { start, size }) {
      const found = new Float64Array(planes * perPlane).fill(empty);
      const positions = size.reduce((a, b) => a * b, 1);
      for (let bin = 0; bin < perPlane; bin++) {
        const box = combination(bin, bins).map(
          ([from, to], axis): Bin => [
            Math.max(0, from - start[axis]!),
            Math.min(size[axis]! - 1, to - start[axis]!),
          ],
        );
        if (box.some(([from, to]) => from > to)) continue;
        for (let plane = 0; plane < planes; plane++)
          found[plane * perPlane + bin] = fold(values, plane * positions, size, box, fn === 'max');
      }
      return found;
    },
    finish(partials) {
      const total = new Float64Array(planes * perPlane).fill(empty);
      for (const partial of partials)
        for (let i = 0; i < total.length; i++)
          total[i] = fn === 'max' ? Math.max(total[i]!, partial[i]!) : total[i]! + partial[i]!;
      if (fn === 'mean')
        for (let i = 0; i < total.length; i++)
          total[i]! /= combination(i % perPlane, bins).reduce((n, [from, to]) => n * (to - from + 1), 1);
      return { value: Float32Array.from(total) };
    },
  };
}

/** The sum or maximum over a box of one plane. */
function fold(
  values: Values,
  base: number,
  size: readonly number[],
  box: readonly Bin[],
  max: boolean,
): number {
  const last = size.length - 1;
  let result = max ? -Infinity : 0;
  const walk = (axis: number, at: number): void => {
    const [from, to] = box[axis]!;
    if (axis < last) {
      for (let i = from; i <= to; i++) walk(axis + 1, (at + i) * size[axis + 1]!);
      return;
    }
    for (let i = from; i <= to; i++) {
      const value = values[base + at + i]!;
      if (!max) result += value;
      else if (!(value <= result)) result = value;
    }
  };
  walk(0, 0);
  return result;
}

/** Group normalisation: the mean and variance of each group over the whole map, as a scale and an offset per channel. */
function moments(
  node: Node & { groups: number; epsilon: number },
  batch: number,
  channels: number,
  whole: readonly number[],
): Accumulator {
  const planes = batch * channels;
  const perGroup = channels / node.groups;
  const positions = whole.reduce((a, b) => a * b, 1);
  return {
    partial(values) {
      const count = values.length / planes;
      const found = new Float64Array(planes * 2);
      for (let plane = 0; plane < planes; plane++)
        for (let i = plane * count; i < (plane + 1) * count; i++) {
          found[plane * 2]! += values[i]!;
          found[plane * 2 + 1]! += values[i]! ** 2;
        }
      return found;
    },
    finish(partials) {
      const [scale, offset] = [new Float32Array(planes), new Float32Array(planes)];
      for (let first = 0; first < planes; first += perGroup) {
        let [sum, squares] = [0, 0];
        for (const partial of partials)
          for (let plane = first; plane < first + perGroup; plane++) {
            sum += partial[plane * 2]!;
            squares += partial[plane * 2 + 1]!;
          }
        const mean = sum / (perGroup * positions);
        const variance = Math.max(0, squares / (perGroup * positions) - mean ** 2);
        const inverse = 1 / Math.sqrt(variance + node.epsilon);
        scale.fill(inverse, first, first + perGroup);
        offset.fill(-mean * inverse, first, first + perGroup);
      }
      return { scale, offset };
    },
  };
}
