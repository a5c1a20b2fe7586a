import { isEmpty } from './counts.js';
import { budgetOf, type CoverageOptions, countsAt, describeCoverage, outputIndex } from './coverage.js';
import { label, type Prepared, prepare, unknownSize } from './graph.js';
import { needed } from './needed.js';
import { type Regions, regionAt, regionsOf, strideOf } from './regions.js';
import type { Interval, Network, NetworkOptions, PerAxis } from './types.js';

/** The receptive field along one axis, on an endless map. */
export interface AxisField {
  /** Inputs from the first to the last one that an output sees: the largest over all phases. Infinity if unbounded. */
  readonly size: number;
  /** Input samples per output step; a fraction after upsampling. NaN where paths with different strides meet. */
  readonly stride: number;
  /** First input that output 0 sees; negative: in the padding. */
  readonly start: number;
  /** Middle of the region of output 0, as the mean over all paths. */
  readonly center: number;
  /**
   * After upsampling, regions differ between neighbouring outputs: output `m * phases.length + p` sees `phases[p]`,
   * moved by `m * shift`. One entry otherwise. Empty where nothing repeats: ask `inputRegion` for each output.
   */
  readonly phases: readonly Interval[];
  /** Input samples per `phases.length` outputs. */
  readonly shift: number;
  /** Whether all paths have the same stride and the same centre (Araujo et al. 2019). */
  readonly aligned: boolean;
  /** Distance between the centres of the paths farthest apart, in input samples; 0 if aligned. */
  readonly misalignment: number;
}

export interface ReceptiveField {
  readonly ndim: number;
  readonly axes: readonly AxisField[];
  /** `axes[i].size`, `.stride` and `.start`, together. */
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly start: readonly number[];
}

/**
 * The receptive field of a network: size, stride, position and alignment, per axis.
 *
 * With k = d(K − 1) + 1 per layer: size 1 + Σ(k − 1)·Πs, stride Πs, start −Σp·Πs (Araujo, Norris and Sim, Distill
 * 2019), generalised to branches (the interval that holds all of them), transposed convolution and resizing.
 * Which of the inputs inside are read is another question: see `coverage`.
 *
 * @throws RfError if the network makes no sense
 */
export function receptiveField(network: Network, options: NetworkOptions = {}): ReceptiveField {
  const prepared = prepare('receptiveField', network, options);
  return gathered(axesOf(prepared).map((axis) => fieldOf(regionsOf(prepared, axis)[prepared.target]!)));
}

const axesOf = ({ ndim }: Prepared) => Array.from({ length: ndim }, (_, axis) => axis);

const gathered = (axes: readonly AxisField[]): ReceptiveField => ({
  ndim: axes.length,
  axes,
  size: axes.map(({ size }) => size),
  stride: axes.map(({ stride }) => stride),
  start: axes.map(({ start }) => start),
});

function fieldOf(found: Regions | null | undefined): AxisField {
  if (!found)
    return {
      size: NaN,
      stride: NaN,
      start: NaN,
      center: NaN,
      phases: [],
      shift: NaN,
      aligned: false,
      misalignment: NaN,
    };
  const regions = shortest(found);
  const phases = regions.first.map((first, phase): Interval => [first, regions.last[phase]!]);
  const [least, most] = regions.centers;
  const misalignment = most - least < 1e-6 || Number.isNaN(least) ? 0 : most - least;
  return {
    size: Math.max(...phases.map(([first, last]) => (first > last ? 0 : last - first + 1))),
    stride: strideOf(regions),
    start: phases[0]![0],
    center: (least + most) / 2,
    phases,
    shift: regions.shift,
    aligned: misalignment === 0,
    misalignment,
  };
}

/** The same with as few phases as tell the whole. */
function shortest(regions: Regions): Regions {
  const { first, last, shift, centers } = regions;
  for (let count = 1; count < first.length; count++) {
    const moved = (shift * count) / first.length;
    if (first.length % count || !Number.isInteger(moved)) continue;
    const repeats = (list: readonly number[]) =>
      list.every((value, i) => i < count || value === list[i - count]! + moved);
    if (repeats(first) && repeats(last))
      return { shift: moved, first: first.slice(0, count), last: last.slice(0, count), centers };
  }
  return regions;
}

/** The receptive field of one node, for a table of how it grows. */
export interface NodeField extends ReceptiveField {
  readonly node: number;
  readonly name: string;
  readonly kind: string | undefined;
}

/**
 * The receptive field after every node between input and output, in the order of the graph.
 *
 * @throws RfError if the network makes no sense
 */
export function fieldGrowth(network: Network, options: NetworkOptions = {}): readonly NodeField[] {
  const prepared = prepare('fieldGrowth', network, options);
  const { nodes, live } = prepared;
  const axes = axesOf(prepared).map((axis) => regionsOf(prepared, axis));
  return nodes.flatMap(({ name, kind }, node) =>
    live[node]
      ? [
          {
            node,
            name: name ?? kind ?? label(nodes, node),
            kind,
            ...gathered(axes.map((regions) => fieldOf(regions[node]))),
          },
        ]
      : [],
  );
}

/**
 * The inputs that one output sees, first and last per axis. Without `inputSize` on an endless map, so that positions
 * may be negative (padding); with it on the real map, counting only what is read inside. Undefined where an output
 * sees nothing.
 *
 * @param output index per axis
 * @throws RfError if the network makes no sense
 */
export function inputRegion(
  network: Network,
  output: PerAxis,
  options: CoverageOptions = {},
): readonly Interval[] | undefined {
  const prepared = prepare('inputRegion', network, options);
  const index = outputIndex(prepared, output);
  if (prepared.sizes) {
    const counts = countsAt(prepared, { ...options, at: index });
    if (isEmpty(counts)) return undefined;
    return describeCoverage(prepared, counts, budgetOf(prepared, options)).axes.map(({ first, last }) => [
      first,
      last,
    ]);
  }
  const regions = axesOf(prepared).map((axis): Interval | undefined => {
    const found = regionsOf(prepared, axis)[prepared.target];
    if (found) return regionAt(found, index[axis]!);
    const { graph, source } = prepared;
    return needed(
      graph,
      graph.outputs.map((node) => (node === prepared.target ? [index[axis]!, index[axis]!] : undefined)),
      axis,
    )[source];
  });
  return regions.every((region) => region !== undefined && region[0] <= region[1])
    ? (regions as Interval[])
    : undefined;
}

/**
 * Spatial size of the output for an input of this size.
 *
 * @throws RfError if a layer does not fit, or if the size does not follow from the graph (a resize without shape)
 */
export function outputSize(
  network: Network,
  inputSize: PerAxis,
  options: Omit<NetworkOptions, 'inputSize'> = {},
): readonly number[] {
  const { sizes, target, nodes, where } = prepare('outputSize', network, { ...options, inputSize });
  const size = sizes![target];
  if (size) return size;
  throw unknownSize(where, nodes, target);
}
