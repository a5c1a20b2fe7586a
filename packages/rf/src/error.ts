/** Thrown for any input that has no answer. `values` carries the offending values; the message says what to do. */
export class RfError extends Error {
  override readonly name = 'RfError';
  readonly values: Readonly<Record<string, unknown>>;

  constructor(message: string, values: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.values = values;
  }
}

/** Largest kernel, stride, dilation or padding that is accepted: products of a few of them stay exact integers. */
export const LARGEST = 2 ** 31 - 1;

/** A value as it should appear in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return typeof value === 'object' && value ? 'an object' : String(value);
}

/**
 * Checks one integer option.
 *
 * @param where how the message begins: the function, and the layer if there is one
 * @param context other values of the same layer, added in brackets
 * @throws RfError
 */
export function integer(where: string, name: string, value: unknown, least = 1, context = ''): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= LARGEST)
    return value as number;
  const kind =
    least === 1 ? 'a positive integer' : least < 0 ? 'an integer' : `an integer of at least ${least}`;
  const wanted = (value as number) > LARGEST ? `at most ${LARGEST}` : kind;
  throw new RfError(
    `${where}: ${name} must be ${wanted} but is ${show(value)}${context && ` (${context})`}`,
    {
      [name]: value,
    },
  );
}

/** Checks one option with a few possible values. */
export function oneOf(where: string, name: string, value: unknown, choices: readonly unknown[]): void {
  if (!choices.includes(value))
    throw new RfError(
      `${where}: ${name} must be ${choices.filter(Boolean).map(show).join(' or ')} but is ${show(value)}`,
      {
        [name]: value,
      },
    );
}

/**
 * One entry per axis: those given, or the same for all; each checked and converted by `convert`.
 *
 * @throws RfError for a list of another length
 */
export function forAxes<T>(
  where: string,
  name: string,
  value: unknown,
  ndim: number,
  convert: (entry: unknown) => T,
): T[] {
  const list: unknown[] = Array.isArray(value) ? value : new Array(ndim).fill(value);
  if (list.length === ndim) return list.map(convert);
  throw new RfError(
    `${where}: ${name} ${show(value)} has ${list.length} entries but there are ${ndim} spatial axes; give one number, or ${ndim}`,
    {
      [name]: value,
      ndim,
    },
  );
}

/** One checked integer per axis. */
export const perAxis = (
  where: string,
  name: string,
  value: unknown,
  ndim: number,
  least = 1,
  context = '',
): number[] => forAxes(where, name, value, ndim, (entry) => integer(where, name, entry, least, context));
