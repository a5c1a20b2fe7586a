import {
  outputSize,
  pathCounts,
  period,
  type ReachGraph,
  RfError,
  receptiveField,
  toGraph,
} from '@atrous/rf';
import { networkCost } from '@atrous/rf/design';
import { comparisonFigure, coverageFigure, growthFigure, pathCountFigure } from '@atrous/rf/figures';
import { explain, measures, type Report, withoutGlobal } from '@atrous/rf/report';
import { named, readStack } from './stack.js';

/** A schedule as it travels: its notation and its spatial axes. */
export interface Schedule {
  readonly layers: string;
  readonly axes: 1 | 2;
}

/** Path counts as a picture of cells, few enough to be drawn. */
export interface Cells {
  readonly rows: number;
  readonly columns: number;
  /** Inputs per cell and axis. */
  readonly grain: number;
  /** Mean count of the inputs in a cell; 0 where none of them is read. */
  readonly values: Float64Array;
  /** Position of the first cell, as row and column. */
  readonly start: readonly [row: number, column: number];
}

/** Path counts along the last axis alone. */
export interface Profile {
  readonly start: number;
  readonly values: Float64Array;
}

/** Everything that the page says about a schedule. */
export interface Analysis {
  readonly report: Report;
  /** The same by name, for a table. */
  readonly measures: readonly (readonly [name: string, value: string])[];
  /** Undefined where the field is too large to count or no input is read; `report.missing` says why. */
  readonly cells: Cells | undefined;
  readonly profile: Profile | undefined;
  /** With 64 channels on 256 inputs per axis. */
  readonly cost: { readonly parameters: number; readonly macs: number } | undefined;
}

/** Pixels of a picture that one output reads. */
export interface Region {
  /** First row and column of the box that holds them all, and its size. */
  readonly start: readonly [row: number, column: number];
  readonly rows: number;
  readonly columns: number;
  /** For every pixel of the box, row by row: 0 if it is not read, else 1 to 255 by the logarithm of its paths. */
  readonly levels: Uint8Array;
}

/** What one output reads of a picture. */
export interface Reach extends Region {
  /** The output and how many there are, along the axes of the network. */
  readonly output: readonly number[];
  readonly outputs: readonly number[];
  readonly touched: number;
  /** Whether some path reads the whole picture; the pixels are those of the others. */
  readonly global: boolean;
  /** What is analysed of the picture, as rows and columns: whole multiples of the network's period. */
  readonly analysed: readonly [rows: number, columns: number];
  /** What the next output along the last axis reads, if it was asked for and there is one. */
  readonly neighbour: (Region & { readonly common: number }) | undefined;
}

/** Positions that may be counted at once: 32 MiB of counts. */
const maxPositions = 2 ** 22;
/** More cells than this along an axis are drawn together. */
const mostCells = 160;

/**
 * Analyses a schedule.
 *
 * @throws RfError or OptionError if it makes no sense
 */
export function analyse({ layers, axes }: Schedule): Analysis {
  const stack = named(readStack(layers, axes));
  const graph = toGraph(stack, { ndim: axes });
  const report = explain(graph, { ndim: axes });
  const local = report.unbounded ? withoutGlobal(graph) : graph;
  return {
    report,
    measures: measures(report),
    cells: attempt(() => cellsOf(local, axes)),
    profile: attempt(() => {
      const { start, values } = pathCounts(local, { ndim: axes, axis: axes - 1 });
      return { start: start[0]!, values };
    }),
    cost: attempt(() => {
      const { parameters, macs } = networkCost(stack, 256, { ndim: axes, channels: 64 });
      return { parameters, macs };
    }),
  };
}

/**
 * What the output nearest to a position of a picture reads, and the next one along the last axis if wanted. A schedule of one axis works along the row.
 *
 * @throws RfError if the network does not fit on the picture
 */
export function reach(
  schedule: Schedule,
  picture: readonly [rows: number, columns: number],
  position: readonly [row: number, column: number],
  withNeighbour = false,
): Reach {
  const { axes } = schedule;
  const stack = named(readStack(schedule.layers, schedule.axes));
  const endless = toGraph(stack, { ndim: axes });
  const global = endless.nodes.some(({ reach }) => reach?.type === 'everything');
  const bounded = receptiveField(global ? withoutGlobal(endless) : endless, { ndim: axes });
  const inputSize = picture.slice(2 - axes).map((length, axis) => wholePeriods(endless, axis, length));
  const outputs = outputSize(stack, inputSize, { ndim: axes });
  const output = outputs.map((length, axis) => {
    const { center, stride } = bounded.axes[axis]!;
    const nearest = Math.round((position[2 - axes + axis]! - center) / stride);
    return Math.min(Math.max(Number.isNaN(nearest) ? 0 : nearest, 0), length - 1);
  });
  const sized = toGraph(stack, { ndim: axes, inputSize });
  const graph = global ? withoutGlobal(sized) : sized;
  const regionOf = (at: readonly number[]): Region => {
    const { start, shape, values } = pathCounts(graph, { ndim: axes, inputSize, at, maxPositions });
    const levels = levelsOf(values);
    const columns = shape[axes - 1]!;
    return axes === 1
      ? { start: [position[0], start[0]!], rows: 1, columns, levels }
      : { start: [start[0]!, start[1]!], rows: shape[0]!, columns, levels };
  };
  const own = regionOf(output);
  const next = output.with(-1, output.at(-1)! + 1);
  const beside = withNeighbour && next.at(-1)! < outputs.at(-1)! ? regionOf(next) : undefined;
  return {
    ...own,
    output,
    outputs,
    touched: own.levels.reduce((count, level) => count + Math.sign(level), 0),
    global,
    analysed: axes === 1 ? [picture[0], inputSize[0]!] : [inputSize[0]!, inputSize[1]!],
    neighbour: beside && { ...beside, common: commonOf(own, beside) },
  };
}

/** How many pixels two outputs have in common. */
function commonOf(one: Region, other: Region): number {
  let common = 0;
  one.levels.forEach((level, i) => {
    if (!level) return;
    const row = Math.floor(i / one.columns) + one.start[0] - other.start[0];
    const column = (i % one.columns) + one.start[1] - other.start[1];
    if (row < 0 || row >= other.rows || column < 0 || column >= other.columns) return;
    common += Math.sign(other.levels[row * other.columns + column]!);
  });
  return common;
}

function levelsOf(values: Float64Array): Uint8Array {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const scale = 254 / Math.log1p(largest);
  return Uint8Array.from(values, (value) => (value ? 1 + Math.round(scale * Math.log1p(value)) : 0));
}

/** The figures that can be saved: heat map, paths along one axis, growth from layer to layer. */
export type FigureKind = 'coverage' | 'paths' | 'growth';

/**
 * A figure of one schedule, or of several side by side, as SVG text.
 *
 * @throws RfError if a field is too large to draw
 */
export function figure(kind: FigureKind, schedules: readonly Schedule[]): string {
  const [first] = schedules;
  const axes = first!.axes;
  const networks = Object.fromEntries(
    schedules.map((schedule) => [schedule.layers, readStack(schedule.layers, schedule.axes)]),
  );
  const title = schedules.length > 1 ? '' : first!.layers;
  const options = { ndim: axes, maxPositions, ...(title && { title }) };
  const [network] = Object.values(networks);
  if (kind === 'growth') return growthFigure(network!, options);
  if (kind === 'paths') return pathCountFigure(title ? network! : networks, options);
  return title ? coverageFigure(network!, options) : comparisonFigure(networks, options);
}

/** Undefined where the field is too large; the report says so, too. */
function attempt<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RfError) return undefined;
    throw error;
  }
}

/** The largest part of a length that the network reads in whole steps, or all of a shorter one. */
function wholePeriods(graph: ReachGraph, axis: number, length: number): number {
  const step = period(graph, axis) ?? 1;
  return length < step ? length : length - (length % step);
}

function cellsOf(graph: ReachGraph, axes: 1 | 2): Cells {
  const { start, shape, values } = pathCounts(graph, { ndim: axes, maxPositions });
  const [height, width] = axes === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
  const grain = Math.ceil(Math.max(height, width) / mostCells);
  const [rows, columns] = [Math.ceil(height / grain), Math.ceil(width / grain)];
  const sums = new Float64Array(rows * columns);
  const counts = new Float64Array(rows * columns);
  values.forEach((value, i) => {
    const cell = Math.floor(i / width / grain) * columns + Math.floor((i % width) / grain);
    sums[cell]! += value;
    counts[cell]!++;
  });
  const first = axes === 1 ? ([0, start[0]!] as const) : ([start[0]!, start[1]!] as const);
  return { rows, columns, grain, values: sums.map((sum, i) => sum / counts[i]!), start: first };
}
