import { RfError } from './error.js';
import { type Prepared, prepare } from './graph.js';
import { readInterval } from './reads.js';
import { regionsOf } from './regions.js';
import type { Interval, Network, NetworkOptions } from './types.js';

/** Sizes of the field over single paths, along one axis; Infinity where a path is unbounded. */
export interface PathFields {
  readonly smallest: number;
  readonly largest: number;
}

/** Different path positions that are followed at most. */
const mostIntervals = 2 ** 20;

/**
 * The smallest and the largest field over single paths from input to output, per axis: a residual network has short
 * paths with a small field beside the long ones. After upsampling over all phases of the output. NaN where regions
 * do not repeat.
 *
 * @throws RfError if the network makes no sense or has more than a million different paths after upsampling
 */
export function pathFields(network: Network, options: NetworkOptions = {}): readonly PathFields[] {
  const prepared = prepare('pathFields', network, options);
  const onlyWindows = windowsBefore(prepared);
  return Array.from({ length: prepared.ndim }, (_, axis) => {
    const regions = regionsOf(prepared, axis)[prepared.target];
    if (!regions) return { smallest: NaN, largest: NaN };
    let [smallest, largest] = [Infinity, 0];
    for (let output = 0; output < regions.first.length; output++)
      for (const [first, { least, most }] of intervalsAt(prepared, axis, output, onlyWindows)) {
        smallest = Math.min(smallest, least - first + 1);
        largest = Math.max(largest, most - first + 1);
      }
    return { smallest, largest };
  });
}

/** 1 where all paths from the input consist of windows, so that only the size of an interval matters. */
function windowsBefore({ nodes, live, source }: Prepared): Uint8Array {
  const result = new Uint8Array(nodes.length);
  for (let n = source; n < nodes.length; n++) {
    if (!live[n]) continue;
    const { inputs, reach } = nodes[n]!;
    const plain = !reach || reach.type === 'window';
    result[n] = Number(n === source || (plain && inputs.every((input) => !live[input] || result[input])));
  }
  return result;
}

/** Of the intervals with one first position, the two that end first and last. Reading keeps their order. */
interface Ends {
  least: number;
  most: number;
}

function intervalsAt(
  prepared: Prepared,
  axis: number,
  output: number,
  onlyWindows: Uint8Array,
): Map<number, Ends> {
  const { nodes, live, source, target, where } = prepared;
  const waiting = new Map<number, Map<number, Ends>>();
  let count = 0;
  const add = (node: number, [first, last]: Interval) => {
    const [from, to] = onlyWindows[node] ? [0, first === -Infinity ? Infinity : last - first] : [first, last];
    const intervals = waiting.get(node) ?? new Map<number, Ends>();
    waiting.set(node, intervals);
    const ends = intervals.get(from);
    if (ends) {
      ends.least = Math.min(ends.least, to);
      ends.most = Math.max(ends.most, to);
      return;
    }
    if (++count > mostIntervals)
      throw new RfError(
        `${where}: more than ${mostIntervals} different paths; use receptiveField for all paths together`,
      );
    intervals.set(from, { least: to, most: to });
  };
  add(target, [output, output]);
  for (let n = target; n > source; n--) {
    const intervals = waiting.get(n);
    if (!intervals || !live[n]) continue;
    waiting.delete(n);
    const { inputs, reach } = nodes[n]!;
    inputs.forEach((input, k) => {
      if (!live[input]) return;
      for (const [first, { least, most }] of intervals)
        for (const last of least === most ? [least] : [least, most]) {
          const read = k || !reach ? ([first, last] as const) : readInterval(reach, axis, [first, last]);
          if (read) add(input, read);
        }
    });
  }
  return waiting.get(source) ?? new Map();
}
