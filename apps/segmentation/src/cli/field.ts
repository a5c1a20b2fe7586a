import { type Graph, input, trace } from '@atrous/core';
import { coverage, receptiveField } from '@atrous/rf';
import { withoutGlobal } from '@atrous/rf/report';
import type { Network } from './network.js';

/** What one output of a network can see of the picture or volume. */
export interface FieldReport {
  /** False if some path sees all of it, however large. */
  readonly bounded: boolean;
  /** Samples from the first to the last one that convolutions, pooling and resizing see, per axis. */
  readonly size: readonly number[];
  /** The part of them that is read at all; below 1 there are holes (gridding). */
  readonly coverage: number;
}

/**
 * Reads the receptive field off the graph of a network.
 *
 * @param shape of an input that it takes
 * @returns undefined where paths with different strides meet, so that it has no one size
 */
export function fieldOf(
  { logits }: Pick<Network, 'logits'>,
  shape: readonly number[],
): FieldReport | undefined {
  const graph: Graph = trace(logits, input(shape)).graph;
  const local = withoutGlobal(graph);
  const { size } = receptiveField(local);
  if (size.some(Number.isNaN)) return undefined;
  const bounded = receptiveField(graph).size.every(Number.isFinite);
  return { bounded, size, coverage: coverage(local).fraction };
}
