import { coverage, pathCounts } from './coverage.js';
import { effectiveField } from './effective.js';
import { viewOf, withoutGlobal } from './explain.js';
import { fieldGrowth, receptiveField } from './field.js';
import { prepare } from './graph.js';
import type { FigureOptions } from './heatmap.js';
import { compact, document, hatched, path, rectangle, round, steps, text, widthOf } from './svg.js';
import type { Network, ReachGraph } from './types.js';

/** As for other figures; `axis` is the axis to draw, default 0. */
export type ChartOptions = FigureOptions;

const plot = { left: 64, width: 560, height: 120, caption: 34 };

/**
 * Bars of how many paths reach each input along one axis, as SVG, with the Gaussian of the effective field over
 * them; one row for each of several networks. Holes are marked below the bars. Readable in light and dark themes.
 *
 * @throws RfError as `coverage` does
 */
export function pathCountFigure(
  networks: Network | Readonly<Record<string, Network>>,
  options: ChartOptions = {},
): string {
  const list: readonly (readonly [string, Network])[] = isNetwork(networks)
    ? [['', networks]]
    : Object.entries(networks);
  const rows = list.map(([name, network]) => barsOf(name, network, options));
  const [first, last] = [
    Math.min(...rows.map((row) => row.start)),
    Math.max(...rows.map((row) => row.start + row.values.length - 1)),
  ];
  const step = plot.width / (last - first + 1);
  const body = options.title ? [text(20, 28, options.title, 'ink title')] : [];
  let y = (options.title ? 44 : 14) + plot.caption;
  for (const row of rows) {
    body.push(...drawBars(row, first, step, y));
    y += plot.height + 44 + plot.caption;
  }
  const holes = rows.some(({ values }) => values.includes(0)) ? '; hatched: hole, never read' : '';
  const labels = `number of paths; curve: Gaussian of the same mean and variance (effective field)${holes}`;
  body.push(text(20, y - plot.caption + 10, labels, 'soft'));
  return document(
    Math.max(plot.left + plot.width + 24, widthOf(labels) + 30),
    y - plot.caption + 26,
    options.title ?? 'path counts along one axis',
    body,
  );
}

const isNetwork = (networks: Network | Readonly<Record<string, Network>>): networks is Network =>
  Array.isArray(networks) || Array.isArray((networks as ReachGraph).nodes);

interface Bars {
  readonly name: string;
  readonly start: number;
  readonly values: Float64Array;
  readonly mean: number;
  readonly sigma: number;
  readonly caption: string;
}

function barsOf(name: string, network: Network, options: ChartOptions): Bars {
  const line = alongAxis(network, options);
  const { start, values } = pathCounts(line);
  const [effective] = effectiveField(line);
  const { touched, area, paths } = coverage(line);
  return {
    name,
    start: start[0]!,
    values,
    mean: effective!.mean,
    sigma: effective!.sigma,
    caption: `field ${area}, ${touched} read, paths ${compact(paths.min)} … ${compact(paths.max)}, σ ${round(effective!.sigma)}`,
  };
}

/** The network along one axis only, without what reads the whole map. */
function alongAxis(network: Network, options: ChartOptions): ReachGraph {
  return withoutGlobal(viewOf(prepare('figure', network, { ...options, axis: options.axis ?? 0 })));
}

function drawBars(
  { name, start, values, mean, sigma, caption }: Bars,
  first: number,
  step: number,
  top: number,
): string[] {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const total = values.reduce((sum, value) => sum + value, 0);
  // the curve may rise above the bars
  const peak = sigma > 0.3 ? total / (sigma * Math.sqrt(2 * Math.PI)) : 0;
  const max = Math.max(largest, peak);
  const bottom = top + plot.height;
  const x = (position: number) => plot.left + (position - first) * step;
  const gap = step > 3 ? 1 : 0;
  const bars: string[] = [];
  const holes: string[] = [];
  values.forEach((value, i) => {
    const height = (value / max) * plot.height;
    if (value)
      bars.push(`M${round(x(start + i))} ${bottom}v${round(-height)}h${round(step - gap)}v${round(height)}z`);
    else holes.push(`M${round(x(start + i))} ${bottom + 3}h${round(step - gap)}v9h${round(gap - step)}z`);
  });
  const curve = peak ? gaussian(mean, sigma, peak / max, start, values.length, x, step, bottom) : '';
  const numbers =
    step >= 15
      ? [...values].flatMap((value, i) =>
          value
            ? [
                text(
                  x(start + i) + step / 2,
                  bottom - (value / max) * plot.height - 4,
                  compact(value),
                  'soft number middle',
                ),
              ]
            : [],
        )
      : [];
  const last = start + values.length - 1;
  const ticks = [...new Set([start, Math.round(mean), last])].map((position) =>
    text(x(position) + step / 2, bottom + 27, `${position}`.replace('-', '−'), 'soft number middle'),
  );
  return [
    ...(name ? [text(20, top - 22, name, 'ink title')] : []),
    text(name ? 28 + widthOf(name, 14) : 20, top - 22, caption, 'soft number'),
    text(plot.left - 8, bottom - (largest / max) * plot.height + 8, compact(largest), 'soft number end'),
    text(plot.left - 8, bottom, '0', 'soft number end'),
    path(bars.join(''), `s${steps - 4}`),
    ...(holes.length ? [hatched(path(holes.join(''), 'hatched'))] : []),
    ...(curve ? [path(curve, 'curve')] : []),
    path(`M${plot.left} ${bottom}h${plot.width}`, 'axis'),
    ...numbers,
    ...ticks,
  ];
}

function gaussian(
  mean: number,
  sigma: number,
  peak: number,
  start: number,
  length: number,
  x: (position: number) => number,
  step: number,
  bottom: number,
): string {
  const points: string[] = [];
  for (let i = 0; i <= 120; i++) {
    const position = start - 0.5 + (length * i) / 120;
    const height = peak * Math.exp(-((position - mean) ** 2) / (2 * sigma ** 2)) * plot.height;
    points.push(`${round(x(position) + step / 2)} ${round(bottom - height)}`);
  }
  return `M${points.join('L')}`;
}

/** Rows of a growth figure at most. */
const mostRows = 40;
/** Patterns are drawn input by input up to this field. */
const mostPattern = 1200;

/**
 * How the field grows from layer to layer along one axis, as SVG: one bar per layer over the inputs that its output
 * 0 sees, hatched where inputs are not read, with its size. Readable in light and dark themes.
 *
 * @throws RfError if the network makes no sense
 */
export function growthFigure(network: Network, options: ChartOptions = {}): string {
  const line = alongAxis(network, options);
  const all = fieldGrowth(line).filter(
    ({ node }) => line.nodes[node]!.reach || line.nodes[node]!.inputs.length > 1,
  );
  // of long networks first what changes nothing is left out, then every second, third … layer
  const changes = all.filter(({ size }, i) => i === 0 || size[0] !== all[i - 1]!.size[0]);
  const chosen = all.length > mostRows ? changes : all;
  const every = Math.ceil(chosen.length / mostRows);
  const rows = chosen.filter((_, i) => (chosen.length - 1 - i) % every === 0);
  const bounds = rows.flatMap(({ axes }) => axes[0]!.phases[0] ?? []).filter(Number.isFinite);
  const [first, last] = [Math.min(...bounds, 0), Math.max(...bounds, 0)];
  const labels = rows.map((row) => `${row.name}${windowOf(line, row.node)}`);
  const left = 32 + Math.max(...labels.map((label) => widthOf(label)));
  const step = plot.width / (last - first + 1);
  const top = options.title ? 52 : 24;
  const body = options.title ? [text(20, 28, options.title, 'ink title')] : [];
  rows.forEach((row, i) => {
    const y = top + 24 * i;
    const region = row.axes[0]!.phases[0];
    body.push(text(20, y + 13, labels[i]!, 'ink'));
    if (!region || region[0] > region[1] || !Number.isFinite(region[0])) {
      body.push(
        text(
          left,
          y + 13,
          Number.isFinite(row.size[0]) ? 'regions do not repeat' : 'unbounded: sees the whole map',
          'soft',
        ),
      );
      return;
    }
    body.push(...drawRow({ ...line, outputs: [row.node] }, region, left - first * step, step, y));
    body.push(text(left + plot.width + 12, y + 13, `${row.size[0]}`, 'ink number'));
  });
  const bottom = top + 24 * rows.length + 6;
  body.push(path(`M${round(left)} ${bottom}h${plot.width}`, 'axis'));
  for (const position of new Set([first, 0, last]))
    body.push(
      text(
        left + (position - first + 0.5) * step,
        bottom + 16,
        `${position}`.replace('-', '−'),
        'soft number middle',
      ),
    );
  const { size } = receptiveField(line);
  const note = `inputs seen by output 0 of each layer; final field ${Number.isFinite(size[0]) ? size[0] : 'unbounded'}; hatched: not read${rows.length < all.length ? `; ${rows.length} of ${all.length} layers shown` : ''}`;
  body.push(text(20, bottom + 38, note, 'soft'));
  return document(
    Math.max(left + plot.width + 70, widthOf(note) + 30),
    bottom + 50,
    options.title ?? 'growth of the receptive field',
    body,
  );
}

function windowOf({ nodes }: ReachGraph, node: number): string {
  const reach = nodes[node]!.reach;
  if (!reach || !('axes' in reach)) return '';
  const axis = reach.axes[0]!;
  if (!('kernel' in axis)) return ` ×${round(1 / axis.scale)}`;
  return ` k${axis.kernel}${axis.dilation > 1 ? ` d${axis.dilation}` : ''}${axis.stride > 1 ? ` s${axis.stride}` : ''}`;
}

function drawRow(
  graph: ReachGraph,
  [from, to]: readonly [number, number],
  origin: number,
  step: number,
  y: number,
): string[] {
  const size = to - from + 1;
  const bar = (start: number, length: number, classes: string) =>
    hatched(
      rectangle(origin + start * step, y + 2, Math.max(length * step - (step > 6 ? 1 : 0), 0.5), 14, classes),
    );
  if (size > mostPattern) return [bar(from, size, `s${steps - 4}`)];
  const { pattern, first } = coverage(graph).axes[0]!;
  return [...pattern.matchAll(/1+|0+/g)].flatMap((run) => {
    const hole = run[0][0] === '0';
    const start = first + run.index;
    if (step <= 6 || hole) return [bar(start, run[0].length, hole ? 'hatched' : `s${steps - 4}`)];
    return Array.from(run[0], (_, i) => bar(start + i, 1, `s${steps - 4}`));
  });
}
