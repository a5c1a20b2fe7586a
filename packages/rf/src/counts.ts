import { type Block, type Budget, endless, type Limits, point, sum, volume } from './block.js';
import { RfError } from './error.js';
import { label, type Prepared, unknownSize } from './graph.js';
import { isOne } from './regions.js';
import { fill, gather, spread, spreadSample, wrap } from './spread.js';
import type { AxisSample } from './types.js';

/**
 * Path counts in several dimensions. Every layer treats the axes separately, so a chain is the product of its axes;
 * branches add such products. They are kept as a list of terms, each one block per axis, until that would be more
 * work than one dense block.
 */
export interface Counts {
  readonly terms: readonly Term[];
  readonly dense?: Block | undefined;
}

type Term = readonly Block[];

const mostTerms = 32;

/** Blocks that together hold the counts: the axes of a single product, or everything in one; none if all is zero. */
export function factorsOf(budget: Budget, counts: Counts): readonly Block[] {
  if (isProduct(counts)) return counts.terms[0]!;
  const dense = toDense(budget, counts);
  return dense ? [dense] : [];
}

export const isProduct = ({ terms, dense }: Counts): boolean => !dense && terms.length === 1;

export const isEmpty = ({ terms, dense }: Counts): boolean => !dense && !terms.length;

/**
 * How many paths lead from one output to every input position. `prepared.sizes` decides whether the map is real
 * (reads outside count for nothing) or endless.
 */
export function countPaths(prepared: Prepared, at: readonly number[], budget: Budget): Counts {
  const { nodes, live, source, target } = prepared;
  const waiting = new Map([[target, [start(at)]]]);
  for (let n = target; n > source; n--) {
    const arrived = waiting.get(n);
    if (!arrived || !live[n]) continue;
    waiting.delete(n);
    const counts = merge(budget, arrived);
    const { inputs, reach } = nodes[n]!;
    inputs.forEach((input, k) => {
      if (!live[input]) return;
      const read = !k && reach ? pass(prepared, counts, reading(prepared, budget, n)) : counts;
      const list = waiting.get(input);
      if (list) list.push(read);
      else waiting.set(input, [read]);
    });
  }
  return merge(budget, waiting.get(source) ?? []);
}

/** The path count of a single position to itself. */
export const start = (at: readonly number[]): Counts => ({ terms: [at.map(point)] });

/** What a node does to a block along one axis; `at` is the place of that axis in the block. */
export type Along = (block: Block, at: number, axis: number) => Block | undefined;

/** Applies a linear map along every axis. */
export function pass({ ndim }: Prepared, counts: Counts, along: Along): Counts {
  const terms = counts.terms
    .map((term) => term.map((block, axis) => along(block, 0, axis)))
    .filter((term): term is Block[] => term.every((block) => block !== undefined));
  let dense = counts.dense;
  for (let axis = 0; dense && axis < ndim; axis++) dense = along(dense, axis, axis);
  return { terms, dense };
}

/** From the outputs of node `n` to its inputs. */
function reading(prepared: Prepared, budget: Budget, n: number): Along {
  const { nodes, sizes, where } = prepared;
  const input = nodes[n]!.inputs[0]!;
  const reach = nodes[n]!.reach!;
  const size = sizes?.[input];
  const repeatsOne = reach.type === 'sample' && reach.axes.every(({ scale }) => scale === 0);
  if (sizes && !size && !repeatsOne) throw unknownSize(where, nodes, input);
  return (block, at, axis) => {
    const limits: Limits = size ? [0, size[axis]! - 1] : endless;
    switch (reach.type) {
      case 'everything':
        if (size) return fill(budget, block, at, size[axis]!);
        throw new RfError(
          `${where}: ${label(nodes, n)} reads everything, so its field is unbounded; give inputSize for a map of that size`,
          { node: n },
        );
      case 'sample':
        return spreadSample(budget, block, at, sampleOf(prepared, reach.axes[axis]!, input, axis), limits);
      case 'transposed':
        return gather(budget, block, at, reach.axes[axis]!, limits);
      case 'window': {
        if (!reach.wraps || !size) return spread(budget, block, at, reach.axes[axis]!, limits);
        const read = spread(budget, block, at, reach.axes[axis]!, endless);
        return read && wrap(budget, read, at, size[axis]!);
      }
    }
  };
}

/** A resize of a single element reads that element, whatever its scale. */
export const sampleOf = (prepared: Prepared, sample: AxisSample, input: number, axis: number): AxisSample =>
  isOne(prepared, input, axis) ? { ...sample, scale: 0 } : sample;

/** The sum of several counts, with as few terms as are easily found. */
export function merge(budget: Budget, list: readonly Counts[]): Counts {
  if (list.length === 1) return list[0]!;
  const terms: Term[] = [];
  const dense = list.flatMap((counts) => counts.dense ?? []);
  for (const counts of list)
    for (const term of counts.terms) {
      insert(budget, terms, term);
      if (terms.length > mostTerms) dense.push(sum(budget, terms.splice(0)));
    }
  // few terms stay apart as long as that is less work than the box they fill
  const separate = terms.flat().reduce((work, { shape }) => work + shape[0]!, 0);
  if (!dense.length && (terms.length <= 1 || separate <= boxOf(terms))) return { terms };
  return { terms: [], dense: sum(budget, [...dense.map((block) => [block]), ...terms]) };
}

const boxOf = (terms: readonly Term[]): number =>
  volume(
    terms[0]!.map((_, axis) => {
      const first = Math.min(...terms.map((term) => term[axis]!.start[0]!));
      return Math.max(...terms.map((term) => term[axis]!.start[0]! + term[axis]!.shape[0]!)) - first;
    }),
  );

/** Adds a term to one that differs from it along one axis at most, or else to the list. */
function insert(budget: Budget, terms: Term[], term: Term): void {
  const at = terms.findIndex(
    (other) => term.filter((block, axis) => !equal(block, other[axis]!)).length <= 1,
  );
  if (at < 0) {
    terms.push(term);
    return;
  }
  const other = terms[at]!;
  const differs = Math.max(
    0,
    term.findIndex((block, axis) => !equal(block, other[axis]!)),
  );
  terms[at] = other.with(differs, sum(budget, [[other[differs]!], [term[differs]!]]));
}

const equal = (a: Block, b: Block): boolean =>
  a === b ||
  (a.start[0] === b.start[0] &&
    a.shape[0] === b.shape[0] &&
    a.exponent === b.exponent &&
    a.values.every((value, i) => value === b.values[i]));

/** All counts in one block; undefined where nothing is reached. */
export function toDense(budget: Budget, { terms, dense }: Counts): Block | undefined {
  const products = dense ? [[dense], ...terms] : terms;
  return products.length ? sum(budget, products) : undefined;
}
