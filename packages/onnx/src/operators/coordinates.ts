/** ONNX's ways to place the samples of a resized axis. */

/** One axis to be resized: `from` samples of the input become `to` of the output. */
export interface AxisSizes {
  readonly input: number;
  readonly output: number;
  /** Input and output size, or 1 … */
  readonly from: number;
  /** … and the scale that the file gives. */
  readonly to: number;
  /** The part of the axis that tf_crop_and_resize looks at, from 0 to 1. */
  readonly region: readonly [start: number, end: number];
}

/** Output o is at `(o · step + start) / over`; as a fraction, so that whole and half samples are met exactly. */
export interface Place {
  readonly step: number;
  readonly start: number;
  readonly over: number;
}

export const sourceOf = ({ step, start, over }: Place, output: number): number =>
  (output * step + start) / over;

const atStart: Place = { step: 0, start: 0, over: 1 };

const halfPixel = ({ from, to }: AxisSizes): Place => ({ step: from, start: (from - to) / 2, over: to });

export const coordinates: Readonly<Record<string, (axis: AxisSizes) => Place>> = {
  half_pixel: halfPixel,
  pytorch_half_pixel: (axis) => (axis.output > 1 ? halfPixel(axis) : atStart),
  // the middle of the input stays in the middle where the output is not input · scale long
  half_pixel_symmetric(axis) {
    const { step, start, over } = halfPixel(axis);
    return { step, start: start + (axis.input * axis.to - axis.output * axis.from) / 2, over };
  },
  align_corners: ({ input, output }) =>
    output > 1 ? { step: input - 1, start: 0, over: output - 1 } : atStart,
  asymmetric: ({ from, to }) => ({ step: from, start: 0, over: to }),
  tf_half_pixel_for_nn: ({ from, to }) => ({ step: from, start: from / 2, over: to }),
  tf_crop_and_resize({ input, output, region: [start, end] }) {
    const last = input - 1;
    return output > 1
      ? { step: (end - start) * last, start: start * last * (output - 1), over: output - 1 }
      : { step: 0, start: (start + end) * last, over: 2 };
  },
};

/** How a source between two samples picks one. */
export const nearest: Readonly<Record<string, (source: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (source) => Math.ceil(source - 0.5),
  round_prefer_ceil: (source) => Math.floor(source + 0.5),
};

/**
 * The offset that makes `floor(output · scale + offset)` pick what `pick` picks, for every output: the middle of all
 * that do, so that rounding in float32 cannot reach a neighbour. Undefined where there is none.
 */
export function offsetFor(
  pick: (source: number) => number,
  place: Place,
  outputs: number,
): number | undefined {
  const scale = place.step / place.over;
  let least = -Infinity;
  let most = Infinity;
  for (let o = 0; o < outputs; o++) {
    const offset = pick(sourceOf(place, o)) - o * scale;
    least = Math.max(least, offset);
    most = Math.min(most, offset + 1);
  }
  return least < most ? (least + most) / 2 : undefined;
}
