import { stridesToDilation } from '../convert.js';
import { explain } from '../explain.js';
import { formatJson, layerTable, markdownTable, number, type Table, textTable } from '../format.js';
import { isLayers } from '../graph.js';
import { repairDilations } from '../repair.js';
import { searchDilations } from '../search.js';
import { tradeoffs } from '../tradeoffs.js';
import type { Outcome } from './analyse.js';
import {
  choice,
  integer,
  networkOf,
  numbers,
  perAxis,
  range,
  required,
  UsageError,
  type Values,
} from './input.js';

const table = (content: Table, values: Values) => (values.markdown ? markdownTable : textTable)(content);

const given = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;

/** Hole-free schedules of a wanted field. */
export function search(words: readonly string[], values: Values): Outcome {
  if (words.length) throw new UsageError(`search takes options only, not "${words[0]}"`);
  const kernel = numbers(values, 'kernel');
  const counted = typeof kernel === 'object' ? kernel.length : undefined;
  const all = values.limit === 'all';
  const result = searchDilations({
    layers: required(range(values, 'layers') ?? counted, 'layers', '4'),
    field: required(range(values, 'field'), 'field', '31'),
    ...given({
      kernel,
      stride: numbers(values, 'stride'),
      maxDilation: integer(values, 'max-dilation'),
      maxMacs: integer(values, 'max-macs'),
      ndim: integer(values, 'ndim'),
      rank: choice(values, 'rank', ['evenness', 'cost']),
      limit: all ? Infinity : integer(values, 'limit'),
    }),
  });
  if (values.json) return { output: formatJson(result) };
  const { schedules, examined, complete } = result;
  if (!schedules.length) return { output: 'No schedule without holes has this field.', code: 1 };
  const strided = schedules.some(({ strides }) => strides.some((stride) => stride > 1));
  const content = {
    head: ['rates', ...(strided ? ['strides'] : []), 'field', 'evenness', 'paths', 'parameters', 'macs'],
    rows: schedules.map(({ rates, strides, field, evenness, paths, parameters, macs }) => [
      rates.join(', '),
      ...(strided ? [strides.join(', ')] : []),
      number(field),
      evenness.toFixed(3),
      `${paths.min} … ${paths.max}`,
      number(parameters),
      number(macs),
    ]),
  };
  const note = `${schedules.length} of ${examined} schedules without holes${complete ? '' : ' that were looked at; there are more'}. Parameters are per pair of channels, macs also per input position.`;
  return { output: [table(content, values), note].join('\n\n') };
}

/** The nearest hole-free schedule. */
export function repair(words: readonly string[], values: Values): Outcome {
  const text = words.join(',');
  if (!/^\d+([, ]+\d+)*$/.test(text))
    throw new UsageError(`repair takes the rates, for example 2,2,2, not "${text}"`);
  const rates = text.split(/[, ]+/).map(Number);
  const stride = numbers(values, 'stride');
  const found = repairDilations(
    rates,
    given({
      kernel: numbers(values, 'kernel'),
      stride: typeof stride === 'number' ? [stride] : stride,
      keepField: values['keep-field'] === true || undefined,
    }),
  );
  if (values.json) return { output: formatJson(found ?? null), code: found ? 0 : 1 };
  if (!found) return { output: 'There is no such schedule without holes.', code: 1 };
  if (!found.distance) return { output: `${rates.join(', ')} has no holes (field ${found.field}).` };
  const field =
    found.field === found.originalField
      ? `field ${found.field} as before`
      : `field ${found.field} instead of ${found.originalField}`;
  return {
    output: `${found.rates.join(', ')}   ${field}, evenness ${found.evenness.toFixed(3)}, ${found.distance} changed in all`,
  };
}

/** Strides into dilation. */
export function convert(words: readonly string[], values: Values): Outcome {
  const { network, options } = networkOf(words, values);
  if (!isLayers(network)) throw new UsageError('convert takes layers, not a graph');
  const target = required(perAxis(values, 'output-stride'), 'output-stride', '8');
  const { layers, before, after } = stridesToDilation(network, target, options);
  if (values.json) return { output: formatJson({ layers, before, after }) };
  const note = `Output stride ${before.stride.join('×')} → ${after.stride.join('×')}, field ${after.size.join('×')} as before.`;
  return { output: [table(layerTable(explain(layers, options)), values), note].join('\n\n') };
}

/** Ways to one field. */
export function compareWays(words: readonly string[], values: Values): Outcome {
  if (words.length) throw new UsageError(`tradeoffs takes options only, not "${words[0]}"`);
  const rows = tradeoffs({
    field: required(integer(values, 'field'), 'field', '31'),
    ...given({
      kernel: integer(values, 'kernel'),
      channels: integer(values, 'channels'),
      inputSize: perAxis(values, 'input-size'),
      ndim: integer(values, 'ndim'),
    }),
  });
  if (values.json) return { output: formatJson(rows) };
  const content = {
    head: ['', 'layers', 'field', 'output', 'parameters', 'GMACs', 'maps MB', 'coverage'],
    rows: rows.map(({ name, layers, field, outputSize, parameters, macs, memory, coverage }) => [
      name,
      `${layers.length}`,
      field.join('×'),
      outputSize.join('×'),
      number(parameters),
      number(Number((macs / 1e9).toPrecision(3))),
      number(Number((memory / 1e6).toPrecision(3))),
      `${number(Number((100 * coverage).toPrecision(3)))} %`,
    ]),
  };
  return { output: table(content, values) };
}
