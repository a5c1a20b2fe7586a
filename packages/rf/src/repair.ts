import { integer, RfError, show } from './error.js';
import { describe, type Spacing, type StackLayer, stackOf, walk } from './search.js';

export interface RepairOptions {
  /** Taps of every layer, or of each. Default 3. */
  readonly kernel?: number | readonly number[];
  /** Stride of each layer. Default 1. */
  readonly stride?: readonly number[];
  /** Only schedules with the same field. Default false. */
  readonly keepField?: boolean;
}

export interface Repair {
  /** The nearest hole-free rates, in the order of the layers. */
  readonly rates: readonly number[];
  /** Σ |new − old| over the rates: 0 if there was nothing to repair. */
  readonly distance: number;
  readonly field: number;
  readonly originalField: number;
  readonly evenness: number;
}

/** Schedules that are looked at before the repair gives up. */
const most = 1_000_000;

/**
 * The hole-free schedule nearest to a given one: the smallest sum of changes to the rates, then the field nearest to
 * the original, then the most even.
 *
 * @param rates dilation of each layer, from the input on
 * @returns undefined if there is none (strides leave holes that no rate fills, or none has the same field)
 * @throws RfError for rates that are not positive integers, or where too many schedules would have to be tried
 */
export function repairDilations(rates: readonly number[], options: RepairOptions = {}): Repair | undefined {
  const where = 'repairDilations';
  if (!Array.isArray(rates) || !rates.length)
    throw new RfError(`${where}: rates must be a list of positive integers but is ${show(rates)}`, { rates });
  rates.forEach((rate, i) => {
    integer(where, `rate ${i}`, rate);
  });
  const stack = stackOf(where, rates.length, options.kernel ?? 3, options.stride ?? rates.map(() => 1));
  const originalField = rates.reduce(
    (field, rate, i) => field + (stack[i]!.kernel - 1) * rate * stack[i]!.jump,
    1,
  );
  const wanted = sortedByGroup(stack, rates);
  const largest = options.keepField ? originalField : Infinity;
  if (options.keepField ? !reachable(stack, originalField) : !fillable(stack)) return undefined;
  let examined = 0;
  for (let distance = stillToMove(stack, wanted, [], 1); ; distance++) {
    let best: Repair | undefined;
    const finished = walk(stack, largest, Infinity, (chosen, field, growth, left) => {
      if (++examined > most) return 'stop';
      const moved = distanceOf(stack, wanted, chosen);
      if (moved + stillToMove(stack, wanted, chosen, field) > distance) return 'skip';
      if (options.keepField && field * growth < originalField) return 'skip';
      if (left || moved < distance || (options.keepField && field !== originalField)) return 'on';
      const { rates: repaired, evenness } = describe(stack, chosen);
      const candidate = {
        rates: inOrderOf(stack, rates, repaired),
        distance,
        field,
        originalField,
        evenness,
      };
      if (!best || closer(candidate, best)) best = candidate;
      return 'on';
    });
    if (!finished)
      throw new RfError(
        `${where}: more than ${most} schedules would have to be tried; repair fewer layers at a time`,
        { rates },
      );
    if (best) return best;
  }
}

/** Whether any hole-free schedule has this field. */
function reachable(stack: readonly StackLayer[], wanted: number): boolean {
  return !walk(stack, wanted, Infinity, (_, field, growth, left) => {
    if (field * growth < wanted) return 'skip';
    return left || field < wanted ? 'on' : 'stop';
  });
}

function closer(a: Repair, b: Repair): boolean {
  const [x, y] = [a, b].map(({ field, originalField }) => Math.abs(field - originalField));
  return x! < y! || (x === y && a.evenness > b.evenness);
}

const groupOf = ({ kernel, jump }: StackLayer) => `${kernel},${jump}`;

/** The given rates, ascending within layers that can be exchanged: matching ascending lists moves least. */
function sortedByGroup(stack: readonly StackLayer[], rates: readonly number[]): readonly number[] {
  const result = [...rates];
  for (const key of new Set(stack.map(groupOf))) {
    const members = stack.flatMap((layer, i) => (groupOf(layer) === key ? [i] : []));
    const ascending = members.map((i) => rates[i]!).sort((a, b) => a - b);
    members.forEach((i, k) => {
      result[i] = ascending[k]!;
    });
  }
  return result;
}

/** Back to the order in which the original rates stood: the largest where the largest was. */
function inOrderOf(
  stack: readonly StackLayer[],
  rates: readonly number[],
  repaired: readonly number[],
): number[] {
  const result = [...repaired];
  for (const key of new Set(stack.map(groupOf))) {
    const members = stack.flatMap((layer, i) => (groupOf(layer) === key ? [i] : []));
    const places = members.toSorted((a, b) => rates[a]! - rates[b]!);
    members.forEach((i, k) => {
      result[places[k]!] = repaired[i]!;
    });
  }
  return result;
}

const distanceOf = (
  stack: readonly StackLayer[],
  wanted: readonly number[],
  chosen: readonly Spacing[],
): number =>
  chosen.reduce(
    (sum, { layer, spacing }) => sum + Math.abs(spacing / stack[layer]!.jump - wanted[layer]!),
    0,
  );

/**
 * Whether any rates at all leave no holes. Largest rates first grow the field most, and a layer of larger jump needs
 * a larger field, so the order of jumps decides.
 */
function fillable(stack: readonly StackLayer[]): boolean {
  let field = 1;
  return stack
    .filter(({ kernel }) => kernel > 1)
    .toSorted((a, b) => a.jump - b.jump)
    .every(({ kernel, jump }) => {
      const rate = Math.floor(field / jump);
      field += (kernel - 1) * rate * jump;
      return rate >= 1;
    });
}

/**
 * What the layers that are left must change at least: a rate can be at most the field before it, which every layer
 * that may come before multiplies by its kernel at most.
 */
function stillToMove(
  stack: readonly StackLayer[],
  wanted: readonly number[],
  chosen: readonly Spacing[],
  field: number,
): number {
  const left = stack.flatMap((layer, i) =>
    chosen.some((one) => one.layer === i) ? [] : [{ ...layer, i, group: groupOf(layer) }],
  );
  return left.reduce((distance, { i, group, kernel, jump }) => {
    const before = left.filter((other) => other.group !== group || other.i < i);
    const reach = before.reduce((product, other) => product * other.kernel, field);
    return distance + (kernel > 1 ? Math.max(0, wanted[i]! - Math.floor(reach / jump)) : 0);
  }, 0);
}
