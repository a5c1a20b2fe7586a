/**
 * Copies by tables: whatever only moves values about.
 *
 * The target is rows of equally spaced elements; element (row, column) comes from `rows[row] + columns[column]` in the
 * source, or is the fill value where either entry is negative. An element is a word, a byte, or the channels of a
 * position: side by side, or a fixed distance apart.
 */
import { type FunctionWriter, i32, type Local, type ModuleWriter, named, v128 } from '../wasm/encoder.js';

/**
 * Places and distances in bytes. `channels`: vectors per element of `runs`, single floats of `strided`; the last two
 * are the distances between channels, for `strided` only.
 */
export const gatherParameters = [
  'rows',
  'rowCount',
  'columns',
  'columnCount',
  'x',
  'y',
  'rowStride',
  'stride',
  'fill',
  'channels',
  'xStep',
  'yStep',
] as const;

type Parameters = Record<(typeof gatherParameters)[number], Local>;

/** What is copied for one element: loads, from a place or the fill value, and stores. */
interface Element {
  /** Runs once. */
  prepare(f: FunctionWriter, parameters: Parameters): void;
  copy(f: FunctionWriter, source: Local, target: Local, parameters: Parameters): void;
  fill(f: FunctionWriter, target: Local, parameters: Parameters): void;
}

/** `words`, `bytes`, `strided`, and `runs0 … runs3` by the number of channels beyond the last whole vector. */
export function emitGather(module: ModuleWriter): void {
  emitKernel(module, 'words', scalarElement('load', 'store'));
  emitKernel(module, 'bytes', scalarElement('loadByte', 'storeByte'));
  emitKernel(module, 'strided', stridedElement());
  for (let rest = 0; rest < 4; rest++) emitKernel(module, `runs${rest}`, runElement(rest));
}

function emitKernel(module: ModuleWriter, name: string, element: Element): void {
  module.function(
    name,
    gatherParameters.map(() => i32),
    (f, ...locals) => {
      const parameters = named(gatherParameters, locals);
      const { rows, rowCount, columns, columnCount, x, y, rowStride, stride } = parameters;
      const [row, column, left, source, target] = f.locals(i32, 5) as [Local, Local, Local, Local, Local];
      element.prepare(f, parameters);
      f.repeatIfAny(rowCount, () => {
        f.get(rows).load().set(row).get(columns).set(column).get(y).set(target);
        f.get(columnCount).set(left);
        f.repeatIfAny(left, () => {
          f.get(column).load().tee(source).get(row).or().const(0).lessSigned();
          f.when(
            () => element.fill(f, target, parameters),
            () => {
              f.get(x).get(row).add().get(source).add().set(source);
              element.copy(f, source, target, parameters);
            },
          );
          f.advance(column, 4).advanceBy(target, stride);
        });
        f.advance(rows, 4).advanceBy(y, rowStride);
      });
    },
  );
}

function scalarElement(load: 'load' | 'loadByte', store: 'store' | 'storeByte'): Element {
  return {
    prepare: () => undefined,
    copy: (f, source, target) => f.get(target).get(source)[load]()[store](),
    fill: (f, target, { fill }) => f.get(target).get(fill)[load]()[store](),
  };
}

function runElement(rest: number): Element {
  let left: Local;
  let value: Local;
  let from: Local;
  let to: Local;
  return {
    prepare(f, { fill }) {
      [left, from, to] = f.locals(i32, 3) as [Local, Local, Local];
      value = f.local(v128);
      f.get(fill).splatLoad().set(value);
    },
    copy(f, source, target, { channels }) {
      f.get(source).set(from).get(target).set(to).get(channels).set(left);
      f.repeatIfAny(left, () =>
        f.get(to).get(from).vectorLoad().vectorStore().advance(from, 16).advance(to, 16),
      );
      for (let c = 0; c < rest; c++)
        f.get(to)
          .get(from)
          .load(4 * c)
          .store(4 * c);
    },
    fill(f, target, { channels, fill }) {
      f.get(target).set(to).get(channels).set(left);
      f.repeatIfAny(left, () => f.get(to).get(value).vectorStore().advance(to, 16));
      for (let c = 0; c < rest; c++)
        f.get(to)
          .get(fill)
          .load()
          .store(4 * c);
    },
  };
}

function stridedElement(): Element {
  let left: Local;
  let from: Local;
  let to: Local;
  return {
    prepare(f) {
      [left, from, to] = f.locals(i32, 3) as [Local, Local, Local];
    },
    copy(f, source, target, { channels, xStep, yStep }) {
      f.get(source).set(from).get(target).set(to).get(channels).set(left);
      f.repeatIfAny(left, () =>
        f.get(to).get(from).load().store().advanceBy(from, xStep).advanceBy(to, yStep),
      );
    },
    fill(f, target, { channels, fill, yStep }) {
      f.get(target).set(to).get(channels).set(left);
      f.repeatIfAny(left, () => f.get(to).get(fill).load().store().advanceBy(to, yStep));
    },
  };
}
