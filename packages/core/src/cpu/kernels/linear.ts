/** Products of a small constant matrix with vectors in registers. */
import type { FunctionWriter, Local } from '../wasm/encoder.js';

export interface LinearOptions {
  readonly fma: boolean;
  /** Two vectors that may be overwritten. */
  readonly temporaries: readonly [Local, Local];
  /**
   * Vectors that hold coefficients. A constant takes several instructions wherever it stands, in a loop every time: with
   * fused multiply-add, transforms are a sixth faster like this; without, the additions take as long as the constants.
   */
  readonly constants?: ReadonlyMap<number, Local> | undefined;
}

/** The coefficients that `emitLinear` multiplies by where it has fused multiply-add. */
export const coefficientsOf = (matrix: readonly (readonly number[])[]): number[] => [
  ...new Set(matrix.flat().filter((c) => c !== 0 && Math.abs(c) !== 1)),
];

/**
 * Computes every row of `matrix · inputs`; `store` gets the row's number and what pushes its value.
 *
 * Two rows that differ only in the signs of some terms (points ±a give such pairs) are the sum and the difference of
 * two halves, which are computed once.
 */
export function emitLinear(
  f: FunctionWriter,
  matrix: readonly (readonly number[])[],
  inputs: readonly Local[],
  options: LinearOptions,
  store: (row: number, push: () => void) => void,
): void {
  const [same, opposite] = options.temporaries;
  const done = new Set<number>();
  matrix.forEach((row, i) => {
    if (done.has(i)) return;
    const partner = matrix.findIndex((other, k) => k > i && !done.has(k) && isPair(row, other));
    if (partner < 0) {
      store(i, () => pushSum(f, row, inputs, options));
      return;
    }
    done.add(partner);
    const other = matrix[partner]!;
    pushSum(
      f,
      row.map((c, k) => (c === other[k] ? c : 0)),
      inputs,
      options,
    );
    f.set(same);
    pushSum(
      f,
      row.map((c, k) => (c === other[k] ? 0 : c)),
      inputs,
      options,
    );
    f.set(opposite);
    store(i, () => f.get(same).get(opposite).vAdd());
    store(partner, () => f.get(same).get(opposite).vSub());
  });
}

/** Whether the rows agree up to signs, with enough terms in both halves that sharing them pays. */
function isPair(a: readonly number[], b: readonly number[]): boolean {
  const terms = a.flatMap((c, k) => (c === 0 && b[k] === 0 ? [] : [[c, b[k]!] as const]));
  const equal = terms.filter(([c, d]) => c === d).length;
  const opposite = terms.filter(([c, d]) => c === -d).length;
  return equal > 0 && opposite > 0 && terms.length > 2 && equal + opposite === terms.length;
}

/** Pushes the sum of the inputs times their coefficients. */
function pushSum(
  f: FunctionWriter,
  coefficients: readonly number[],
  inputs: readonly Local[],
  { fma, constants }: LinearOptions,
): void {
  const constant = (c: number) => {
    const known = constants?.get(c);
    return known ? f.get(known) : f.vectorConst(c);
  };
  const terms = coefficients
    .flatMap((c, k) => (c === 0 ? [] : [{ c, input: inputs[k]! }]))
    // A positive term without a factor is the cheapest start.
    .sort((a, b) => Number(b.c > 0) - Number(a.c > 0) || Math.abs(a.c) - Math.abs(b.c))
    .sort((a, b) => Number(b.c === 1) - Number(a.c === 1));
  if (terms.length === 0) {
    f.vectorConst(0);
    return;
  }
  const push = (count: number): void => {
    const { c, input } = terms[count - 1]!;
    if (count === 1) {
      f.get(input);
      if (c === -1) f.vNeg();
      else if (c !== 1) constant(c).vMul();
      return;
    }
    if (Math.abs(c) === 1) {
      push(count - 1);
      f.get(input);
      if (c > 0) f.vAdd();
      else f.vSub();
    } else if (fma) {
      f.get(input);
      constant(c);
      push(count - 1);
      f.vMultiplyAddRelaxed();
    } else {
      push(count - 1);
      f.get(input);
      constant(Math.abs(c)).vMul();
      if (c > 0) f.vAdd();
      else f.vSub();
    }
  };
  push(terms.length);
}
