import { type InteriorOutputs, interiorOutputs } from './border.js';
import { type Coverage, coverage } from './coverage.js';
import { type Ring, samplingDensity } from './density.js';
import { type EffectiveField, effectiveField } from './effective.js';
import { RfError } from './error.js';
import { fieldGrowth, outputSize, type ReceptiveField, receptiveField } from './field.js';
import { findingsOf } from './findings.js';
import { type Prepared, prepare, spatial } from './graph.js';
import { type TileHalo, tileHalo } from './halo.js';
import { type PathFields, pathFields } from './paths.js';
import { type HoleTest, type HybridDilation, holeTest, hybridDilation } from './rules.js';
import { type SharedInputs, sharedInputs } from './sharing.js';
import { tapUsage } from './taps.js';
import type { Network, NetworkOptions, ReachGraph } from './types.js';

/** One row of the table of layers. */
export interface LayerReport {
  readonly node: number;
  readonly name: string;
  readonly kind: string;
  /** Taps, stride, dilation and padding as written in a table; empty for layers without a window. */
  readonly kernel: string;
  readonly stride: string;
  readonly dilation: string;
  readonly padding: string;
  /** Field, stride and first input of output 0, after this layer. */
  readonly field: ReceptiveField;
  /** Size of its output map, where the input size is known. */
  readonly outputSize: readonly number[] | undefined;
  /** Share of its taps that read the map and not padding, and the taps per axis that ever do. */
  readonly taps: { readonly fraction: number; readonly effective: readonly number[] } | undefined;
}

/** Everything there is to say about a network. */
export interface Report {
  readonly ndim: number;
  readonly inputSize: readonly number[] | undefined;
  readonly outputSize: readonly number[] | undefined;
  readonly layers: readonly LayerReport[];
  readonly field: ReceptiveField;
  readonly paths: readonly PathFields[] | undefined;
  /** Whether some path sees the whole map; then `field` is infinite, and what follows is about the other paths. */
  readonly unbounded: boolean;
  /** The field without those paths; `field` if there are none. */
  readonly bounded: ReceptiveField | undefined;
  readonly coverage: Coverage | undefined;
  readonly shared: readonly SharedInputs[] | undefined;
  readonly density: readonly Ring[] | undefined;
  readonly effective: readonly EffectiveField[] | undefined;
  /** The exact hole test per axis and the published rule along axis 0, for chains of convolutions and pools. */
  readonly holes: readonly HoleTest[] | undefined;
  readonly rule:
    | (HybridDilation & { readonly rates: readonly number[]; readonly kernel: number })
    | undefined;
  /** Outputs that see no padding, where the input size is known. */
  readonly interior: InteriorOutputs | undefined;
  readonly halo: TileHalo;
  /** The same without paths that see the whole map; `halo` if there are none. */
  readonly boundedHalo: TileHalo | undefined;
  /** What to conclude, in sentences. */
  readonly findings: readonly string[];
  /** Why a part of the report is missing. */
  readonly missing: readonly string[];
}

/**
 * Everything about a network in one report: layers, field, coverage, gridding, rules, effective field, padding and
 * tile halo. `formatText` and `formatMarkdown` turn it into something to read; it is plain data.
 *
 * @throws RfError if the network makes no sense
 */
export function explain(network: Network, options: NetworkOptions = {}): Report {
  const prepared = prepare('explain', network, options);
  const { ndim, sizes } = prepared;
  // from here on one graph with padding resolved, one input and one output
  const graph = viewOf(prepared);
  const inputSize = sizes?.[prepared.source];
  const given: NetworkOptions = { ndim, ...(inputSize && { inputSize }) };
  const field = receptiveField(graph, given);
  const unbounded = field.size.some((size) => size === Infinity);
  const local = unbounded ? withoutGlobal(graph) : graph;
  const missing: string[] = [];
  /** A part that this network may not have: refused, unbounded or too large to count. */
  const attempt = <T>(part: string, compute: () => T): T | undefined => {
    try {
      return compute();
    } catch (error) {
      if (!(error instanceof RfError)) throw error;
      missing.push(`${part}: ${error.message}`);
      return undefined;
    }
  };
  const windows = chainOf(prepared);
  const halo = tileHalo(graph, given);
  const report = {
    ndim,
    inputSize,
    outputSize: inputSize && attempt('output size', () => outputSize(graph, inputSize, given)),
    layers: layersOf(graph, given, prepared),
    field,
    paths: attempt('paths', () => pathFields(graph, given)),
    unbounded,
    bounded: unbounded ? quietly(() => receptiveField(local, { ndim })) : field,
    ...attempt('coverage', () => ({
      coverage: coverage(local, { ndim }),
      shared: sharedInputs(local, { ndim }),
      density: samplingDensity(local, { ndim }),
      effective: effectiveField(local, { ndim }),
    })),
    holes: windows && holeTest(graph, given),
    rule: windows?.rule,
    interior: inputSize && attempt('padding', () => interiorOutputs(graph, inputSize, given)),
    halo,
    boundedHalo: unbounded ? quietly(() => tileHalo(local, { ndim })) : halo,
  };
  const complete = {
    coverage: undefined,
    shared: undefined,
    density: undefined,
    effective: undefined,
    ...report,
    missing,
  };
  return { ...complete, findings: findingsOf(complete) };
}

function quietly<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

/** A network as its analyses see it: a graph with one input and one output. */
export const viewOf = ({
  graph,
  source,
  target,
}: Pick<Prepared, 'graph' | 'source' | 'target'>): ReachGraph => ({
  nodes: graph.nodes,
  inputs: [source],
  outputs: [target],
});

/** The network cut off from everything that reads the whole map. */
export const withoutGlobal = (graph: ReachGraph): ReachGraph => ({
  ...graph,
  nodes: graph.nodes.map((node) => {
    if (node.reach?.type !== 'everything') return node;
    const { reach: _, ...rest } = node;
    return { ...rest, inputs: [] };
  }),
});

function layersOf(
  network: Network,
  options: NetworkOptions,
  { nodes, sizes, ndim }: Prepared,
): LayerReport[] {
  const usage =
    options.inputSize === undefined
      ? []
      : (quietly(() => tapUsage(network, options.inputSize!, options)) ?? []);
  return fieldGrowth(network, options).flatMap((grown): LayerReport[] => {
    const { reach, inputs, kind } = nodes[grown.node]!;
    // pointwise nodes and repeating one element change nothing
    if ((!reach && inputs.length < 2) || kind === 'broadcast') return [];
    const axes = reach && 'axes' in reach ? reach.axes : [];
    const column = (name: 'kernel' | 'stride' | 'dilation') =>
      perAxis(axes.map((axis) => ('kernel' in axis ? axis[name] : 1)));
    const windowed = axes.some((axis) => 'kernel' in axis);
    const used = usage.find(({ node }) => node === grown.node);
    return [
      {
        node: grown.node,
        name: grown.name,
        kind: kind ?? reach?.type ?? 'join',
        kernel: windowed ? column('kernel') : '',
        stride: windowed
          ? column('stride')
          : axes.length
            ? perAxis(axes.map((axis) => ('scale' in axis ? Number(axis.scale.toPrecision(3)) : 1)))
            : '',
        dilation: windowed ? column('dilation') : '',
        padding: windowed
          ? perAxis(axes.map((axis) => ('kernel' in axis ? sidesOf(axis.padBefore, axis.padAfter) : 0)))
          : '',
        field: grown,
        outputSize: sizes?.[grown.node] ?? (sizes ? spatial(nodes[grown.node]!, ndim) : undefined),
        taps: used && { fraction: used.fraction, effective: used.effective },
      },
    ];
  });
}

const sidesOf = (before: number, after: number): string =>
  before === after ? `${before}` : `${before}+${after}`;

/** One entry per axis; texts that agree on all axes are written once. */
export const perAxis = (values: readonly (number | string)[]): string =>
  values.every((value) => value === values[0]) && typeof values[0] === 'string'
    ? values[0]
    : values.join('×');

/** Rates and kernel along axis 0, if the network is a chain with one kernel size. */
function chainOf({ nodes, live }: Pick<Prepared, 'nodes' | 'live'>): Pick<Report, 'rule'> | undefined {
  const rates: number[] = [];
  const kernels = new Set<number>();
  let strides = 1;
  for (const [n, { reach, inputs }] of nodes.entries()) {
    if (!live[n]) continue;
    if (inputs.filter((input) => live[input]).length > 1 || (reach && reach.type !== 'window'))
      return undefined;
    const axis = reach?.axes[0];
    if (!axis) continue;
    strides *= axis.stride;
    if (axis.kernel === 1) continue;
    rates.push(axis.dilation);
    kernels.add(axis.kernel);
  }
  const [kernel] = kernels;
  // the rule knows neither strides nor mixed kernels
  const applies = kernel !== undefined && kernels.size === 1 && strides === 1;
  return { rule: applies ? { ...hybridDilation(rates, kernel), rates, kernel } : undefined };
}
