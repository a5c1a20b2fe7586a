import { OptionError, type Shape } from '@atrous/core';
import type { JournalEntry, PlanEntry, Shard } from './job.js';

/** @throws OptionError unless index is one of 0 … count − 1 */
export function checkShard({ index, count }: Shard): void {
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(index) || index < 0 || index >= count)
    throw new OptionError(`tiled: shard ${index} of ${count}: the index must be one of 0 to count − 1`, {
      index,
      count,
    });
}

/**
 * Whether two journals are of one job.
 *
 * @throws OptionError that says whether the cut or the network is another
 */
export function samePlan(
  recorded: PlanEntry,
  own: PlanEntry,
  [name, ownName]: readonly [string, string],
  mend: string,
): void {
  const differ = (what: string, key: 'plan' | 'network', shown: (value: string) => string) => {
    if (recorded[key] === own[key]) return;
    throw new OptionError(
      `${name} belongs to ${what} (${shown(recorded[key])}, ${ownName} is ${shown(own[key])}); ${mend}`,
      { recorded: recorded[key], [key]: own[key] },
    );
  };
  differ('another job', 'plan', (plan) => plan);
  differ('a network with other layers or weights', 'network', (hash) => `SHA-256 ${hash.slice(0, 16)}…`);
}

/** The tiles of a shard: from `first` up to, but not with, `end`. Shards follow each other and differ by one at most. */
export const shardTiles = ({ index, count }: Shard, tiles: number): { first: number; end: number } => ({
  first: Math.floor((index * tiles) / count),
  end: Math.floor(((index + 1) * tiles) / count),
});

/**
 * Whether some journals are those of all shards of one job, and every tile was done by exactly one of them.
 *
 * @throws OptionError naming what is missing, twice or of another job
 */
export function checkShards(journals: readonly (readonly JournalEntry[])[]): { outputShape: Shape } {
  const plans = journals.map((entries, i) => {
    const plan = entries.find((entry): entry is PlanEntry => entry.type === 'plan');
    if (plan) return plan;
    throw new OptionError(`merge: journal ${i} is empty: its shard was not run`, { journal: i });
  });
  const first = plans[0];
  if (!first) throw new OptionError('merge: no journal was given');
  plans.forEach((plan, i) => {
    samePlan(plan, first, [`merge: journal ${i}`, 'journal 0'], 'merge the journals of one job');
  });
  const { tiles, passes, outputShape } = first;
  const count = first.shard?.count ?? 1;
  const indices = plans.map(({ shard }) => shard?.index ?? 0);
  if (plans.some(({ shard }) => (shard?.count ?? 1) !== count))
    throw new OptionError('merge: the job was cut into different numbers of shards', {
      counts: plans.map(({ shard }) => shard?.count ?? 1),
    });
  const twice = indices.find((index, i) => indices.indexOf(index) !== i);
  if (twice !== undefined) throw new OptionError(`merge: shard ${twice} is given twice`, { shard: twice });
  const absent = Array.from({ length: count }, (_, i) => i).filter((i) => !indices.includes(i));
  if (absent.length > 0)
    throw new OptionError(`merge: shards ${ranges(absent)} of ${count} are missing`, { missing: absent });
  const done = new Map<number, number>();
  journals.forEach((entries, i) => {
    for (const entry of entries) {
      if (entry.type !== 'tile' || entry.pass !== passes - 1) continue;
      const before = done.get(entry.tile);
      if (before !== undefined && before !== i)
        throw new OptionError(
          `merge: tile ${entry.tile} was done by shards ${indices[before]} and ${indices[i]}`,
          {
            tile: entry.tile,
          },
        );
      done.set(entry.tile, i);
    }
  });
  const missing = Array.from({ length: tiles }, (_, i) => i).filter((tile) => !done.has(tile));
  if (missing.length > 0) {
    const unfinished = indices.filter((index) => {
      const { first: from, end } = shardTiles({ index, count }, tiles);
      return missing.some((tile) => tile >= from && tile < end);
    });
    throw new OptionError(
      `merge: tiles ${ranges(missing)} of ${tiles} are missing; run shards ${ranges(unfinished.sort((a, b) => a - b))} of ${count} again with their journals`,
      { missing, shards: unfinished },
    );
  }
  return { outputShape };
}

/** 0–3, 7, 9–12 */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    let last = i;
    while (numbers[last + 1] === numbers[last]! + 1) last++;
    parts.push(last > i ? `${numbers[i]}–${numbers[last]}` : `${numbers[i]}`);
    i = last + 1;
  }
  return parts.join(', ');
}
