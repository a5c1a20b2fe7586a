import { type CoverageOptions, coverage, pathCounts } from './coverage.js';
import { viewOf, withoutGlobal } from './explain.js';
import { receptiveField } from './field.js';
import { prepare } from './graph.js';
import { sharedInputs } from './sharing.js';
import {
  document,
  hatched,
  legend,
  path,
  rectangle,
  round,
  type Scale,
  scaleOf,
  text,
  widthOf,
} from './svg.js';
import type { Network } from './types.js';

export interface FigureOptions extends CoverageOptions {
  /** Headline. Default: none. */
  readonly title?: string;
}

/** The longest side of a map, in pixels. */
const side = 264;
/** Holes are hatched in cells of this size and plain in smaller ones, where lines would drown what is read. */
const hatchedFrom = 8;
/** More cells than this along an axis are drawn together. */
const mostCells = 132;

/** Counts of one network as a picture of cells. */
interface Cells {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  /** Mean count of the inputs in a cell; 0 where none is read. */
  readonly values: Float64Array;
  /** Inputs per cell and axis. */
  readonly grain: number;
  readonly captions: readonly string[];
}

/**
 * A heat map of how many paths reach each input from one output, as SVG: one colour scale, holes hatched, numbers
 * below. In 1-D a strip, in 3-D the middle slice. Readable in light and dark themes.
 *
 * @throws RfError as `coverage` does
 */
export function coverageFigure(network: Network, options: FigureOptions = {}): string {
  return comparisonFigure({ '': network }, options);
}

/**
 * Heat maps of several networks side by side with one common colour scale.
 *
 * @throws RfError as `coverage` does
 */
export function comparisonFigure(
  networks: Readonly<Record<string, Network>>,
  options: FigureOptions = {},
): string {
  const maps = Object.entries(networks).map(([name, network]) => cellsOf(name, network, options));
  let [min, max] = [Infinity, 0];
  for (const { values } of maps)
    for (const value of values) {
      if (value) min = Math.min(min, value);
      max = Math.max(max, value);
    }
  const scale = scaleOf(min, max);
  const cell = side / Math.max(...maps.flatMap(({ rows, columns }) => [rows, columns]));
  const widest = (map: Cells) =>
    Math.max(map.columns * cell, ...map.captions.map((line) => widthOf(line)), widthOf(map.name, 13));
  const top = options.title ? 46 : 18;
  const named = maps.some(({ name }) => name) ? 20 : 0;
  const tallest = Math.max(...maps.map(({ rows }) => rows * cell), 24);
  const lines = Math.max(...maps.map(({ captions }) => captions.length));
  const body: string[] = [];
  let x = 20;
  for (const map of maps) {
    if (map.name) body.push(text(x, top + 12, map.name, 'ink title'));
    body.push(...drawCells(map, scale, cell, x, top + named));
    const captions = map.captions.map((line, i) =>
      text(x, top + named + tallest + 20 + 17 * i, line, i ? 'soft number' : 'ink number'),
    );
    body.push(...captions);
    x += widest(map) + 32;
  }
  const below = top + named + tallest + 24 + 17 * lines;
  const holes = maps.some(({ values }) => values.includes(0));
  const key = legend(20, below, scale, holes, cell < hatchedFrom);
  const right = Math.max(x - 12, 40 + key.width, options.title ? widthOf(options.title, 14) + 40 : 0);
  body.push(...key.shapes);
  if (options.title) body.unshift(text(20, 28, options.title, 'ink title'));
  return document(right, below + 42, options.title ?? 'path counts of the receptive field', body);
}

/** One path per colour: runs of equal cells become one piece each. */
function drawCells(
  { rows, columns, values }: Cells,
  scale: Scale,
  cell: number,
  x: number,
  y: number,
): string[] {
  const runs = new Map<string, string>();
  const height = Math.max(rows * cell, rows === 1 ? 24 : 0);
  const tall = height / rows;
  for (let row = 0; row < rows; row++)
    for (let from = 0; from < columns; ) {
      const key = (column: number) =>
        values[row * columns + column]
          ? `s${scale.step(values[row * columns + column]!)}`
          : cell < hatchedFrom
            ? 'empty'
            : 'hatched';
      let to = from + 1;
      while (to < columns && key(to) === key(from)) to++;
      const run = `M${round(x + from * cell)} ${round(y + row * tall)}h${round((to - from) * cell)}v${round(tall)}h${round((from - to) * cell)}z`;
      runs.set(key(from), (runs.get(key(from)) ?? '') + run);
      from = to;
    }
  const frame = rectangle(x, y, columns * cell, height, 'line');
  return [
    ...[...runs].map(([name, d]) => hatched(path(d, name))),
    grid(rows, columns, cell, tall, x, y),
    frame,
  ].filter(Boolean);
}

/** Lines between cells that are large enough to be counted. */
function grid(rows: number, columns: number, cell: number, tall: number, x: number, y: number): string {
  if (cell < 7) return '';
  let d = '';
  for (let row = 1; row < rows; row++) d += `M${round(x)} ${round(y + row * tall)}h${round(columns * cell)}`;
  for (let column = 1; column < columns; column++)
    d += `M${round(x + column * cell)} ${round(y)}v${round(rows * tall)}`;
  return d && path(d, 'paper-line');
}

function cellsOf(name: string, network: Network, options: FigureOptions): Cells {
  const prepared = prepare('comparisonFigure', network, options);
  const { ndim, sizes, source } = prepared;
  const graph = viewOf(prepared);
  const inputSize = sizes?.[source];
  const { at, maxPositions } = options;
  const given: CoverageOptions = {
    ndim,
    ...(inputSize && { inputSize }),
    ...(at !== undefined && { at }),
    ...(maxPositions !== undefined && { maxPositions }),
  };
  const unbounded = !inputSize && receptiveField(graph, given).size.includes(Infinity);
  const seen = unbounded ? withoutGlobal(graph) : graph;
  const { axes, area, touched, fraction, lattices } = coverage(seen, given);
  const { shape, values } = pathCounts(seen, given);
  const [rows, columns] = [ndim > 1 ? shape[ndim - 2]! : 1, shape[ndim - 1]!];
  // the middle of all further axes
  const outer = values.length / (rows * columns);
  const slice = values.subarray(
    Math.floor(outer / 2) * rows * columns,
    (Math.floor(outer / 2) + 1) * rows * columns,
  );
  const grain = Math.ceil(Math.max(rows, columns) / mostCells);
  const correlation = Math.max(...sharedInputs(seen, given).map((shared) => shared.correlation));
  const percent = Number((100 * fraction).toPrecision(3));
  return {
    name,
    rows: Math.ceil(rows / grain),
    columns: Math.ceil(columns / grain),
    values: coarse(slice, rows, columns, grain),
    grain,
    captions: [
      `field ${axes.map(({ size }) => size).join('×')}${unbounded ? ' without global layers' : ''}`,
      `${touched.toLocaleString('en-US')} of ${area.toLocaleString('en-US')} inputs read (${percent} %)`,
      `${lattices === 1 ? '1 lattice' : `${lattices} independent lattices`}, neighbours correlate ${correlation.toFixed(2)}`,
      ...(ndim > 2 ? ['middle slice'] : []),
      ...(grain > 1 ? [`each cell stands for ${grain}×${grain} inputs`] : []),
    ],
  };
}

/** Means over squares of inputs; only a square without any read input is a hole. */
function coarse(values: Float64Array, rows: number, columns: number, grain: number): Float64Array {
  if (grain === 1) return values;
  const [down, across] = [Math.ceil(rows / grain), Math.ceil(columns / grain)];
  const sums = new Float64Array(down * across);
  const counts = new Float64Array(down * across);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const to = Math.floor(row / grain) * across + Math.floor(column / grain);
      sums[to]! += values[row * columns + column]!;
      counts[to]!++;
    }
  return sums.map((sum, i) => sum / counts[i]!);
}
