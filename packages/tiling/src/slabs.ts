import type { Interval } from '@atrous/rf';
import type { SlabNetwork } from './slab-graph.js';

/**
 * Streaming along the first spatial axis: slab by slab, every layer computes the rows that its successors now need,
 * once, and keeps the last ones that later rows read.
 */

/** One interval of rows per node, in rows of the node's whole map. */
type Rows = readonly (Interval | undefined)[];

/** What one slab computes and keeps of every node. */
export interface Slab {
  readonly fresh: Rows;
  /** Rows that are in hand after the slab for those that follow. */
  readonly kept: Rows;
}

/** Rows in the padding read no row; the nearest stands for them, so that there is always one. */
export const clip = ([from, to]: Interval, size: number): Interval => [
  Math.min(Math.max(0, from), size - 1),
  Math.max(0, Math.min(size - 1, to)),
];

/** @param counts how many rows of each output are finished after each slab */
export function planSlabs(network: SlabNetwork, counts: readonly (readonly number[])[]): Slab[] {
  const { tall } = network;
  const wantedBy = (finished: readonly number[]) => {
    const rows: (Interval | undefined)[] = tall.nodes.map(() => undefined);
    finished.forEach((count, k) => {
      if (count > 0) rows[tall.outputs[k]!] = [0, count - 1];
    });
    return withRead(network, rows);
  };
  return follow(network, wantedBy(counts.at(-1)!), counts.map(wantedBy), []);
}

/**
 * The slabs that bring back, from the picture alone, what slab `next` finds kept: of every layer only the rows that
 * this depends on, each in the slab that computed it at first, so that none of them is larger than it was.
 */
export function planWarmUp(network: SlabNetwork, slabs: readonly Slab[], next: number): Slab[] {
  const before = slabs.slice(0, next);
  const kept = before.at(-1)?.kept ?? [];
  const computed = before.map(({ fresh }) => fresh);
  return follow(network, withRead(network, kept), computed, kept).filter(({ fresh }) => fresh.some(Boolean));
}

/** Some rows and all that they are computed from, clipped node by node. */
function withRead(network: SlabNetwork, rows: Rows): Rows {
  const { nodes } = network.tall;
  const all = nodes.map((_, n) => rows[n]);
  for (let n = nodes.length - 1; n >= 0; n--) {
    const own = all[n];
    if (!own) continue;
    nodes[n]!.inputs.forEach((input, k) => {
      const read = network.live[input] && network.rowsRead(n, k, own);
      if (!read) return;
      const [from, to] = clip(read, network.rowsOf(input));
      const known = all[input];
      all[input] = known ? [Math.min(known[0], from), Math.max(known[1], to)] : [from, to];
    });
  }
  return all;
}

/**
 * Computes the rows `all` slab by slab, in each up to the last of the rows that `steps` names, and keeps what rows that
 * are still to come read; after the last slab, the rows `kept`.
 */
function follow(network: SlabNetwork, all: Rows, steps: readonly Rows[], kept: Rows): Slab[] {
  const { nodes } = network.tall;
  const done = all.map((rows) => (rows ? rows[0] - 1 : -1));
  return steps.map((step) => {
    const fresh = all.map((rows, n): Interval | undefined => {
      const last = Math.min(rows?.[1] ?? -1, step[n]?.[1] ?? -1);
      if (last <= done[n]!) return undefined;
      const from = done[n]! + 1;
      done[n] = last;
      return [from, last];
    });
    const first = all.map((_, n) => Math.min(done[n]! + 1, kept[n]?.[0] ?? Infinity));
    nodes.forEach((node, n) => {
      const final = all[n]?.[1] ?? -1;
      if (!network.live[n] || done[n]! >= final) return;
      node.inputs.forEach((input, k) => {
        const read = network.live[input] && network.rowsRead(n, k, [done[n]! + 1, final]);
        if (read) first[input] = Math.min(first[input]!, clip(read, network.rowsOf(input))[0]);
      });
    });
    return {
      fresh,
      kept: all.map((rows, n): Interval | undefined =>
        rows && network.live[n] && first[n]! <= done[n]! ? [first[n]!, done[n]!] : undefined,
      ),
    };
  });
}
