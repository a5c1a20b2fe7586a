/** Pools and reductions over positions: every target position combines those of its lists. */
import type { FusedNode } from '../fuse.js';
import type { AxisWindow, NodeOf } from '../graph.js';
import { threeAxes, threeWindows } from '../reference/axes.js';
import { adaptivePositions, type Positions, windowPositions } from '../reference/pool.js';
import type { Calls } from './calls.js';
import type { Engine } from './engine.js';
import { type Combination, combineName, combineWidths, emitCombine } from './kernels/combine.js';
import type { Lowered, Lowering } from './lower.js';
import type { KernelOperation } from './operation.js';
import { Tables } from './tables.js';
import {
  type Address,
  absolute,
  addressOf,
  hasChannelsLayout,
  makeValue,
  plus,
  roundUp,
  type Value,
} from './values.js';

/** Vectors that one task reads. */
const vectorsPerTask = 1 << 17;

/** For batch, depth, height and width: the source positions of every target position. */
export type Lists = readonly [Positions, Positions, Positions, Positions];

/** Every position by itself. */
export const each = (size: number): Positions => Array.from({ length: size }, (_, i) => [i]);

/** All positions as one. */
export const together = (size: number): Positions => [Array.from({ length: size }, (_, i) => i)];

/** pool and adaptivePool of float32. */
export const lowerPool: Lowering = (node, index, lowered) => {
  if (!hasChannelsLayout(node)) return undefined;
  const x = lowered.value(node.inputs[0]!, 'channels');
  const input = threeAxes(x.shape);
  const out = threeAxes(node.shape);
  const spatial =
    node.kind === 'pool'
      ? threeWindows((node as { reach: { axes: readonly AxisWindow[] } }).reach.axes).map((window, axis) =>
          windowPositions(window, input[axis]!, out[axis]!),
        )
      : out.map((size, axis) => adaptivePositions(input[axis]!, size));
  const lists = [each(node.shape[0]!), ...spatial] as unknown as Lists;
  return combine(node, index, x, (node as NodeOf<'pool'>).fn, lists, lowered);
};

function combine(
  node: FusedNode,
  index: number,
  x: Value,
  how: Combination,
  lists: Lists,
  lowered: Lowered,
): KernelOperation {
  const output = makeValue('channels', node.shape, 'float32');
  const tables = new Tables(lowered.engine);
  return {
    name: lowered.label(index),
    algorithm: 'combine positions',
    macs: 0,
    inputs: [x],
    output,
    emit: (calls) =>
      emitCombination(calls, lowered.engine, tables, {
        how,
        lists,
        input: [x.shape[0]!, ...threeAxes(x.shape)],
        vectors: roundUp(x.shape[1]!, 4) / 4,
        x: addressOf(x),
        pitch: 4 * x.storage.pitch,
        y: addressOf(output),
        stride: 4 * output.storage.pitch,
      }),
    dispose: () => tables.dispose(),
  };
}

export interface CombinationWork {
  readonly how: Combination;
  readonly lists: Lists;
  /** Sizes of batch, depth, height and width. */
  readonly input: readonly [number, number, number, number];
  readonly vectors: number;
  readonly x: Address;
  /** Bytes between positions of x. */
  readonly pitch: number;
  readonly y: Address;
  /** Bytes between positions of the target. */
  readonly stride: number;
  /** For `squares`: what is subtracted, one value per channel. */
  readonly centre?: Address;
}

/** Writes the tasks of one combination. */
export function emitCombination(
  calls: Calls,
  engine: Engine,
  tables: Tables,
  { how, lists, input, vectors, x, pitch, y, stride, centre = absolute(0) }: CombinationWork,
): void {
  const [batch, depth, height, width] = lists;
  const [, ...sizes] = input;
  const rowPlaces: number[][] = [];
  for (const ns of batch)
    for (const ds of depth)
      for (const hs of height)
        rowPlaces.push(
          ns.flatMap((n) =>
            ds.flatMap((d) => hs.map((h) => ((n * sizes[0] + d) * sizes[1] + h) * sizes[2] * pitch)),
          ),
        );
  if (rowPlaces.length === 0 || width.length === 0 || vectors === 0) return;
  const rows = addLists(tables, rowPlaces);
  const columns = addLists(
    tables,
    width.map((ws) => ws.map((w) => w * pitch)),
  );
  const rowStride = width.length * stride;
  const reads = Math.max(1, totalOf(rowPlaces) / rowPlaces.length) * Math.max(1, totalOf(width));
  const blocks = blocksOf(vectors);
  const apart = reads * vectors > vectorsPerTask;
  const perTask = apart ? 1 : Math.max(1, Math.floor(vectorsPerTask / (reads * vectors)));
  for (let first = 0; first < rowPlaces.length; first += perTask) {
    for (const [at, block] of blocks) {
      calls.call(
        engine.kernel('combine', combineName(how, block), emitCombine),
        rows + 8 * first,
        Math.min(perTask, rowPlaces.length - first),
        columns,
        width.length,
        plus(x, 16 * at),
        plus(y, first * rowStride + 16 * at),
        rowStride,
        stride,
        plus(centre, 16 * at),
      );
      // Long rows are cut by channels too.
      if (apart) calls.endTask();
    }
    calls.endTask();
  }
}

const totalOf = (lists: readonly (readonly number[])[]) => lists.reduce((sum, { length }) => sum + length, 0);

/** Vectors in blocks of the widths that there are kernels for. */
function blocksOf(vectors: number): (readonly [at: number, width: number])[] {
  const blocks: (readonly [number, number])[] = [];
  for (let at = 0; at < vectors; ) {
    const width = combineWidths.find((candidate) => candidate <= vectors - at)!;
    blocks.push([at, width]);
    at += width;
  }
  return blocks;
}

/** Stores lists; returns the address of a table of their places and lengths. */
function addLists(tables: Tables, lists: readonly (readonly number[])[]): number {
  const places = tables.add(lists.flat());
  let at = 0;
  return tables.add(
    lists.flatMap(({ length }) => {
      const entry = [places + 4 * at, length];
      at += length;
      return entry;
    }),
  );
}
