import {
  broadcastTo,
  cast,
  FormatError,
  pad,
  type ResizeAxis,
  reshape,
  resize,
  type Shape,
  slice,
  type Tensor,
  tensor,
  UnsupportedError,
} from '@atrous/core';
import type { NodeContext, OperatorTable, Value } from '../operator.js';
import { type AxisSizes, coordinates, nearest, offsetFor, sourceOf } from './coordinates.js';
import { axisOf, flag, given, like, product, required, unsupportedValue } from './values.js';

type Inputs = readonly (Value | undefined)[];
type Mode = 'nearest' | 'linear';

/** What a node asks for, per axis of X. */
interface Wanted {
  readonly mode: Mode;
  readonly axes: readonly AxisSizes[];
  readonly coordinate: string;
  readonly pick: (source: number, axis: AxisSizes) => number;
  /** What tf_crop_and_resize gives outside of X. */
  readonly outside: number;
}

/** Outputs along one axis whose places are computed one by one. */
const mostOutputs = 2 ** 20;

const modes: Readonly<Record<string, Mode>> = { nearest: 'nearest', linear: 'linear', bilinear: 'linear' };

function modeOf({ attributes }: NodeContext): Mode {
  const mode = attributes.text('mode', 'nearest');
  if (!Object.hasOwn(modes, mode)) throw unsupportedValue('mode', mode, ['nearest', 'linear']);
  return modes[mode]!;
}

/** The whole axis. */
const everything = [0, 1] as const;

/** ⌊input · factor⌋ in float32, as the specification's shape inference computes it. */
const outputSize = (input: number, factor: number) => Math.floor(Math.fround(input * Math.fround(factor)));

/** The numbers of an input that may be left out, or be empty. */
function numbersOf(inputs: Inputs, index: number, name: string, context: NodeContext) {
  const value = inputs[index];
  const numbers = value === undefined ? [] : context.known(value, name);
  return numbers.length > 0 ? numbers : undefined;
}

type Ratio = Pick<AxisSizes, 'from' | 'to'>;

/** Sizes and ratios per listed axis, after the policy that keeps the proportions of X. */
function sizesWithPolicy(x: Shape, axes: readonly number[], sizes: readonly number[], context: NodeContext) {
  const policy = context.attributes.text('keep_aspect_ratio_policy', 'stretch');
  const ratios = axes.map((axis, i): Ratio => ({ from: x[axis]!, to: sizes[i]! }));
  if (policy === 'stretch') return { sizes, ratios };
  if (policy !== 'not_larger' && policy !== 'not_smaller')
    throw unsupportedValue('keep_aspect_ratio_policy', policy, ['stretch', 'not_larger', 'not_smaller']);
  const sign = policy === 'not_larger' ? 1 : -1;
  const ratio = ratios.reduce((a, b) => (sign * (b.to / b.from - a.to / a.from) < 0 ? b : a));
  return {
    sizes: axes.map((axis) => Math.floor((x[axis]! * ratio.to) / ratio.from + 0.5)),
    ratios: axes.map(() => ratio),
  };
}

function axesOf(x: Shape, inputs: Inputs, context: NodeContext): AxisSizes[] {
  const { attributes, opset } = context;
  // version 10 has neither region nor sizes
  const first = opset < 11 ? 1 : 2;
  const axes = attributes.numbers('axes')?.map((axis) => axisOf(axis, x.length)) ?? x.map((_, axis) => axis);
  const scales =
    numbersOf(inputs, first, 'scales', context) ?? (opset < 9 ? attributes.numbers('scales') : undefined);
  const wantedSizes = opset < 11 ? undefined : numbersOf(inputs, 3, 'sizes', context);
  const list = given(wantedSizes ?? scales, 'sizes or scales');
  if (list.length !== axes.length || list.some((entry) => !(entry > 0 && entry < Infinity)))
    throw new FormatError(`scales or sizes must be ${axes.length} positive numbers but are [${list}]`, {
      list,
      X: x,
    });
  const { sizes, ratios } = wantedSizes
    ? sizesWithPolicy(x, axes, wantedSizes, context)
    : {
        sizes: axes.map((axis, i) => outputSize(x[axis]!, list[i]!)),
        ratios: list.map((scale): Ratio => ({ from: 1, to: Math.fround(scale) })),
      };
  const crops = attributes.text('coordinate_transformation_mode') === 'tf_crop_and_resize';
  const regions = crops ? given(numbersOf(inputs, 1, 'roi', context), 'roi') : [];
  if (crops && regions.length !== 2 * axes.length)
    throw new FormatError(`roi [${regions}] must have two entries for each of ${axes.length} axes`, {
      roi: regions,
      X: x,
    });
  return x.map((input, axis): AxisSizes => {
    const i = axes.indexOf(axis);
    if (i < 0) return { input, output: input, from: 1, to: 1, region: everything };
    const region = crops ? ([regions[i]!, regions[i + axes.length]!] as const) : everything;
    return { input, output: sizes[i]!, ...ratios[i]!, region };
  });
}

function wantedOf(x: Shape, inputs: Inputs, context: NodeContext): Wanted {
  const { attributes, opset } = context;
  const mode = modeOf(context);
  const axes = axesOf(x, inputs, context);
  if (opset < 11) {
    // without a choice of coordinates; Upsample takes floor, Resize of version 10 the sample above where it shrinks
    const pick = (source: number, { from, to }: AxisSizes) =>
      to < from ? Math.ceil(source) : Math.floor(source);
    return { mode, axes, coordinate: 'asymmetric', pick, outside: 0 };
  }
  const coordinate = attributes.text('coordinate_transformation_mode', 'half_pixel');
  if (!Object.hasOwn(coordinates, coordinate))
    throw unsupportedValue('coordinate_transformation_mode', coordinate, Object.keys(coordinates));
  const rounding = attributes.text('nearest_mode', 'round_prefer_floor');
  if (!Object.hasOwn(nearest, rounding))
    throw unsupportedValue('nearest_mode', rounding, Object.keys(nearest));
  if (mode === 'linear' && flag(context, 'antialias') && axes.some(({ input, output }) => output < input))
    throw unsupportedValue('antialias', 1, [0]);
  return {
    mode,
    axes,
    coordinate,
    pick: nearest[rounding]!,
    outside: attributes.number('extrapolation_value', 0),
  };
}

/** Scale and offset for one axis, or undefined where it stays as it is. */
function sampleOf({ mode, coordinate, pick }: Wanted, axis: AxisSizes): ResizeAxis | undefined {
  const { input, output } = axis;
  // wherever the one sample is looked for, it is there
  if (input === 1 && output === 1) return undefined;
  const place = coordinates[coordinate]!(axis);
  const scale = place.step / place.over;
  if (mode === 'linear') {
    const offset = place.start / place.over;
    return input === output && scale === 1 && offset === 0 ? undefined : { scale, offset };
  }
  if (output > mostOutputs)
    throw new UnsupportedError(
      `resizing to ${output} samples along one axis is not supported; at most ${mostOutputs} are`,
      {
        output,
      },
    );
  const offset = offsetFor((source) => pick(source, axis), place, output);
  if (offset === undefined)
    throw new UnsupportedError(
      `nearest samples of ${input} at ${output} places do not lie at equal distances (${coordinate}); use another nearest_mode`,
      { input, output, coordinate },
    );
  return input === output && scale === 1 && Math.floor(offset) === 0 ? undefined : { scale, offset };
}

/** All at once where the axes are spatial ones, otherwise one after the other. */
function resampled(x: Tensor, mode: Mode, samples: readonly (ResizeAxis | undefined)[], to: Shape): Tensor {
  const still: ResizeAxis = mode === 'linear' ? { scale: 1, offset: 0 } : { scale: 1, offset: 0.5 };
  const rank = x.shape.length;
  if (samples.every((sample) => sample === undefined)) return x;
  if (rank >= 3 && rank <= 5 && samples[0] === undefined && samples[1] === undefined)
    return resize(x, { size: to.slice(2), mode, axes: samples.slice(2).map((sample) => sample ?? still) });
  return samples.reduce((y: Tensor, sample, axis) => {
    if (sample === undefined) return y;
    const shape = y.shape;
    const planes = reshape(y, [
      1,
      product(shape.slice(0, axis)),
      shape[axis]!,
      product(shape.slice(axis + 1)),
    ]);
    const resized = resize(planes, { size: [to[axis]!, planes.shape[3]!], mode, axes: [sample, still] });
    return reshape(
      resized,
      shape.map((size, a) => (a === axis ? to[axis]! : size)),
    );
  }, x);
}

/** Outputs whose source is outside of X get a value of their own: they lie before and after those inside. */
function extrapolated(y: Tensor, { axes, coordinate, outside }: Wanted): Tensor {
  const inside = axes.map((axis): readonly [number, number] => {
    const place = coordinates[coordinate]!(axis);
    const within = (o: number) => sourceOf(place, o) >= 0 && sourceOf(place, o) <= axis.input - 1;
    if (axis.output > mostOutputs)
      throw new UnsupportedError(`resizing to ${axis.output} samples along one axis is not supported`, {
        output: axis.output,
      });
    let from = 0;
    while (from < axis.output && !within(from)) from++;
    let to = from;
    while (to < axis.output && within(to)) to++;
    return [from, to];
  });
  if (inside.some(([from, to]) => from === to)) return broadcastTo(cast(tensor(outside), y.dtype), y.shape);
  const part = slice(y, { start: inside.map(([from]) => from), end: inside.map(([, to]) => to) });
  return pad(
    part,
    inside.map(([from, to], axis) => [from, y.shape[axis]! - to]),
    { value: outside },
  );
}

function resizedTo(inputs: Inputs, context: NodeContext): Value {
  const value = required(inputs, 0, 'X');
  const x = value.tensor;
  const wanted = wantedOf(x.shape, inputs, context);
  if (wanted.mode === 'linear' && x.dtype !== 'float32')
    throw new UnsupportedError(`linear resizing of ${value.type} is not supported; cast to float first`, {
      type: value.type,
    });
  const to = wanted.axes.map(({ output }) => output);
  const samples = wanted.axes.map((axis) => sampleOf(wanted, axis));
  const y = resampled(x, wanted.mode, samples, to);
  return like(value, wanted.coordinate === 'tf_crop_and_resize' ? extrapolated(y, wanted) : y);
}

export const resizing: OperatorTable = {
  Resize: {
    since: 10,
    attributes: [
      'antialias',
      'axes',
      'coordinate_transformation_mode',
      // these say something about modes that are not supported, or about weights of 0
      'cubic_coeff_a',
      'exclude_outside',
      'extrapolation_value',
      'keep_aspect_ratio_policy',
      'mode',
      'nearest_mode',
    ],
    run: resizedTo,
  },
  Upsample: { since: 7, attributes: ['mode', 'scales'], run: resizedTo },
};
