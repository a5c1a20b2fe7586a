/** Runs in Node and in pages alike. */
import { checkAgreement, type Expected, expect } from '../agreement.js';
import { type Engine, type Prepared, timed, Unsupported } from '../contestant.js';
import type { Problem } from '../problem.js';
import { median } from '../statistics.js';
import type { GpuAbout, GpuMeasurement, GpuSkip } from './records.js';

export interface GpuMeasureOptions {
  readonly samples: number;
  /** Milliseconds of samples of one contestant on one workload, once it has three. */
  readonly budget: number;
}

/** Something that was started, or why it was not. `own`: it belongs to this repository and has to be right. */
export interface GpuContestant extends Omit<GpuAbout, 'workload'> {
  readonly own: boolean;
  readonly engine: Engine | Unsupported;
}

const leastSamples = 3;

interface Entrant {
  readonly about: GpuAbout;
  readonly prepared: Prepared;
  readonly first: number;
  readonly error: number;
  readonly times: number[];
  spent: number;
}

/** First and warm times of every contestant, in turns. A contestant's result must be right before a time counts. */
export async function measureGpu(
  problem: Problem,
  contestants: readonly GpuContestant[],
  { samples, budget }: GpuMeasureOptions,
): Promise<(GpuMeasurement | GpuSkip)[]> {
  const expected = expect(problem);
  const skips: GpuSkip[] = [];
  const entrants: Entrant[] = [];
  for (const contestant of contestants) {
    const about: GpuAbout = {
      workload: problem.workload.id,
      family: contestant.family,
      mode: contestant.mode,
    };
    try {
      const entrant = await enter(problem, contestant, about, expected);
      if (entrant instanceof Unsupported)
        skips.push({ kind: 'skip', ...about, reason: entrant.reason, failed: false });
      else entrants.push(entrant);
    } catch (error) {
      skips.push({ kind: 'skip', ...about, reason: reasonOf(error), failed: contestant.own });
    }
  }
  const wanting = ({ times, spent }: Entrant) =>
    times.length < leastSamples || (times.length < samples && spent < budget);
  for (let open = entrants.filter(wanting); open.length > 0; open = open.filter(wanting))
    for (const entrant of open) {
      const milliseconds = await timed(() => once(entrant.prepared));
      entrant.times.push(milliseconds);
      entrant.spent += milliseconds;
    }
  for (const { prepared } of entrants) await prepared.dispose();
  return [
    ...entrants.map(({ about, first, error, times }) => ({
      kind: 'measurement' as const,
      ...about,
      first,
      warm: median(times),
      samples: times.length,
      error,
    })),
    ...skips,
  ];
}

/** The first line of what was thrown, short enough for a note below a table. */
export function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

async function once(prepared: Prepared): Promise<void> {
  await prepared.run();
  await prepared.settle?.();
}

async function enter(
  problem: Problem,
  { engine }: GpuContestant,
  about: GpuAbout,
  expected: Expected,
): Promise<Entrant | Unsupported> {
  if (engine instanceof Unsupported) return engine;
  const start = performance.now();
  const prepared = await engine.prepare(problem);
  if (prepared instanceof Unsupported) return prepared;
  await once(prepared);
  const first = performance.now() - start;
  const error = checkAgreement(expected, await prepared.output());
  return { about, prepared, first, error, times: [], spent: 0 };
}
