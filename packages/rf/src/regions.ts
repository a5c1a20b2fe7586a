import { type Prepared, spatial } from './graph.js';
import { exact, gcd, middleOf, modulo, outerReads, ratioOf } from './reads.js';
import type { Interval, Reach } from './types.js';

/**
 * What the outputs of one node see of the input along one axis, on an endless map.
 *
 * The region repeats: output `m * phases + p` sees `first[p] + m * shift` to `last[p] + m * shift`. One phase
 * suffices until something upsamples. An output that sees nothing has `first` Infinity and `last` -Infinity.
 */
export interface Regions {
  readonly shift: number;
  readonly first: readonly number[];
  readonly last: readonly number[];
  /** Smallest and largest centre of output 0's region over all bounded paths; NaN if there is none. */
  readonly centers: Interval;
}

/** Regions with more phases than this are not followed. */
const mostPhases = 4096;

type Walked = Pick<Prepared, 'where' | 'nodes' | 'ndim' | 'source' | 'live' | 'sizes'>;

/**
 * The regions of every live node, from the input on in one pass; undefined for dead nodes, `null` where regions do
 * not repeat.
 */
export function regionsOf(walked: Walked, axis: number): (Regions | null | undefined)[] {
  const { nodes, live, source, where } = walked;
  const all: (Regions | null | undefined)[] = new Array(nodes.length).fill(undefined);
  all[source] = { shift: 1, first: [0], last: [0], centers: [0, 0] };
  for (let n = source + 1; n < nodes.length; n++) {
    if (!live[n]) continue;
    const { inputs, reach } = nodes[n]!;
    let result: Regions | null | undefined;
    for (let k = 0; k < inputs.length; k++) {
      const input = all[inputs[k]!];
      if (input === undefined) continue;
      const seen =
        input && !k && reach ? through(where, input, reach, axis, isOne(walked, inputs[0]!, axis)) : input;
      result = result === undefined ? seen : result && seen && union(result, seen);
    }
    all[n] = result;
  }
  return all;
}

/** A known axis of one element has only one thing to read, whatever the scale of a resize. */
export const isOne = ({ sizes, nodes, ndim }: Walked, node: number, axis: number): boolean =>
  (sizes?.[node] ?? spatial(nodes[node]!, ndim))?.[axis] === 1;

/** The region that output `index` sees. */
export function regionAt({ shift, first, last }: Regions, index: number): Interval {
  const phase = modulo(index, first.length);
  const moved = ((index - phase) / first.length) * shift;
  return [first[phase]! + moved, last[phase]! + moved];
}

export const isUnbounded = ({ first }: Regions): boolean => first[0] === -Infinity;

export const strideOf = ({ shift, first }: Regions): number => shift / first.length;

function through(where: string, input: Regions, reach: Reach, axis: number, one: boolean): Regions | null {
  if (reach.type === 'everything') return { ...unbounded(input), centers: [NaN, NaN] };
  const ratio = one && reach.type === 'sample' ? [0, 1] : ratioOf(reach, axis);
  if (!ratio) return null;
  const before = input.first.length;
  const common = gcd(ratio[0]!, before);
  const phases = (ratio[1]! * before) / common;
  if (phases > mostPhases) return null;
  const first = new Array<number>(phases).fill(Infinity);
  const last = new Array<number>(phases).fill(-Infinity);
  for (let output = 0; output < phases; output++) {
    // reads repeat the input's phases, so as many as there are phases on either side decide
    for (const position of outerReads(reach, axis, output, before)) {
      const region = regionAt(input, position);
      first[output] = exact(where, Math.min(first[output]!, region[0]));
      last[output] = exact(where, Math.max(last[output]!, region[1]));
    }
  }
  const moved = middleOf(reach, axis) * strideOf(input);
  const centers: Interval = [input.centers[0] + moved, input.centers[1] + moved];
  return { shift: exact(where, (input.shift * ratio[0]!) / common), first, last, centers };
}

/** Both at once, seen from the same output; `null` if their strides disagree. */
function union(a: Regions, b: Regions): Regions | null {
  // an unbounded branch beside a bounded one has no say in stride and centre
  if (isUnbounded(a) !== isUnbounded(b)) return unbounded(isUnbounded(a) ? b : a);
  const [x, y] = [a.first.length, b.first.length];
  if (a.shift * y !== b.shift * x) return !isUnbounded(a) ? null : Number.isNaN(a.centers[0]) ? b : a;
  const phases = (x / gcd(x, y)) * y;
  if (phases > mostPhases) return null;
  const both = Array.from(
    { length: phases },
    (_, output) => [regionAt(a, output), regionAt(b, output)] as const,
  );
  return {
    shift: (a.shift * phases) / x,
    first: both.map(([p, q]) => Math.min(p[0], q[0])),
    last: both.map(([p, q]) => Math.max(p[1], q[1])),
    centers: [leastOf(a.centers[0], b.centers[0]), -leastOf(-a.centers[1], -b.centers[1])],
  };
}

const leastOf = (a: number, b: number) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b));

const unbounded = (regions: Regions): Regions => ({
  ...regions,
  first: regions.first.map(() => -Infinity),
  last: regions.last.map(() => Infinity),
});
