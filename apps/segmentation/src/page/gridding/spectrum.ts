import { powerSpectrum } from './fourier.js';

/** A frequency band along one axis, in periods per cell: 0.5 is a pattern that repeats every second cell. */
interface Band {
  readonly from: number;
  readonly to: number;
}

/** What counts as a pattern of period 2. */
export const peakBand: Band = { from: 0.47, to: 0.5 };

/** What its power is compared with. */
export const neighbourBand: Band = { from: 0.36, to: 0.44 };

/** The frequency along the other axis lies below this. */
export const crossLimit = 0.1;

/** Cells at each border that are left out: zero padding shows there. */
export const border = 4;

/** Cells per side that a map must have, so that every band holds some frequencies. */
export const smallestSide = 40;

/** Power of every frequency, `[height, width]`, frequency 0 first; adds up to 1, or is all 0 for a constant map. */
export interface Spectrum {
  readonly height: number;
  readonly width: number;
  readonly power: Float64Array<ArrayBuffer>;
}

/** The spectrum of a feature map `[height, width]` without its borders, without its mean, under a Hann window. */
export function spectrumOf(map: Float32Array, height: number, width: number): Spectrum {
  const [h, w] = [height - 2 * border, width - 2 * border];
  const values = new Float64Array(h * w);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) values[y * w + x] = map[(y + border) * width + x + border]!;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [down, across] = [hann(h), hann(w)];
  for (let i = 0; i < values.length; i++)
    values[i] = (values[i]! - mean) * down[Math.floor(i / w)]! * across[i % w]!;
  const power = powerSpectrum(values, h, w);
  const total = power.reduce((sum, value) => sum + value, 0);
  // below this there are only rounding errors of a constant map
  return { height: h, width: w, power: power.map((value) => (total > 1e-12 ? value / total : 0)) };
}

const hann = (n: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (n - 1)));

/** The mean of spectra of one size. */
export function meanSpectrum(spectra: readonly Spectrum[]): Spectrum {
  const { height, width } = spectra[0]!;
  const power = new Float64Array(height * width);
  for (const one of spectra)
    for (let i = 0; i < power.length; i++) power[i]! += one.power[i]! / spectra.length;
  return { height, width, power };
}

/** |f| of the k-th of n frequencies. */
export const frequency = (k: number, n: number): number => Math.min(k, n - k) / n;

/**
 * How far a pattern that repeats every second cell stands out: mean power at |f| ≥ 0.47 over that at 0.36 ≤ |f| < 0.44
 * along an axis, |f| < 0.1 along the other; the mean of both axes. About 1 or below: no peak. NaN without any power.
 */
export function peakRatio(spectrum: Spectrum): number {
  const along = (axis: Axis) =>
    bandPower(spectrum, axis, (f) => f >= peakBand.from) /
    bandPower(spectrum, axis, (f) => f >= neighbourBand.from && f < neighbourBand.to);
  return (along('x') + along('y')) / 2;
}

type Axis = 'x' | 'y';

/** Mean power of the frequencies that lie inside along an axis, and near 0 along the other. */
function bandPower({ height, width, power }: Spectrum, axis: Axis, inside: (f: number) => boolean): number {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fy, fx] = [frequency(y, height), frequency(x, width)];
      const [along, cross] = axis === 'x' ? [fx, fy] : [fy, fx];
      if (cross >= crossLimit || !inside(along)) continue;
      sum += power[y * width + x]!;
      count++;
    }
  return sum / count;
}

/**
 * Power along the axes, at equally wide steps of frequency from 0 to 0.5: the mean of both axes, as `peakRatio` sees it. NaN
 * for a step in which a small map has no frequency.
 */
export function profileOf(spectrum: Spectrum, steps: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: steps }, (_, i) => {
    const inStep = (f: number) => Math.min(Math.floor(f * 2 * steps), steps - 1) === i;
    const known = [bandPower(spectrum, 'x', inStep), bandPower(spectrum, 'y', inStep)].filter(
      (power) => !Number.isNaN(power),
    );
    return known.reduce((sum, power) => sum + power, 0) / known.length;
  });
}

/** The middle of the window, away from the borders, in which neighbouring cells differ most from the mean of both sides. */
export function strongestPattern(
  map: Float32Array,
  height: number,
  width: number,
  side: number,
): { x: number; y: number } {
  const energy = (y: number, x: number) => {
    const i = y * width + x;
    const across = map[i - 1]! - 2 * map[i]! + map[i + 1]!;
    const down = map[i - width]! - 2 * map[i]! + map[i + width]!;
    return across * across + down * down;
  };
  let best = { x: width >> 1, y: height >> 1 };
  let most = 0;
  for (let top = border; top + side <= height - border; top += side >> 2)
    for (let left = border; left + side <= width - border; left += side >> 2) {
      let sum = 0;
      for (let y = top; y < top + side; y++) for (let x = left; x < left + side; x++) sum += energy(y, x);
      if (sum > most) {
        most = sum;
        best = { x: left + (side >> 1), y: top + (side >> 1) };
      }
    }
  return best;
}
