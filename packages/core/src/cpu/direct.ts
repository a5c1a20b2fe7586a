/**
 * Direct convolution: an implicit matrix product over exactly the taps that touch the input.
 *
 * Outputs are grouped by the set of taps that are valid for them; each group runs the kernel over its own list of
 * taps, so nothing is ever multiplied with padding. A 1×1 convolution is the case of one tap.
 */
import type { FusedNode } from '../fuse.js';
import type { AxisWindow, NodeOf } from '../graph.js';
import { threeAxes, threeWindows } from '../reference/axes.js';
import type { Calls } from './calls.js';
import { packComputed } from './computed-weights.js';
import {
  type ClassPlan,
  type Geometry,
  type PlanInput,
  passesOf,
  planClasses,
  type Stage,
} from './direct-plan.js';
import { type FoldedEpilogue, foldEpilogue } from './folded.js';
import { withOwnPitch } from './gather.js';
import { gemmFlags } from './kernels/gemm.js';
import type { Lowered } from './lower.js';
import type { KernelOperation } from './operation.js';
import { Tables } from './tables.js';
import { gemmKernel, productsPerPass } from './tiles.js';
import { absolute, addressOf, makeValue, plus, roundUp, type Value } from './values.js';
import { type Bundle, bundlesOf, type Panels, packPanels, weightsOf } from './weights.js';

/** Multiply-accumulates of one task, about a millisecond. */
const macsPerTask = 20e6;
/** With several threads there are this many tasks for each, unless they get shorter than a tenth of a millisecond. */
const tasksPerThread = 4;
const fewestMacsPerTask = 2e6;

export type ConvNode = NodeOf<'conv' | 'convTranspose'> &
  FusedNode & { readonly reach: { readonly axes: readonly AxisWindow[] } };

/** Direct convolution of a channels-last value. */
export function directConv(
  node: ConvNode,
  index: number,
  x: Value,
  lowered: Lowered,
): { operation: KernelOperation; folded: FoldedEpilogue } {
  const { engine } = lowered;
  const constant = lowered.constantOf(node.inputs[1]!);
  const weightShape = lowered.graph.nodes[node.inputs[1]!]!.shape;
  // Nothing is folded into weights that are computed.
  const folded = constant
    ? foldEpilogue(node, node.shape[1]!, lowered)
    : { ...foldEpilogue({ ...node, epilogue: [] }, node.shape[1]!, lowered), rest: node.epilogue ?? [] };
  const residual = folded.residual === undefined ? undefined : withOwnPitch(folded.residual, lowered);
  const output = makeValue('channels', node.shape, 'float32');
  if (residual !== undefined) residual.storage.pinned = output.storage.pinned = true;
  const geometry: Geometry = {
    batch: node.shape[0]!,
    input: threeAxes(x.shape),
    output: threeAxes(node.shape),
    windows: threeWindows(node.reach.axes),
    transposed: node.kind === 'convTranspose',
  };
  const weights = weightsOf(node, weightShape);
  const bundles = bundlesOf(node.groups, weights.shape);
  const merged = mergesRows(x, geometry, bundles);
  if (merged) x.storage.pinned = true;
  const packed = bundles.map((bundle) => {
    const depth = merged ? x.storage.pitch : bundle.inChannels;
    if (constant) return packPanels(engine, constant, weights, bundle, folded, depth);
    const given = lowered.value(node.inputs[1]!, 'plain');
    return packComputed(given, weights, bundle, depth, lowered.label(index), lowered);
  });
  const keys = packed.flatMap(({ key }) => key ?? []);
  const computed = packed.flatMap(({ value }) => value ?? []);
  const tables = new Tables(engine);
  const bounds = tables.addFloats(folded.clip ?? [0, 0]);
  const macs = lowered.macs(node);
  const operation: KernelOperation = {
    name: lowered.label(index),
    algorithm: geometry.transposed ? 'direct, by residue' : packed[0]!.taps === 1 ? 'direct, 1×1' : 'direct',
    macs,
    inputs: [x, ...(residual ? [residual] : []), ...computed],
    output,
    emit(calls) {
      const flags = (residual === undefined ? 0 : gemmFlags.residual) | (folded.clip ? gemmFlags.clip : 0);
      for (const [i, bundle] of bundles.entries())
        emitBundle({
          calls,
          engine,
          tables,
          geometry,
          bundle,
          panels: packed[i]!,
          depth: packed[i]!.depth,
          x,
          output,
          xPitch: x.storage.pitch,
          yPitch: output.storage.pitch,
          residual,
          flags,
          bounds,
          merged,
          macs: macs / bundles.length,
        });
    },
    dispose() {
      tables.dispose();
      for (const key of keys) engine.unpack(key);
    },
  };
  return { operation, folded };
}

/**
 * Whether the taps of a kernel row lie side by side in memory and can be one long tap. What lies between the channels
 * and the pitch is then multiplied by zero weights, so it must be known to be zero.
 */
function mergesRows(x: Value, { windows, transposed }: Geometry, bundles: readonly Bundle[]): boolean {
  const channels = x.shape[1]!;
  const { kernel, dilation } = windows[2];
  const { pitch } = x.storage;
  // A part of another value has that one's pitch.
  const own = pitch === channels || pitch === roundUp(channels, 4);
  const clean = channels === pitch || x.storage.clean;
  return (
    !transposed &&
    kernel > 1 &&
    dilation === 1 &&
    bundles.length === 1 &&
    own &&
    clean &&
    kernel * pitch <= productsPerPass
  );
}

interface BundleWork extends PlanInput {
  readonly calls: Calls;
  readonly x: Value;
  readonly output: Value;
  readonly panels: Panels;
  readonly bundle: Bundle;
  readonly residual: Value | undefined;
  readonly bounds: number;
  readonly macs: number;
}

function emitBundle(work: BundleWork): void {
  const { calls, geometry, panels, merged, macs } = work;
  const passes = passesOf(geometry.windows, panels.depth, merged);
  const plans = planClasses(work, passes);
  const [panelTasks, placeTasks] = taskSplit(macs, panels, plans, work.engine.threads);
  for (let placeTask = 0; placeTask < placeTasks; placeTask++)
    for (let panelTask = 0; panelTask < panelTasks; panelTask++) {
      const [firstWide, lastWide] = part(panels.wide, panelTask, panelTasks);
      const ranges: PanelRange[] = [{ vectors: 2, first: firstWide, count: lastWide - firstWide }];
      if (panelTask === panelTasks - 1) ranges.push({ vectors: 1, first: panels.wide, count: panels.narrow });
      // All classes of a pass before the next: its weights stay in the cache.
      for (const pass of passes.keys())
        for (const plan of plans) {
          const stage = plan.stages.find((candidate) => candidate.pass === pass);
          if (stage === undefined) continue;
          const some = partOf(plan, placeTask, placeTasks);
          for (const range of ranges) if (range.count > 0) emitStage(work, some, stage, range);
        }
      calls.endTask();
    }
}

/** The bounds of one of several equal parts. */
const part = (count: number, index: number, parts: number): [first: number, last: number] => [
  Math.floor((count * index) / parts),
  Math.floor((count * (index + 1)) / parts),
];

/** One of several equal parts of a class: of its places, or if there is only one of its blocks. */
function partOf({ stages, blocks, places }: ClassPlan, index: number, parts: number): ClassPlan {
  if (places.length > 1)
    return { stages, blocks, places: places.slice(...part(places.length, index, parts)) };
  return { stages, blocks: blocks.slice(...part(blocks.length, index, parts)), places };
}

/** Panels of one width. */
interface PanelRange {
  readonly vectors: 1 | 2;
  readonly first: number;
  readonly count: number;
}

function emitStage(
  work: BundleWork,
  { blocks, places }: ClassPlan,
  { taps, flags }: Stage,
  { vectors, first, count }: PanelRange,
): void {
  const { calls, engine, panels, bundle } = work;
  const list = taps?.[vectors] ?? { address: 0, count: 0 };
  const x = plus(addressOf(work.x), 4 * bundle.firstInput);
  const columns = 4 * bundle.firstOutput + 32 * first;
  const y = plus(addressOf(work.output), columns);
  const residual = work.residual ? plus(addressOf(work.residual), columns) : absolute(0);
  const weights = panels.address();
  for (const block of blocks)
    for (const [xPlace, yPlace] of places)
      for (const tiles of block)
        calls.call(
          gemmKernel(engine, tiles.rows, vectors),
          tiles.address,
          tiles.count,
          list.address,
          list.count,
          plus(x, xPlace),
          plus(weights, first * panels.stride),
          plus(y, yPlace),
          flags,
          count,
          panels.stride,
          plus(weights, panels.bias + 32 * first),
          plus(residual, yPlace),
          work.bounds,
        );
}

/** Into how many parts panels and places are cut: enough for threads and pauses, not so many that they cost. */
function taskSplit(
  macs: number,
  panels: Panels,
  plans: readonly ClassPlan[],
  threads: number,
): [panels: number, places: number] {
  const forPauses = Math.max(1, Math.round(macs / macsPerTask));
  const forThreads =
    threads > 1 ? Math.min(tasksPerThread * threads, Math.floor(macs / fewestMacsPerTask)) : 1;
  const wanted = Math.max(forPauses, forThreads);
  const most = (count: (plan: ClassPlan) => number) => Math.max(...plans.map(count));
  const places = most((plan) => plan.places.length);
  if (places > 1) {
    const parts = Math.min(wanted, places);
    return [Math.max(1, Math.min(panels.wide, Math.round(wanted / parts))), parts];
  }
  // Panels first: no two threads read the same weights.
  const panelParts = Math.max(1, Math.min(panels.wide, wanted));
  return [
    panelParts,
    Math.max(
      1,
      Math.min(
        most((plan) => plan.blocks.length),
        Math.round(wanted / panelParts),
      ),
    ),
  ];
}
