import { integer, perAxis, RfError } from './error.js';
import { type ReceptiveField, receptiveField } from './field.js';
import { prepare } from './graph.js';
import type { Layer, NetworkOptions, Padding, ParallelLayer, PerAxis } from './types.js';
import { sides } from './window.js';

export interface Conversion {
  readonly layers: readonly Layer[];
  readonly before: ReceptiveField;
  readonly after: ReceptiveField;
}

/** Per axis, the stride so far and the factor by which later layers are dilated instead. */
interface State {
  readonly stride: readonly number[];
  readonly rate: readonly number[];
}

/**
 * Replaces strides by dilation so that the output stride is at most `outputStride`, as DeepLab does to keep dense
 * features (Chen et al. 2017): once that stride is reached, further strides become 1 and all later dilations and
 * paddings are multiplied by them. The layer that loses its stride keeps its own taps. The field stays the same,
 * which is checked. Works with any weights, because no tap moves.
 *
 * @param outputStride wanted stride, for all axes or each; smaller than that of the layers, or nothing changes
 * @throws RfError if the strides cannot be cut there, for upsampling after a replaced stride, or if the field would
 *   change (padding that depends on the map size)
 */
export function stridesToDilation(
  layers: readonly Layer[],
  outputStride: PerAxis,
  options: Pick<NetworkOptions, 'ndim' | 'inputSize'> = {},
): Conversion {
  const where = 'stridesToDilation';
  const { ndim } = prepare(where, layers, options);
  const target = perAxis(where, 'outputStride', outputStride, ndim);
  const one = target.map(() => 1);
  const converted = convertList(where, layers, target, { stride: one, rate: one }, 'layer ');
  const endless = { ndim };
  const [before, after] = [receptiveField(layers, endless), receptiveField(converted.layers, endless)];
  if (String(before.size) !== String(after.size) || String(before.start) !== String(after.start))
    throw new RfError(
      `${where}: the field would change from ${before.size.join('×')} to ${after.size.join('×')}; give padding as numbers`,
      { before: before.size, after: after.size },
    );
  return { layers: converted.layers, before, after };
}

function convertList(
  where: string,
  layers: readonly Layer[],
  target: readonly number[],
  from: State,
  path: string,
): { layers: Layer[]; state: State } {
  let state = from;
  const converted = layers.map((layer, i): Layer => {
    const at = `${where}: ${path}${i}${layer.name === undefined ? '' : ` ("${layer.name}")`}`;
    if ('parallel' in layer) {
      const branches = layer.parallel.map((branch, b) =>
        convertList(where, branch, target, state, `${path}${i}, branch ${b}, layer `),
      );
      state =
        branches
          .map((branch) => branch.state)
          .find(({ stride }) => stride.some((s, a) => s !== state.stride[a])) ??
        branches[0]?.state ??
        state;
      return { ...layer, parallel: branches.map((branch) => branch.layers) } satisfies ParallelLayer;
    }
    const dilated = state.rate.some((rate) => rate > 1);
    if (layer.type === 'convTranspose' || layer.type === 'resize') {
      if (dilated)
        throw new RfError(
          `${at}: upsampling after a replaced stride would have to shrink too; convert the layers before it only`,
          { layer: i },
        );
      return layer;
    }
    if (layer.type === 'globalPool') return layer;
    const pads = layer.padding === undefined ? {} : { padding: scaled(at, layer.padding, state.rate) };
    if (layer.type === 'pad') return dilated ? { ...layer, ...(pads as { padding: number }) } : layer;
    const ndim = target.length;
    const kernel = perAxis(at, 'kernel', layer.kernel, ndim);
    const pools = layer.type === 'maxPool' || layer.type === 'avgPool';
    const stride = perAxis(at, 'stride', layer.stride ?? (pools ? kernel : 1), ndim);
    const dilation = perAxis(at, 'dilation', layer.dilation ?? 1, ndim);
    const kept = stride.map((step, axis) => keep(at, step, state.stride[axis]!, target[axis]!));
    const { rate } = state;
    const replaced = kept.some((step, axis) => step !== stride[axis]);
    state = {
      stride: state.stride.map((total, axis) => total * kept[axis]!),
      rate: rate.map((factor, axis) => (factor * stride[axis]!) / kept[axis]!),
    };
    if (!dilated && !replaced) return layer;
    return {
      ...layer,
      ...pads,
      stride: collapse(kept),
      dilation: collapse(dilation.map((d, axis) => d * rate[axis]!)),
    };
  });
  return { layers: converted, state };
}

/** The part of a stride that is kept. */
function keep(at: string, step: number, sofar: number, target: number): number {
  if (sofar * step <= target) return step;
  const room = target / sofar;
  if (Number.isInteger(room) && step % room === 0) return room;
  throw new RfError(
    `${at}: the stride goes from ${sofar} to ${sofar * step}, which cannot be cut at ${target}; choose an outputStride between`,
    {
      stride: step,
      outputStride: integer(at, 'outputStride', target),
    },
  );
}

const collapse = (list: readonly number[]): PerAxis =>
  list.every((value) => value === list[0]) ? list[0]! : list;

function scaled(at: string, padding: Padding, rate: readonly number[]): Padding {
  if (typeof padding === 'string') return padding;
  const both = sides(at, padding, rate.length, -(2 ** 31)).map(
    ([before, after], axis) => [before * rate[axis]!, after * rate[axis]!] as const,
  );
  const [first] = both;
  const equal = both.every(([before, after]) => before === first![0] && after === first![0]);
  return equal ? first![0] : both;
}
