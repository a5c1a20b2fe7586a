/** The first of the largest channels: four positions at once, their channels transposed or in planes. */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';
import { transpose4 } from './convert.js';
import { eachFour, planeParameters } from './planes.js';

/** `last` is the place of the last position. */
export const argmaxParameters = ['positions', 'vectors', 'x', 'xStride', 'y', 'last'] as const;

/**
 * `lanes0 … lanes3`, by the number of channels beyond the last whole vector, and `planes`. The former write four
 * results at a time.
 */
export function emitArgmax(module: ModuleWriter): void {
  for (let rest = 0; rest < 4; rest++) emitLanes(module, rest);
  emitPlanes(module);
}

/** The largest values so far of four positions, and their channels. */
class Search {
  private readonly best: Local;
  private readonly index: Local;
  private readonly channel: Local;

  constructor(private readonly f: FunctionWriter) {
    [this.best, this.index, this.channel] = f.locals(v128, 3) as [Local, Local, Local];
  }

  start(): void {
    this.f.vectorConst(-Infinity).set(this.best).vectorConstInt(0).set(this.index);
    this.f.vectorConstInt(0).set(this.channel);
  }

  /** A NaN is larger than all numbers, and the first is kept. */
  next(value: Local, take: Local): void {
    const { f, best, index, channel } = this;
    f.get(value).get(best).vGreater().get(value).get(value).vNotEqual().vOr();
    f.get(best).get(best).vNotEqual().vNot().vAnd().set(take);
    f.get(value).get(best).get(take).vSelect().set(best);
    f.get(channel).get(index).get(take).vSelect().set(index);
    f.get(channel).vectorConstInt(1).vIntAdd().set(channel);
  }

  result(): FunctionWriter {
    return this.f.get(this.index);
  }
}

function emitLanes(module: ModuleWriter, rest: number): void {
  module.function(
    `lanes${rest}`,
    argmaxParameters.map(() => i32),
    (f, ...locals) => {
      const { positions, vectors, x, xStride, y, last } = named(argmaxParameters, locals);
      const places = f.locals(i32, 4);
      const rows = f.locals(v128, 4);
      const scratch = f.locals(v128, 4);
      const [fours, left] = f.locals(i32, 2) as [Local, Local];
      const search = new Search(f);
      const visit = (channels: number) => {
        for (const [i, row] of rows.entries()) f.get(places[i]!).vectorLoad().set(row);
        transpose4(f, rows, scratch);
        for (const row of rows.slice(0, channels)) search.next(row, scratch[0]!);
      };
      f.get(positions).const(3).add().const(2).shiftRight().set(fours);
      f.repeatIfAny(fours, () => {
        for (const place of places) {
          // Positions that do not exist: the last again.
          f.get(x).get(last).get(x).get(last).lessUnsigned().select().set(place);
          f.advanceBy(x, xStride);
        }
        search.start();
        f.get(vectors).set(left);
        f.repeatIfAny(left, () => {
          visit(4);
          for (const place of places) f.advance(place, 16);
        });
        if (rest > 0) visit(rest);
        f.get(y);
        search.result().vectorStore().advance(y, 16);
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
      const search = new Search(f);
      const [value, take] = f.locals(v128, 2) as [Local, Local];
      const [left, place] = f.locals(i32, 2) as [Local, Local];
      eachFour(f, parameters, (x, y) => {
        search.start();
        f.get(x).set(place).get(parameters.planes).set(left);
        f.repeat(left, () => {
          f.get(place).vectorLoad().set(value);
          search.next(value, take);
          f.advanceBy(place, parameters.stride);
        });
        f.get(y);
        search.result().vectorStore();
      });
    },
  );
}
