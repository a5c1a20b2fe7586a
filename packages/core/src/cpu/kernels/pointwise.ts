/** Chains of pointwise ops over positions and channels, one load and one store per element. */
import type { BinaryFunction, UnaryFunction } from '../../graph.js';
import { type FunctionWriter, i32, type Local, type ModuleWriter, v128 } from '../wasm/encoder.js';
import { vectorFunctions } from './math.js';

/** How an operand is read: one value everywhere, one per channel, or one per element. */
export type OperandMode = 'one' | 'channel' | 'whole';

export type PointwiseStep =
  | { readonly kind: 'unary'; readonly fn: UnaryFunction }
  | { readonly kind: 'clip' }
  | { readonly kind: 'binary'; readonly fn: VectorBinary; readonly mode: OperandMode };

/** Binary functions that vectors have. */
export type VectorBinary = Exclude<BinaryFunction, 'pow'>;

const binaries: Readonly<Record<VectorBinary, (f: FunctionWriter) => unknown>> = {
  add: (f) => f.vAdd(),
  sub: (f) => f.vSub(),
  mul: (f) => f.vMul(),
  div: (f) => f.vDiv(),
  min: (f) => f.vMin(),
  max: (f) => f.vMax(),
};

/** Arguments that a step takes: a place, and for whole operands the distance between positions. */
export const argumentsOf = (step: PointwiseStep): number =>
  step.kind === 'unary' ? 0 : step.kind === 'binary' && step.mode === 'whole' ? 2 : 1;

/** `x, y, positions, vectors, xStride, yStride`, then what the steps take; a clip takes the place of its two bounds. */
export const fixedArguments = 6;

export const pointwiseName = (source: OperandMode, steps: readonly PointwiseStep[]): string =>
  `${source} ${steps.map((step) => (step.kind === 'unary' ? step.fn : step.kind === 'clip' ? 'clip' : `${step.fn} ${step.mode}`)).join(', ')}`;

/** @param source how x itself is read */
export function emitPointwise(
  module: ModuleWriter,
  source: OperandMode,
  steps: readonly PointwiseStep[],
): void {
  const count = fixedArguments + steps.reduce((sum, step) => sum + argumentsOf(step), 0);
  module.function('run', new Array(count).fill(i32), (f, ...parameters) => {
    const [x, y, positions, vectors, xStride, yStride] = parameters as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const value = f.local(v128);
    const left = f.local(i32);
    const offset = f.local(i32);
    let next = fixedArguments;
    const operands = steps.map((step) => {
      const first = next;
      next += argumentsOf(step);
      return parameters.slice(first, next);
    });
    const read = (mode: OperandMode, place: Local) => {
      if (mode === 'one') f.get(place).splatLoad();
      else f.get(place).get(offset).add().vectorLoad();
    };
    f.repeat(positions, () => {
      f.get(vectors).set(left).const(0).set(offset);
      f.repeat(left, () => {
        read(source, x);
        f.set(value);
        for (const [i, step] of steps.entries()) applyStep(f, step, value, operands[i]!, read);
        f.get(y).get(offset).add().get(value).vectorStore().advance(offset, 16);
      });
      if (source === 'whole') f.advanceBy(x, xStride);
      f.advanceBy(y, yStride);
      steps.forEach((step, i) => {
        if (step.kind === 'binary' && step.mode === 'whole') f.advanceBy(operands[i]![0]!, operands[i]![1]!);
      });
    });
  });
}

function applyStep(
  f: FunctionWriter,
  step: PointwiseStep,
  value: Local,
  [place]: readonly Local[],
  read: (mode: OperandMode, place: Local) => void,
): void {
  if (step.kind === 'unary') vectorFunctions[step.fn](f, value);
  else if (step.kind === 'clip')
    f.get(value).get(place!).splatLoad(0).vPseudoMax().get(place!).splatLoad(4).vPseudoMin().set(value);
  else {
    f.get(value);
    read(step.mode, place!);
    binaries[step.fn](f);
    f.set(value);
  }
}
