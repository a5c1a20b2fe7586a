/** Functions of four floats at once, to float32 accuracy. */
import type { UnaryFunction } from '../../graph.js';
import { type FunctionWriter, type Local, v128 } from '../wasm/encoder.js';

/** Replaces the value in `x` by the function of it. */
export type VectorFunction = (f: FunctionWriter, x: Local) => void;

const scratchOf = new WeakMap<FunctionWriter, Local[]>();

/** Locals for intermediate results, shared by all functions of one kernel. */
function scratch(f: FunctionWriter, count: number): Local[] {
  const locals = scratchOf.get(f) ?? [];
  while (locals.length < count) locals.push(f.local(v128));
  scratchOf.set(f, locals);
  return locals;
}

/** Puts Σ coefficients[i] · x^i on the stack (Horner). */
function polynomial(f: FunctionWriter, x: Local, coefficients: readonly number[]): void {
  const [highest, ...rest] = [...coefficients].reverse();
  f.vectorConst(highest!);
  for (const c of rest) f.get(x).vMul().vectorConst(c).vAdd();
}

/**
 * e^x by 2^n · e^r, |r| ≤ ln 2 / 2, with a polynomial of degree 6 for e^r; overflows to infinity and underflows to 0
 * as float32 does (the smallest denormals become 0).
 */
function exponential(f: FunctionWriter, x: Local): void {
  const [n, r] = scratch(f, 2) as [Local, Local];
  const logTwoHigh = 0.693359375;
  const logTwoLow = -2.1219444e-4;
  // NaN passes through the bounds as the first operand.
  f.get(x).vectorConst(-104).vMaxQuick().vectorConst(89).vMinQuick().set(x);
  f.get(x).vectorConst(Math.LOG2E).vMul().vNearest().set(n);
  f.get(x).get(n).vectorConst(logTwoHigh).vMul().vSub().get(n).vectorConst(logTwoLow).vMul().vSub().set(r);
  polynomial(f, r, [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720]);
  // 2^n in two factors: each stays within the exponents that exist.
  f.get(n).vectorConst(0.5).vMul().vFloor().set(x);
  f.get(x).vToInt().vectorConstInt(127).vIntAdd().const(23).vIntShiftLeft().vMul();
  f.get(n).get(x).vSub().vToInt().vectorConstInt(127).vIntAdd().const(23).vIntShiftLeft().vMul();
  f.set(x);
}

/** 1 / (1 + e^−x) */
function sigmoid(f: FunctionWriter, x: Local): void {
  f.get(x).vNeg().set(x);
  exponential(f, x);
  f.vectorConst(1).vectorConst(1).get(x).vAdd().vDiv().set(x);
}

/**
 * sign(x) · (1 − 2 / (e^2|x| + 1)), and an odd polynomial near 0, where that would cancel (Taylor, |x| < 0.3).
 */
function tangent(f: FunctionWriter, x: Local): void {
  const [, , original, square, small] = scratch(f, 5) as [Local, Local, Local, Local, Local];
  f.get(x).set(original).get(x).get(x).vMul().set(square);
  polynomial(f, square, [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835]);
  f.get(original).vMul().set(small);
  f.get(original).vAbs().vectorConst(2).vMul().set(x);
  exponential(f, x);
  f.vectorConst(1).vectorConst(2).get(x).vectorConst(1).vAdd().vDiv().vSub().set(x);
  withSignOf(f, x, original);
  f.get(small).get(x).get(original).vAbs().vectorConst(0.3).vLess().vSelect().set(x);
}

/** Gives x the sign of another value. */
function withSignOf(f: FunctionWriter, x: Local, sign: Local): void {
  f.get(x)
    .get(sign)
    .vectorConstInt(-(2 ** 31))
    .vAnd()
    .vOr()
    .set(x);
}

/** Error function (Abramowitz & Stegun 7.1.26, |error| ≤ 1.5e-7), and its Taylor series near 0. */
function errorFunction(f: FunctionWriter, x: Local): void {
  const [, , original, t, small] = scratch(f, 5) as [Local, Local, Local, Local, Local];
  f.get(x).set(original).get(x).get(x).vMul().set(t);
  const factor = 2 / Math.sqrt(Math.PI);
  polynomial(f, t, [factor, -factor / 3, factor / 10, -factor / 42, factor / 216]);
  f.get(original).vMul().set(small);
  f.get(t).vNeg().set(x);
  exponential(f, x);
  f.vectorConst(1).vectorConst(1).get(original).vAbs().vectorConst(0.3275911).vMul().vAdd().vDiv().set(t);
  f.vectorConst(1).get(x);
  polynomial(f, t, [0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]);
  f.vMul().vSub().set(x);
  withSignOf(f, x, original);
  f.get(small).get(x).get(original).vAbs().vectorConst(0.4).vLess().vSelect().set(x);
}

/**
 * Natural logarithm: x = 2^e · m with m in [√½, √2), then ln m by the Cephes polynomial (logf). Zero gives −∞, negative
 * values NaN, denormals are taken as zero.
 */
function logarithm(f: FunctionWriter, x: Local): void {
  const [exponent, m, original, square] = scratch(f, 4) as [Local, Local, Local, Local];
  f.get(x).set(original);
  f.get(x).const(23).vIntShiftRight().vectorConstInt(126).vIntSub().vFromInt().set(exponent);
  f.get(x).vectorConstInt(0x007fffff).vAnd().vectorConst(0.5).vOr().set(m);
  // Where m < √½: e − 1 and 2m − 1, otherwise e and m − 1.
  f.get(m).vectorConst(Math.SQRT1_2).vLess().set(square);
  f.get(exponent).vectorConst(1).get(square).vAnd().vSub().set(exponent);
  f.get(m).get(m).get(square).vAnd().vAdd().vectorConst(1).vSub().set(m);
  f.get(m).get(m).vMul().set(square);
  polynomial(
    f,
    m,
    [
      3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
      1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
    ],
  );
  f.get(m).vMul().get(square).vMul();
  f.get(exponent).vectorConst(-2.1219444e-4).vMul().vAdd();
  f.get(square).vectorConst(0.5).vMul().vSub().get(m).vAdd();
  f.get(exponent).vectorConst(0.693359375).vMul().vAdd().set(x);
  f.get(x).get(original).get(original).vectorConst(Infinity).vLess().vSelect().set(x);
  f.vectorConst(-Infinity).get(x).get(original).vectorConst(1.17549435e-38).vLess().vSelect().set(x);
  f.vectorConst(NaN).get(x).get(original).vectorConst(0).vLess().vSelect().set(x);
}

/** x · e' where e' = sigmoid(x); −∞ gives −0 rather than NaN. */
function silu(f: FunctionWriter, x: Local): void {
  const [, , original] = scratch(f, 3) as [Local, Local, Local];
  f.get(x).vectorConst(-3.4028234663852886e38).vMax().tee(original).set(x);
  sigmoid(f, x);
  f.get(x).get(original).vMul().set(x);
}

export const vectorFunctions: Readonly<Record<UnaryFunction, VectorFunction>> = {
  relu: (f, x) => f.get(x).vectorConst(0).vPseudoMax().set(x),
  sigmoid,
  tanh: tangent,
  silu,
  hardSwish: (f, x) =>
    f
      .get(x)
      .get(x)
      .vectorConst(3)
      .vAdd()
      .vectorConst(0)
      .vMax()
      .vectorConst(6)
      .vMin()
      .vectorConst(1 / 6)
      .vMul()
      .vMul()
      .set(x),
  exp: exponential,
  log: logarithm,
  sqrt: (f, x) => f.get(x).vSqrt().set(x),
  erf: errorFunction,
  abs: (f, x) => f.get(x).vAbs().set(x),
  neg: (f, x) => f.get(x).vNeg().set(x),
};
