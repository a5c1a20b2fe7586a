/** How many bytes a program needs, known before anything is uploaded. */

import type { Graph } from '@atrous/core';
import { isComputed, lastUses, storageOf } from '@atrous/core/backend';
import { planesOf } from './dtype.js';
import { type Recipe, resultCount } from './kernel.js';
import { product } from './layout.js';

/** Elements of a node's value on the device. */
export const residentCount = (node: Graph['nodes'][number]): number =>
  planesOf(node.dtype) * product(node.shape);

/**
 * The most bytes that values computed by the steps, and inputs, take at one time.
 *
 * @param pooled whether freed arrays are kept and serve only values of the same size
 */
export function peakBytes(
  graph: Graph,
  recipes: ReadonlyMap<number, Recipe>,
  bytesOf: (count: number) => number,
  pooled: boolean,
): number {
  const storage = storageOf(graph);
  const last = lastUses(graph, storage);
  const live = new Map<number, number>();
  const free = new Map<number, number>();
  let held = 0;
  let peak = 0;
  const take = (count: number) => {
    const bytes = bytesOf(count);
    const spare = free.get(bytes) ?? 0;
    if (spare > 0) free.set(bytes, spare - 1);
    else held += bytes;
    peak = Math.max(peak, held);
  };
  const give = (count: number) => {
    const bytes = bytesOf(count);
    if (pooled) free.set(bytes, (free.get(bytes) ?? 0) + 1);
    else held -= bytes;
  };
  graph.nodes.forEach((node, index) => {
    const count = residentCount(node);
    if (node.kind === 'input' && count > 0 && last[index]! > index) {
      take(count);
      live.set(index, count);
    }
  });
  graph.nodes.forEach((node, index) => {
    if (!isComputed(node)) return;
    const { launches = [], into } = recipes.get(index) ?? {};
    if (into !== undefined && !live.has(into)) {
      const count = residentCount(graph.nodes[into]!);
      take(count);
      live.set(into, count);
    }
    const counts = launches.flatMap(({ kernel }) => (kernel.place ? [] : [resultCount(kernel)]));
    for (const count of counts) take(count);
    const own = into === undefined ? counts.pop() : undefined;
    for (const count of counts) give(count);
    if (own !== undefined) live.set(index, own);
    for (const [at, size] of live)
      if (last[at]! <= index) {
        give(size);
        live.delete(at);
      }
  });
  return peak;
}
