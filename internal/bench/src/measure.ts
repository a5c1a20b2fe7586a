import { setTimeout } from 'node:timers/promises';
import { checkAgreement, type Expected, expect } from './agreement.js';
import { type Contestant, type Prepared, timed, Unsupported } from './contestant.js';
import type { CoreGuard } from './core-guard.js';
import { type Problem, product } from './problem.js';
import type { Measurement, Skip } from './records.js';
import type { Roofline } from './roofline.js';
import { median } from './statistics.js';

export interface MeasureOptions {
  readonly samples: number;
  /** Milliseconds of samples of one contestant on one workload, once it has `leastSamples`. */
  readonly budget: number;
  readonly leastSamples: number;
  /** Milliseconds of runs before the first sample: code must have been optimised. */
  readonly warmUp: number;
  /** Plain JavaScript takes workloads up to this number of operations. */
  readonly plainLimit: number;
  /** Milliseconds to wait for a slow core, per workload. */
  readonly patience: number;
  /** Milliseconds before a sample in which threads of the contestant before go to sleep. */
  readonly settle: number;
}

/** Short runs are repeated until a sample takes this many milliseconds. */
const leastSample = 2;

interface Entrant {
  readonly contestant: Contestant;
  readonly prepared: Prepared;
  readonly error: number;
  readonly largestDifference: number | undefined;
  /** Runs in a sample. */
  readonly repeats: number;
  readonly times: number[];
  readonly calls: number[];
  spent: number;
  disturbed: number;
}

/**
 * Times of every contestant on one workload: taken in turns, so that what slows the machine slows all of them. A
 * contestant's result must be right before its time counts. Samples taken beside a slow core are taken again.
 */
export async function measure(
  problem: Problem,
  contestants: readonly Contestant[],
  guard: CoreGuard,
  roofline: Roofline,
  options: MeasureOptions,
): Promise<(Measurement | Skip)[]> {
  const expected = expect(problem);
  const skips: Skip[] = [];
  const entrants: Entrant[] = [];
  for (const contestant of contestants) {
    const skip = (reason: string, failed = false) => {
      skips.push({ kind: 'skip', ...about(problem, contestant), reason, failed });
    };
    try {
      const entrant = await enter(problem, contestant, expected, options);
      if (entrant instanceof Unsupported) skip(entrant.reason);
      else entrants.push(entrant);
    } catch (error) {
      skip(error instanceof Error ? error.message : String(error), true);
    }
  }
  await sample(entrants, guard, options);
  for (const { prepared } of entrants) await prepared.dispose();
  return [...entrants.map((entrant) => summary(problem, entrant, roofline)), ...skips];
}

const about = ({ workload }: Problem, { name, role, threads }: Contestant) => ({
  workload: workload.id,
  contestant: name,
  role,
  threads,
});

async function enter(
  problem: Problem,
  contestant: Contestant,
  expected: Expected,
  { plainLimit, warmUp }: MeasureOptions,
): Promise<Entrant | Unsupported> {
  if (contestant.role === 'plain' && problem.operations > plainLimit)
    return new Unsupported(
      plainLimit > 0
        ? `left out above ${plainLimit / 1e9} GFLOP, because it is slow`
        : 'left out, because it is slow',
    );
  const prepared = await contestant.prepare(problem);
  if (prepared instanceof Unsupported) return prepared;
  // a run that takes longer than the warm-up has warmed up by itself
  let fastest = await timed(() => prepared.run());
  const output = await prepared.output();
  const error = checkAgreement(expected, output);
  const largestDifference = problem.truth && differenceOf(problem.truth, output);
  if (fastest < warmUp)
    for (const start = performance.now(); performance.now() - start < warmUp; )
      fastest = Math.min(fastest, await timed(() => prepared.run()));
  const repeats = Math.max(1, Math.ceil(leastSample / fastest));
  return {
    contestant,
    prepared,
    error,
    largestDifference,
    repeats,
    times: [],
    calls: [],
    spent: 0,
    disturbed: 0,
  };
}

function differenceOf(want: Float32Array, got: Float32Array): number {
  return want.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
}

async function sample(
  entrants: readonly Entrant[],
  guard: CoreGuard,
  options: MeasureOptions,
): Promise<void> {
  const { samples, leastSamples, budget, settle } = options;
  let patience = options.patience;
  const wanting = ({ times, spent, contestant }: Entrant) =>
    times.length < (contestant.role === 'plain' ? 1 : leastSamples) ||
    (times.length < samples && spent < budget);
  for (let open = entrants.filter(wanting); open.length > 0; open = open.filter(wanting))
    for (const entrant of open) {
      if (settle > 0) await setTimeout(settle);
      const start = performance.now();
      const before = await guard.recover(patience);
      patience -= performance.now() - start;
      const undisturbed = guard.watch();
      const { compute, call } = await once(entrant);
      const spent = call * entrant.repeats;
      const healthy = before && undisturbed() && guard.healthy();
      if (!healthy && patience > 0) {
        patience -= spent;
        continue;
      }
      entrant.times.push(compute);
      entrant.calls.push(call);
      entrant.spent += spent;
      if (!healthy) entrant.disturbed++;
    }
}

/** Milliseconds of one run, the mean over the repeats of a sample. */
async function once({ prepared, repeats }: Entrant): Promise<{ compute: number; call: number }> {
  let compute = 0;
  const call = await timed(async () => {
    for (let i = 0; i < repeats; i++) compute += await prepared.run();
  });
  return { compute: compute / repeats, call: call / repeats };
}

function summary(problem: Problem, entrant: Entrant, { peak, bandwidth }: Roofline): Measurement {
  const { contestant, prepared, error, largestDifference, times, calls, disturbed } = entrant;
  const { operations, inside } = problem;
  const { workload } = problem;
  const whole = 'wholeCall' in workload && workload.wholeCall === true;
  const milliseconds = median(whole ? calls : times);
  const { algorithm, memory } = prepared;
  return {
    kind: 'measurement',
    ...about(problem, contestant),
    milliseconds,
    callMilliseconds: median(calls),
    gflops: operations / milliseconds / 1e6,
    boundMilliseconds: Math.max(
      inside / (peak * contestant.threads) / 1e6,
      bytesOf(problem) / bandwidth / 1e6,
    ),
    samples: times.length,
    disturbed,
    error,
    ...(largestDifference !== undefined && { largestDifference }),
    ...(algorithm !== undefined && { algorithm }),
    ...(memory !== undefined && { memory }),
  };
}

/** Input, weights and result, each moved once. */
function bytesOf({ graph }: Problem): number {
  const ends = new Set([...graph.inputs, ...graph.outputs]);
  return graph.nodes.reduce(
    (sum, { kind, shape }, i) => sum + (kind === 'constant' || ends.has(i) ? 4 * product(shape) : 0),
    0,
  );
}
