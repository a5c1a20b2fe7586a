/** Weights of a convolution in the domain where Winograd's algorithms multiply. */
import type { Constant, Shape } from '../graph.js';
import type { Engine } from './engine.js';
import type { FoldedEpilogue } from './folded.js';
import { roundUp } from './values.js';
import type { Bundle } from './weights.js';
import { type Matrix, productsOf, type Transform, tapsOf } from './winograd-transforms.js';

/** Algorithms along the last two axes. */
export interface TransformPair {
  readonly rows: Transform;
  readonly columns: Transform;
}

export const componentsOf = ({ rows, columns }: TransformPair): number =>
  productsOf(rows) * productsOf(columns);

/** One matrix per component, each in panels of eight output channels and at most one of four. */
export interface Components {
  /** Handle of the engine's packed data. */
  readonly key: string;
  readonly wide: number;
  readonly narrow: 0 | 1;
  /** Output channels with those that fill the last panel. */
  readonly columns: number;
  /** Products per tap of the first axis, and those taps. */
  readonly depth: number;
  readonly taps: number;
  /** Bytes of one component. */
  readonly component: number;
  /** Bytes of a wide panel. */
  readonly stride: number;
  /** Where zeros start, and the bias, in bytes; as many floats as there are columns. */
  readonly zeros: number;
  readonly bias: number;
}

/** Transforms the weights of a bundle, scaled: `[component][panel][tap][channel][column]`, with zeros and the bias behind. */
export function packComponents(
  engine: Engine,
  weight: Constant,
  shape: Shape,
  bundle: Bundle,
  folded: FoldedEpilogue,
  pair: TransformPair,
): Components {
  const { inChannels: depth, outChannels } = bundle;
  const rest = outChannels % 8;
  const wide = Math.floor(outChannels / 8) + (rest > 4 ? 1 : 0);
  const narrow = rest > 0 && rest <= 4 ? 1 : 0;
  const columns = 8 * wide + 4 * narrow;
  const components = componentsOf(pair);
  const taps = product(shape.slice(2)) / (tapsOf(pair.rows) * tapsOf(pair.columns));
  const component = 4 * columns * depth * taps;
  const zeros = roundUp(components * component, 16);
  const bias = zeros + 4 * columns;
  const { rows, columns: along } = pair;
  const layout = `components ${rows.name} ${along.name} ${shape} ${bundle.firstGroup} ${bundle.groups} ${folded.key}`;
  const key = engine.pack([weight, ...folded.constants], layout, bias + 4 * columns, (address) => {
    const into = engine.floats.subarray(address / 4, (address + bias) / 4 + columns);
    into.fill(0);
    transformWeights(into, weight.data, shape, bundle, folded.scale, pair, { columns, depth, taps });
    for (let o = 0; o < outChannels; o++) into[bias / 4 + o] = folded.bias[bundle.firstOutput + o]!;
  });
  return { key, wide, narrow, columns, depth, taps, component, stride: 32 * depth * taps, zeros, bias };
}

/** A matrix with three columns: taps that are not there are zero. */
const threeTaps = (matrix: Matrix): Float64Array =>
  Float64Array.from(matrix.flatMap((row) => [row[0]!, row[1] ?? 0, row[2] ?? 0]));

/** In float64, rounded once. The eight output channels of a panel in turn: they share the lines that are written. */
function transformWeights(
  into: Float32Array,
  weights: ArrayLike<number>,
  shape: Shape,
  bundle: Bundle,
  scale: Float64Array,
  { rows, columns: along }: TransformPair,
  { columns, depth, taps }: { columns: number; depth: number; taps: number },
): void {
  const [heights, widths] = [tapsOf(rows), tapsOf(along)];
  const [rowProducts, columnProducts] = [productsOf(rows), productsOf(along)];
  const [rowMatrix, columnMatrix] = [threeTaps(rows.G), threeTaps(along.G)];
  const half = new Float64Array(3 * rowProducts);
  const inPerGroup = shape[1]!;
  const outPerGroup = bundle.outChannels / bundle.groups;
  const component = columns * depth * taps;
  for (let panel = 0; panel < columns; panel += 8) {
    const width = Math.min(8, columns - panel);
    const last = Math.min(panel + width, bundle.outChannels);
    for (let c = 0; c < inPerGroup; c++)
      for (let tap = 0; tap < taps; tap++)
        for (let o = panel; o < last; o++) {
          const channel = bundle.firstOutput + o;
          const source = ((channel * inPerGroup + c) * taps + tap) * heights * widths;
          const firstInput = Math.floor(o / outPerGroup) * inPerGroup;
          const factor = scale[channel]!;
          for (let w = 0; w < widths; w++) {
            const top = factor * weights[source + w]!;
            const middle = heights > 1 ? factor * weights[source + widths + w]! : 0;
            const bottom = heights > 2 ? factor * weights[source + 2 * widths + w]! : 0;
            for (let i = 0; i < 3 * rowProducts; i += 3)
              half[i + w] = rowMatrix[i]! * top + rowMatrix[i + 1]! * middle + rowMatrix[i + 2]! * bottom;
          }
          let target = panel * depth * taps + (tap * depth + firstInput + c) * width + o - panel;
          for (let i = 0; i < 3 * rowProducts; i += 3) {
            const left = half[i]!;
            const middle = half[i + 1]!;
            const right = half[i + 2]!;
            for (let j = 0; j < 3 * columnProducts; j += 3) {
              into[target] =
                columnMatrix[j]! * left + columnMatrix[j + 1]! * middle + columnMatrix[j + 2]! * right;
              target += component;
            }
          }
        }
  }
}

const product = (lengths: readonly number[]): number => lengths.reduce((a, b) => a * b, 1);
