/** How a convolution is cut for Winograd's algorithms: tiles, the tables of their places, and blocks of tiles. */
import type { AxisWindow } from '../graph.js';
import { threeAxes, threeWindows } from '../reference/axes.js';
import type { ChannelCounts } from './cost.js';
import type { ConvNode } from './direct.js';
import { scratchBytes, type TilePasses } from './kernels/winograd.js';
import { tilesOf } from './positions.js';
import type { Tables } from './tables.js';
import { roundUp, type Value } from './values.js';
import type { Bundle } from './weights.js';
import { type AxisTile, axisTiles, outside } from './winograd-tiles.js';
import { identity, type Matrix, type Transform } from './winograd-transforms.js';
import { type Components, componentsOf, type TransformPair } from './winograd-weights.js';

/** Components of a block before and after the products, in bytes: what a second-level cache holds. */
const bytesPerBlock = 1.5e6;
/** With fewer tiles, reading the weights again for every block costs more than the cache saves. */
const leastTiles = 96;
/** A map is one block if this part of its tiles would be: weights read once save more than the cache. */
const wholeFrom = 0.6;
/** Multiply-accumulates of a block below which its phases are too short to meet the other threads after each. */
const leastMacs = 40e6;
/** More tasks of a phase than this serve nobody; each has a scratch of its own. */
export const mostTasks = 16;

/** The algorithm's name in `program.steps`. */
export function winogradName({ rows, columns }: TransformPair): string {
  const names = [rows, columns].filter((transform) => transform !== identity).map(({ name }) => name);
  const text = names[0] === names[1] ? names[0]! : names.join(' × ');
  return text === 'T2' ? text : `Winograd ${text}`;
}

/**
 * All tiles: every row of tiles, of every sample, times the columns, and that in every slice along the first axis. A
 * filter that has only one slice's taps takes slices for samples.
 */
export interface Grid {
  /** Positions of each row's start, in the first slice of its sample; `outside` for none. */
  readonly rows: readonly AxisTile[];
  readonly columns: readonly AxisTile[];
  readonly slices: {
    readonly window: AxisWindow;
    readonly inputs: number;
    readonly outputs: number;
    /** Positions in a slice. */
    readonly inputSize: number;
    readonly outputSize: number;
  };
}

/** Whether a slice of the result is made of the same slice of the input and of nothing else. */
const single = ({ kernel, stride, padBefore, padAfter }: AxisWindow): boolean =>
  kernel === 1 && stride === 1 && padBefore === 0 && padAfter === 0;

/** How many samples and slices the grid of a convolution has. */
export function slicesOf(window: AxisWindow, batch: number, input: number, output: number) {
  return single(window)
    ? { samples: batch * output, inputs: 1, outputs: 1 }
    : { samples: batch, inputs: input, outputs: output };
}

/** The tiles of a convolution. */
export function gridOf(node: ConvNode, x: Value, pair: TransformPair): Grid {
  const input = threeAxes(x.shape);
  const output = threeAxes(node.shape);
  const [window, heights, widths] = threeWindows(node.reach.axes);
  const { samples, inputs, outputs } = slicesOf(window, node.shape[0]!, input[0], output[0]);
  const rowTiles = axisTiles(heights, pair.rows, input[1], output[1]);
  const rows = Array.from({ length: samples }, (_, n) =>
    rowTiles.map((tile): AxisTile => {
      const startOf = (row: number, slices: number, size: readonly number[]) =>
        row === outside ? outside : (n * slices * size[1]! + row) * size[2]!;
      return {
        inputs: tile.inputs.map((row) => startOf(row, inputs, input)),
        outputs: tile.outputs.map((row) => startOf(row, outputs, output)),
      };
    }),
  ).flat();
  return {
    rows,
    columns: axisTiles(widths, pair.columns, input[2], output[2]),
    slices: { window, inputs, outputs, inputSize: input[1] * input[2], outputSize: output[1] * output[2] },
  };
}

/** A table of places and the bytes per tile in it, all slices together. */
interface PlaceTable {
  readonly address: number;
  readonly bytesPerTile: number;
}

/** Places in the input and the output. */
export type GridTables = Record<'rows' | 'columns', Record<'inputs' | 'outputs', PlaceTable>>;

/** Writes the places of all tiles, with the pitches of the values; of a column of tiles one slice after the other. */
export function gridTables(
  { rows, columns, slices }: Grid,
  x: Value,
  output: Value,
  tables: Tables,
): GridTables {
  const table = (tiles: readonly AxisTile[], side: keyof AxisTile, starts: readonly number[]): PlaceTable => {
    const pitch = 4 * (side === 'inputs' ? x : output).storage.pitch;
    const words = tiles.flatMap((tile) =>
      starts.flatMap((start) =>
        tile[side].map((position) => (position === outside ? outside : (start + position) * pitch)),
      ),
    );
    return { address: tables.add(words), bytesPerTile: 4 * starts.length * tiles[0]![side].length };
  };
  const starts = (count: number, size: number) => Array.from({ length: count }, (_, slice) => slice * size);
  return {
    rows: { inputs: table(rows, 'inputs', [0]), outputs: table(rows, 'outputs', [0]) },
    columns: {
      inputs: table(columns, 'inputs', starts(slices.inputs, slices.inputSize)),
      outputs: table(columns, 'outputs', starts(slices.outputs, slices.outputSize)),
    },
  };
}

/** Where the components of a block lie, and what else its tasks need; offsets in the scratch, in bytes. */
export interface BlockPlan {
  readonly blocks: readonly number[];
  /**
   * Blocks that are computed side by side, each by one thread from start to end. With 1, all threads share the phases
   * of every block.
   */
  readonly lanes: number;
  /** Bytes of scratch of a lane. */
  readonly bytesPerLane: number;
  /** Bytes of the channels of a tile, before and after the products. */
  readonly inputTile: number;
  readonly outputTile: number;
  readonly inputComponent: number;
  readonly outputComponent: number;
  readonly outputs: number;
  readonly tasks: number;
  readonly bytesPerTask: number;
  readonly bytes: number;
}

/** An odd number of cache lines: components side by side then do not compete for the same few lines of the cache. */
const oddLines = (bytes: number) => 64 * (Math.ceil(bytes / 64) | 1);

/** Tiles of each block, which it has in every slice. */
export function blockSizes(
  tiles: number,
  slices: { readonly inputs: number; readonly outputs: number },
  { inChannels, outChannels }: ChannelCounts,
  pair: TransformPair,
): number[] {
  const floats = slices.inputs * inChannels + slices.outputs * outChannels;
  const fitting = Math.floor(bytesPerBlock / (4 * componentsOf(pair) * floats));
  const most = Math.max(Math.ceil(leastTiles / slices.outputs), fitting);
  return tilesOf(tiles, most >= tiles * wholeFrom ? tiles : most);
}

/** Lays out the components of a block and the scratch of its tasks. */
export function planBlocks(
  { rows, columns, slices }: Grid,
  weights: Components,
  { inChannels }: Bundle,
  pair: TransformPair,
  threads: number,
): BlockPlan {
  const tiles = rows.length * columns.length;
  const components = componentsOf(pair);
  const inputTile = 4 * roundUp(inChannels, 4);
  const outputTile = 4 * weights.columns;
  const fewest = blockSizes(tiles, slices, { inChannels, outChannels: weights.columns }, pair);
  const macs = components * fewest[0]! * slices.outputs * weights.depth * weights.taps * weights.columns;
  const lanes = fewest.length > 1 && macs < leastMacs ? threads : 1;
  const blocks = tilesOf(tiles, Math.ceil(tiles / roundUp(fewest.length, lanes)));
  const most = Math.max(...blocks);
  const inputComponent = oddLines(most * slices.inputs * inputTile);
  const outputComponent = oddLines(most * slices.outputs * outputTile);
  const outputs = components * inputComponent;
  const tasks = outputs + components * outputComponent;
  const perTask =
    roundUp(inputTile, 64) + Math.max(scratchBytes(passesOf(pair, 'B')), scratchBytes(passesOf(pair, 'A')));
  const bytesPerLane = roundUp(tasks + (lanes > 1 ? 1 : mostTasks) * perTask, 64);
  return {
    blocks,
    lanes,
    bytesPerLane,
    inputTile,
    outputTile,
    inputComponent,
    outputComponent,
    outputs,
    tasks,
    bytesPerTask: perTask,
    bytes: lanes * bytesPerLane,
  };
}

/** What the kernels do along the two axes, on the way in (`B`) or out (`A`). */
export function passesOf({ rows, columns }: TransformPair, matrix: 'A' | 'B'): TilePasses {
  const of = (transform: Transform): Matrix | undefined =>
    transform === identity ? undefined : transform[matrix];
  return { rows: of(rows), columns: of(columns) };
}
