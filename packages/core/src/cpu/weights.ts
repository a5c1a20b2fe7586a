/** Weights of a convolution as the matrix kernel reads them. */
import type { Constant, NodeOf, Shape } from '../graph.js';
import type { Engine } from './engine.js';
import type { FoldedEpilogue } from './folded.js';
import { type Address, absolute, roundUp, type Value } from './values.js';

/**
 * Groups of a convolution computed together, so that their output channels start at a multiple of four: a dense
 * convolution whose weights between different groups are zero.
 */
export interface Bundle {
  readonly firstGroup: number;
  readonly groups: number;
  readonly firstInput: number;
  readonly inChannels: number;
  readonly firstOutput: number;
  readonly outChannels: number;
}

export function bundlesOf(groups: number, [outChannels, inPerGroup]: Shape): Bundle[] {
  const outPerGroup = outChannels! / groups;
  const together = [1, 2, 4].find((count) => (count * outPerGroup) % 4 === 0)!;
  return Array.from({ length: Math.ceil(groups / together) }, (_, i) => {
    const firstGroup = i * together;
    const count = Math.min(together, groups - firstGroup);
    return {
      firstGroup,
      groups: count,
      firstInput: firstGroup * inPerGroup!,
      inChannels: count * inPerGroup!,
      firstOutput: firstGroup * outPerGroup,
      outChannels: count * outPerGroup,
    };
  });
}

/** Weights of a convolution by output channel `[O, C / groups, …k]`, whatever way they are stored. */
export interface Weights {
  readonly shape: Shape;
  readonly transposed: boolean;
}

/** The weights of a node; a transposed convolution stores them as `[C, O / groups, …k]`. */
export function weightsOf({ kind, groups }: NodeOf<'conv' | 'convTranspose'>, shape: Shape): Weights {
  const [first, second, ...kernel] = shape as readonly [number, number, ...number[]];
  return kind === 'convTranspose'
    ? { shape: [second * groups, first / groups, ...kernel], transposed: true }
    : { shape, transposed: false };
}

/**
 * How far apart the weights of neighbouring outputs of a group and of neighbouring inputs lie, and where a group starts:
 * in kernels.
 */
export function weightStrides(
  { shape: [, inPerGroup], transposed }: Weights,
  bundle: Bundle,
): { readonly output: number; readonly input: number; readonly group: number } {
  const outPerGroup = bundle.outChannels / bundle.groups;
  return {
    output: transposed ? 1 : inPerGroup!,
    input: transposed ? outPerGroup : 1,
    group: inPerGroup! * outPerGroup,
  };
}

/** Packed weights: panels of eight output channels, and one of four at the end if that is enough for the rest. */
export interface PanelShape {
  readonly wide: number;
  readonly narrow: 0 | 1;
  /** Products per tap: the input channels, or rounded up with zeros. */
  readonly depth: number;
  readonly taps: number;
  /** Distance between wide panels, in bytes. */
  readonly stride: number;
  /** Where the bias starts, in bytes. */
  readonly bias: number;
  /** All columns; the bias has as many floats. */
  readonly columns: number;
}

export interface Panels extends PanelShape {
  /** Where they are, when the program's memory is planned. */
  address(): Address;
  /** Handle of the engine's packed data, for constants. */
  readonly key?: string;
  /** What they are packed into at every run, for weights that are computed. */
  readonly value?: Value;
}

/** @param depth products per tap, at least the bundle's input channels */
export function panelShape({ shape }: Weights, { outChannels }: Bundle, depth: number): PanelShape {
  const taps = shape.slice(2).reduce((a, b) => a * b, 1);
  const rest = outChannels % 8;
  const wide = Math.floor(outChannels / 8) + (rest > 4 ? 1 : 0);
  const narrow = rest > 0 && rest <= 4 ? 1 : 0;
  const columns = 8 * wide + 4 * narrow;
  const bias = 4 * roundUp(columns * taps * depth, 4);
  return { wide, narrow, depth, taps, stride: 4 * 8 * taps * depth, bias, columns };
}

/** Packs one bundle of constant weights as `[panel][tap][channel][column]`, scaled, with its bias behind. */
export function packPanels(
  engine: Engine,
  constant: Constant,
  weights: Weights,
  bundle: Bundle,
  folded: FoldedEpilogue,
  depth: number,
): Panels {
  const panels = panelShape(weights, bundle, depth);
  const { bias, columns } = panels;
  const { shape, transposed } = weights;
  const layout = `panels ${transposed ? 'transposed ' : ''}${shape} ${bundle.firstGroup} ${bundle.groups} ${depth} ${folded.key}`;
  const key = engine.pack([constant, ...folded.constants], layout, bias + 4 * columns, (address) => {
    const { floats } = engine;
    floats.fill(0, address / 4, (address + bias) / 4 + columns);
    writeWeights(floats, address / 4, constant.data, weights, bundle, folded.scale, panels);
    floats.set(
      Array.from({ length: bundle.outChannels }, (_, o) => folded.bias[bundle.firstOutput + o]!),
      (address + bias) / 4,
    );
  });
  return { ...panels, key, address: () => absolute(engine.addressOf(key)) };
}

function writeWeights(
  into: Float32Array,
  start: number,
  data: ArrayLike<number>,
  weights: Weights,
  bundle: Bundle,
  scale: Float64Array,
  { wide, depth, taps }: PanelShape,
): void {
  const inPerGroup = weights.shape[1]!;
  const outPerGroup = bundle.outChannels / bundle.groups;
  const strides = weightStrides(weights, bundle);
  for (let o = 0; o < bundle.outChannels; o++) {
    const panel = o >> 3;
    const width = panel < wide ? 8 : 4;
    const factor = scale[bundle.firstOutput + o]!;
    const group = Math.floor(o / outPerGroup);
    const firstInput = group * inPerGroup;
    const first = (bundle.firstGroup + group) * strides.group + (o % outPerGroup) * strides.output;
    const column = start + panel * 8 * taps * depth + (o & 7);
    for (let c = 0; c < inPerGroup; c++)
      for (let t = 0; t < taps; t++)
        into[column + (t * depth + firstInput + c) * width] =
          data[(first + c * strides.input) * taps + t]! * factor;
  }
}
