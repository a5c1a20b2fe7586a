/**
 * Polyphase Winograd convolution: tiles of every phase are transformed, multiplied component by component with
 * transformed weights, and transformed back.
 *
 * The work goes in blocks of tiles, so that what lies between the transforms stays small; a block has three phases of
 * tasks. Bias, residual and clip happen in the output transform.
 */

import type { AxisWindow } from '../graph.js';
import type { Calls } from './calls.js';
import type { ConvNode } from './direct.js';
import {
  type ClassPlan,
  type Geometry,
  type Pass,
  planClasses,
  passesOf as tapPasses,
} from './direct-plan.js';
import type { Engine, KernelId } from './engine.js';
import { type FoldedEpilogue, foldEpilogue } from './folded.js';
import { withOwnPitch } from './gather.js';
import { emitInputTransform, emitOutputTransform, type OutputEpilogue } from './kernels/winograd.js';
import type { Lowered } from './lower.js';
import type { KernelOperation } from './operation.js';
import { tilesOf } from './positions.js';
import { Tables } from './tables.js';
import { gemmKernel } from './tiles.js';
import { type Address, absolute, addressOf, makeValue, plus, roundUp, type Value } from './values.js';
import { type Bundle, bundlesOf } from './weights.js';
import {
  type BlockPlan,
  type Grid,
  type GridTables,
  gridOf,
  gridTables,
  mostTasks,
  passesOf,
  planBlocks,
  winogradName,
} from './winograd-plan.js';
import { type Components, componentsOf, packComponents, type TransformPair } from './winograd-weights.js';

/** Work of one task, a fraction of a millisecond. */
const macsPerTask = 4e6;
const bytesPerTask = 256 * 1024;

/**
 * Convolution of a channels-last value by constant weights, with algorithms that fit its last two axes. The taps of the
 * first axis are summed up between the transforms.
 */
export function winogradConv(
  node: ConvNode,
  index: number,
  x: Value,
  pair: TransformPair,
  lowered: Lowered,
): { operation: KernelOperation; folded: FoldedEpilogue } {
  const { engine } = lowered;
  const weight = lowered.constantOf(node.inputs[1]!)!;
  const weightShape = lowered.graph.nodes[node.inputs[1]!]!.shape;
  const folded = foldEpilogue(node, node.shape[1]!, lowered);
  const residual = folded.residual === undefined ? undefined : withOwnPitch(folded.residual, lowered);
  const output = makeValue('channels', node.shape, 'float32');
  if (residual !== undefined) residual.storage.pinned = output.storage.pinned = true;
  const bundles = bundlesOf(node.groups, weightShape).map((bundle) => {
    const weights = packComponents(engine, weight, weightShape, bundle, folded, pair);
    return { bundle, weights };
  });
  const tables = new Tables(engine);
  const bounds = tables.addFloats(folded.clip ?? [0, 0]);
  const epilogue = { residual: residual !== undefined, clip: folded.clip !== undefined };
  const grid = gridOf(node, x, pair);
  const plans = bundles.map(({ bundle, weights }) => planBlocks(grid, weights, bundle, pair, engine.threads));
  return {
    folded,
    operation: {
      name: lowered.label(index),
      algorithm: winogradName(pair),
      macs: lowered.macs(node),
      inputs: residual === undefined ? [x] : [x, residual],
      output,
      scratch: Math.max(...plans.map(({ bytes }) => bytes)),
      emit(calls, scratch) {
        const places = gridTables(grid, x, output, tables);
        bundles.forEach(({ bundle, weights }, i) => {
          emitBundle({
            calls,
            engine,
            tables,
            grid,
            places,
            pair,
            bundle,
            weights,
            plan: plans[i]!,
            x,
            output,
            residual,
            epilogue,
            bounds,
            scratch,
          });
        });
      },
      dispose() {
        tables.dispose();
        for (const { weights } of bundles) engine.unpack(weights.key);
      },
    },
  };
}

interface BundleWork {
  readonly calls: Calls;
  readonly engine: Engine;
  readonly tables: Tables;
  readonly grid: Grid;
  readonly places: GridTables;
  readonly pair: TransformPair;
  readonly bundle: Bundle;
  readonly weights: Components;
  readonly plan: BlockPlan;
  readonly x: Value;
  readonly output: Value;
  readonly residual: Value | undefined;
  readonly epilogue: OutputEpilogue;
  readonly bounds: number;
  readonly scratch: Address;
}

function emitBundle(work: BundleWork): void {
  const { plan, scratch, calls } = work;
  const products = new Map(plan.blocks.map((tiles) => [tiles, productPlan(work, tiles)]));
  let first = 0;
  const blocks = plan.blocks.map((tiles): Block => {
    first += tiles;
    return { first: first - tiles, tiles, products: products.get(tiles)! };
  });
  if (plan.lanes === 1) {
    for (const block of blocks)
      emitBlock(
        work,
        block,
        mostTasks,
        () => calls.endTask(),
        () => calls.endPhase(),
      );
    return;
  }
  for (let lane = 0; lane < plan.lanes; lane++) {
    const own = { ...work, scratch: plus(scratch, lane * plan.bytesPerLane) };
    for (let i = lane; i < blocks.length; i += plan.lanes)
      emitBlock(
        own,
        blocks[i]!,
        1,
        () => undefined,
        () => undefined,
      );
    calls.endTask();
  }
  calls.endPhase();
}

/** Tiles that are transformed, multiplied and transformed back together. */
interface Block {
  readonly first: number;
  readonly tiles: number;
  readonly products: ProductPlan;
}

function emitBlock(
  work: BundleWork,
  block: Block,
  tasks: number,
  endTask: () => void,
  endPhase: () => void,
): void {
  emitInput(work, block, tasks, endTask);
  endPhase();
  emitProducts(work, block, tasks, endTask);
  endPhase();
  emitOutput(work, block, tasks, endTask);
  endPhase();
}

/** Tiles of one row of tiles, in all slices, that one call works on. */
interface Segment {
  readonly row: number;
  readonly column: number;
  readonly count: number;
  /** Tiles of the block before. */
  readonly tile: number;
}

/** Cuts the tiles of a block into tasks, and tasks into rows. */
function segmentTasks(
  { grid }: BundleWork,
  { first, tiles }: Block,
  bytes: number,
  most: number,
): Segment[][] {
  const width = grid.columns.length;
  const tasks = Math.max(1, Math.min(most, tiles, Math.round(bytes / bytesPerTask)));
  let at = first;
  return tilesOf(tiles, Math.ceil(tiles / tasks)).map((share) => {
    const segments: Segment[] = [];
    for (const end = at + share; at < end; ) {
      const column = at % width;
      const some = Math.min(width - column, end - at);
      segments.push({ row: Math.floor(at / width), column, count: some, tile: at - first });
      at += some;
    }
    return segments;
  });
}

function emitInput(work: BundleWork, block: Block, tasks: number, endTask: () => void): void {
  const { engine, pair, plan, bundle, scratch } = work;
  const passes = passesOf(pair, 'B');
  const kernel = engine.kernel(`winograd input ${pair.rows.name} ${pair.columns.name}`, 'input', (module) =>
    emitInputTransform(module, passes, engine.features.fma),
  );
  emitTransform(work, block, tasks, endTask, kernel, 'inputs', plan.inputTile, (own, tile) => [
    plus(addressOf(work.x), 4 * bundle.firstInput),
    plus(scratch, tile * plan.inputTile),
    plan.inputComponent,
    plan.inputTile,
    plan.inputTile,
    own,
    plus(own, roundUp(plan.inputTile, 64)),
  ]);
}

function emitOutput(work: BundleWork, block: Block, tasks: number, endTask: () => void): void {
  const { engine, pair, plan, bundle, weights, scratch, epilogue } = work;
  const passes = passesOf(pair, 'A');
  const variant = `${epilogue.residual ? ' residual' : ''}${epilogue.clip ? ' clip' : ''}`;
  const kernel = engine.kernel(
    `winograd output ${pair.rows.name} ${pair.columns.name}${variant}`,
    'output',
    (module) => emitOutputTransform(module, passes, epilogue, engine.features.fma),
  );
  emitTransform(work, block, tasks, endTask, kernel, 'outputs', plan.outputTile, (own, tile) => [
    plus(addressOf(work.output), 4 * bundle.firstOutput),
    plus(scratch, plan.outputs + tile * plan.outputTile),
    plan.outputComponent,
    plan.outputTile,
    4 * roundUp(bundle.outChannels, 4),
    own,
    engine.addressOf(weights.key) + weights.bias,
    work.residual ? plus(addressOf(work.residual), 4 * bundle.firstOutput) : absolute(0),
    work.bounds,
  ]);
}

/**
 * Calls a transform for all tiles of a block, once per row of tiles in each task.
 *
 * @param rest arguments after the places, from the task's own scratch and the number of the first tile in the block, slices counted
 */
function emitTransform(
  work: BundleWork,
  block: Block,
  tasks: number,
  endTask: () => void,
  kernel: KernelId,
  side: 'inputs' | 'outputs',
  tileBytes: number,
  rest: (own: Address, tile: number) => (number | Address)[],
): void {
  const { calls, places, plan, scratch } = work;
  const [rows, columns] = [places.rows[side], places.columns[side]];
  const slices = work.grid.slices[side];
  const bytes = block.tiles * slices * componentsOf(work.pair) * tileBytes;
  segmentTasks(work, block, bytes, tasks).forEach((segments, task) => {
    const own = plus(scratch, plan.tasks + task * plan.bytesPerTask);
    for (const { row, column, count, tile } of segments)
      calls.call(
        kernel,
        rows.address + row * rows.bytesPerTile,
        columns.address + column * columns.bytesPerTile,
        count * slices,
        ...rest(own, tile * slices),
      );
    endTask();
  });
}

/** The products of one component of a block: a direct convolution along the slices, tile by tile. */
interface ProductPlan {
  readonly passes: readonly Pass[];
  readonly classes: readonly ClassPlan[];
}

const untouched: AxisWindow = { kernel: 1, stride: 1, dilation: 1, padBefore: 0, padAfter: 0 };

function productPlan({ plan, tables, engine, weights, grid }: BundleWork, tiles: number): ProductPlan {
  const { window, inputs, outputs } = grid.slices;
  const geometry: Geometry = {
    batch: 1,
    input: [1, tiles, inputs],
    output: [1, tiles, outputs],
    windows: [untouched, untouched, window],
    transposed: false,
  };
  const passes = tapPasses(geometry.windows, weights.depth, false);
  const { depth } = weights;
  const [xPitch, yPitch] = [plan.inputTile / 4, plan.outputTile / 4];
  const classes = planClasses(
    { engine, tables, geometry, depth, xPitch, yPitch, flags: 0, merged: false },
    passes,
  );
  return { passes, classes };
}

function emitProducts(work: BundleWork, { tiles, products }: Block, most: number, endTask: () => void): void {
  const { pair, weights, grid } = work;
  const components = componentsOf(pair);
  const macs = components * tiles * grid.slices.outputs * weights.depth * weights.taps * weights.columns;
  const tasks = Math.max(1, Math.min(most, components, Math.round(macs / macsPerTask)));
  let component = 0;
  for (const share of tilesOf(components, Math.ceil(components / tasks))) {
    for (let i = 0; i < share; i++) emitProduct(work, component++, products);
    endTask();
  }
}

function emitProduct(work: BundleWork, component: number, { passes, classes }: ProductPlan): void {
  const { calls, engine, weights, plan, scratch } = work;
  const packed = engine.addressOf(weights.key);
  const matrix = packed + component * weights.component;
  const panels = [
    { vectors: 2, first: 0, count: weights.wide },
    { vectors: 1, first: weights.wide, count: weights.narrow },
  ] as const;
  // Each pass over the whole block before the next: its weights stay in the cache.
  for (const pass of passes.keys())
    for (const { vectors, first, count } of panels)
      for (const { stages, blocks, places } of classes) {
        const stage = stages.find((candidate) => candidate.pass === pass);
        if (count === 0 || stage === undefined) continue;
        const list = stage.taps?.[vectors] ?? { address: 0, count: 0 };
        for (const [xPlace, yPlace] of places)
          for (const run of blocks.flat())
            calls.call(
              gemmKernel(engine, run.rows, vectors),
              run.address,
              run.count,
              list.address,
              list.count,
              plus(scratch, component * plan.inputComponent + xPlace),
              matrix + first * weights.stride,
              plus(scratch, plan.outputs + component * plan.outputComponent + 32 * first + yPlace),
              stage.flags,
              count,
              weights.stride,
              packed + weights.zeros,
              absolute(0),
              absolute(0),
            );
      }
}
