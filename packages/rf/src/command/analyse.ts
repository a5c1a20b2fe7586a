import { growthFigure, pathCountFigure } from '../charts.js';
import { explain, type Report } from '../explain.js';
import {
  comparisonTable,
  formatJson,
  formatMarkdown,
  formatText,
  markdownTable,
  number,
  textTable,
} from '../format.js';
import { type TileHalo, tileHalo, tileOverhead } from '../halo.js';
import { comparisonFigure } from '../heatmap.js';
import { choice, type Given, integer, networkOf, UsageError, type Values } from './input.js';

/** What a command prints, the picture it draws and how it ends. */
export interface Outcome {
  readonly output: string;
  readonly svg?: string | undefined;
  readonly code?: number;
}

/** The report on one network, or several side by side. */
export function analyse(words: readonly string[], values: Values): Outcome {
  if (!words.length) throw new UsageError('there are no layers, for example: rf 3x3d1 3x3d2 3x3d5');
  const others = (values.compare as readonly string[] | undefined) ?? [];
  const given = [networkOf(words, values), ...others.map((text) => networkOf([text], values))];
  const reports = Object.fromEntries(
    given.map(({ name, network, options }) => [name, explain(network, options)]),
  );
  const list = Object.values(reports);
  const holes = list.some(({ coverage }) => coverage?.holes);
  return { output: print(reports, values), svg: draw(given, values), code: values.check && holes ? 1 : 0 };
}

function print(reports: Readonly<Record<string, Report>>, values: Values): string {
  const [first, ...more] = Object.values(reports);
  if (values.json) return formatJson(more.length ? reports : first);
  const format = values.markdown ? formatMarkdown : formatText;
  if (!more.length) return format(first!);
  const table = (values.markdown ? markdownTable : textTable)(comparisonTable(reports));
  const findings = Object.entries(reports).map(([name, { findings: list }]) =>
    [name, ...list.map((finding) => `${values.markdown ? '-' : '•'} ${finding}`)].join('\n'),
  );
  return [table, ...findings].join('\n\n');
}

function draw(given: readonly Given[], values: Values): string | undefined {
  const figure = choice(values, 'figure', ['coverage', 'growth', 'paths']);
  if (values.svg === undefined) {
    if (figure) throw new UsageError('--figure needs --svg out.svg');
    return undefined;
  }
  const networks = Object.fromEntries(given.map(({ name, network }) => [name, network]));
  const { options } = given[0]!;
  const ndim = options.ndim === undefined ? {} : { ndim: options.ndim };
  if (figure === 'growth') {
    if (given.length > 1) throw new UsageError('--figure growth draws one network; leave --compare out');
    return growthFigure(given[0]!.network, { ...ndim, title: given[0]!.name });
  }
  if (figure === 'paths') return pathCountFigure(networks, ndim);
  return comparisonFigure(networks, ndim);
}

function verdict({ exact, obstacles }: TileHalo): string {
  if (!exact) return 'Not exact as it stands:';
  return obstacles.length
    ? 'Exact, but by more than a halo:'
    : 'Exact: tiles that start at multiples of the alignment and overlap by the halo give the very same result.';
}

/** Overlap and alignment of tiles. */
export function halo(words: readonly string[], values: Values): Outcome {
  if (!words.length)
    throw new UsageError('there are no layers, for example: rf halo "3x3 d1,2,5" --tile 256');
  const { network, options } = networkOf(words, values);
  const found = tileHalo(network, options);
  const tile = integer(values, 'tile');
  const overhead = tile === undefined ? undefined : tileOverhead(found, tile);
  if (values.json) return { output: formatJson({ ...found, ...(tile && { tile, overhead }) }) };
  const table = {
    head: ['axis', 'before', 'after', 'alignment', 'outputs'],
    rows: found.axes.map((axis, i) => [
      `${i}`,
      number(axis.before),
      number(axis.after),
      number(axis.alignment ?? NaN),
      number(axis.outputAlignment ?? NaN),
    ]),
  };
  const lines = [
    verdict(found),
    ...found.obstacles.map(({ name, advice }) => `• ${name} ${advice}`),
    ...(tile === undefined
      ? []
      : [
          `Tiles of ${tile} read every input ${number(overhead!)} times on average${overhead! > 2 ? '; larger tiles read less' : ''}.`,
        ]),
  ];
  return { output: [(values.markdown ? markdownTable : textTable)(table), lines.join('\n')].join('\n\n') };
}
