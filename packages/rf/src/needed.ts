import { integer, LARGEST, RfError, show } from './error.js';
import { axisOf, checkNetwork, mark, type Prepared, pick, spatial } from './graph.js';
import { exact, gcd, readInterval } from './reads.js';
import { regionsOf } from './regions.js';
import type { Interval, Network, NetworkOptions } from './types.js';

/**
 * What every node must provide along one axis so that the outputs `from` to `to` can be computed: the interval from
 * the first to the last position that is read, in the node's own positions, or undefined for nodes that no output
 * needs or that do not depend on an input. Positions below 0 or past the end lie in the padding. Where nodes have
 * shapes, a global node needs its whole input and a resize reads the edge in place of what lies beyond it;
 * otherwise global nodes need -Infinity to Infinity.
 *
 * Exact for windows and samples; behind a transposed convolution with gaps between its taps it may be wider.
 *
 * @param output the interval, for all of the graph's outputs alike, or one interval (or undefined) for each of them
 * @param axis spatial axis, default 0
 * @throws RfError for graphs and intervals that make no sense
 */
export function needed(
  graph: Network,
  output: Interval | readonly (Interval | undefined)[],
  axis = 0,
): readonly (Interval | undefined)[] {
  const where = 'needed';
  const checked = checkNetwork(where, graph, {});
  const { nodes, inputs, outputs } = checked;
  axisOf(where, axis, checked.ndim);
  const live = mark(nodes, inputs, outputs);
  const first: number[] = new Array(nodes.length).fill(Infinity);
  const last: number[] = new Array(nodes.length).fill(-Infinity);
  const widen = (node: number, [from, to]: Interval) => {
    if (from < first[node]!) first[node] = exact(where, from);
    if (to > last[node]!) last[node] = exact(where, to);
  };
  const single = typeof output[0] === 'number';
  outputs.forEach((node, k) => {
    const interval = (single ? output : output[k]) as Interval | undefined;
    if (interval === undefined) return;
    const [from, to] = interval.map((end) => integer(where, 'each end of an interval', end, -LARGEST)) as [
      number,
      number,
    ];
    if (from > to)
      throw new RfError(`${where}: an interval is [first, last] but this is ${show(interval)}`, { interval });
    widen(node, [from, to]);
  });
  for (let n = nodes.length - 1; n >= 0; n--) {
    if (!live[n] || first[n]! > last[n]!) continue;
    const node = nodes[n]!;
    const own: Interval = [first[n]!, last[n]!];
    for (let k = 0; k < node.inputs.length; k++) {
      const input = node.inputs[k]!;
      if (!live[input]) continue;
      const { reach } = node;
      if (k || !reach) {
        widen(input, own);
        continue;
      }
      const read = readInterval(reach, axis, own);
      if (!read) continue;
      const edge =
        reach.type === 'sample' || reach.type === 'everything'
          ? spatial(nodes[input]!, checked.ndim)?.[axis]
          : undefined;
      widen(input, edge === undefined ? read : [clamp(read[0], edge), clamp(read[1], edge)]);
    }
  }
  return first.map((from, n): Interval | undefined =>
    live[n] && from <= last[n]! ? [from, last[n]!] : undefined,
  );
}

const clamp = (position: number, size: number) => Math.min(Math.max(position, 0), size - 1);

/**
 * The smallest shift of the input, in samples along one axis, that shifts every node by whole samples: the stride
 * of the encoder, also where a decoder brings the output back to full size. Inputs that differ by this shift give
 * outputs that differ by the corresponding shift, so exact tiles start at multiples of it.
 *
 * Undefined where there is none: paths with different strides meet, or a resize factor is no simple fraction. Global
 * pooling puts no constraint on the shift.
 *
 * @param axis spatial axis, default 0
 * @throws RfError for graphs that make no sense
 */
export function period(
  graph: Network,
  axis = 0,
  options: Pick<NetworkOptions, 'input'> = {},
): number | undefined {
  return periodFrom('period', checkNetwork('period', graph, {}), axis, options.input);
}

export function periodFrom(
  where: string,
  graph: Prepared['graph'],
  axis: number,
  input: number | undefined,
): number | undefined {
  axisOf(where, axis, graph.ndim);
  const { nodes, outputs, ndim } = graph;
  const source = pick(where, 'input', graph.inputs, input);
  const live = mark(nodes, [source], outputs);
  let result = 1;
  for (const regions of regionsOf({ where, nodes, ndim, source, live, sizes: undefined }, axis)) {
    if (regions === null) return undefined;
    if (!regions?.shift) continue;
    const samples = regions.shift / gcd(regions.shift, regions.first.length);
    result = exact(where, (result / gcd(result, samples)) * samples);
  }
  return result;
}
