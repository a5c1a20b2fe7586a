import { OptionError } from '@atrous/core';
import type { Partial } from './globals.js';
import type { Journal, JournalEntry, PlanEntry, Shard } from './job.js';
import { checkShard, samePlan } from './shards.js';

/** What was done before a run, by it or by other shards: what each tile added to global layers, by pass and tile. */
export interface Recorded {
  readonly own: ReadonlyMap<string, readonly Partial[]>;
  readonly others: ReadonlyMap<string, readonly Partial[]>;
}

export const keyOf = (pass: number, tile: number): string => `${pass} ${tile}`;

/**
 * Reads the journals that a run is given, and begins its own if it is empty.
 *
 * @param entry which job this is, without the shard; asked for only if there is a journal
 * @throws OptionError if a journal belongs to another job or another part of it
 */
export async function openJournals(
  entry: () => Promise<PlanEntry>,
  journal: Journal | undefined,
  shard: Shard | undefined,
): Promise<Recorded> {
  if (shard) checkShard(shard);
  if (!journal) {
    if (!shard) return { own: new Map(), others: new Map() };
    throw new OptionError('tiled: a shard needs a journal, from which the parts are joined', { shard });
  }
  const plan = await entry();
  const own: PlanEntry = { ...plan, ...(shard && { shard: { index: shard.index, count: shard.count } }) };
  const entries = await journal.read();
  const recorded = planIn(entries, own);
  const part = ({ shard }: PlanEntry) => (shard ? `shard ${shard.index} of ${shard.count}` : 'the whole job');
  if (recorded && part(recorded) !== part(own))
    throw new OptionError(
      `tiled: the journal is that of ${part(recorded)} and this is ${part(own)}; give each its own`,
      { recorded: recorded.shard, shard },
    );
  if (!recorded) await journal.append(own);
  const others = new Map<string, readonly Partial[]>();
  for (const other of shard?.journals ?? []) {
    const entries = await other.read();
    planIn(entries, own);
    for (const [key, partials] of tilesIn(entries)) others.set(key, partials);
  }
  return { own: tilesIn(entries), others };
}

/** The entry that tells which job a journal belongs to, if there is one yet. */
function planIn(entries: readonly JournalEntry[], own: PlanEntry): PlanEntry | undefined {
  const recorded = entries.find((entry): entry is PlanEntry => entry.type === 'plan');
  if (recorded) samePlan(recorded, own, ['tiled: the journal', 'this one'], 'start with an empty journal');
  return recorded;
}

const tilesIn = (entries: readonly JournalEntry[]): Map<string, readonly Partial[]> =>
  new Map(
    entries.flatMap((entry) =>
      entry.type === 'tile'
        ? [
            [
              keyOf(entry.pass, entry.tile),
              entry.partials.map((partial) => Float64Array.from(partial)),
            ] as const,
          ]
        : [],
    ),
  );
