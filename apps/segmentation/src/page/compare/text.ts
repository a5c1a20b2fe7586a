import { contestants } from './contestants.js';
import type { State } from './state.js';

/** Milliseconds with as many digits as they deserve. */
export const time = (milliseconds: number): string =>
  milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds).toLocaleString('en');

/** What came out, in one sentence or two. */
export function summary({ outcomes }: State): string {
  const measured = contestants.flatMap(({ id, title }) => {
    const outcome = outcomes[id];
    return outcome?.kind === 'measured' ? [{ title, ...outcome }] : [];
  });
  if (measured.length === 0) return 'Done. No backend works here.';
  const timed = measured.filter(({ warm }) => warm !== undefined);
  const fastest = timed.toSorted((a, b) => a.warm! - b.warm!)[0];
  const apart = measured.filter(({ agreement }) => agreement && !agreement.passed);
  const agreement =
    measured.length === 1
      ? 'Only one ran, so there is nothing to compare it with.'
      : apart.length === 0
        ? `All ${measured.length} outputs agree.`
        : `Outputs differ too much: ${apart.map(({ title }) => title).join('; ')}.`;
  const failed = contestants.filter(({ id }) => outcomes[id]?.kind === 'failed');
  return [
    'Done.',
    agreement,
    ...(fastest ? [`Fastest: ${fastest.title}, ${time(fastest.warm!)} ms.`] : []),
    ...(failed.length > 0 ? [`Failed: ${failed.map(({ title }) => title).join('; ')}.`] : []),
  ].join(' ');
}
