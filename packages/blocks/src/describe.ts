import { fuse, type Graph, input, type Node, OptionError, type Shape, type Tree, trace } from '@atrous/core';
import { byteLength, isComputed, lastUses, macsOf, planArena, storageOf } from '@atrous/core/backend';
import { type Coverage, coverage, type ReceptiveField, RfError, receptiveField } from '@atrous/rf';
import { type TapUsage, tapUsage } from '@atrous/rf/influence';
import type { Block } from './block.js';
import { descriptionText } from './describe-text.js';
import { cutGlobal, dependents, layerNames, overAxes } from './traced.js';

export interface DescribeOptions {
  /** Which input the receptive field is measured on, where there are several. Default 0. */
  readonly input?: number | undefined;
  /** Which output it is the field of, in the order of `outputs`. Default 0. */
  readonly output?: number | undefined;
  /** Largest number of positions that coverage may count at once. Default 2^24 (128 MiB). */
  readonly maxPositions?: number | undefined;
}

/** What a block is and costs on inputs of one size. Plain data; `toString()` is for reading. */
export interface Description {
  readonly inputs: readonly Shape[];
  /** A single output is called `output`. */
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
  readonly parameters: {
    /** Numbers in all parameters, and in those that training changes. */
    readonly count: number;
    readonly trained: number;
    /** As float32. */
    readonly bytes: number;
  };
  /** Multiply-accumulates of all convolutions, taps on padding included; weights are computed once and not counted. */
  readonly macs: number;
  /** Rates of all convolutions with more than one tap, each once, ascending. */
  readonly dilations: readonly number[];
  /** Share of the taps of every dilated layer that read the map and not padding. */
  readonly taps: readonly TapUsage[];
  /** Of the chosen output on the chosen input, on an endless map; size Infinity where something reads the whole map. */
  readonly field: ReceptiveField | undefined;
  /** Whether some path reads the whole map, as global pooling does. */
  readonly unbounded: boolean;
  /** The field without those paths; `field` if there are none, undefined if there is no other path. */
  readonly bounded: ReceptiveField | undefined;
  /** Which inputs of the bounded field are read; holes, lattices, paths. */
  readonly coverage: Coverage | undefined;
  readonly memory: {
    /**
     * Bytes of the arena that holds every value at its time, results included and inputs not, after pointwise ops are
     * fused. A backend may need more for packing and scratch.
     */
    readonly activations: number;
    readonly weights: number;
    readonly total: number;
  };
  /** Why a part is undefined. */
  readonly missing: readonly string[];
  toString(): string;
}

/**
 * Everything that is known of a block before it runs: parameters, multiply-accumulates, receptive field, coverage,
 * gridding, memory. The block is traced on placeholders, so no weights are made and nothing is computed.
 *
 * ```ts
 * describe(aspp({ inChannels: 2048 }), [1, 2048, 33, 33]).toString();
 * describe(head, [[1, 40, 64, 64], [1, 960, 32, 32]], { input: 1 });   // two inputs
 * ```
 *
 * @param inputShape `[N, C, …]` with one to three spatial axes, or a list of shapes for a block of several inputs
 * @throws OptionError for unusable shapes or options; what the block throws for inputs that do not fit
 */
export function describe(
  // biome-ignore lint/suspicious/noExplicitAny: a block of any number of inputs
  block: Block<any, Tree>,
  inputShape: Shape | readonly Shape[],
  options: DescribeOptions = {},
): Description {
  const inputs = shapesOf(inputShape);
  const { graph, output } = traced(block, inputs);
  const names = leafNames(output);
  const chosen = { input: options.input ?? 0, output: options.output ?? 0 };
  checkIndex('input', chosen.input, inputs.length);
  checkIndex('output', chosen.output, names.length);

  const data = dependents(graph, graph.inputs.slice(0, inputs.length));
  const parameters = countsOf(block);
  const activations = arenaBytes(graph, inputs.length);
  const description: Omit<Description, 'toString'> = {
    inputs,
    outputs: graph.outputs.map((index, i) => ({ name: names[i]!, shape: graph.nodes[index]!.shape })),
    parameters,
    macs: graph.nodes.reduce((sum, node, i) => (data[i] ? sum + macsOf(graph, node) : sum), 0),
    dilations: dilationsOf(graph.nodes),
    ...reads(graph, inputs[chosen.input]!, chosen, options),
    memory: { activations, weights: parameters.bytes, total: activations + parameters.bytes },
  };
  return { ...description, toString: () => descriptionText(description) };
}

function shapesOf(given: Shape | readonly Shape[]): readonly Shape[] {
  if (!Array.isArray(given) || given.length === 0)
    throw new OptionError(
      `describe: inputShape must be a shape such as [1, 3, 64, 64], or a list of shapes, but is ${JSON.stringify(given)}`,
      { inputShape: given },
    );
  const shapes = (given.every((entry) => typeof entry === 'number') ? [given] : given) as readonly Shape[];
  for (const shape of shapes)
    if (!Array.isArray(shape))
      throw new OptionError(
        `describe: inputShape must be a shape or a list of shapes, but ${JSON.stringify(shape)} is none`,
        { inputShape: given },
      );
  return shapes;
}

function checkIndex(name: string, index: number, count: number): void {
  if (!Number.isSafeInteger(index) || index < 0 || index >= count)
    throw new OptionError(`describe: ${name} must be an integer from 0 to ${count - 1} but is ${index}`, {
      [name]: index,
    });
}

/** The graph of a block on placeholders: its inputs first, then its parameters. */
// biome-ignore lint/suspicious/noExplicitAny: a block of any number of inputs
function traced(block: Block<any, Tree>, shapes: readonly Shape[]) {
  const parameters = Object.fromEntries(
    Object.entries(block.parameters).map(([name, { shape }]) => [name, input(shape, 'float32', name)]),
  );
  return trace((given) => block.apply(given.parameters, ...given.inputs), {
    inputs: shapes.map((shape) => input(shape)),
    parameters,
  });
}

/** Paths of the tensors of a tree, in the order of the graph's outputs. */
function leafNames(tree: Tree, path = ''): readonly string[] {
  if ('dtype' in tree && 'shape' in tree) return [path === '' ? 'output' : path];
  return Object.entries(tree).flatMap(([key, child]) =>
    leafNames(child as Tree, path === '' ? key : `${path}.${key}`),
  );
}

function countsOf({ parameters }: Pick<Block, 'parameters'>): Description['parameters'] {
  let [count, trained] = [0, 0];
  for (const parameter of Object.values(parameters)) {
    const size = parameter.shape.reduce((a, b) => a * b, 1);
    count += size;
    if (parameter.trained) trained += size;
  }
  return { count, trained, bytes: 4 * count };
}

/** What a backend that fuses pointwise ops keeps at once, values made from parameters alone left out. */
function arenaBytes(traced: Graph, inputs: number): number {
  const graph = fuse(traced);
  const data = dependents(graph, graph.inputs.slice(0, inputs));
  const last = lastUses(graph, storageOf(graph));
  return planArena(
    graph.nodes.flatMap((node, index) =>
      data[index] && isComputed(node) ? [{ bytes: byteLength(node), from: index, to: last[index]! }] : [],
    ),
  ).bytes;
}

const windowsOf = ({ kind, reach }: Node) =>
  (kind === 'conv' || kind === 'convTranspose') && (reach?.type === 'window' || reach?.type === 'transposed')
    ? reach.axes
    : [];

function dilationsOf(nodes: readonly Node[]): readonly number[] {
  const rates = nodes.flatMap((node) =>
    windowsOf(node).flatMap(({ kernel, dilation }) => (kernel > 1 ? [dilation] : [])),
  );
  return [...new Set(rates)].sort((a, b) => a - b);
}

type Reads = Pick<Description, 'taps' | 'field' | 'unbounded' | 'bounded' | 'coverage' | 'missing'>;

/** What the chosen output reads of the chosen input. */
function reads(
  traced: Graph,
  shape: Shape,
  chosen: { readonly input: number; readonly output: number },
  { maxPositions }: DescribeOptions,
): Reads {
  const missing: string[] = [];
  const attempt = <T>(part: string, compute: () => T): T | undefined => {
    try {
      return compute();
    } catch (error) {
      if (!(error instanceof RfError)) throw error;
      missing.push(`${part}: ${error.message}`);
      return undefined;
    }
  };
  const size = shape.slice(2);
  const graph = overAxes(traced, size.length);
  const names = layerNames(traced);
  const field = attempt('field', () => receptiveField(graph, chosen));
  const unbounded = field?.size.some((length) => length === Infinity) ?? false;
  const local = unbounded ? cutGlobal(graph) : graph;
  const bounded = unbounded ? onlyGlobal(() => receptiveField(local, chosen)) : field;
  if (unbounded && bounded === undefined)
    missing.push('bounded field and coverage: every path reads the whole map');
  const usage = attempt('taps', () => tapUsage(graph, size, chosen)) ?? [];
  return {
    taps: usage
      .filter(({ dilation }) => dilation.some((rate) => rate > 1))
      .map((layer) => ({ ...layer, name: names(layer.node) ?? layer.name })),
    field,
    unbounded,
    bounded,
    coverage:
      bounded &&
      attempt('coverage', () =>
        coverage(local, { ...chosen, ...(maxPositions !== undefined && { maxPositions }) }),
      ),
    missing,
  };
}

/** Undefined where nothing is left of a network without its global layers. */
function onlyGlobal<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RfError) return undefined;
    throw error;
  }
}
