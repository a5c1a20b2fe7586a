import type {
  BackendInfo,
  BackendReport,
  LoadOptions,
  PictureSource,
  Segmentation,
  Segmenter,
} from '@atrous/segment';
import { type Agreement, agreementOf, median, type Output } from './agreement.js';
import { type Contestant, reportOf } from './contestants.js';

/** What is known of a contestant. */
export type Outcome =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | Measured;

export interface Measured {
  readonly kind: 'measured';
  readonly backend: BackendInfo;
  /** Milliseconds to compile the network and run it for the first time. */
  readonly firstRun: number;
  /** Milliseconds of each later run. */
  readonly warmRuns: readonly number[];
  /** The median of them. */
  readonly warm: number | undefined;
  /** Undefined for the judge. */
  readonly agreement: Agreement | undefined;
}

export interface ComparisonOptions {
  readonly contestants: readonly Contestant[];
  readonly reports: readonly BackendReport[];
  readonly picture: PictureSource;
  readonly signal: AbortSignal;
  /** Loads the network on a backend. */
  readonly load: (options: Pick<LoadOptions, 'backend' | 'signal'>) => Promise<Segmenter>;
  /** Something is known of a contestant. */
  readonly onOutcome: (id: string, outcome: Outcome) => void;
  /** What happens now, and how far everything has come, from 0 to 1. */
  readonly onProgress: (stage: string, fraction: number) => void;
}

/** Warm runs of each contestant, at most. */
export const rounds = 7;

/** A contestant whose runs have taken this many milliseconds together has run enough. */
const enough = 4000;

/** A contestant whose network is loaded. */
interface Running {
  readonly contestant: Contestant;
  readonly segmenter: Segmenter;
  /** Undefined until it has run, and after it has failed. */
  outcome: Measured | undefined;
}

/**
 * Runs the network on every contestant: first each alone, then all in turn, round by round, so that what slows the machine
 * for a while slows all of them. One that fails is reported, and the others go on.
 *
 * @throws the signal's reason
 */
export async function compare(options: ComparisonOptions): Promise<void> {
  const { contestants, onProgress } = options;
  const running: Running[] = [];
  try {
    let judge: Output | undefined;
    for (const [i, contestant] of contestants.entries()) {
      const part = (fraction: number) => (0.5 * (i + fraction)) / contestants.length;
      onProgress(`${contestant.title}: first run`, part(0));
      const one = await start(contestant, options);
      if (!one) continue;
      running.push(one);
      const output = await firstRun(one, judge, options, (fraction) =>
        onProgress(`${contestant.title}: first run`, part(fraction)),
      );
      judge ??= output;
    }
    for (let round = 0; round < rounds; round++)
      for (const one of running.filter(wantsMore)) {
        onProgress(`${one.contestant.title}: run ${round + 1} of ${rounds}`, 0.5 + (0.5 * round) / rounds);
        await warmRun(one, options);
      }
    onProgress('Done', 1);
  } finally {
    await Promise.allSettled(running.map(({ segmenter }) => segmenter.dispose()));
  }
}

const wantsMore = ({ outcome }: Running): boolean =>
  outcome !== undefined && outcome.warmRuns.reduce((sum, time) => sum + time, 0) <= enough;

/** Loads the network on a contestant's backend; nothing where that does not work, which is reported. */
async function start(contestant: Contestant, options: ComparisonOptions): Promise<Running | undefined> {
  const { reports, signal, onOutcome, load } = options;
  const report = reportOf(contestant, reports);
  if (report && !report.available) {
    onOutcome(contestant.id, { kind: 'unavailable', reason: report.reason ?? 'it does not say why' });
    return undefined;
  }
  const segmenter = await attempt(contestant, options, () => load({ backend: contestant.choice, signal }));
  const reason = segmenter && oneThread(contestant, segmenter.backend);
  if (reason === undefined) return segmenter && { contestant, segmenter, outcome: undefined };
  await segmenter!.dispose();
  onOutcome(contestant.id, { kind: 'unavailable', reason });
  return undefined;
}

/** @returns the output, if there is one */
async function firstRun(
  one: Running,
  judge: Output | undefined,
  options: ComparisonOptions,
  onFraction: (fraction: number) => void,
): Promise<Output | undefined> {
  const { contestant, segmenter } = one;
  const result = await attempt(contestant, options, () => run(segmenter, options, onFraction));
  if (!result) return undefined;
  const output = { logits: result.logits!, labels: result.labels };
  one.outcome = {
    kind: 'measured',
    backend: result.backend,
    firstRun: timeOf(result, 'compile') + timeOf(result, 'run'),
    warmRuns: [],
    warm: undefined,
    agreement: judge && agreementOf(output, judge),
  };
  options.onOutcome(contestant.id, one.outcome);
  return output;
}

/** Why threads were asked for and there are none; undefined otherwise. */
function oneThread({ choice }: Contestant, { info }: BackendInfo): string | undefined {
  if (choice.name !== 'cpu' || choice.threads !== undefined || Number(info.threads) > 1) return undefined;
  return String(info.reason ?? 'this machine has one core');
}

async function warmRun(one: Running, options: ComparisonOptions): Promise<void> {
  const { contestant, segmenter, outcome } = one;
  const result = await attempt(contestant, options, () => run(segmenter, options));
  one.outcome = undefined;
  if (!result) return;
  const warmRuns = [...outcome!.warmRuns, timeOf(result, 'run')];
  one.outcome = { ...outcome!, warmRuns, warm: median(warmRuns) };
  options.onOutcome(contestant.id, one.outcome);
}

const run = (
  segmenter: Segmenter,
  { picture, signal }: ComparisonOptions,
  onFraction?: (fraction: number) => void,
): Promise<Segmentation> =>
  segmenter.segment(picture, {
    signal,
    // in every run, so that all do the same
    logits: true,
    onProgress: ({ stage, fraction }) => stage === 'run' && fraction !== undefined && onFraction?.(fraction),
  });

const timeOf = ({ stages }: Segmentation, name: string): number =>
  stages.reduce((sum, stage) => sum + (stage.name === name ? stage.milliseconds : 0), 0);

/** @throws the signal's reason; other errors become the contestant's outcome */
async function attempt<T>(
  { id }: Contestant,
  { signal, onOutcome }: ComparisonOptions,
  work: () => Promise<T>,
): Promise<T | undefined> {
  signal.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    onOutcome(id, { kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}
