import type { Ring } from './density.js';
import { perAxis, type Report } from './explain.js';

/** A table of strings: columns left-aligned if their first cell below the head is no number. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const numeric = (cell: string): boolean => /^[-−∞\d]/.test(cell);

/** Columns of a table in fixed width, two spaces apart. */
export function textTable({ head, rows }: Table): string {
  const widths = head.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    widths
      .map((width, c) => {
        const cell = cells[c] ?? '';
        return c && rows.every((row) => !row[c] || numeric(row[c]))
          ? cell.padStart(width)
          : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

export function markdownTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const right = (c: number) => c > 0 && rows.every((row) => !row[c] || numeric(row[c]));
  return [
    line(head),
    `|${head.map((_, c) => (right(c) ? '---:' : '---')).join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}

/** A number as people write it: three digits after the point at most, `∞`, and a real minus. */
export function number(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) === Infinity) return value < 0 ? '−∞' : '∞';
  const size = Math.abs(value);
  const text =
    size >= 1e15
      ? size.toExponential(2)
      : size.toLocaleString('en-US', { maximumFractionDigits: size < 0.01 ? 4 : 3 });
  return value < 0 ? `−${text}` : text;
}

const sizes = (values: readonly number[] | undefined): string => values?.map(number).join('×') ?? '–';
const percent = (share: number): string => `${number(100 * Number(share.toPrecision(3)))} %`;

export function layerTable({ layers, inputSize }: Report): Table {
  const rows = layers.map(({ name, kernel, stride, dilation, padding, field, outputSize, taps }) => [
    name,
    kernel,
    stride,
    dilation,
    padding,
    sizes(field.size),
    perAxis(field.stride.map(number)),
    perAxis(field.start.map(number)),
    ...(inputSize ? [sizes(outputSize), taps ? percent(taps.fraction) : ''] : []),
  ]);
  const head = [
    'layer',
    'kernel',
    'stride',
    'dilation',
    'padding',
    'field',
    'jump',
    'start',
    ...(inputSize ? ['output', 'taps on map'] : []),
  ];
  return { head, rows };
}

/** The measures of a report by name, for one report or several side by side. */
export function measures(report: Report): readonly (readonly [name: string, value: string])[] {
  const { field, bounded, unbounded, coverage, shared, effective, density, paths, interior, holes } = report;
  const rows: [string, string][] = [];
  const add = (name: string, value: string | undefined) => value !== undefined && rows.push([name, value]);
  const axes = <T>(list: readonly T[] | undefined, text: (item: T) => string) =>
    list && perAxis(list.map(text));
  const local = (text: string | undefined) => (unbounded && text ? ` (${text} without global layers)` : '');
  const halo = (of: Report['halo'] | undefined) =>
    axes(of?.axes, ({ before, after }) => `${number(before)} + ${number(after)}`);

  add('field', `${sizes(field.size)}${local(sizes(bounded?.size))}`);
  add('stride', axes(field.stride, number));
  add(
    'output 0 sees',
    axes(field.axes, ({ phases: [first] }) => (first ? `${number(first[0])} … ${number(first[1])}` : '–')),
  );
  add(
    'single paths',
    axes(paths, ({ smallest, largest }) => `${number(smallest)} … ${number(largest)}`),
  );
  if (coverage) {
    const { min, max, evenness } = coverage.paths;
    add(
      'coverage',
      `${percent(coverage.fraction)} (${number(coverage.touched)} of ${number(coverage.area)})`,
    );
    add('holes', number(coverage.holes));
    add('independent lattices', number(coverage.lattices));
    add('paths per input', `${number(min)} … ${number(max)}, evenness ${number(evenness)}`);
  }
  add(
    'neighbours share',
    axes(
      shared,
      ({ fraction, correlation }) => `${percent(fraction)} of inputs, correlation ${number(correlation)}`,
    ),
  );
  if (density && density.length > 2)
    add('density near / far', `${half(density, false)} / ${half(density, true)}`);
  add(
    'effective field',
    axes(
      effective,
      ({ sigma, size, fraction }) => `σ ${number(sigma)}, 95 % in ${number(size)} (${percent(fraction)})`,
    ),
  );
  add(
    'exact hole test',
    axes(holes, ({ holeFree }) => (holeFree ? 'no holes' : 'holes')),
  );
  add('outputs without padding', interior && percent(interior.fraction));
  add('tile halo', `${halo(report.halo)}${local(halo(report.boundedHalo))}`);
  add(
    'tile alignment',
    axes(report.halo.axes, ({ alignment }) => number(alignment ?? NaN)),
  );
  return rows;
}

/** Density and share of paths in the inner or the outer half of the field. */
function half(density: readonly Ring[], far: boolean): string {
  const middle = density.at(-1)!.distance / 2;
  let [positions, touched, weight] = [0, 0, 0];
  for (const ring of density) {
    if (ring.distance > middle !== far) continue;
    positions += ring.positions;
    touched += ring.touched;
    weight += ring.weight;
  }
  return `${percent(touched / positions)} (${percent(weight)} of paths)`;
}

/** The report as text for a terminal. */
export function formatText(report: Report): string {
  const width = Math.max(...measures(report).map(([name]) => name.length));
  const summary = measures(report).map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return [textTable(layerTable(report)), summary.join('\n'), bullets(report, '•')]
    .filter(Boolean)
    .join('\n\n');
}

/** The report as Markdown. */
export function formatMarkdown(report: Report): string {
  const summary = markdownTable({ head: ['measure', 'value'], rows: measures(report) });
  return [markdownTable(layerTable(report)), summary, bullets(report, '-')].filter(Boolean).join('\n\n');
}

const bullets = ({ findings, missing }: Report, bullet: string): string =>
  [...findings, ...missing.map((part) => `Not computed: ${part}`)]
    .map((line) => `${bullet} ${line}`)
    .join('\n');

/** Several reports side by side, one column each. */
export function comparisonTable(reports: Readonly<Record<string, Report>>): Table {
  const columns = Object.values(reports).map((report) => new Map(measures(report)));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  return {
    head: ['', ...Object.keys(reports)],
    rows: names.map((name) => [name, ...columns.map((column) => column.get(name) ?? '–')]),
  };
}

/** JSON of any result: infinities as the strings "Infinity" and "-Infinity", what is not a number as null. */
export function formatJson(value: unknown): string {
  const plain = (_: string, item: unknown) =>
    typeof item === 'number' && Math.abs(item) === Infinity
      ? String(item)
      : ArrayBuffer.isView(item)
        ? [...(item as Float64Array)]
        : item;
  return JSON.stringify(value, plain, 2);
}
