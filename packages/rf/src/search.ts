import { integer, oneOf, RfError } from './error.js';

export interface SearchOptions {
  /** Taps of every layer, or of each (then `layers` is their number). Default 3. */
  readonly kernel?: number | readonly number[];
  /** Number of layers, or a range. */
  readonly layers: number | readonly [least: number, most: number];
  /** Wanted field along one axis, or a range. */
  readonly field: number | readonly [least: number, most: number];
  /** Output stride of the stack, put on the first layers factor by factor, or the stride of each layer. Default 1. */
  readonly stride?: number | readonly number[];
  /** Largest rate. Default: as large as the field allows. */
  readonly maxDilation?: number;
  /** Largest cost, in the unit of `Schedule.macs`. */
  readonly maxMacs?: number;
  /** Spatial axes, for cost. Default 2. */
  readonly ndim?: number;
  /** Best first by evenness (then cost) or by cost (then evenness). Default `'evenness'`. */
  readonly rank?: 'evenness' | 'cost';
  /** How many of the best are returned; Infinity for all. Default 10. */
  readonly limit?: number;
  /** How many schedules are looked at before the search gives up. Default 100,000. */
  readonly examine?: number;
}

/** A hole-free stack of dilated convolutions. */
export interface Schedule {
  readonly rates: readonly number[];
  readonly kernels: readonly number[];
  readonly strides: readonly number[];
  /** Along one axis. */
  readonly field: number;
  /** e^entropy of the path counts / field, along one axis: 1 if every input is reached equally often. */
  readonly evenness: number;
  /** Paths to the input reached least and most often, along one axis. */
  readonly paths: { readonly min: number; readonly max: number };
  /** Weights per pair of input and output channel. */
  readonly parameters: number;
  /** Multiplications per input position and pair of channels. */
  readonly macs: number;
}

export interface SearchResult {
  /** Best first. */
  readonly schedules: readonly Schedule[];
  /** Schedules that were looked at. */
  readonly examined: number;
  /** False if the search gave up: there may be better ones. */
  readonly complete: boolean;
}

/**
 * All or the best schedules of dilated convolutions that have the wanted field and no holes, by the exact hole test.
 * The order of layers with equal kernel and stride does not matter for coverage; rates are listed ascending.
 *
 * @throws RfError for options that make no sense
 */
export function searchDilations(options: SearchOptions): SearchResult {
  const where = 'searchDilations';
  const { ndim = 2, rank = 'evenness', limit = 10, examine = 100_000 } = options;
  const [least, most] = range(where, 'field', options.field);
  const kernels = options.kernel ?? 3;
  const listed = typeof kernels !== 'number';
  const [fewest, many] = range(where, 'layers', listed ? kernels.length : options.layers);
  if (many > mostLayers)
    throw new RfError(`${where}: at most ${mostLayers} layers can be searched but layers is ${many}`, {
      layers: many,
    });
  integer(where, 'ndim', ndim);
  integer(where, 'examine', examine);
  if (limit !== Infinity) integer(where, 'limit', limit);
  const maxDilation =
    options.maxDilation === undefined ? Infinity : integer(where, 'maxDilation', options.maxDilation);
  oneOf(where, 'rank', rank, ['evenness', 'cost']);
  const found: Schedule[] = [];
  const order = (a: Schedule, b: Schedule) =>
    rank === 'cost' ? a.macs - b.macs || b.evenness - a.evenness : b.evenness - a.evenness || a.macs - b.macs;
  let examined = 0;
  let complete = true;
  for (let count = fewest; count <= many && complete; count++) {
    const stack = stackOf(where, count, kernels, options.stride ?? 1);
    const cost = costOf(stack, ndim);
    if (cost.macs > (options.maxMacs ?? Infinity)) continue;
    complete = walk(stack, most, maxDilation, (spacings, size, growth, left) => {
      if (size * growth < least) return 'skip';
      if (left) return 'on';
      if (++examined > examine) return 'stop';
      found.push({ ...describe(stack, spacings), ...cost });
      // now and then, so that all of millions of candidates are never held at once
      if (found.length > 2 * limit + 1000) found.sort(order).splice(limit);
      return 'on';
    });
  }
  found.sort(order).splice(limit === Infinity ? found.length : limit);
  return { schedules: found, examined: Math.min(examined, examine), complete };
}

const mostLayers = 64;

export function range(where: string, name: string, value: number | readonly number[]): [number, number] {
  const [least, most] = typeof value === 'number' ? [value, value] : value;
  integer(where, name, least);
  integer(where, name, most);
  if (least! > most!)
    throw new RfError(`${where}: ${name} runs from ${least} to ${most}; give the smaller one first`, {
      [name]: value,
    });
  return [least!, most!];
}

export interface StackLayer {
  readonly kernel: number;
  readonly stride: number;
  /** Product of the strides before. */
  readonly jump: number;
}

export function stackOf(
  where: string,
  count: number,
  kernel: number | readonly number[],
  stride: number | readonly number[],
): StackLayer[] {
  const kernels = typeof kernel === 'number' ? Array.from({ length: count }, () => kernel) : kernel;
  const strides = typeof stride === 'number' ? factors(where, stride, count) : stride;
  if (strides.length !== count || kernels.length !== count)
    throw new RfError(
      `${where}: there are ${count} layers but ${kernels.length} kernels and ${strides.length} strides; give one for each layer`,
      {
        kernel,
        stride,
      },
    );
  let jump = 1;
  return kernels.map((taps, i) => {
    const layer = {
      kernel: integer(where, 'kernel', taps),
      stride: integer(where, 'stride', strides[i]),
      jump,
    };
    jump *= layer.stride;
    return layer;
  });
}

/** The prime factors of the output stride, one on each of the first layers. */
function factors(where: string, stride: number, count: number): number[] {
  const result: number[] = [];
  let rest = integer(where, 'stride', stride);
  for (let factor = 2; rest > 1; factor++)
    while (rest % factor === 0) {
      result.push(factor);
      rest /= factor;
      if (result.length > count)
        throw new RfError(
          `${where}: a stride of ${stride} does not fit on ${count} layers, one factor each; give the stride of every layer`,
          { stride },
        );
    }
  return [...result, ...Array.from({ length: count - result.length }, () => 1)];
}

function costOf(stack: readonly StackLayer[], ndim: number): { parameters: number; macs: number } {
  let [parameters, macs] = [0, 0];
  for (const { kernel, stride, jump } of stack) {
    parameters += kernel ** ndim;
    macs += kernel ** ndim / (stride * jump) ** ndim;
  }
  return { parameters, macs };
}

/** The rate of one layer in a walk, as distance between its taps in input samples. */
export interface Spacing {
  readonly layer: number;
  readonly spacing: number;
}

/**
 * Walks through all hole-free choices of rates, layer by layer in the order of spacing: the next one may be at most
 * the field so far. `visit` gets the choices, the field, the factor by which the layers that are left can still
 * multiply it, and their number. Returns false if `visit` stopped the walk.
 */
export function walk(
  stack: readonly StackLayer[],
  largestField: number,
  maxDilation: number,
  visit: (chosen: readonly Spacing[], field: number, growth: number, left: number) => 'on' | 'skip' | 'stop',
): boolean {
  // layers with equal kernel and jump can be exchanged, so the first of them gets the smallest rate
  const groups = new Map<string, { layers: number[]; used: number; kernel: number; jump: number }>();
  stack.forEach(({ kernel, jump }, layer) => {
    if (kernel === 1) return;
    const key = `${kernel},${jump}`;
    const group = groups.get(key) ?? { layers: [], used: 0, kernel, jump };
    group.layers.push(layer);
    groups.set(key, group);
  });
  const list = [...groups.values()];
  const chosen: Spacing[] = [];
  const total = list.reduce((count, { layers }) => count + layers.length, 0);
  const descend = (field: number, previous: number, from: number, growth: number): boolean => {
    const answer = visit(chosen, field, growth, total - chosen.length);
    if (answer === 'stop') return false;
    if (answer === 'skip' || chosen.length === total) return true;
    for (let g = 0; g < list.length; g++) {
      const group = list[g]!;
      if (group.used === group.layers.length) continue;
      const { jump, kernel } = group;
      const others = list.reduce(
        (sum, { layers, used, kernel: k, jump: j }) =>
          sum + (layers.length - used) * (k - 1) * Math.max(j, 1),
        0,
      );
      // equal spacings are taken in the order of groups
      const start = Math.max(1, g >= from ? Math.ceil(previous / jump) : Math.floor(previous / jump) + 1);
      for (let rate = start; rate <= maxDilation && rate * jump <= field; rate++) {
        const spacing = rate * jump;
        const next = field + (kernel - 1) * spacing;
        if (next + others - (kernel - 1) * jump > largestField) break;
        chosen.push({ layer: group.layers[group.used]!, spacing });
        group.used++;
        const going = descend(next, spacing, g, growth / kernel);
        group.used--;
        chosen.pop();
        if (!going) return false;
      }
    }
    return true;
  };
  return descend(
    1,
    0,
    0,
    list.reduce((product, { layers, kernel }) => product * kernel ** layers.length, 1),
  );
}

/** Rates in the order of layers, field, evenness and path counts. */
export function describe(stack: readonly StackLayer[], chosen: readonly Spacing[]) {
  const rates = stack.map(() => 1);
  let counts: Float64Array = new Float64Array([1]);
  for (const { layer, spacing } of chosen) {
    const { kernel, jump } = stack[layer]!;
    rates[layer] = spacing / jump;
    const next = new Float64Array(counts.length + (kernel - 1) * spacing);
    for (let t = 0; t < kernel; t++)
      for (let i = 0; i < counts.length; i++) next[i + t * spacing]! += counts[i]!;
    counts = next;
  }
  let [total, weighted, min, max] = [0, 0, Infinity, 0];
  for (const count of counts) {
    if (!count) continue;
    total += count;
    weighted += count * Math.log(count);
    min = Math.min(min, count);
    max = Math.max(max, count);
  }
  return {
    rates,
    kernels: stack.map(({ kernel }) => kernel),
    strides: stack.map(({ stride }) => stride),
    field: counts.length,
    evenness: Math.min(Math.exp(Math.log(total) - weighted / total) / counts.length, 1),
    paths: { min, max },
  };
}
