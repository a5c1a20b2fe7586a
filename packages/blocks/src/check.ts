import { OptionError, type PerAxis } from '@atrous/core';

/** Throws unless every value is a positive integer. */
export function checkCounts(op: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new OptionError(`${op}: ${name} must be a positive integer but is ${String(value)}`, {
        [name]: value,
      });
}

/** One positive integer for each of `axes` spatial axes. */
export function perAxis(op: string, name: string, value: PerAxis, axes: number): readonly number[] {
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : value;
  if (list.length !== axes)
    throw new OptionError(
      `${op}: ${name} [${list.join(', ')}] has ${list.length} entries; give one number or ${axes}, one per spatial axis`,
      { [name]: value, axes },
    );
  for (const entry of list) checkCounts(op, { [name]: entry });
  return list;
}

/** Throws unless `rates` is a list of at least one positive integer. */
export function checkRates(op: string, rates: readonly number[]): void {
  if (!Array.isArray(rates) || rates.length === 0)
    throw new OptionError(`${op}: rates must be a list of positive integers, such as [6, 12, 18]`, { rates });
  for (const rate of rates) checkCounts(op, { 'every rate': rate });
}
