/**
 * TensorFlow writes a convolution with rate r as SpaceToBatch, a convolution without, and BatchToSpace. Here the three
 * become the one convolution that they compute, which is faster, tiles, and shows its receptive field.
 */
import type { AxisWindow, Shape } from '../graph.js';
import { broadcastTo, slice } from '../ops/layout.js';
import { equalShapes } from '../shape.js';
import { type Expression, expressionOf, makeTensor, type Tensor } from '../tensor.js';
import { outputLength } from '../window.js';

type ExpressionOf<K extends Expression['kind']> = Expression & { readonly kind: K };

function expressionIf<K extends Expression['kind']>(tensor: Tensor, kind: K): ExpressionOf<K> | undefined {
  const expression = expressionOf(tensor);
  return expression.kind === kind ? (expression as ExpressionOf<K>) : undefined;
}

/** Convolutions that were recognised: the crop that follows them may come in a step of its own. */
const recognized = new WeakSet<Tensor>();

/**
 * The dilated convolution that a layout op completes, or y itself.
 *
 * Recognised are, from y backwards: a crop of spatial axes; depth-to-space over the batch (`batchToSpace`); per-channel
 * bias, batch normalisation and activations; a convolution of stride 1; space-to-depth over the batch (`spaceToBatch`)
 * with the same block; padding with zeros. Taps outside are zero in both, and an output of phase p reads only phase p,
 * so the results are equal to the last bit on a backend that adds in the order of the taps.
 *
 * @param y the result of `batchToSpace`, or of a slice or crop that may follow it
 */
export function recognizeDilation(y: Tensor): Tensor {
  const crop = cropOf(y);
  const whole = crop?.source ?? y;
  const dilated = dilatedOf(whole) ?? (crop && isRecognized(whole) ? whole : undefined);
  if (dilated === undefined) return y;
  return crop ? cropped(dilated, crop) : dilated;
}

interface Crop {
  readonly source: Tensor;
  /** Elements cut off, per spatial axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** A slice without steps, or a pad that only crops, of spatial axes alone. */
function cropOf(y: Tensor): Crop | undefined {
  const expression = expressionOf(y);
  const start =
    expression.kind === 'slice' && expression.step.every((step) => step === 1)
      ? expression.start
      : expression.kind === 'pad'
        ? expression.before.map((amount) => -amount)
        : undefined;
  if (start === undefined) return undefined;
  const source = expression.inputs[0]!;
  const after = start.map((from, axis) => source.shape[axis]! - from - y.shape[axis]!);
  const cuts = [...start.map((from, axis) => [axis, from] as const), ...after.entries()];
  if (cuts.some(([axis, amount]) => amount < 0 || (axis < 2 && amount > 0))) return undefined;
  return { source, before: start.slice(2), after: after.slice(2) };
}

function dilatedOf(y: Tensor): Tensor | undefined {
  const toSpace = expressionIf(y, 'depthToSpace');
  if (toSpace?.axis !== 0 || !toSpace.phaseMajor) return undefined;
  const chain = chainOf(toSpace.inputs[0]!);
  if (chain === undefined) return undefined;
  const conv = expressionIf(chain.conv, 'conv')!;
  const windows = windowsOf(conv);
  const [phases, weight] = conv.inputs as readonly [Tensor, Tensor];
  const toBatch = expressionIf(phases, 'spaceToDepth');
  if (toBatch?.axis !== 0 || !toBatch.phaseMajor || !equalShapes(toBatch.block, toSpace.block))
    return undefined;
  if (windows.some(({ stride }) => stride !== 1)) return undefined;
  const { source, before, after } = zerosAround(toBatch.inputs[0]!);
  const dilated = convolution(
    chain.conv,
    source,
    weight,
    windows.map((window, axis) => {
      const rate = toBatch.block[axis]!;
      return {
        ...window,
        dilation: window.dilation * rate,
        padBefore: window.padBefore * rate + before[axis]!,
        padAfter: window.padAfter * rate + after[axis]!,
      };
    }),
  );
  return applied(chain.links, dilated);
}

const windowsOf = (conv: ExpressionOf<'conv'>): readonly AxisWindow[] =>
  (conv.reach as { readonly axes: readonly AxisWindow[] }).axes;

/** A convolution like another one, with windows of its own. */
function convolution(like: Tensor, x: Tensor, weight: Tensor, axes: readonly AxisWindow[]): Tensor {
  const shape = [
    x.shape[0]!,
    like.shape[1]!,
    ...axes.map((window, axis) => outputLength(x.shape[axis + 2]!, window)),
  ];
  const { groups } = expressionIf(like, 'conv')!;
  const made = makeTensor(
    { kind: 'conv', groups, inputs: [x, weight], reach: { type: 'window', axes } },
    shape,
    'float32',
    like.name,
  );
  recognized.add(made);
  return made;
}

/** What a pad adds around the spatial axes, if it is zeros; nothing otherwise. */
function zerosAround(x: Tensor): Crop {
  const pad = expressionIf(x, 'pad');
  const source = pad?.inputs[0] ?? x;
  const before = pad?.before ?? [];
  const after = before.map((amount, axis) => x.shape[axis]! - source.shape[axis]! - amount);
  const zeros =
    pad?.mode === 'constant' &&
    pad.value === 0 &&
    [...before.entries(), ...after.entries()].every(([axis, amount]) =>
      axis < 2 ? amount === 0 : amount >= 0,
    );
  const none = x.shape.slice(2).map(() => 0);
  return zeros
    ? { source, before: before.slice(2), after: after.slice(2) }
    : { source: x, before: none, after: none };
}

interface Chain {
  readonly conv: Tensor;
  /** Pointwise ops after it, the last one first. */
  readonly links: readonly Tensor[];
}

/** Pointwise ops with operands that are the same at every position, back to the convolution. */
function chainOf(y: Tensor): Chain | undefined {
  const links: Tensor[] = [];
  for (let at = y; ; ) {
    const expression = expressionOf(at);
    if (expression.kind === 'conv') return { conv: at, links };
    const varying =
      expression.kind === 'unary' || expression.kind === 'clip'
        ? expression.inputs
        : expression.kind === 'binary'
          ? expression.inputs.filter((operand) => perChannel(operand) === undefined)
          : [];
    if (varying.length !== 1) return undefined;
    links.push(at);
    at = varying[0]!;
  }
}

/** What is broadcast over batch and positions. */
function perChannel(operand: Tensor): Tensor | undefined {
  const source = expressionIf(operand, 'broadcast')?.inputs[0];
  return source?.shape.every((size, axis) => size === 1 || axis === 1) ? source : undefined;
}

/** The same pointwise ops on another value. */
const applied = (links: readonly Tensor[], x: Tensor): Tensor =>
  links.reduceRight((value, link) => {
    const { inputs, ...op } = expressionOf(link);
    const operands = inputs.map((operand) => {
      const source = perChannel(operand);
      return source === undefined ? value : broadcastTo(source, value.shape);
    });
    return makeTensor({ ...op, inputs: operands } as Expression, value.shape, value.dtype, link.name);
  }, x);

const isRecognized = (y: Tensor): boolean => {
  const chain = chainOf(y);
  return chain !== undefined && recognized.has(chain.conv);
};

/** Less padding instead of a crop, where there is as much. */
function cropped(dilated: Tensor, { before, after }: Crop): Tensor {
  const { conv, links } = chainOf(dilated)!;
  const expression = expressionIf(conv, 'conv')!;
  const windows = windowsOf(expression).map((window, axis) => ({
    ...window,
    padBefore: window.padBefore - before[axis]!,
    padAfter: window.padAfter - after[axis]!,
  }));
  const [x, weight] = expression.inputs as readonly [Tensor, Tensor];
  if (windows.every(({ padBefore, padAfter }) => padBefore >= 0 && padAfter >= 0))
    return applied(links, convolution(conv, x, weight, windows));
  const end = (axis: number): number => dilated.shape[axis + 2]! - after[axis]!;
  const axes: Shape = before.map((_, axis) => axis + 2);
  return slice(dilated, { axes, start: before, end: before.map((_, axis) => end(axis)) });
}
