/** The calls of a depthwise convolution: tiles along rows, the same for every row; strips of taps by row. */
import { threeAxes, threeWindows } from '../reference/axes.js';
import type { Calls } from './calls.js';
import type { ConvNode } from './direct.js';
import type { Engine } from './engine.js';
import type { FoldedEpilogue } from './folded.js';
import {
  type DepthwiseVariant,
  depthwiseFlags,
  depthwiseModule,
  depthwiseName,
  emitDepthwise,
  maxOutputs,
  maxStrip,
} from './kernels/depthwise.js';
import { type AxisGroup, axisGroups, tilesOf } from './positions.js';
import type { Tables } from './tables.js';
import { absolute, addressOf, plus, roundUp, type Value } from './values.js';

/**
 * Vectors of channels that are computed for the whole map before the next. Long stretches per position matter more than
 * what a cache holds: every position lies on a page of its own.
 */
const vectorsPerBlock = 256;
/** Multiply-accumulates of one task, about half a millisecond. */
const macsPerTask = 5e6;
/** With several threads there are this many tasks for each, unless they get shorter than a tenth of a millisecond. */
const tasksPerThread = 4;
const fewestMacsPerTask = 1e6;

/** Outputs along a row that one call computes: tiles of one height. */
interface TileRun {
  readonly outputs: number;
  readonly count: number;
  readonly address: number;
  readonly constants: number;
  readonly sliding: boolean;
  readonly group: AxisGroup;
}

/** A row of outputs: where it lies, and the taps of the outer axes that touch the input. */
interface Row {
  readonly x: number;
  readonly y: number;
  readonly residual: number;
  readonly depth: AxisGroup;
  readonly height: AxisGroup;
}

interface TapStrips {
  readonly address: number;
  readonly count: number;
}

export class DepthwiseWriter {
  readonly #windows;
  readonly #input;
  readonly #output;
  readonly #taps: number;
  readonly #pitch: number;
  readonly #knownStrips = new Map<string, TapStrips>();

  constructor(
    private readonly node: ConvNode,
    private readonly folded: FoldedEpilogue,
    private readonly values: {
      readonly x: Value;
      readonly output: Value;
      readonly residual: Value | undefined;
    },
    private readonly multiplier: 1 | 2 | 4,
    /** Handle of `[vector][tap][channel]` with the bias behind. */
    private readonly weights: string,
    private readonly engine: Engine,
    private readonly tables: Tables,
  ) {
    this.#windows = threeWindows(node.reach.axes);
    this.#input = threeAxes(values.x.shape);
    this.#output = threeAxes(node.shape);
    this.#taps = this.#windows.reduce((product, { kernel }) => product * kernel, 1);
    this.#pitch = roundUp(node.shape[1]!, 4);
  }

  write(calls: Calls, macs: number): void {
    const rows = this.#rows();
    const runs = this.#tileRuns();
    const vectors = this.#pitch / 4;
    const blocks = tilesOf(vectors, vectorsPerBlock);
    const forThreads = Math.min(tasksPerThread * this.engine.threads, macs / fewestMacsPerTask);
    const tasks = Math.max(macs / macsPerTask, this.engine.threads > 1 ? forThreads : 0);
    const rowTasks = Math.max(1, Math.min(rows.length, Math.round(tasks / blocks.length)));
    let firstVector = 0;
    for (const count of blocks) {
      let at = 0;
      for (const length of tilesOf(rows.length, Math.ceil(rows.length / rowTasks))) {
        for (const row of rows.slice(at, at + length))
          for (const run of runs) this.#writeRun(calls, row, run, firstVector, count);
        at += length;
        calls.endTask();
      }
      firstVector += count;
    }
  }

  /** All rows of all samples, in the order of the output. */
  #rows(): Row[] {
    const [wd, wh, ww] = this.#windows;
    const [depth, height, width] = this.#input;
    const [outDepth, outHeight, outWidth] = this.#output;
    const { x, output, residual } = this.values;
    const groupOf = (groups: readonly AxisGroup[]) => {
      const byOutput: AxisGroup[] = [];
      for (const group of groups) for (const o of group.outputs) byOutput[o] = group;
      return byOutput;
    };
    const depths = groupOf(axisGroups(wd, depth, outDepth));
    const heights = groupOf(axisGroups(wh, height, outHeight));
    const rows: Row[] = [];
    for (let n = 0; n < this.node.shape[0]!; n++)
      for (let od = 0; od < outDepth; od++)
        for (let oh = 0; oh < outHeight; oh++) {
          const xRow = (n * depth + od * wd.stride - wd.padBefore) * height + oh * wh.stride - wh.padBefore;
          const yRow = ((n * outDepth + od) * outHeight + oh) * outWidth;
          rows.push({
            x: 4 * x.storage.pitch * (xRow * width - ww.padBefore),
            y: 4 * output.storage.pitch * yRow,
            residual: residual ? 4 * residual.storage.pitch * yRow : 0,
            depth: depths[od]!,
            height: heights[oh]!,
          });
        }
    return rows;
  }

  /** The tiles of a row; all rows share them. */
  #tileRuns(): TileRun[] {
    const [, , window] = this.#windows;
    const steps = new Map<number, number>();
    return axisGroups(window, this.#input[2], this.#output[2]).flatMap((group) => {
      const { starts, step, sliding } = this.#spread(group);
      const constants = steps.get(step) ?? this.#constants(step);
      steps.set(step, constants);
      const bySize = new Map<number, number[]>();
      for (const { first, count } of starts) {
        let at = first;
        for (const size of tilesOf(count, maxOutputs)) {
          const places = bySize.get(size) ?? [];
          bySize.set(size, places);
          places.push(...this.#placesOf(at));
          at += size * step;
        }
      }
      return [...bySize].map(([outputs, places]) => ({
        outputs,
        count: places.length / 3,
        address: this.tables.add(places),
        constants,
        sliding,
        group,
      }));
    });
  }

  /**
   * How to walk over the outputs of a group: so that neighbours in a tile share inputs, if dilation leaves enough
   * outputs for that, else one after the other.
   */
  #spread({ outputs }: AxisGroup): {
    readonly starts: readonly { readonly first: number; readonly count: number }[];
    readonly step: number;
    readonly sliding: boolean;
  } {
    const { stride, dilation, kernel } = this.#windows[2];
    const consecutive = runsOf(outputs);
    const step = dilation / stride;
    const longest = Math.max(...consecutive.map(({ count }) => count));
    const sliding = kernel > 1 && Number.isInteger(step) && (step === 1 || longest >= 4 * step);
    if (!sliding || step === 1) return { starts: consecutive, step: 1, sliding };
    const starts = consecutive.flatMap(({ first, count }) =>
      Array.from({ length: Math.min(step, count) }, (_, phase) => ({
        first: first + phase,
        count: Math.ceil((count - phase) / step),
      })),
    );
    return { starts, step, sliding };
  }

  #placesOf(output: number): [x: number, y: number, residual: number] {
    const { x, output: y, residual } = this.values;
    return [
      4 * x.storage.pitch * output * this.#windows[2].stride,
      4 * y.storage.pitch * output,
      residual ? 4 * residual.storage.pitch * output : 0,
    ];
  }

  #constants(step: number): number {
    const { dilation } = this.#windows[2];
    const [x, y, residual] = this.#placesOf(step);
    const words = new Int32Array([
      4 * this.values.x.storage.pitch * dilation,
      x,
      y,
      residual,
      16 * this.#taps,
      0,
      0,
    ]);
    new Float32Array(words.buffer).set(this.folded.clip ?? [0, 0], 5);
    return this.tables.add(words);
  }

  #writeRun(calls: Calls, row: Row, run: TileRun, firstVector: number, vectors: number): void {
    const { x, output, residual } = this.values;
    const weights = this.engine.addressOf(this.weights);
    const lengths = stripsOf(run.group);
    let firstTap = run.group.firstTap;
    lengths.forEach((taps, part) => {
      const strips = this.#strips(row, firstTap, taps);
      const variant: DepthwiseVariant = {
        taps: Math.max(1, taps),
        sliding: run.sliding,
        multiplier: this.multiplier,
        fma: this.engine.features.fma,
      };
      const finish = (residual ? depthwiseFlags.residual : 0) | (this.folded.clip ? depthwiseFlags.clip : 0);
      calls.call(
        this.engine.kernel(depthwiseModule(variant), depthwiseName(run.outputs), (module) =>
          emitDepthwise(module, variant),
        ),
        run.address,
        run.count,
        strips.address,
        strips.count,
        plus(addressOf(x), row.x + (16 / this.multiplier) * firstVector),
        weights + 16 * this.#taps * firstVector,
        plus(addressOf(output), row.y + 16 * firstVector),
        vectors,
        (part > 0 ? depthwiseFlags.accumulate : 0) | (part === lengths.length - 1 ? finish : 0),
        weights + 4 * this.#taps * this.#pitch + 16 * firstVector,
        residual ? plus(addressOf(residual), row.residual + 16 * firstVector) : absolute(0),
        run.constants,
      );
      firstTap += taps;
    });
  }

  /** The strips of a row from a tap on: one per kernel row that touches the input. */
  #strips({ depth, height }: Row, firstTap: number, taps: number): TapStrips {
    const key = [depth.firstTap, depth.lastTap, height.firstTap, height.lastTap, firstTap, taps].join();
    const known = this.#knownStrips.get(key);
    if (known !== undefined) return known;
    const [wd, wh, ww] = this.#windows;
    const [, inHeight, inWidth] = this.#input;
    const words: number[] = [];
    if (taps > 0)
      for (let kd = depth.firstTap; kd < depth.lastTap; kd++)
        for (let kh = height.firstTap; kh < height.lastTap; kh++) {
          const position =
            (kd * wd.dilation * inHeight + kh * wh.dilation) * inWidth + firstTap * ww.dilation;
          const tap = (kd * wh.kernel + kh) * ww.kernel + firstTap;
          words.push(4 * this.values.x.storage.pitch * position, 16 * tap);
        }
    const strips = { address: words.length > 0 ? this.tables.add(words) : 0, count: words.length / 2 };
    this.#knownStrips.set(key, strips);
    return strips;
  }
}

/** Lengths of the strips that the taps of a kernel row are cut into; one of length 0 where no tap touches the input. */
const stripsOf = ({ firstTap, lastTap }: AxisGroup): number[] =>
  lastTap === firstTap ? [0] : tilesOf(lastTap - firstTap, maxStrip);

/** Stretches of consecutive numbers. */
function runsOf(numbers: readonly number[]): { readonly first: number; readonly count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === number) last.count++;
    else runs.push({ first: number, count: 1 });
  }
  return runs;
}
