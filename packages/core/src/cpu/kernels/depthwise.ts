/**
 * Depthwise convolution: four channels at once, several outputs of a row with all their sums in registers.
 *
 * The taps come in strips: neighbouring taps of one kernel row. Where neighbouring outputs of a tile are as far apart as
 * neighbouring taps, an input is loaded once and added to all outputs that it concerns (`sliding`); otherwise each
 * output loads its own. The kernel knows nothing of borders, dilation and axes: they are places and distances.
 */

import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';
import { multiplyAdd } from './gemm.js';

/** Most taps of a strip: their weights, six sums, an input and two products fill the 16 vector registers. */
export const maxStrip = 7;
/** Most outputs of a tile. */
export const maxOutputs = 6;

export interface DepthwiseVariant {
  /** Taps of a strip. */
  readonly taps: number;
  readonly sliding: boolean;
  /** Output channels of each input channel. */
  readonly multiplier: 1 | 2 | 4;
  readonly fma: boolean;
}

export const depthwiseModule = ({ taps, sliding, multiplier }: DepthwiseVariant): string =>
  `depthwise ${taps} ${sliding ? 'sliding' : 'apart'} ×${multiplier}`;

export const depthwiseName = (outputs: number): string => `depthwise${outputs}`;

/** Bits of `flags`. */
export const depthwiseFlags = { accumulate: 1, residual: 2, clip: 4 } as const;

/**
 * In bytes where they are places or distances:
 * `tiles, count` – per tile: the places of its first output in x, y and the residual;
 * `strips, stripCount` – per strip: distance in x, distance in the weights of a vector;
 * `x, weights, y` – what those count from;
 * `vectors` – vectors of output channels;
 * `constants` – see `depthwiseConstants`.
 */
export const depthwiseParameters = [
  'tiles',
  'count',
  'strips',
  'stripCount',
  'x',
  'weights',
  'y',
  'vectors',
  'flags',
  'bias',
  'residual',
  'constants',
] as const;

/** Words of the table of constants: distances between neighbours, then the bounds of a clip as floats. */
export const depthwiseConstants = [
  'tap',
  'xOutput',
  'yOutput',
  'residualOutput',
  'weightVector',
  'low',
  'high',
];
const boundsAt = 4 * depthwiseConstants.indexOf('low');

/** `depthwise1 … depthwiseN`, by the outputs of a tile. */
export function emitDepthwise(module: ModuleWriter, variant: DepthwiseVariant): void {
  for (let outputs = 1; outputs <= maxOutputs; outputs++)
    module.function(
      depthwiseName(outputs),
      depthwiseParameters.map(() => i32),
      (f, ...parameters) => emitTiles(f, named(depthwiseParameters, parameters), outputs, variant),
    );
}

type Parameters = Record<(typeof depthwiseParameters)[number], Local>;

function emitTiles(f: FunctionWriter, p: Parameters, outputs: number, variant: DepthwiseVariant): void {
  const [tap, xOutput, yOutput, residualOutput, weightVector] = f.locals(i32, 5) as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  [tap, xOutput, yOutput, residualOutput, weightVector].forEach((local, i) => {
    f.get(p.constants)
      .load(4 * i)
      .set(local);
  });
  const sums = f.locals(v128, outputs);
  const weights = f.locals(v128, variant.taps);
  const value = f.local(v128);
  const [x, y, r, w, b, left, strip, stripsLeft, place] = f.locals(i32, 9) as [
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
  const flag = (bit: number, then: () => void, otherwise?: () => void) =>
    f.get(p.flags).const(bit).and().when(then, otherwise);
  /** Visits the outputs of the tile, `place` being the output's in an array that starts at `start`. */
  const eachOutput = (start: Local, step: Local, visit: (sum: Local) => void) => {
    f.get(start).set(place);
    sums.forEach((sum, i) => {
      visit(sum);
      if (i + 1 < outputs) f.advanceBy(place, step);
    });
  };

  f.repeat(p.count, () => {
    [x, y, r].forEach((local, i) => {
      f.get([p.x, p.y, p.residual][i]!)
        .get(p.tiles)
        .load(4 * i)
        .add()
        .set(local);
    });
    f.get(p.weights).set(w).get(p.bias).set(b).get(p.vectors).set(left);
    f.repeat(left, () => {
      flag(
        depthwiseFlags.accumulate,
        () => eachOutput(y, yOutput, (sum) => f.get(place).vectorLoad().set(sum)),
        () => {
          f.get(b).vectorLoad();
          for (const sum of sums.slice(1)) f.tee(sum);
          f.set(sums[0]!);
        },
      );
      // Unrolled, V8 would load everything first and spill.
      f.get(p.strips).set(strip).get(p.stripCount).set(stripsLeft);
      f.repeatIfAny(stripsLeft, () => {
        f.get(w).get(strip).load(4).add().set(place);
        weights.forEach((weight, i) => {
          f.get(place)
            .vectorLoad(16 * i)
            .set(weight);
        });
        f.get(x).get(strip).load(0).add().set(place);
        addStrip(f, sums, weights, value, place, { tap, xOutput, variant });
        f.advance(strip, 8);
      });
      flag(depthwiseFlags.residual, () =>
        eachOutput(r, residualOutput, (sum) => f.get(sum).get(place).vectorLoad().vAdd().set(sum)),
      );
      flag(depthwiseFlags.clip, () => {
        const [low, high] = [value, weights[0]!];
        f.get(p.constants).splatLoad(boundsAt).set(low);
        f.get(p.constants)
          .splatLoad(boundsAt + 4)
          .set(high);
        for (const sum of sums) f.get(sum).get(low).vPseudoMax().get(high).vPseudoMin().set(sum);
      });
      eachOutput(y, yOutput, (sum) => f.get(place).get(sum).vectorStore());
      for (const local of [y, r, b]) f.advance(local, 16);
      f.advanceBy(w, weightVector);
      f.advance(x, 16 / variant.multiplier);
    });
    f.advance(p.tiles, 12);
  });
}

/** The products of one strip, `place` being where the first output's first tap reads. */
function addStrip(
  f: FunctionWriter,
  sums: readonly Local[],
  weights: readonly Local[],
  value: Local,
  place: Local,
  { tap, xOutput, variant }: { tap: Local; xOutput: Local; variant: DepthwiseVariant },
): void {
  const addTo = (sum: number, weight: number) =>
    multiplyAdd(f, sums[sum]!, value, weights[weight]!, variant.fma);
  if (variant.sliding) {
    const columns = sums.length + weights.length - 1;
    for (let column = 0; column < columns; column++) {
      loadInput(f, value, place, variant.multiplier);
      if (column + 1 < columns) f.advanceBy(place, tap);
      // The taps of one output in order: the same sum whatever its place in the tile.
      for (let sum = 0; sum < sums.length; sum++)
        if (column >= sum && column - sum < weights.length) addTo(sum, column - sum);
    }
    return;
  }
  const own = f.local(i32);
  for (let sum = 0; sum < sums.length; sum++) {
    f.get(place).set(own);
    for (let weight = 0; weight < weights.length; weight++) {
      loadInput(f, value, own, variant.multiplier);
      if (weight + 1 < weights.length) f.advanceBy(own, tap);
      addTo(sum, weight);
    }
    if (sum + 1 < sums.length) f.advanceBy(place, xOutput);
  }
}

/** Loads the inputs of four output channels. */
function loadInput(f: FunctionWriter, value: Local, place: Local, multiplier: 1 | 2 | 4): void {
  f.get(place);
  if (multiplier === 1) f.vectorLoad();
  else if (multiplier === 4) f.splatLoad();
  else f.zeroExtendLoadPair().tee(value).get(value).shuffle([0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7]);
  f.set(value);
}
