/** Real and imaginary parts, row by row. */
interface Complex {
  readonly re: Float64Array<ArrayBuffer>;
  readonly im: Float64Array<ArrayBuffer>;
}

/**
 * A discrete Fourier transform of any length, X[k] = Σ x[j] · exp(−2πi · jk / n): Cooley and Tukey's division by the prime
 * factors of n. Feature maps are as large as pictures make them, and libraries with a fast transform want powers of two.
 */
class Transform {
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #factors: readonly number[];
  /** One value of each part. */
  readonly #parts: Complex;

  constructor(readonly size: number) {
    const angle = (k: number) => (-2 * Math.PI * k) / size;
    this.#cos = Float64Array.from({ length: size }, (_, k) => Math.cos(angle(k)));
    this.#sin = Float64Array.from({ length: size }, (_, k) => Math.sin(angle(k)));
    this.#factors = primeFactors(size);
    const most = Math.max(1, ...this.#factors);
    this.#parts = { re: new Float64Array(most), im: new Float64Array(most) };
  }

  /** @param to must not be `from` */
  run(from: Complex, to: Complex): void {
    this.#part(from, 0, 1, to, 0, this.size, 0);
  }

  /** Transforms the `n` values of `from` that lie `step` apart. */
  #part(from: Complex, start: number, step: number, to: Complex, at: number, n: number, level: number): void {
    if (n === 1) {
      to.re[at] = from.re[start]!;
      to.im[at] = from.im[start]!;
      return;
    }
    const p = this.#factors[level]!;
    const m = n / p;
    for (let r = 0; r < p; r++) this.#part(from, start + r * step, step * p, to, at + r * m, m, level + 1);
    const { re, im } = this.#parts;
    const { size } = this;
    for (let k = 0; k < m; k++) {
      for (let r = 0; r < p; r++) {
        const i = at + r * m + k;
        // size / n = step
        const [c, s] = [this.#cos[r * k * step]!, this.#sin[r * k * step]!];
        re[r] = to.re[i]! * c - to.im[i]! * s;
        im[r] = to.re[i]! * s + to.im[i]! * c;
      }
      for (let q = 0; q < p; q++) {
        let [sumRe, sumIm] = [0, 0];
        for (let r = 0; r < p; r++) {
          const turn = ((q * r) % p) * (size / p);
          sumRe += re[r]! * this.#cos[turn]! - im[r]! * this.#sin[turn]!;
          sumIm += re[r]! * this.#sin[turn]! + im[r]! * this.#cos[turn]!;
        }
        to.re[at + q * m + k] = sumRe;
        to.im[at + q * m + k] = sumIm;
      }
    }
  }
}

function primeFactors(n: number): number[] {
  const factors: number[] = [];
  let rest = n;
  for (let p = 2; p * p <= rest; p++)
    while (rest % p === 0) {
      factors.push(p);
      rest /= p;
    }
  return rest > 1 ? [...factors, rest] : factors;
}

/** The squared magnitudes of the two-dimensional transform of real values `[height, width]`, frequency 0 first. */
export function powerSpectrum(
  values: Float64Array<ArrayBuffer>,
  height: number,
  width: number,
): Float64Array<ArrayBuffer> {
  const rows = lines({ re: values, im: new Float64Array(values.length) }, new Transform(width), height, {
    line: width,
    value: 1,
  });
  const { re, im } = lines(rows, new Transform(height), width, { line: 1, value: width });
  return re.map((value, i) => value * value + im[i]! * im[i]!);
}

/** Transforms every line: lines lie `line` apart, their values `value`. */
function lines(
  { re, im }: Complex,
  transform: Transform,
  count: number,
  apart: { readonly line: number; readonly value: number },
): Complex {
  const n = transform.size;
  const empty = (length: number): Complex => ({ re: new Float64Array(length), im: new Float64Array(length) });
  const [from, to, out] = [empty(n), empty(n), empty(re.length)];
  for (let l = 0; l < count; l++) {
    for (let k = 0; k < n; k++) {
      const i = l * apart.line + k * apart.value;
      from.re[k] = re[i]!;
      from.im[k] = im[i]!;
    }
    transform.run(from, to);
    for (let k = 0; k < n; k++) {
      const i = l * apart.line + k * apart.value;
      out.re[i] = to.re[k]!;
      out.im[i] = to.im[k]!;
    }
  }
  return out;
}
