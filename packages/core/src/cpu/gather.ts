/** Operations that only move values: copies by one table of places per axis. */
import type { AxisTable } from '../reference/layout.js';
import { bytesPerElement, stridesOf } from '../shape.js';
import type { Engine } from './engine.js';
import { emitGather } from './kernels/gather.js';
import type { Lowered } from './lower.js';
import type { KernelOperation } from './operation.js';
import { Tables } from './tables.js';
import { addressOf, makeValue, plus, positionsOf, roundUp, type Value } from './values.js';

/** Bytes that one task writes. */
const taskBytes = 1 << 20;

/** Elements of a target in rows and columns, and where each comes from; all in bytes. */
export interface Copy {
  readonly rows: ArrayLike<number>;
  readonly columns: ArrayLike<number>;
  /** From the start of the target. */
  readonly y: number;
  readonly rowStride: number;
  readonly stride: number;
  /** `runs` and `strided` copy this many floats per element. */
  readonly kind: 'words' | 'bytes' | 'runs' | 'strided';
  readonly channels: number;
  /** Distances between the channels of `strided`. */
  readonly steps?: readonly [x: number, y: number];
}

/** A source with what is copied from it. */
export interface Copies {
  readonly x: Value;
  /** Called when pitches are final. */
  copies(): readonly Copy[];
}

/**
 * An operation of copies that write different bytes.
 *
 * @param fill what a place without source becomes
 */
export function gather(
  name: string,
  algorithm: string,
  sources: readonly Copies[],
  output: Value,
  { engine }: Lowered,
  { fill = 0, inputs = sources.map(({ x }) => x) }: { fill?: number; inputs?: readonly Value[] } = {},
): KernelOperation {
  const tables = new Tables(engine);
  const filled = output.dtype === 'float32' ? tables.addFloats([fill]) : tables.add([fill]);
  return {
    name,
    algorithm,
    macs: 0,
    inputs,
    output,
    emit(calls) {
      for (const { x, copies } of sources)
        for (const copy of copies().map(merged)) {
          const { kind, rowStride, stride, steps = [0, 0] } = copy;
          if (copy.rows.length === 0 || copy.columns.length === 0) continue;
          const rows = tables.add(copy.rows);
          const columns = tables.add(copy.columns);
          const perTask = Math.max(1, Math.floor(taskBytes / (copy.columns.length * 4 * copy.channels)));
          for (let first = 0; first < copy.rows.length; first += perTask) {
            calls.call(
              gatherKernel(engine, kind === 'runs' ? `runs${copy.channels % 4}` : kind),
              rows + 4 * first,
              Math.min(perTask, copy.rows.length - first),
              columns,
              copy.columns.length,
              addressOf(x),
              plus(addressOf(output), copy.y + first * rowStride),
              rowStride,
              stride,
              filled,
              kind === 'runs' ? copy.channels >> 2 : copy.channels,
              ...steps,
            );
            calls.endTask();
          }
        }
    },
    dispose: () => tables.dispose(),
  };
}

const gatherKernel = (engine: Engine, name: string) => engine.kernel('gather', name, emitGather);

/** Columns that lie side by side in source and target are one long run. */
function merged(copy: Copy): Copy {
  const { kind, columns, stride, channels } = copy;
  if (kind !== 'runs' || stride !== 4 * channels || !isArithmetic(columns, stride) || columns[0]! < 0)
    return copy;
  return { ...copy, columns: [columns[0]!], channels: channels * columns.length };
}

const isArithmetic = (table: ArrayLike<number>, step: number): boolean => {
  for (let i = 1; i < table.length; i++) if (table[i]! !== table[i - 1]! + step) return false;
  return true;
};

/** Distances in bytes between neighbours along each axis of a value, where it lies. */
export function byteStrides({ layout, shape, dtype, storage }: Value): number[] {
  if (layout === 'plain') return stridesOf(shape).map((stride) => stride * bytesPerElement[dtype]);
  const pitch = 4 * storage.pitch;
  const [perSample, ...spatial] = stridesOf([shape[0]!, ...shape.slice(2)]);
  return [perSample! * pitch, 4, ...spatial.map((stride) => stride * pitch)];
}

/** Every sum of one entry per table, the last fastest; negative where an entry is. */
export function combinations(tables: readonly ArrayLike<number>[]): Int32Array {
  let sums = Int32Array.of(0);
  for (const table of tables) {
    const next = new Int32Array(sums.length * table.length);
    for (let i = 0; i < sums.length; i++)
      for (let j = 0; j < table.length; j++)
        next[i * table.length + j] = sums[i]! < 0 || table[j]! < 0 ? -1 : sums[i]! + table[j]!;
    sums = next;
  }
  return sums;
}

/** Copies that fill a row-major value by a table per axis, in bytes. */
export function copiesToPlain(tables: readonly AxisTable[], output: Value): Copy[] {
  const bytes = bytesPerElement[output.dtype];
  // Axes of one element only say where to start.
  const single = tables.filter((table) => table.length === 1 && table[0]! >= 0);
  const start = single.reduce((sum, table) => sum + table[0]!, 0);
  const axes = tables.filter((table) => !single.includes(table));
  const last = axes.at(-1) ?? Int32Array.of(0);
  const runs = bytes === 4 && last[0]! >= 0 && isArithmetic(last, 4);
  const outer = runs ? axes.slice(0, -1) : axes;
  const rows = combinations(outer.slice(0, -1));
  const columns = shifted(outer.at(-1) ?? Int32Array.of(0), start + (runs ? last[0]! : 0));
  const channels = runs ? last.length : 1;
  const stride = bytes * channels;
  const kind = runs ? 'runs' : bytes === 4 ? 'words' : 'bytes';
  return [{ rows, columns, y: 0, rowStride: stride * columns.length, stride, kind, channels }];
}

const shifted = (table: AxisTable, distance: number): AxisTable =>
  table.map((place) => (place < 0 ? place : place + distance));

/** Channels `first, first + every, …` of a target: what one copy fills. */
export interface ChannelPart {
  readonly first: number;
  readonly every: number;
  readonly count: number;
}

/** Copies that fill a channels-last value by a table per axis, in bytes; channels of a part come from equal distances. */
export function copiesToChannels(
  [batch, channels, ...spatial]: readonly AxisTable[],
  output: Value,
  parts: readonly ChannelPart[],
): Copy[] {
  const rows = combinations([batch!, ...spatial.slice(0, -1)]);
  const stride = 4 * output.storage.pitch;
  const rowStride = stride * spatial.at(-1)!.length;
  return parts.map(({ first, every, count }): Copy => {
    const step = count > 1 ? channels![first + every]! - channels![first]! : 4;
    const columns = shifted(spatial.at(-1)!, channels![first]!);
    const common = { rows, columns, y: 4 * first, rowStride, stride };
    if (step !== 4 || every > 1)
      return { ...common, kind: 'strided', channels: count, steps: [step, 4 * every] };
    // What lies beyond the channels may be anything: whole vectors are faster.
    return { ...common, kind: 'runs', channels: parts.length === 1 ? roundUp(count, 4) : count };
  });
}

/** A channels-last value with the pitch of its own channels: copied if it is a slice of a wider one. */
export function withOwnPitch(index: number, lowered: Lowered): Value {
  const x = lowered.value(index, 'channels');
  if (x.storage.movable || x.storage.pitch === roundUp(x.shape[1]!, 4)) return x;
  const output = makeValue('channels', x.shape, x.dtype);
  const place = { outer: 1, run: 0, first: 0, channel: 0 };
  const copies = () => [copyPositions(x, output, place)];
  lowered.add(gather(lowered.label(index), 'gather', [{ x, copies }], output, lowered));
  return output;
}

/** All channels of every position of a value to other positions of a target, from a channel on. */
export function copyPositions(
  { storage, shape }: Value,
  output: Value,
  { outer, run, first, channel }: { outer: number; run: number; first: number; channel: number },
): Copy {
  const pitch = 4 * storage.pitch;
  const stride = 4 * output.storage.pitch;
  const count = positionsOf(shape) / outer;
  const channels = shape[1]!;
  const exact = channel > 0 || channels < output.shape[1]!;
  return {
    rows: Int32Array.from({ length: outer }, (_, o) => o * count * pitch),
    columns: Int32Array.from({ length: count }, (_, i) => i * pitch),
    y: first * stride + 4 * channel,
    rowStride: run * stride,
    stride,
    kind: 'runs',
    channels: exact ? channels : roundUp(channels, 4),
  };
}
