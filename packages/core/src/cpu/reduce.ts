/** Reductions over positions, channels or both. */
import type { NodeOf } from '../graph.js';
import { threeAxes } from '../reference/axes.js';
import type { Calls } from './calls.js';
import { each, emitCombination, type Lists, together } from './combine.js';
import type { Engine } from './engine.js';
import { acrossName, emitAcross } from './kernels/across.js';
import type { Lowering } from './lower.js';
import { Tables } from './tables.js';
import { type Address, addressOf, hasChannelsLayout, makeValue, plus, roundUp } from './values.js';

/** Positions of one task that adds up channels. */
const positionsPerTask = 1 << 14;
/** Vectors from which on columns are added up before rows, in tasks of their own. */
const vectorsInOneStage = 1 << 14;

type Four<T> = readonly [T, T, T, T];

/** What a stage reads: positions of batch, depth, height and width. */
interface Source {
  readonly at: Address;
  /** Bytes between positions. */
  readonly pitch: number;
  readonly sizes: Four<number>;
  readonly channels: number;
}

type Stage = 'channels' | Lists;

/** reduce of float32, in stages: channels, then columns, then rows. */
export const lowerReduce: Lowering = (fused, index, lowered) => {
  const node = fused as NodeOf<'reduce'>;
  const { shape: from } = lowered.graph.nodes[node.inputs[0]!]!;
  if (!hasChannelsLayout({ shape: from, dtype: node.dtype }) || from.includes(0)) return undefined;
  const { engine } = lowered;
  const { fn, axes } = node;
  const x = lowered.value(node.inputs[0]!, 'channels');
  const output = makeValue('channels', node.shape, 'float32');
  const tables = new Tables(engine);
  const sizes = [from[0]!, ...threeAxes(from)] as Four<number>;
  const channels = from[1]!;
  const stages = stagesOf(sizes, channels, axes, from.length);
  const scratches = stages.slice(0, -1).map((_, i) => bytesAfter(stages.slice(0, i + 1), sizes, channels));
  return {
    name: lowered.label(index),
    algorithm: 'combine positions',
    macs: 0,
    inputs: [x],
    output,
    scratch: scratches.reduce((a, b) => a + b, 0),
    emit(calls, scratch) {
      let source: Source = { at: addressOf(x), pitch: 4 * x.storage.pitch, sizes, channels };
      let free = scratch;
      for (const [i, stage] of stages.entries()) {
        const last = i === stages.length - 1;
        const width = stage === 'channels' ? 1 : source.channels;
        const pitch = last ? 4 * output.storage.pitch : 4 * roundUp(width, 4);
        const y = last ? addressOf(output) : free;
        if (stage === 'channels') acrossChannels(calls, engine, fn, source, y, pitch);
        else
          emitCombination(calls, engine, tables, {
            how: fn,
            lists: stage,
            input: source.sizes,
            vectors: roundUp(width, 4) / 4,
            x: source.at,
            pitch: source.pitch,
            y,
            stride: pitch,
          });
        calls.endPhase();
        if (!last) free = plus(free, scratches[i]!);
        source = { at: y, pitch, sizes: sizesAfter(stage, source.sizes), channels: width };
      }
    },
    dispose: () => tables.dispose(),
  };
};

function stagesOf(sizes: Four<number>, channels: number, axes: readonly number[], rank: number): Stage[] {
  // Axes of the node: 0, then the spatial ones, which are the last of three.
  const lists = sizes.map((size, axis) => {
    const own = axis === 0 ? 0 : axis + rank - 4;
    return (axis === 0 || own > 1) && axes.includes(own) ? together(size) : each(size);
  }) as unknown as Lists;
  const stages: Stage[] = axes.includes(1) && channels > 0 ? ['channels'] : [];
  const [batch, depth, height, width] = lists;
  const rows = [batch, depth, height].some((list, axis) => list.length < sizes[axis]!);
  const columns = width.length < sizes[3];
  const reads = sizes.reduce((a, b) => a * b, 1) * (stages.length > 0 ? 1 : channels / 4);
  if (rows && columns && reads > vectorsInOneStage)
    stages.push([each(sizes[0]), each(sizes[1]), each(sizes[2]), width], [batch, depth, height, each(1)]);
  else if (rows || columns || stages.length === 0) stages.push(lists);
  return stages;
}

const sizesAfter = (stage: Stage, sizes: Four<number>): Four<number> =>
  stage === 'channels' ? sizes : (stage.map((list) => list.length) as unknown as Four<number>);

function bytesAfter(stages: readonly Stage[], sizes: Four<number>, channels: number): number {
  const left = stages.reduce((at, stage) => sizesAfter(stage, at), sizes);
  const width = stages.includes('channels') ? 1 : channels;
  return 4 * left.reduce((a, b) => a * b, 1) * roundUp(width, 4);
}

function acrossChannels(
  calls: Calls,
  engine: Engine,
  how: NodeOf<'reduce'>['fn'],
  { at, pitch, sizes, channels }: Source,
  y: Address,
  stride: number,
): void {
  const positions = sizes.reduce((a, b) => a * b, 1);
  for (let first = 0; first < positions; first += positionsPerTask) {
    calls.call(
      engine.kernel('across', acrossName(how, channels % 4), emitAcross),
      Math.min(positionsPerTask, positions - first),
      channels >> 2,
      plus(at, first * pitch),
      pitch,
      plus(y, first * stride),
      stride,
      channels,
    );
    calls.endTask();
  }
}
