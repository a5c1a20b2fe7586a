/** How a direct convolution is cut: classes of outputs, passes over taps and channels, and the tables of both. */
import type { AxisWindow } from '../graph.js';
import type { Engine } from './engine.js';
import { gemmFlags } from './kernels/gemm.js';
import { type AxisTap, classesOf, type PositionClass } from './positions.js';
import type { Tables } from './tables.js';
import { productsPerPass, type TileRun, tileBlocks } from './tiles.js';

/** Maps with more positions share tables between their rows instead of having one for all. */
const positionsPerTable = 32768;
type Three<T> = readonly [T, T, T];

/** The shapes of a convolution, always with three spatial axes. */
export interface Geometry {
  readonly batch: number;
  readonly input: Three<number>;
  readonly output: Three<number>;
  readonly windows: Three<AxisWindow>;
  readonly transposed: boolean;
}

/** What a plan depends on. */
export interface PlanInput {
  readonly engine: Engine;
  readonly tables: Tables;
  readonly geometry: Geometry;
  /** Products per tap. */
  readonly depth: number;
  /** Floats from one position to the next. */
  readonly xPitch: number;
  readonly yPitch: number;
  /** What the last pass does with a tile: bits of `gemmFlags`. */
  readonly flags: number;
  /** Whether a kernel row is one long tap. */
  readonly merged: boolean;
}

/** Taps and channels that one pass adds up; of a merged row, `lastTap` is left to the class. */
export interface Pass {
  readonly taps: readonly (readonly [d: number, h: number, w: number])[];
  readonly firstChannel: number;
  readonly channels: number;
}

export function passesOf(windows: Three<AxisWindow>, channels: number, merged: boolean): Pass[] {
  const [d, h, w] = windows.map(({ kernel }) => Array.from({ length: kernel }, (_, t) => t)) as [
    number[],
    number[],
    number[],
  ];
  const columns = merged ? [0] : w;
  const taps = d.flatMap((kd) => h.flatMap((kh) => columns.map((kw) => [kd, kh, kw] as const)));
  const perTap = merged ? channels * w.length : channels;
  const passes: Pass[] = [];
  const together = Math.max(1, Math.floor(productsPerPass / perTap));
  for (let t = 0; t < taps.length; t += together)
    for (let c = 0; c < channels; c += productsPerPass)
      passes.push({
        taps: taps.slice(t, t + together),
        firstChannel: c,
        channels: Math.min(productsPerPass, channels - c),
      });
  return passes;
}

/** What one pass does for a class. */
export interface Stage {
  readonly pass: number;
  /** Undefined where no tap touches the input: the result is the bias. */
  readonly taps: Record<1 | 2, TapList> | undefined;
  readonly flags: number;
}

/** A class with its tables: tiles in blocks, and the places that all of its tables are used at. */
export interface ClassPlan {
  readonly stages: readonly Stage[];
  readonly blocks: readonly (readonly TileRun[])[];
  readonly places: readonly (readonly [x: number, y: number])[];
}

/** The passes that concern a class: the first starts from the bias, the last finishes the result. */
function stagesOf(work: PlanInput, of: PositionClass, passes: readonly Pass[]): Stage[] {
  const lists = passes.map((pass) => tapLists(work, of, pass));
  const first = lists.findIndex((list) => list !== undefined);
  const last = lists.findLastIndex((list) => list !== undefined);
  if (first < 0) return [{ pass: 0, taps: undefined, flags: work.flags }];
  return lists.flatMap((taps, pass) => {
    if (taps === undefined) return [];
    return [
      { pass, taps, flags: (pass === first ? 0 : gemmFlags.accumulate) | (pass === last ? work.flags : 0) },
    ];
  });
}

interface TapList {
  readonly address: number;
  readonly count: number;
}

/** The taps of a pass that are valid for a class, for both widths of panels; undefined if there are none. */
function tapLists(
  work: PlanInput,
  { axes }: PositionClass,
  { taps, firstChannel, channels }: Pass,
): Record<1 | 2, TapList> | undefined {
  const { geometry, depth, xPitch, merged, tables } = work;
  const [, wh, ww] = geometry.windows;
  const [, height, width] = geometry.input;
  const pitch = 4 * xPitch;
  const [depths, heights, widths] = axes.map((axis) => new Map(axis.taps.map((tap) => [tap.tap, tap]))) as [
    Map<number, AxisTap>,
    Map<number, AxisTap>,
    Map<number, AxisTap>,
  ];
  // Of a merged row, the first tap stands for all.
  const [firstColumn] = axes[2].taps;
  const valid = taps.flatMap(([kd, kh, kw]) => {
    const [d, h, w] = [depths.get(kd), heights.get(kh), merged ? firstColumn : widths.get(kw)];
    return d && h && w ? [[d, h, w] as const] : [];
  });
  if (valid.length === 0) return undefined;
  const products = merged ? axes[2].taps.length * depth : channels;
  const listFor = (vectors: number): TapList => {
    const entries = valid.flatMap(([d, h, w]) => {
      const position = (d.offset * height + h.offset) * width + w.offset;
      const tap = (d.tap * wh.kernel + h.tap) * ww.kernel + w.tap;
      return [position * pitch + 4 * firstChannel, 16 * vectors * (tap * depth + firstChannel), products];
    });
    return { address: tables.add(entries), count: valid.length };
  };
  return { 1: listFor(1), 2: listFor(2) };
}

/** Tables of every class: one for the whole map, or for large maps one per row that all rows of a class share. */
export function planClasses(work: PlanInput, passes: readonly Pass[]): ClassPlan[] {
  const { geometry, depth, tables, engine } = work;
  const { batch, windows, transposed, input } = geometry;
  const [xPitch, yPitch] = [4 * work.xPitch, 4 * work.yPitch];
  const whole = batch * geometry.output.reduce((a, b) => a * b, 1) <= positionsPerTable;
  const samples = Array.from({ length: batch }, (_, n) => n);
  const rowTables = new Map<unknown, readonly (readonly TileRun[])[]>();
  return classesOf(windows, transposed, input, geometry.output).map((of): ClassPlan => {
    const [d, h, w] = of.axes;
    const stages = stagesOf(work, of, passes);
    const rows = samples.flatMap((n) =>
      d.outputs.flatMap((od, i) =>
        h.outputs.map((oh, j) => {
          const xRow = (n * input[0] + d.bases[i]!) * input[1] + h.bases[j]!;
          const yRow = (n * geometry.output[0] + od) * geometry.output[1] + oh;
          return [xRow * input[2] * xPitch, yRow * geometry.output[2] * yPitch] as const;
        }),
      ),
    );
    const columns = w.outputs.map((ow, i) => [w.bases[i]! * xPitch, ow * yPitch] as const);
    if (whole) {
      const positions = rows.flatMap(([xRow, yRow]) =>
        columns.map(([xColumn, yColumn]) => [xRow + xColumn, yRow + yColumn] as const),
      );
      return { stages, blocks: tileBlocks(positions, depth, tables, engine), places: [[0, 0]] };
    }
    const blocks = rowTables.get(w) ?? tileBlocks(columns, depth, tables, engine);
    rowTables.set(w, blocks);
    return { stages, blocks, places: rows };
  });
}
