/**
 * Implicit matrix product: the kernel of all dense convolutions.
 *
 * A tile is `rows` outputs by `4 · vectors` output channels, all sums in registers. Its products run over a list of
 * taps; a tap is a place in the input (the same distance from each row's own place), a place in the packed weights and
 * a number of consecutive channels. So dilation, stride, clipping at borders and the number of axes are addressing: the
 * kernel knows none of them.
 */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';

/** Most rows of a tile: more live vectors than registers halve the speed. */
export const maxRows = (fma: boolean): number => (fma ? 6 : 4);

export const gemmName = (rows: number, vectors: number): string => `gemm${rows}x${4 * vectors}`;

/** What the kernel does with a tile before and after the products; the bits of its `flags`. */
export const gemmFlags = {
  /**
   * Add the sums of an earlier pass; otherwise they start from the bias. Added at the end, not at the start: sums of
   * sums of a few hundred products round less than one long sum.
   */
  accumulate: 1,
  /** Add a residual of the output's own layout. */
  residual: 2,
  /** Clip to `bounds`, two floats. */
  clip: 4,
} as const;

/**
 * Parameters, in bytes where they are places or distances:
 * `tiles, count` – per tile: the input place of each row, then the output place of each row;
 * `taps, tapCount` – per tap: distance in the input, distance in the weights, channels;
 * `x, weights, y` – what those places and distances count from;
 * `flags, panels, panelStride` – panels of output channels, and their distance in the weights;
 * `bias, residual, bounds`.
 */
export const gemmParameters = [
  'tiles',
  'count',
  'taps',
  'tapCount',
  'x',
  'weights',
  'y',
  'flags',
  'panels',
  'panelStride',
  'bias',
  'residual',
  'bounds',
] as const;

export function emitGemm(module: ModuleWriter, rows: number, vectors: number, fma: boolean): void {
  module.function(
    gemmName(rows, vectors),
    gemmParameters.map(() => i32),
    (f, ...parameters) => {
      const {
        tiles,
        count,
        taps,
        tapCount,
        x,
        weights,
        y,
        flags,
        panels,
        panelStride,
        bias,
        residual,
        bounds,
      } = named(gemmParameters, parameters);
      const sums = Array.from({ length: rows }, () => f.locals(v128, vectors));
      const columns = f.locals(v128, vectors);
      const value = f.local(v128);
      const sources = f.locals(i32, rows);
      const tile = f.local(i32);
      const left = f.local(i32);
      const tap = f.local(i32);
      const tapsLeft = f.local(i32);
      const distance = f.local(i32);
      const weight = f.local(i32);
      const end = f.local(i32);
      const place = f.local(i32);
      const allSums = sums.flat();
      const flag = (bit: number, then: () => void, otherwise?: () => void) =>
        f.get(flags).const(bit).and().when(then, otherwise);
      /** Visits the vectors of each output row at its place from a base. */
      const eachOutput = (base: Local, visit: (row: number, vector: number) => void) => {
        for (let i = 0; i < rows; i++) {
          f.get(tile)
            .load(4 * (rows + i))
            .get(base)
            .add()
            .set(place);
          for (let j = 0; j < vectors; j++) visit(i, j);
        }
      };
      f.repeat(panels, () => {
        f.get(tiles).set(tile).get(count).set(left);
        f.repeat(left, () => {
          flag(
            gemmFlags.accumulate,
            () => {
              for (const sum of allSums) f.vectorConst(0).set(sum);
            },
            () => {
              for (let j = 0; j < vectors; j++) {
                f.get(bias).vectorLoad(16 * j);
                for (let i = rows - 1; i > 0; i--) f.tee(sums[i]![j]!);
                f.set(sums[0]![j]!);
              }
            },
          );
          f.get(taps).set(tap).get(tapCount).set(tapsLeft);
          f.repeatIfAny(tapsLeft, () => {
            f.get(x).get(tap).load(0).add().set(distance);
            for (let i = 0; i < rows; i++)
              f.get(tile)
                .load(4 * i)
                .get(distance)
                .add()
                .set(sources[i]!);
            f.get(weights).get(tap).load(4).add().tee(weight);
            f.get(tap)
              .load(8)
              .const(16 * vectors)
              .mul()
              .add()
              .set(end);
            f.loopWhile(() => {
              for (let j = 0; j < vectors; j++)
                f.get(weight)
                  .vectorLoad(16 * j)
                  .set(columns[j]!);
              for (let i = 0; i < rows; i++) {
                f.get(sources[i]!).splatLoad().set(value);
                for (let j = 0; j < vectors; j++) multiplyAdd(f, sums[i]![j]!, value, columns[j]!, fma);
              }
              for (let i = 0; i < rows; i++) f.advance(sources[i]!, 4);
              f.get(weight)
                .const(16 * vectors)
                .add()
                .tee(weight)
                .get(end)
                .lessUnsigned();
            });
            f.advance(tap, 12);
          });
          const addFrom = (base: Local) =>
            eachOutput(base, (i, j) =>
              f
                .get(sums[i]![j]!)
                .get(place)
                .vectorLoad(16 * j)
                .vAdd()
                .set(sums[i]![j]!),
            );
          flag(gemmFlags.accumulate, () => addFrom(y));
          flag(gemmFlags.residual, () => addFrom(residual));
          flag(gemmFlags.clip, () => {
            f.get(bounds).splatLoad(0).set(value).get(bounds).splatLoad(4).set(columns[0]!);
            for (const sum of allSums)
              f.get(sum).get(value).vPseudoMax().get(columns[0]!).vPseudoMin().set(sum);
          });
          eachOutput(y, (i, j) =>
            f
              .get(place)
              .get(sums[i]![j]!)
              .vectorStore(16 * j),
          );
          f.advance(tile, 8 * rows);
        });
        f.advanceBy(weights, panelStride);
        for (const base of [y, bias, residual]) f.advance(base, 16 * vectors);
      });
    },
  );
}

/** sum += a · b */
export function multiplyAdd(f: FunctionWriter, sum: Local, a: Local, b: Local, fma: boolean): void {
  if (fma) f.get(a).get(b).get(sum).vMultiplyAddRelaxed().set(sum);
  else f.get(sum).get(a).get(b).vMul().vAdd().set(sum);
}
