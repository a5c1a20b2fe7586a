/** Combines the channels of every position into one value. */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';
import { words } from './convert.js';

export type Across = 'max' | 'sum' | 'mean';

/** @param rest channels beyond the last whole vector */
export const acrossName = (how: Across, rest: number): string => `${how}${rest}`;

/** `vectors` counts the whole ones; the value is written into all lanes of a vector. */
export const acrossParameters = ['positions', 'vectors', 'x', 'xStride', 'y', 'yStride', 'channels'] as const;

/** Joins all lanes: afterwards each has the result. */
export function joinLanes(f: FunctionWriter, value: Local, join: () => void): void {
  for (const lanes of [words(2, 3, 0, 1), words(1, 0, 3, 2)]) {
    f.get(value).get(value).get(value).shuffle(lanes);
    join();
    f.set(value);
  }
}

/** Lanes of a shuffle that takes the first from one vector and the rest from the other. */
export const firstLanes = (count: number): number[] =>
  words(...[0, 1, 2, 3].map((lane) => (lane < count ? lane : 4 + lane)));

/** Puts on the stack the vector at a place, with what lies beyond the channels replaced by a value. */
export function loadRest(f: FunctionWriter, place: Local, rest: number, beyond: number): void {
  f.get(place).vectorLoad().vectorConst(beyond).shuffle(firstLanes(rest));
}

export function emitAcross(module: ModuleWriter): void {
  for (const how of ['max', 'sum', 'mean'] as const)
    for (let rest = 0; rest < 4; rest++) emitKernel(module, how, rest);
}

function emitKernel(module: ModuleWriter, how: Across, rest: number): void {
  const start = how === 'max' ? -Infinity : 0;
  module.function(
    acrossName(how, rest),
    acrossParameters.map(() => i32),
    (f, ...locals) => {
      const { positions, vectors, x, xStride, y, yStride, channels } = named(acrossParameters, locals);
      const sum = f.local(v128);
      const left = f.local(i32);
      const place = f.local(i32);
      const join = () => (how === 'max' ? f.vMax() : f.vAdd());
      f.repeatIfAny(positions, () => {
        f.vectorConst(start).set(sum).get(x).set(place).get(vectors).set(left);
        f.repeatIfAny(left, () => {
          f.get(sum).get(place).vectorLoad();
          join();
          f.set(sum).advance(place, 16);
        });
        if (rest > 0) {
          f.get(sum);
          loadRest(f, place, rest, start);
          join();
          f.set(sum);
        }
        joinLanes(f, sum, join);
        f.get(y).get(sum);
        if (how === 'mean') f.get(channels).floatFromInt().splat().vDiv();
        f.vectorStore().advanceBy(x, xStride).advanceBy(y, yStride);
      });
    },
  );
}
