/** Which algorithm computes a convolution. */

import { OptionError } from '../errors.js';
import type { AxisWindow, Shape } from '../graph.js';
import { threeAxes, threeWindows } from '../reference/axes.js';
import { directCost, transformedCost, validTaps } from './cost.js';
import type { ConvNode } from './direct.js';
import { bundlesOf } from './weights.js';
import { blockSizes, slicesOf, winogradName } from './winograd-plan.js';
import { axisTileCount, fitsAxis } from './winograd-tiles.js';
import { identity, type Transform, transforms } from './winograd-transforms.js';
import { componentsOf, type TransformPair } from './winograd-weights.js';

/** What the choice of algorithms keeps to. */
export interface AlgorithmOptions {
  /** Only algorithms whose rounding error is about that of the direct sum. */
  readonly precise?: boolean | undefined;
  /** Most memory of transformed weights, as a multiple of the weights themselves. Default: 4. */
  readonly maxWeightMemory?: number | undefined;
  /** This algorithm wherever it fits, by its name; for tests. */
  readonly algorithm?: string | undefined;
}

const defaultMaxWeightMemory = 4;

/** @throws OptionError for a bound that is no number from 0 on */
export function checkAlgorithms({ maxWeightMemory = defaultMaxWeightMemory }: AlgorithmOptions): void {
  if (typeof maxWeightMemory === 'number' && maxWeightMemory >= 0) return;
  throw new OptionError(`cpu: maxWeightMemory must be a number from 0 on but is ${maxWeightMemory}`, {
    maxWeightMemory,
  });
}

/** Algorithms along the last two axes, or undefined for direct convolution. */
export function chooseTransforms(
  node: ConvNode,
  inputShape: Shape,
  weightShape: Shape,
  { precise = false, maxWeightMemory = defaultMaxWeightMemory, algorithm }: AlgorithmOptions,
): TransformPair | undefined {
  const windows = threeWindows(node.reach.axes);
  const input = threeAxes(inputShape);
  const output = threeAxes(node.shape);
  const taps = windows.reduce((product, { kernel }) => product * kernel, 1);
  const fitting = pairsFor(windows, input, output);
  if (algorithm !== undefined) return fitting.find((pair) => winogradName(pair) === algorithm);
  const bundles = bundlesOf(node.groups, weightShape);
  const batch = node.shape[0]!;
  const { samples, ...slices } = slicesOf(windows[0], batch, input[0], output[0]);
  const sliceTaps = samples === batch ? validTaps(windows[0], input[0], output[0]) : 1;
  const costOf = (pair: TransformPair) => {
    const tiles =
      samples *
      axisTileCount(windows[1], pair.rows, output[1]) *
      axisTileCount(windows[2], pair.columns, output[2]);
    return sum(bundles, (bundle) => {
      const blocks = blockSizes(tiles, slices, bundle, pair).length;
      return transformedCost(bundle, { tiles, ...slices, sliceTaps, blocks, taps: windows[0].kernel }, pair);
    });
  };
  let best: TransformPair | undefined;
  let least = sum(bundles, (bundle) => directCost(bundle, batch, windows, input, output));
  for (const pair of fitting) {
    if (precise && !(pair.rows.precise && pair.columns.precise)) continue;
    if (componentsOf(pair) * windows[0].kernel > maxWeightMemory * taps) continue;
    const cost = costOf(pair);
    if (cost < least) [best, least] = [pair, cost];
  }
  return best;
}

const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((s, item) => s + of(item), 0);

type Three<T> = readonly [T, T, T];

/** All pairs of algorithms that compute this geometry. */
function pairsFor(windows: Three<AxisWindow>, input: Three<number>, output: Three<number>): TransformPair[] {
  const along = (axis: 1 | 2): Transform[] =>
    [identity, ...transforms].filter((transform) =>
      fitsAxis(windows[axis], transform, input[axis], output[axis]),
    );
  return along(1)
    .flatMap((row) => along(2).map((column) => ({ rows: row, columns: column })))
    .filter((pair) => pair.rows !== identity || pair.columns !== identity);
}
