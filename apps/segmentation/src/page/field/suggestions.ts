import { type Layer, RfError, type WindowLayer } from '@atrous/rf';
import { repairDilations, searchDilations } from '@atrous/rf/design';
import type { Schedule } from './analysis.js';
import { readStack, withoutCentredPadding, writeStack } from './stack.js';

/** Other rates for a schedule, found by search. */
export interface Suggestion {
  /** What it is good for. */
  readonly title: string;
  readonly layers: string;
  /** Dilation of every layer. */
  readonly rates: readonly number[];
  readonly field: number;
  /** 1 if every input is reached over equally many paths. */
  readonly evenness: number;
}

export interface Suggestions {
  readonly list: readonly Suggestion[];
  /** What to know about them, or why there are none. */
  readonly note: string;
}

/** Schedules that one search looks at. */
const examine = 20_000;
/** More layers are not searched: what is tried grows too fast with their number. */
const mostSearched = 10;
/** Fields above the present one that a search may offer, as a share of it. */
const tolerance = 0.1;

/**
 * Suggests dilation rates without holes for a plain stack of convolutions: the nearest ones, those with the same
 * field, those that read most evenly, and fewer layers with the same field.
 *
 * @throws NotationError or OptionError for a schedule that cannot be read
 */
export function suggest({ layers, axes }: Schedule): Suggestions {
  const stack = readStack(layers, axes).map(withoutCentredPadding);
  if (!stack.every(isPlain))
    return {
      list: [],
      note: 'The search chooses rates for plain stacks of square convolutions; this network has other layers, too.',
    };
  const kernel = stack.map((layer) => layer.kernel);
  const stride = stack.map((layer) => layer.stride ?? 1);
  const rates = stack.map((layer) => layer.dilation ?? 1);
  const jumps = stride.map((_, i) => stride.slice(0, i).reduce((product, value) => product * value, 1));
  const field = rates.reduce((sum, rate, i) => sum + (kernel[i]! - 1) * rate * jumps[i]!, 1);
  const list: Suggestion[] = [];
  const notes: string[] = [];
  const add = (title: string, found: Omit<Suggestion, 'title' | 'layers'>, base: readonly Layer[]) => {
    const changed = base.map((layer, i) => ({ ...layer, dilation: found.rates[i]! }));
    const text = writeStack(changed);
    if (text === writeStack(stack) || list.some((other) => other.layers === text)) return;
    list.push({ title, layers: text, rates: found.rates, field: found.field, evenness: found.evenness });
  };
  const attempt = (compute: () => void) => {
    try {
      compute();
    } catch (error) {
      if (!(error instanceof RfError)) throw error;
      notes.push(error.message);
    }
  };
  attempt(() => {
    const nearest = repairDilations(rates, { kernel, stride });
    if (!nearest) notes.push('No rates close the holes that these strides leave.');
    else if (nearest.distance) add('Nearest rates without holes', nearest, stack);
  });
  attempt(() => {
    const same = repairDilations(rates, { kernel, stride, keepField: true });
    if (same?.distance) add('Same field, no holes', same, stack);
  });
  const range: [number, number] = [field, Math.ceil(field * (1 + tolerance))];
  if (stack.length > mostSearched) notes.push(`Stacks of up to ${mostSearched} layers are also searched.`);
  else
    attempt(() => {
      const found = searchDilations({
        kernel,
        layers: stack.length,
        stride,
        field: range,
        examine,
        limit: 2,
      });
      if (!found.complete)
        notes.push(
          `The search ended after ${examine.toLocaleString('en')} schedules; there may be better ones.`,
        );
      for (const schedule of found.schedules) add('Reads most evenly', schedule, stack);
    });
  attempt(() => {
    const [first] = kernel;
    if (first! < 2 || kernel.some((size) => size !== first) || stride.some((step) => step !== 1)) return;
    for (let count = 1; count < Math.min(stack.length, mostSearched + 1); count++) {
      const search = { kernel: first!, layers: count, field: range, examine, limit: 1 };
      const [shortest] = searchDilations(search).schedules;
      if (!shortest) continue;
      add('Fewest layers for this field', shortest, stack.slice(0, count));
      break;
    }
  });
  if (!list.length && !notes.length) notes.push('The search finds nothing better near this field.');
  return { list, note: notes.join(' ') };
}

type Plain = Omit<WindowLayer, 'kernel' | 'stride' | 'dilation'> & {
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
};

const isPlain = (layer: Layer): layer is Plain =>
  'kernel' in layer &&
  (layer.type ?? 'conv') === 'conv' &&
  layer.padding === undefined &&
  [layer.kernel, layer.stride ?? 1, layer.dilation ?? 1].every((value) => typeof value === 'number');
