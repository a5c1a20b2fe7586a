/** The one-axis algorithms for kernels of two and three taps, as matrices. */

export type Matrix = readonly (readonly number[])[];

/**
 * Computes some neighbouring outputs of a filter with few products: y = A · ((G · w) ⊙ (B · x)).
 *
 * Of two axes, one algorithm along each is applied in turn.
 */
export interface Transform {
  readonly name: string;
  /** Outputs × products. */
  readonly A: Matrix;
  /** Products × inputs. */
  readonly B: Matrix;
  /** Products × taps. */
  readonly G: Matrix;
  /** The first input, counted from the one that tap 0 of the first output reads. */
  readonly firstInput: number;
  /** Whether the inputs before and behind those that B reads must lie outside the map. */
  readonly isolated: boolean;
  /** Whether the rounding error is about that of the direct sum; otherwise it is four to five times as large. */
  readonly precise: boolean;
}

export const outputsOf = ({ A }: Transform): number => A.length;
export const productsOf = ({ B }: Transform): number => B.length;
export const tapsOf = ({ G }: Transform): number => G[0]!.length;
export const inputsOf = ({ B }: Transform): number => B[0]!.length;

/** Coefficients of the product of (x - root), lowest power first. */
function polynomial(roots: readonly number[]): number[] {
  let coefficients = [1];
  for (const root of roots)
    coefficients = [0, ...coefficients].map((c, i) => c - root * (coefficients[i] ?? 0));
  return coefficients;
}

/**
 * F(outputs, taps) by Toom and Cook: the transposed product of polynomials, evaluated at finite points and at infinity.
 *
 * Points that are small multiples of powers of two make A and B exact in float32.
 */
function toomCook(taps: number, points: readonly number[], precise: boolean): Transform {
  const outputs = points.length + 2 - taps;
  const others = points.map((_, j) => points.filter((_, l) => l !== j));
  const factors = others.map((roots, j) => roots.reduce((f, root) => f * (points[j]! - root), 1));
  const powers = Array.from({ length: taps }, (_, t) => t);
  return {
    name: `F(${outputs},${taps})`,
    A: Array.from({ length: outputs }, (_, power) => [
      ...points.map((point) => point ** power),
      power === outputs - 1 ? 1 : 0,
    ]),
    B: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(points)],
    G: [
      ...points.map((point, j) => powers.map((power) => point ** power / factors[j]!)),
      powers.map((power) => (power === taps - 1 ? 1 : 0)),
    ],
    firstInput: 0,
    isolated: false,
    precise,
  };
}

/** No filter along this axis. */
export const identity: Transform = {
  name: 'identity',
  A: [[1]],
  B: [[1]],
  G: [[1]],
  firstInput: 0,
  isolated: false,
  precise: true,
};

/**
 * The points were searched for the smallest error; 0, ±1, ±2, as often printed, have three times as much in F(4,3).
 * T2 is for phases of two samples: the outer inputs are padding, so that three products do instead of F(2,3)'s four.
 */
export const transforms: readonly Transform[] = [
  {
    name: 'T2',
    A: [
      [1, 1, 0],
      [1, 0, 1],
    ],
    B: [
      [1, 1],
      [0, 1],
      [1, 0],
    ],
    G: [
      [0, 1, 0],
      [0, -1, 1],
      [1, -1, 0],
    ],
    firstInput: 1,
    isolated: true,
    precise: true,
  },
  toomCook(3, [0, 1, -1], true),
  toomCook(3, [0, 3 / 4, -3 / 4, -2], false),
  toomCook(3, [0, 3 / 4, -3 / 4, 3 / 2, -3 / 2], false),
  toomCook(2, [0, 1, -1], true),
  toomCook(2, [0, 3 / 4, -3 / 4, -2], false),
];
