import { FormatError } from '@atrous/core';
import type { Journal } from '../job.js';
import { elements, type Sink } from '../region.js';
import { checkShards } from '../shards.js';
import { readPart } from './part.js';

/** What one shard leaves behind. */
export interface ShardPart {
  readonly journal: Journal;
  /** The file of its `partSink`. */
  readonly path: string;
}

export interface MergeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after every region with the share that is done, up to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Joins the partial results of all shards, in any order, after checking that they belong to one plan and that every
 * tile was done by exactly one of them.
 *
 * @throws OptionError naming the shards or tiles that are missing, or that are of another job; FormatError if a partial
 * result does not hold what its journal tells of
 */
export async function mergeParts(
  parts: readonly ShardPart[],
  sink: Sink,
  { signal, onProgress }: MergeOptions = {},
): Promise<void> {
  const journals = await Promise.all(parts.map(({ journal }) => journal.read()));
  const { outputShape } = checkShards(journals);
  const total = elements(outputShape.slice(2));
  const seen = new Set<string>();
  let done = 0;
  for (const { path } of parts)
    for await (const { region, values, shape, dtype } of readPart(path)) {
      signal?.throwIfAborted();
      if (String(shape) !== String(outputShape))
        throw new FormatError(
          `${path}: holds regions of [${shape.join(', ')}] and the result is [${outputShape.join(', ')}]`,
          { shape, outputShape },
        );
      // one that was computed again after a crash between result and journal
      const key = String(region.start);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size === 1) await sink.begin?.({ shape, dtype }, 0);
      await sink.write(region, values, { shape, dtype });
      done += elements(region.size);
      onProgress?.(done / total);
    }
  if (done !== total)
    throw new FormatError(
      `merge: the partial results cover ${done} of ${total} positions although their journals are complete; a part is damaged or not the one of its journal`,
      { done, total },
    );
  await sink.flush?.();
}
