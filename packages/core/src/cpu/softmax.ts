/** Softmax and argmax along one axis. */
import type { NodeOf } from '../graph.js';
import { aroundAxis } from '../reference/axes.js';
import type { Calls } from './calls.js';
import { emitArgmax } from './kernels/argmax.js';
import { emitSoftmax } from './kernels/softmax.js';
import type { Lowered, Lowering } from './lower.js';
import { tilesOf } from './positions.js';
import {
  type Address,
  addressOf,
  hasChannelsLayout,
  makeValue,
  plus,
  positionsOf,
  type Value,
} from './values.js';

/** Elements of one task. */
const elementsPerTask = 1 << 17;

/** softmax of float32. */
export const lowerSoftmax: Lowering = (node, index, lowered) => {
  const work = workOf(node as NodeOf<'softmax'>, lowered);
  if (work === undefined) return undefined;
  const output = makeValue(work.x.layout, node.shape, node.dtype);
  const { engine } = lowered;
  const kernel = (name: string) => engine.kernel('softmax', name, emitSoftmax);
  const lanes = (calls: Calls, { first, count, channels, at, pitch }: LaneTask) => {
    const yPitch = work.x.layout === 'plain' ? pitch : 4 * output.storage.pitch;
    const y = plus(addressOf(output), first * yPitch);
    calls.call(kernel(`lanes${channels % 4}`), count, channels >> 2, at, pitch, y, yPitch);
  };
  const planes = (calls: Calls, { outer, first, count, stride, at }: PlaneTask) => {
    const y = plus(addressOf(output), outer * stride * work.size + 4 * first);
    calls.call(kernel('planes'), count, work.size, stride, at, y);
  };
  return {
    name: lowered.label(index),
    algorithm: work.kind === 'planes' ? 'across planes' : 'across channels',
    macs: 0,
    inputs: [work.x],
    output,
    emit: (calls) => eachTask(calls, work, lanes, planes),
  };
};

/** argmax of float32. */
export const lowerArgmax: Lowering = (node, index, lowered) => {
  const work = workOf(node as NodeOf<'argmax'>, lowered);
  if (work === undefined) return undefined;
  const output = makeValue('plain', node.shape, node.dtype);
  const { engine } = lowered;
  const kernel = (name: string) => engine.kernel('argmax', name, emitArgmax);
  const lanes = (calls: Calls, { first, count, channels, at, pitch }: LaneTask) => {
    const y = plus(addressOf(output), 4 * first);
    const last = plus(at, (count - 1) * pitch);
    calls.call(kernel(`lanes${channels % 4}`), count, channels >> 2, at, pitch, y, last);
  };
  const planes = (calls: Calls, { outer, first, count, stride, at }: PlaneTask) => {
    const y = plus(addressOf(output), outer * stride + 4 * first);
    calls.call(kernel('planes'), count, work.size, stride, at, y);
  };
  return {
    name: lowered.label(index),
    algorithm: work.kind === 'planes' ? 'across planes' : 'across channels',
    macs: 0,
    inputs: [work.x],
    output,
    emit: (calls) => eachTask(calls, work, lanes, planes),
  };
};

/** The axis lies across the lanes of vectors, or vectors lie across other axes. */
interface Work {
  readonly kind: 'lanes' | 'planes';
  readonly x: Value;
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

function workOf(node: NodeOf<'softmax' | 'argmax'>, lowered: Lowered): Work | undefined {
  const source = node.inputs[0]!;
  const { shape, dtype } = lowered.graph.nodes[source]!;
  if (dtype !== 'float32' || shape.includes(0)) return undefined;
  const { axis } = node;
  const [outer, size, inner] = aroundAxis(shape, axis);
  // Few channels would leave most of a vector empty.
  const together = axis === 1 && hasChannelsLayout({ shape, dtype }) && (size >= 4 || inner < 4);
  if (together && lowered.has(source, 'channels'))
    return { kind: 'lanes', x: lowered.value(source, 'channels'), outer: positionsOf(shape), size, inner: 1 };
  if (inner > 1 && inner < 4) return undefined;
  const kind = inner === 1 ? 'lanes' : 'planes';
  return { kind, x: lowered.value(source, 'plain'), outer, size, inner };
}

interface LaneTask {
  readonly first: number;
  readonly count: number;
  readonly channels: number;
  readonly at: Address;
  readonly pitch: number;
}

interface PlaneTask {
  readonly outer: number;
  readonly first: number;
  readonly count: number;
  /** Bytes between planes. */
  readonly stride: number;
  readonly at: Address;
}

function eachTask(
  calls: Calls,
  { kind, x, outer, size, inner }: Work,
  lanes: (calls: Calls, task: LaneTask) => void,
  planes: (calls: Calls, task: PlaneTask) => void,
): void {
  if (kind === 'lanes') {
    const pitch = x.layout === 'plain' ? 4 * size : 4 * x.storage.pitch;
    // Rows without a gap are written beyond their ends: in order, thus in one task.
    const most = x.layout === 'plain' ? outer : 4 * Math.max(1, Math.floor(elementsPerTask / size / 4));
    for (let first = 0; first < outer; first += most) {
      const count = Math.min(most, outer - first);
      lanes(calls, { first, count, channels: size, at: plus(addressOf(x), first * pitch), pitch });
      calls.endTask();
    }
    return;
  }
  const stride = 4 * inner;
  for (let o = 0; o < outer; o++) {
    let first = 0;
    for (const count of tilesOf(inner, Math.max(8, Math.floor(elementsPerTask / size)))) {
      planes(calls, {
        outer: o,
        first,
        count,
        stride,
        at: plus(addressOf(x), o * size * stride + 4 * first),
      });
      calls.endTask();
      first += count;
    }
  }
}
