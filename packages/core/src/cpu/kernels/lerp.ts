/**
 * Resizes one axis: element o of the target mixes the elements low and high of the source.
 *
 * An element is everything inside of the axis: runs of floats, at equal distances in source and target. So the kernel
 * serves both layouts, and any number of axes one after the other.
 */
import { i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';

/**
 * `table, count` – per element of the target: index of low, index of high, weight of high as a float;
 * `xStride, yStride` – bytes between elements; `inner, xInner, yInner` – runs of an element and bytes between them;
 * `vectors` – whole vectors of a run; `outer, xOuter, yOuter` – axes outside.
 */
export const lerpParameters = [
  'table',
  'count',
  'x',
  'xStride',
  'y',
  'yStride',
  'inner',
  'xInner',
  'yInner',
  'vectors',
  'outer',
  'xOuter',
  'yOuter',
] as const;

const lerpLocals = [
  'entry',
  'left',
  'target',
  'low',
  'high',
  'runs',
  'lowRun',
  'highRun',
  'run',
  'place',
  'vectorsLeft',
] as const;

/** Words of one entry of the table. */
export const wordsPerEntry = 3;

/** `lerp0 … lerp3`, by the number of floats beyond the last whole vector of a run. */
export function emitLerp(module: ModuleWriter): void {
  for (let rest = 0; rest < 4; rest++) emitKernel(module, rest);
}

function emitKernel(module: ModuleWriter, rest: number): void {
  module.function(
    `lerp${rest}`,
    lerpParameters.map(() => i32),
    (f, ...locals) => {
      const p = named(lerpParameters, locals);
      const l = named(lerpLocals, f.locals(i32, lerpLocals.length));
      const { entry, left, target, low, high, runs, lowRun, highRun, run, place, vectorsLeft } = l;
      const [weightOfLow, weightOfHigh] = f.locals(v128, 2) as [Local, Local];
      /** Starts a run at its places in the source and in the target. */
      const startRun = () => f.get(low).set(lowRun).get(high).set(highRun).get(run).set(place);
      const nextRun = () => f.advanceBy(low, p.xInner).advanceBy(high, p.xInner).advanceBy(run, p.yInner);
      const copyRun = () => {
        startRun().get(p.vectors).set(vectorsLeft);
        f.repeatIfAny(vectorsLeft, () =>
          f.get(place).get(lowRun).vectorLoad().vectorStore().advance(lowRun, 16).advance(place, 16),
        );
        for (let i = 0; i < rest; i++)
          f.get(place)
            .get(lowRun)
            .loadFloat(4 * i)
            .storeFloat(4 * i);
        nextRun();
      };
      const mixRun = () => {
        startRun().get(p.vectors).set(vectorsLeft);
        f.repeatIfAny(vectorsLeft, () => {
          f.get(place).get(lowRun).vectorLoad().get(weightOfLow).vMul();
          f.get(highRun).vectorLoad().get(weightOfHigh).vMul().vAdd().vectorStore();
          f.advance(lowRun, 16).advance(highRun, 16).advance(place, 16);
        });
        for (let i = 0; i < rest; i++) {
          f.get(place)
            .get(lowRun)
            .loadFloat(4 * i)
            .get(weightOfLow)
            .extractLane(0)
            .floatMul();
          f.get(highRun)
            .loadFloat(4 * i)
            .get(weightOfHigh)
            .extractLane(0)
            .floatMul();
          f.floatAdd().storeFloat(4 * i);
        }
        nextRun();
      };
      f.repeatIfAny(p.outer, () => {
        f.get(p.table).set(entry).get(p.y).set(target).get(p.count).set(left);
        f.repeatIfAny(left, () => {
          f.get(p.x).get(entry).load(0).get(p.xStride).mul().add().set(low);
          f.get(p.x).get(entry).load(4).get(p.xStride).mul().add().set(high);
          f.get(entry).splatLoad(8).set(weightOfHigh);
          f.vectorConst(1).get(weightOfHigh).vSub().set(weightOfLow);
          f.get(target).set(run).get(p.inner).set(runs);
          // Without weight the neighbour is not read: it may be infinite.
          f.get(entry).load(8);
          f.when(
            () => f.repeatIfAny(runs, mixRun),
            () => f.repeatIfAny(runs, copyRun),
          );
          f.advance(entry, 4 * wordsPerEntry).advanceBy(target, p.yStride);
        });
        f.advanceBy(p.x, p.xOuter).advanceBy(p.y, p.yOuter);
      });
    },
  );
}
