import { RfError } from './error.js';
import type { AxisSample, AxisWindow, Interval, Reach } from './types.js';

/**
 * Reading along one axis: the only place that knows what the four kinds of reach mean for positions.
 */

export const gcd = (a: number, b: number): number => {
  while (b) [a, b] = [b, a % b];
  return a;
};

export const modulo = (a: number, b: number): number => ((a % b) + b) % b;

/** Floor that takes rounding noise for the integer it came from. */
function floorNear(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-9 ? nearest : Math.floor(value);
}

export const samplePosition = ({ scale, offset }: AxisSample, output: number): number =>
  scale === 0 ? floorNear(offset) : floorNear(output * scale + offset);

/** Positions that one output of a transposed window reads, from the first or from the last tap on, `most` at most. */
function transposedPositions(window: AxisWindow, output: number, most: number, fromLast: boolean): number[] {
  const { kernel, stride, dilation, padBefore } = window;
  const found: number[] = [];
  // after this many taps, `t * dilation` modulo the stride starts again
  const cycle = stride / gcd(stride, dilation);
  for (let k = 0; k < Math.min(kernel, cycle * most) && found.length < most; k++) {
    const position = output + padBefore - (fromLast ? kernel - 1 - k : k) * dilation;
    if (position % stride === 0) found.push(position / stride);
  }
  return found;
}

/** The first `most` and the last `most` positions that one output reads, in any order; none for `everything`. */
export function outerReads(reach: Reach, axis: number, output: number, most: number): number[] {
  if (reach.type === 'everything') return [];
  if (reach.type === 'transposed') {
    const window = reach.axes[axis]!;
    return [
      ...transposedPositions(window, output, most, false),
      ...transposedPositions(window, output, most, true),
    ];
  }
  const axes = reach.axes[axis]!;
  const [taps, step, base] =
    'taps' in axes
      ? [axes.taps, 1, samplePosition(axes, output)]
      : [axes.kernel, axes.dilation, output * axes.stride - axes.padBefore];
  const found: number[] = [];
  for (let t = 0; t < Math.min(taps, most); t++) found.push(base + t * step, base + (taps - 1 - t) * step);
  return found;
}

/** Refuses taps that can only be followed one by one and are too many for that. */
export function few(taps: number): number {
  if (taps <= 2 ** 20) return taps;
  throw new RfError(
    `a kernel of ${taps} taps is too long for a transposed convolution or resize; at most ${2 ** 20} are followed`,
    { taps },
  );
}

/** First and last input read by the outputs `from` to `to`; undefined where they read none. Unclipped. */
export function readInterval(reach: Reach, axis: number, [from, to]: Interval): Interval | undefined {
  switch (reach.type) {
    case 'everything':
      return [-Infinity, Infinity];
    case 'window': {
      const { kernel, stride, dilation, padBefore } = reach.axes[axis]!;
      return [from * stride - padBefore, to * stride - padBefore + (kernel - 1) * dilation];
    }
    case 'transposed': {
      const { kernel, stride, dilation, padBefore } = reach.axes[axis]!;
      const count = few(Math.min(kernel, stride / gcd(stride, dilation)));
      let [first, last] = [Infinity, -Infinity];
      for (let t = 0; t < count; t++) {
        const [late, early] = [(kernel - 1 - t) * dilation - padBefore, t * dilation - padBefore];
        const low = Math.ceil((from - late) / stride);
        const high = Math.floor((to - early) / stride);
        if (low * stride + late <= to) first = Math.min(first, low);
        if (high * stride + early >= from) last = Math.max(last, high);
      }
      return first <= last ? [first, last] : undefined;
    }
    case 'sample': {
      const sample = reach.axes[axis]!;
      return [samplePosition(sample, from), samplePosition(sample, to) + sample.taps - 1];
    }
  }
}

/** How far reading moves per output, as a fraction in lowest terms; undefined if the scale is none. */
export function ratioOf(reach: Reach, axis: number): readonly [inputs: number, outputs: number] | undefined {
  if (reach.type === 'everything') return [1, 1];
  if (reach.type === 'sample') return fraction(reach.axes[axis]!.scale);
  const { stride } = reach.axes[axis]!;
  return reach.type === 'window' ? [stride, 1] : [1, stride];
}

/** Middle of what output 0 reads, as the mean over all phases. */
export function middleOf(reach: Reach, axis: number): number {
  if (reach.type === 'everything') return NaN;
  if (reach.type !== 'sample') {
    const { kernel, stride, dilation, padBefore } = reach.axes[axis]!;
    const middle = ((kernel - 1) * dilation) / 2 - padBefore;
    return reach.type === 'window' ? middle : -middle / stride;
  }
  const { scale, offset, taps } = reach.axes[axis]!;
  // interpolation weighs its two neighbours by the position itself; otherwise the position is rounded down
  if (taps === 2) return offset;
  const every = fraction(scale)?.[1] ?? Infinity;
  const lost = (offset * every - floorNear(offset * every) + (every - 1) / 2) / every;
  return offset - lost + (taps - 1) / 2;
}

/** Refuses positions that are no longer exact, and turns -0 into 0. */
export function exact(where: string, position: number): number {
  if (Number.isSafeInteger(position) || Math.abs(position) === Infinity) return position + 0;
  throw new RfError(`${where}: positions exceed 2^53; use smaller strides, dilations or fewer layers`, {
    position,
  });
}

/** The fraction in lowest terms that a scale stands for; undefined if its denominator is over a million. */
function fraction(value: number): readonly [numerator: number, denominator: number] | undefined {
  let [p0, q0, p1, q1] = [0, 1, 1, 0];
  let rest = value;
  while (true) {
    const whole = Math.floor(rest);
    [p0, q0, p1, q1] = [p1, q1, whole * p1 + p0, whole * q1 + q0];
    if (q1 > 1e6 || !Number.isSafeInteger(p1)) return undefined;
    if (Math.abs(value - p1 / q1) <= 4 * Number.EPSILON * value) return [p1, q1];
    rest = 1 / (rest - whole);
  }
}
