/** From the mean and the variance of every channel to those of its group. */
import { f32, i32, type Local, type ModuleWriter, named } from '../wasm/encoder.js';

/**
 * `groups, size` – groups of a sample, and channels of each; `means, squares` – per channel, the latter sums of squares
 * of differences, `count` times its variance; `epsilon` – place of a float.
 * Means become those of the groups, squares 1 / √(variance + ε).
 */
export const groupParameters = ['groups', 'size', 'means', 'squares', 'count', 'epsilon'] as const;

export function emitGroups(module: ModuleWriter): void {
  module.function(
    'groups',
    groupParameters.map(() => i32),
    (f, ...locals) => {
      const { groups, size, means, squares, count, epsilon } = named(groupParameters, locals);
      const [mean, variance, difference] = f.locals(f32, 3) as [Local, Local, Local];
      const [left, at] = f.locals(i32, 2) as [Local, Local];
      /** Visits the channels of a group, at a distance from its first. */
      const eachChannel = (visit: () => void) => {
        f.get(size).set(left).const(0).set(at);
        f.repeat(left, () => {
          visit();
          f.advance(at, 4);
        });
      };
      const load = (base: Local) => f.get(base).get(at).add().loadFloat();
      f.repeatIfAny(groups, () => {
        f.floatConst(0).set(mean).floatConst(0).set(variance);
        eachChannel(() => load(means).get(mean).floatAdd().set(mean));
        f.get(mean).get(size).floatFromInt().floatDiv().set(mean);
        // The variance of a group: of its channels, and of their means.
        eachChannel(() => {
          load(means).get(mean).floatSub().set(difference);
          load(squares).get(count).floatFromInt().floatDiv();
          f.get(difference).get(difference).floatMul().floatAdd().get(variance).floatAdd().set(variance);
        });
        f.floatConst(1).get(variance).get(size).floatFromInt().floatDiv();
        f.get(epsilon).loadFloat().floatAdd().floatSqrt().floatDiv().set(variance);
        eachChannel(() => {
          f.get(means).get(at).add().get(mean).storeFloat();
          f.get(squares).get(at).add().get(variance).storeFloat();
        });
        f.advanceBy(means, at).advanceBy(squares, at);
      });
    },
  );
}
