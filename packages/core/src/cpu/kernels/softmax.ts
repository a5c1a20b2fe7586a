/** Softmax over channels: across the lanes of a position, or across planes for four positions at once. */
import { i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';
import { firstLanes, joinLanes, loadRest } from './across.js';
import { vectorFunctions } from './math.js';
import { eachFour, planeParameters } from './planes.js';

export const softmaxParameters = ['positions', 'vectors', 'x', 'xStride', 'y', 'yStride'] as const;

/**
 * `lanes0 … lanes3`, by the number of channels beyond the last whole vector, and `planes`. The former write whole
 * vectors, in the order of positions: rows without a gap may follow each other.
 */
export function emitSoftmax(module: ModuleWriter): void {
  for (let rest = 0; rest < 4; rest++) emitLanes(module, rest);
  emitPlanes(module);
}

// The largest value may leave NaN out: the exponential of NaN is in the sum.

function emitLanes(module: ModuleWriter, rest: number): void {
  module.function(
    `lanes${rest}`,
    softmaxParameters.map(() => i32),
    (f, ...locals) => {
      const { positions, vectors, x, xStride, y, yStride } = named(softmaxParameters, locals);
      const [largest, sum, value] = f.locals(v128, 3) as [Local, Local, Local];
      const [left, place, target] = f.locals(i32, 3) as [Local, Local, Local];
      /** Visits every vector of a position. */
      const each = (whole: () => void, last: () => void) => {
        f.get(x).set(place).get(y).set(target).get(vectors).set(left);
        f.repeatIfAny(left, () => {
          whole();
          f.advance(place, 16).advance(target, 16);
        });
        if (rest > 0) last();
      };
      const load = () => f.get(place).vectorLoad();
      const loadLast = () => loadRest(f, place, rest, -Infinity);
      const exponential = () => {
        load().get(largest).vSub().set(value);
        vectorFunctions.exp(f, value);
      };
      const store = () => f.get(target).get(value).vectorStore().get(sum).get(value).vAdd().set(sum);
      const lastExponential = () => {
        // Lanes beyond as if they were the largest: tiny results are slow to compute.
        f.get(place).vectorLoad().get(largest).shuffle(firstLanes(rest)).get(largest).vSub().set(value);
        vectorFunctions.exp(f, value);
        f.get(value).vectorConst(0).shuffle(firstLanes(rest)).set(value);
      };
      const scale = () => f.get(target).get(target).vectorLoad().get(sum).vMul().vectorStore();
      const takeLargest = (read: () => void) => {
        f.get(largest);
        read();
        f.vMaxQuick().set(largest);
      };
      f.repeatIfAny(positions, () => {
        f.vectorConst(-Infinity).set(largest).vectorConst(0).set(sum);
        each(
          () => takeLargest(load),
          () => takeLargest(loadLast),
        );
        joinLanes(f, largest, () => f.vMaxQuick());
        each(
          () => {
            exponential();
            store();
          },
          () => {
            lastExponential();
            store();
          },
        );
        joinLanes(f, sum, () => f.vAdd());
        f.vectorConst(1).get(sum).vDiv().set(sum);
        each(scale, scale);
        f.advanceBy(x, xStride).advanceBy(y, yStride);
      });
    },
  );
}

function emitPlanes(module: ModuleWriter): void {
  module.function(
    'planes',
    planeParameters.map(() => i32),
    (f, ...locals) => {
      const parameters = named(planeParameters, locals);
      const { planes, stride } = parameters;
      const [largest, sum, value] = f.locals(v128, 3) as [Local, Local, Local];
      const [left, place, target] = f.locals(i32, 3) as [Local, Local, Local];
      eachFour(f, parameters, (x, y) => {
        const each = (visit: () => void) => {
          f.get(x).set(place).get(y).set(target).get(planes).set(left);
          f.repeat(left, () => {
            visit();
            f.advanceBy(place, stride).advanceBy(target, stride);
          });
        };
        f.vectorConst(-Infinity).set(largest).vectorConst(0).set(sum);
        each(() => f.get(largest).get(place).vectorLoad().vMaxQuick().set(largest));
        each(() => {
          f.get(place).vectorLoad().get(largest).vSub().set(value);
          vectorFunctions.exp(f, value);
          f.get(target).get(value).vectorStore().get(sum).get(value).vAdd().set(sum);
        });
        each(() => f.get(target).get(target).vectorLoad().get(sum).vDiv().vectorStore());
      });
    },
  );
}
