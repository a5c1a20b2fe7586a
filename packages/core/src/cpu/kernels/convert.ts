/** Between row-major and channels-last: transposes of four channels by four positions. */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';

/** Byte lanes of a shuffle that takes 32-bit lanes of two vectors. */
export const words = (...lanes: readonly number[]) =>
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

/** `source, target, positions, sourceStride, targetStride`; strides in bytes, of channels in the one and positions in the other. */
const parameters = ['source', 'target', 'positions', 'sourceStride', 'targetStride'] as const;

/** Four rows of a 4×4 matrix become its columns. */
export function transpose4(f: FunctionWriter, rows: readonly Local[], scratch: readonly Local[]): void {
  const [a, b, c, d] = rows as [Local, Local, Local, Local];
  const [p, q, r, s] = scratch as [Local, Local, Local, Local];
  f.get(a)
    .get(b)
    .shuffle(words(0, 4, 1, 5))
    .set(p);
  f.get(a)
    .get(b)
    .shuffle(words(2, 6, 3, 7))
    .set(q);
  f.get(c)
    .get(d)
    .shuffle(words(0, 4, 1, 5))
    .set(r);
  f.get(c)
    .get(d)
    .shuffle(words(2, 6, 3, 7))
    .set(s);
  f.get(p)
    .get(r)
    .shuffle(words(0, 1, 4, 5))
    .set(a);
  f.get(p)
    .get(r)
    .shuffle(words(2, 3, 6, 7))
    .set(b);
  f.get(q)
    .get(s)
    .shuffle(words(0, 1, 4, 5))
    .set(c);
  f.get(q)
    .get(s)
    .shuffle(words(2, 3, 6, 7))
    .set(d);
}

/** `toChannels1 … toChannels4` and `toPlain1 … toPlain4`, by the number of channels that exist of four. */
export function emitConvert(module: ModuleWriter): void {
  for (const name of ['toChannels', 'toPlain'] as const)
    for (let channels = 1; channels <= 4; channels++)
      module.function(
        `${name}${channels}`,
        parameters.map(() => i32),
        (f, ...locals) => emitDirection(f, named(parameters, locals), channels, name === 'toChannels'),
      );
}

type Parameters = Record<(typeof parameters)[number], Local>;

function emitDirection(f: FunctionWriter, p: Parameters, channels: number, toChannels: boolean): void {
  const [plain, plainStride] = toChannels ? [p.source, p.sourceStride] : [p.target, p.targetStride];
  const [last, lastStride] = toChannels ? [p.target, p.targetStride] : [p.source, p.sourceStride];
  const rows = f.locals(v128, 4);
  const scratch = f.locals(v128, 4);
  const place = f.local(i32);
  const count = f.local(i32);
  /** Visits the channels that exist, `place` being the channel's on the row-major side. */
  const eachChannel = (visit: (channel: number) => void) => {
    f.get(plain).set(place);
    for (let c = 0; c < channels; c++) {
      visit(c);
      f.advanceBy(place, plainStride);
    }
  };
  /** Visits four positions of the channels-last side. */
  const eachPosition = (visit: (row: Local) => void) => {
    for (const row of rows) {
      visit(row);
      f.advanceBy(last, lastStride);
    }
  };

  f.get(p.positions).const(2).shiftRight().set(count);
  f.repeatIfAny(count, () => {
    if (toChannels) {
      for (const row of rows.slice(channels)) f.vectorConst(0).set(row);
      eachChannel((c) => f.get(place).vectorLoad().set(rows[c]!));
    } else eachPosition((row) => f.get(last).vectorLoad().set(row));
    transpose4(f, rows, scratch);
    if (toChannels) eachPosition((row) => f.get(last).get(row).vectorStore());
    else eachChannel((c) => f.get(place).get(rows[c]!).vectorStore());
    f.advance(plain, 16);
  });
  f.get(p.positions).const(3).and().set(count);
  f.repeatIfAny(count, () => {
    if (toChannels) {
      f.get(last).vectorConst(0).vectorStore();
      eachChannel((c) =>
        f
          .get(last)
          .get(place)
          .loadFloat()
          .storeFloat(4 * c),
      );
    } else
      eachChannel((c) =>
        f
          .get(place)
          .get(last)
          .loadFloat(4 * c)
          .storeFloat(),
      );
    f.advanceBy(last, lastStride).advance(plain, 4);
  });
}
