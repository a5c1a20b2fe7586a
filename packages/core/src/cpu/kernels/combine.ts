/**
 * Combines positions into one: pools, reductions, and what normalisation needs.
 *
 * A target position combines the source positions `r + c` for every r of its row's list and every c of its column's
 * list, channel by channel; windows, dilation, clipping and global means are lists. Each row of the source is summed
 * by itself first: long sums lose less.
 */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';

export type Combination = 'max' | 'sum' | 'mean' | 'squares';

/** Vectors of channels that a kernel takes at once. */
export const combineWidths = [4, 2, 1] as const;

export const combineName = (how: Combination, vectors: number): string => `${how}${vectors}`;

/**
 * `rows, columns` – per row or column of the target: place and length of its list of source places;
 * `centre` – for `squares`: a value per channel that is subtracted first.
 */
export const combineParameters = [
  'rows',
  'rowCount',
  'columns',
  'columnCount',
  'x',
  'y',
  'rowStride',
  'stride',
  'centre',
] as const;

interface Step {
  readonly start: number;
  /** Adds a vector at a place to a sum. */
  add(f: FunctionWriter, sum: Local, load: () => FunctionWriter, centre: Local, scratch: Local): void;
  join(f: FunctionWriter): FunctionWriter;
}

const plus: Step = {
  start: 0,
  add: (f, sum, load) => {
    f.get(sum);
    load().vAdd().set(sum);
  },
  join: (f) => f.vAdd(),
};

const steps: Readonly<Record<Combination, Step>> = {
  sum: plus,
  mean: plus,
  max: {
    start: -Infinity,
    add: (f, sum, load) => {
      f.get(sum);
      load().vMax().set(sum);
    },
    join: (f) => f.vMax(),
  },
  squares: {
    ...plus,
    add: (f, sum, load, centre, scratch) => {
      load().get(centre).vSub().set(scratch);
      f.get(sum).get(scratch).get(scratch).vMul().vAdd().set(sum);
    },
  },
};

/** One function per combination and width, as `combineName` says. */
export function emitCombine(module: ModuleWriter): void {
  for (const how of Object.keys(steps) as Combination[])
    for (const vectors of combineWidths) emitKernel(module, how, vectors);
}

function emitKernel(module: ModuleWriter, how: Combination, vectors: number): void {
  const { start, add, join } = steps[how];
  module.function(
    combineName(how, vectors),
    combineParameters.map(() => i32),
    (f, ...locals) => {
      const { rows, rowCount, columns, columnCount, x, y, rowStride, stride, centre } = named(
        combineParameters,
        locals,
      );
      const [column, left, target, row, rowsLeft, base, place, placesLeft, source] = f.locals(i32, 9) as [
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
      ];
      const sums = f.locals(v128, vectors);
      const parts = f.locals(v128, vectors);
      const centres = f.locals(v128, vectors);
      const scratch = f.local(v128);
      const divisor = f.local(v128);
      if (how === 'squares')
        for (const [i, value] of centres.entries())
          f.get(centre)
            .vectorLoad(16 * i)
            .set(value);
      f.repeatIfAny(rowCount, () => {
        f.get(columns).set(column).get(y).set(target).get(columnCount).set(left);
        f.repeatIfAny(left, () => {
          for (const sum of sums) f.vectorConst(start).set(sum);
          f.get(rows).load().set(row).get(rows).load(4).set(rowsLeft);
          f.repeatIfAny(rowsLeft, () => {
            for (const part of parts) f.vectorConst(start).set(part);
            f.get(x).get(row).load().add().set(base);
            f.get(column).load().set(place).get(column).load(4).set(placesLeft);
            f.repeatIfAny(placesLeft, () => {
              f.get(place).load().get(base).add().set(source);
              for (const [i, part] of parts.entries())
                add(f, part, () => f.get(source).vectorLoad(16 * i), centres[i]!, scratch);
              f.advance(place, 4);
            });
            for (const [i, sum] of sums.entries()) join(f.get(sum).get(parts[i]!)).set(sum);
            f.advance(row, 4);
          });
          if (how === 'mean') {
            // A mean over nothing is 0.
            f.get(rows).load(4).get(column).load(4).mul().floatFromInt().floatConst(1).floatMax().splat();
            f.set(divisor);
            for (const sum of sums) f.get(sum).get(divisor).vDiv().set(sum);
          }
          for (const [i, sum] of sums.entries())
            f.get(target)
              .get(sum)
              .vectorStore(16 * i);
          f.advance(column, 8).advanceBy(target, stride);
        });
        f.advance(rows, 8).advanceBy(y, rowStride);
      });
    },
  );
}
