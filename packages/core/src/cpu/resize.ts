/** Resizing: nearest copies, linear mixes neighbours along one axis after the other. */
import type { HostValue } from '../backend/host.js';
import type { FusedNode } from '../fuse.js';
import type { AxisSample, NodeOf, Values } from '../graph.js';
import { type Neighbours, neighbours } from '../reference/resize.js';
import { bytesPerElement } from '../shape.js';
import type { Calls } from './calls.js';
import type { Engine } from './engine.js';
import { byteStrides, copiesToChannels, copiesToPlain, gather } from './gather.js';
import { emitLerp, wordsPerEntry } from './kernels/lerp.js';
import type { Lowered, Lowering } from './lower.js';
import { Tables } from './tables.js';
import {
  type Address,
  absolute,
  addressOf,
  hasChannelsLayout,
  type Layout,
  makeValue,
  plus,
  roundUp,
  type Value,
} from './values.js';

/** Vectors that one task writes. */
const vectorsPerTask = 1 << 16;

type ResizeNode = NodeOf<'resize'> & FusedNode & { readonly reach: { readonly axes: readonly AxisSample[] } };

/** resize of float32, and nearest of every dtype; moved by an `origin`, of float32 only. */
export const lowerResize: Lowering = (fused, index, lowered) => {
  const node = fused as ResizeNode;
  const [source, origin] = node.inputs as readonly [number, number?];
  if (node.mode === 'nearest' && origin === undefined) return nearest(node, index, lowered);
  if (!hasChannelsLayout(node)) return undefined;
  const x = lowered.value(source, layoutFor(node, source, lowered));
  const axes = movedAxes(node, x, origin !== undefined);
  if (axes.length === 0) return { ...x };
  const moved = origin === undefined ? undefined : coordinates(node, index, x, axes, origin, lowered);
  return linear(node, index, x, axes, moved, lowered);
};

/** Few channels would leave most of a vector empty. */
const layoutFor = (node: FusedNode, source: number, lowered: Lowered): Layout =>
  node.shape[1]! >= 4 && lowered.has(source, 'channels') ? 'channels' : 'plain';

function nearest(node: ResizeNode, index: number, lowered: Lowered) {
  const layout = hasChannelsLayout(node) ? layoutFor(node, node.inputs[0]!, lowered) : 'plain';
  const x = lowered.value(node.inputs[0]!, layout);
  const output = makeValue(layout, node.shape, node.dtype);
  const copies = () => {
    const tables = byteStrides(x).map((stride, axis) => {
      const sample = node.reach.axes[axis - 2] ?? { scale: 1, offset: 0, taps: 1 };
      const reads = neighbours(sample, 0, x.shape[axis]!, node.shape[axis]!, false);
      return Int32Array.from(reads, ({ low }) => low * stride);
    });
    return layout === 'plain'
      ? copiesToPlain(tables, output)
      : copiesToChannels(tables, output, [{ first: 0, every: 1, count: node.shape[1]! }]);
  };
  return gather(lowered.label(index), 'gather', [{ x, copies }], output, lowered);
}

/** The spatial axes that change, those that shrink first; of equal ones the last, whose elements are the shortest. */
function movedAxes({ reach, shape }: ResizeNode, x: Value, always: boolean): number[] {
  const growth = (axis: number) => shape[axis + 2]! / x.shape[axis + 2]!;
  return reach.axes
    .map((_, axis) => axis)
    .filter((axis) => {
      const { scale, offset } = reach.axes[axis]!;
      return always || scale !== 1 || offset !== 0 || growth(axis) !== 1;
    })
    .sort((a, b) => growth(a) - growth(b) || b - a);
}

const entriesOf = (node: ResizeNode, axis: number, input: number, origin: number): Neighbours[] =>
  neighbours(node.reach.axes[axis]!, origin, input, node.shape[axis + 2]!, node.mode === 'linear');

function writeTable(words: Int32Array, at: number, entries: readonly Neighbours[]): void {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  entries.forEach(({ low, high, fraction }, i) => {
    words.set([low, high], at + wordsPerEntry * i);
    floats[at + wordsPerEntry * i + 2] = fraction;
  });
}

/** The tables of all axes, written at every run: in float64, a few numbers per row and column. */
function coordinates(
  node: ResizeNode,
  index: number,
  x: Value,
  axes: readonly number[],
  origin: number,
  lowered: Lowered,
): Value {
  const words = axes.reduce((sum, axis) => sum + wordsPerEntry * node.shape[axis + 2]!, 0);
  const output = makeValue('plain', [words], 'int32');
  const operand = lowered.operand(origin);
  lowered.add({
    name: lowered.label(index),
    algorithm: 'coordinates',
    macs: 0,
    inputs: 'storage' in operand ? [operand] : [],
    output,
    operands: [operand],
    run([given]: readonly HostValue[], into: Values) {
      let at = 0;
      for (const axis of axes) {
        writeTable(into as Int32Array, at, entriesOf(node, axis, x.shape[axis + 2]!, given!.data[axis]!));
        at += wordsPerEntry * node.shape[axis + 2]!;
      }
    },
  });
  return output;
}

function linear(
  node: ResizeNode,
  index: number,
  x: Value,
  axes: readonly number[],
  moved: Value | undefined,
  lowered: Lowered,
) {
  const { engine } = lowered;
  const output = makeValue(x.layout, node.shape, node.dtype);
  const tables = new Tables(engine);
  const shapes = axes.map((_, i) =>
    x.shape.map((size, axis) => (axes.slice(0, i + 1).includes(axis - 2) ? node.shape[axis]! : size)),
  );
  const inner = shapes.slice(0, -1).map((shape) => makeValue(x.layout, shape, node.dtype));
  const fixed = axes.map((axis) => {
    if (moved !== undefined) return 0;
    const words = new Int32Array(wordsPerEntry * node.shape[axis + 2]!);
    writeTable(words, 0, entriesOf(node, axis, x.shape[axis + 2]!, 0));
    return tables.add(words);
  });
  return {
    name: lowered.label(index),
    algorithm: `${node.mode}, axis by axis`,
    macs: 0,
    inputs: moved === undefined ? [x] : [x, moved],
    output,
    scratch: inner.reduce((sum, { storage }) => sum + roundUp(storage.bytes, 64), 0),
    emit(calls: Calls, scratch: Address) {
      let from: Place = { ...x, address: addressOf(x), pitch: x.storage.pitch };
      let free = scratch;
      let table = moved === undefined ? undefined : addressOf(moved);
      axes.forEach((axis, i) => {
        const value = inner[i] ?? output;
        const to = {
          shape: shapes[i]!,
          layout: x.layout,
          address: i < inner.length ? free : addressOf(output),
          pitch: value.storage.pitch,
        };
        lerpAxis(calls, engine, table ?? absolute(fixed[i]!), axis + 2, from, to);
        calls.endPhase();
        free = plus(free, roundUp(value.storage.bytes, 64));
        if (table) table = plus(table, 4 * wordsPerEntry * node.shape[axis + 2]!);
        from = to;
      });
    },
    dispose: () => tables.dispose(),
  };
}

/** A value in memory, perhaps in scratch. */
interface Place extends Pick<Value, 'shape' | 'layout'> {
  readonly address: Address;
  readonly pitch: number;
}

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** One axis of a value: runs inside of it, and what lies outside. */
function runsOf({ shape, layout, pitch }: Place, axis: number) {
  if (layout === 'plain') {
    const run = product(shape.slice(axis + 1));
    return { outer: product(shape.slice(0, axis)), count: 1, floats: run, distance: run };
  }
  return {
    outer: shape[0]! * product(shape.slice(2, axis)),
    count: product(shape.slice(axis + 1)),
    floats: roundUp(shape[1]!, 4),
    distance: pitch,
  };
}

function lerpAxis(calls: Calls, engine: Engine, table: Address, axis: number, from: Place, to: Place): void {
  const source = runsOf(from, axis);
  const target = runsOf(to, axis);
  const [input, count] = [from.shape[axis]!, to.shape[axis]!];
  const strides = [source, target].map((runs) => bytesPerElement.float32 * runs.distance) as [number, number];
  // Positions that follow each other without a gap in both are one run.
  const joined = source.distance === source.floats && target.distance === source.floats;
  const inner = joined ? 1 : source.count;
  const floats = joined ? source.floats * source.count : source.floats;
  const [xStride, yStride] = strides.map((bytes) => bytes * source.count) as [number, number];
  const perOuter = count * inner * Math.max(1, floats / 4);
  const emit = (firstOuter: number, outer: number, first: number, entries: number) => {
    calls.call(
      engine.kernel('lerp', `lerp${floats % 4}`, emitLerp),
      plus(table, 4 * wordsPerEntry * first),
      entries,
      plus(from.address, firstOuter * xStride * input),
      xStride,
      plus(to.address, firstOuter * yStride * count + first * yStride),
      yStride,
      inner,
      ...strides,
      floats >> 2,
      outer,
      xStride * input,
      yStride * count,
    );
    calls.endTask();
  };
  const outersPerTask = Math.floor(vectorsPerTask / perOuter);
  if (outersPerTask > 0) {
    for (let o = 0; o < source.outer; o += outersPerTask)
      emit(o, Math.min(outersPerTask, source.outer - o), 0, count);
    return;
  }
  const entriesPerTask = Math.max(1, Math.floor((vectorsPerTask * count) / perOuter));
  for (let o = 0; o < source.outer; o++)
    for (let first = 0; first < count; first += entriesPerTask)
      emit(o, 1, first, Math.min(entriesPerTask, count - first));
}
