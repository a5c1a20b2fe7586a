/** What algorithms cost, as data and a few formulas: good enough to choose between them, not to predict times. */
import type { AxisWindow } from '../graph.js';
import { axisGroups } from './positions.js';
import { roundUp } from './values.js';
import { inputsOf, type Matrix, outputsOf, productsOf } from './winograd-transforms.js';
import { componentsOf, type TransformPair } from './winograd-weights.js';

/**
 * Nanoseconds per unit of work. Every algorithm was forced on 41 convolutions of 7² to 256² positions and 3 to 2048
 * channels, one thread of an x86-64 core with fused multiply-add; a least-squares fit to the shortest times is off by
 * 11 %. Only the ratios matter for the choice.
 */
export const costs = {
  /** One multiply-accumulate of the matrix kernel. */
  mac: 0.031,
  /** Turning to another tap, per output: as many products. */
  tapProducts: 0.75,
  /** Loading and storing a sum: as many products. */
  sumProducts: 2.7,
  /** One term of a sum in a transform. */
  term: 0.055,
  /** One byte of weights that do not stay in a second-level cache; in a network they come from memory. */
  weightByte: 0.08,
  cachedBytes: 1.5e6,
} as const;

/** Channels of a convolution that are computed together. */
export interface ChannelCounts {
  readonly inChannels: number;
  readonly outChannels: number;
}

const weightCost = (bytes: number, times: number) =>
  bytes > costs.cachedBytes ? costs.weightByte * bytes * times : 0;

/** Taps of an axis that touch the input, summed over all outputs. */
export const validTaps = (window: AxisWindow, input: number, output: number): number =>
  axisGroups(window, input, output).reduce(
    (sum, { firstTap, lastTap, outputs }) => sum + (lastTap - firstTap) * outputs.length,
    0,
  );

/** Nanoseconds of direct convolution, padding left out. */
export function directCost(
  { inChannels, outChannels }: ChannelCounts,
  batch: number,
  windows: readonly AxisWindow[],
  input: readonly number[],
  output: readonly number[],
): number {
  const taps = windows.reduce(
    (product, window, axis) => product * validTaps(window, input[axis]!, output[axis]!),
    batch,
  );
  const kernel = windows.reduce((product, window) => product * window.kernel, 1);
  return (
    costs.mac * roundUp(outChannels, 4) * taps * (inChannels + costs.tapProducts) +
    weightCost(4 * kernel * inChannels * outChannels, 1)
  );
}

/** How much a convolution computes between transforms. */
export interface TransformedWork {
  /** In each slice along the first axis. */
  readonly tiles: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Taps along the first axis, and those that touch the input, summed over all slices of the result. */
  readonly taps: number;
  readonly sliceTaps: number;
  readonly blocks: number;
}

/** Nanoseconds of a convolution by Winograd's algorithms. */
export function transformedCost(
  { inChannels, outChannels }: ChannelCounts,
  { tiles, inputs, outputs, taps, sliceTaps, blocks }: TransformedWork,
  pair: TransformPair,
): number {
  const components = componentsOf(pair);
  const { rows, columns } = pair;
  const columnsOut = roundUp(outChannels, 4);
  const inputTerms = inputsOf(columns) * terms(rows.B) + productsOf(rows) * terms(columns.B);
  const outputTerms = productsOf(columns) * terms(rows.A) + outputsOf(rows) * terms(columns.A);
  const products =
    sliceTaps * inChannels + (sliceTaps - outputs) * costs.tapProducts + outputs * costs.sumProducts;
  return (
    costs.mac * components * tiles * columnsOut * products +
    costs.term * tiles * (inputs * inputTerms * roundUp(inChannels, 4) + outputs * outputTerms * columnsOut) +
    weightCost(4 * components * taps * inChannels * outChannels, blocks)
  );
}

const terms = (matrix: Matrix) => matrix.flat().filter((entry) => entry !== 0).length;
