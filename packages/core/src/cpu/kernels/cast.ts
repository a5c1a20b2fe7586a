/** Conversions between dtypes, four elements at a time: towards zero and saturating; NaN becomes 0. */
import type { DType } from '../../graph.js';
import { type FunctionWriter, i32, type Local, type ModuleWriter, named } from '../wasm/encoder.js';

export const castName = (from: DType, to: DType): string => `${from} to ${to}`;

/** `fours`: groups of four elements; the last is written whole. */
export const castParameters = ['fours', 'x', 'y'] as const;

const dtypes: readonly DType[] = ['float32', 'int32', 'uint8'];

export function emitCast(module: ModuleWriter): void {
  for (const from of dtypes) for (const to of dtypes) if (from !== to) emitKernel(module, from, to);
}

function emitKernel(module: ModuleWriter, from: DType, to: DType): void {
  module.function(
    castName(from, to),
    castParameters.map(() => i32),
    (f, ...locals) => {
      const { fours, x, y } = named(castParameters, locals);
      f.repeatIfAny(fours, () => {
        f.get(y);
        load(f, from, x);
        if (from === 'float32') f.vToInt();
        if (to === 'float32') f.vFromInt();
        if (to === 'uint8') f.vNarrowToBytes().extractInt(0).store();
        else f.vectorStore();
        f.advance(x, from === 'uint8' ? 4 : 16).advance(y, to === 'uint8' ? 4 : 16);
      });
    },
  );
}

const load = (f: FunctionWriter, from: DType, x: Local) =>
  from === 'uint8' ? f.get(x).zeroExtendLoad().vWidenBytes() : f.get(x).vectorLoad();
