import { type Prepared, prepare, unknownSize } from './graph.js';
import { samplePosition } from './reads.js';
import type { AxisSample, AxisWindow, Interval, Network, NetworkOptions, PerAxis, Reach } from './types.js';

export interface InteriorOutputs {
  /** First and last output that sees no padding, per axis; undefined where every output does. */
  readonly axes: readonly (Interval | undefined)[];
  readonly outputSize: readonly number[];
  /** Share of all outputs that see no padding. */
  readonly fraction: number;
}

/**
 * Which outputs of a map of this size see padding, in the network's input or in any map in between: those outside
 * the returned intervals. Reads past the edge of a resize and missing neighbours of a transposed convolution count
 * as padding, because there too the result differs from that on a larger map.
 *
 * @throws RfError if the network makes no sense or a size does not follow from `inputSize`
 */
export function interiorOutputs(
  network: Network,
  inputSize: PerAxis,
  options: Omit<NetworkOptions, 'inputSize'> = {},
): InteriorOutputs {
  const prepared = prepare('interiorOutputs', network, { ...options, inputSize });
  const outputSize = sizeOf(prepared, prepared.target);
  const axes = outputSize.map((_, axis) => interiorAlong(prepared, axis));
  const fraction = axes.reduce(
    (share, interval, axis) => share * (interval ? (interval[1] - interval[0] + 1) / outputSize[axis]! : 0),
    1,
  );
  return { axes, outputSize, fraction };
}

function sizeOf({ sizes, nodes, where }: Prepared, node: number): readonly number[] {
  const size = sizes?.[node];
  if (size) return size;
  throw unknownSize(where, nodes, node);
}

function interiorAlong(prepared: Prepared, axis: number): Interval | undefined {
  const { nodes, live, source, target } = prepared;
  const clean: (Interval | undefined)[] = [];
  for (let n = 0; n <= target; n++) {
    if (!live[n]) {
      clean.push(undefined);
      continue;
    }
    const size = n === source || nodes[n]!.reach ? sizeOf(prepared, n)[axis]! : Infinity;
    let [from, to] = [0, size - 1];
    const { inputs, reach } = nodes[n]!;
    inputs.forEach((input, k) => {
      if (!live[input]) return;
      const own = clean[input];
      const kept =
        own && (k || !reach ? own : through(reach, axis, own, size, sizeOf(prepared, input)[axis]!));
      [from, to] = kept ? [Math.max(from, kept[0]), Math.min(to, kept[1])] : [0, -1];
    });
    clean.push(from <= to ? [from, to] : undefined);
  }
  return clean[target];
}

function through(
  reach: Reach,
  axis: number,
  [from, to]: Interval,
  size: number,
  before: number,
): Interval | undefined {
  switch (reach.type) {
    case 'everything':
      return from === 0 && to === before - 1 ? [0, size - 1] : undefined;
    case 'window': {
      const { kernel, stride, dilation, padBefore }: AxisWindow = reach.axes[axis]!;
      return [
        Math.ceil((from + padBefore) / stride),
        Math.floor((to + padBefore - (kernel - 1) * dilation) / stride),
      ];
    }
    case 'transposed': {
      const { kernel, stride, dilation, padBefore }: AxisWindow = reach.axes[axis]!;
      return [
        (from - 1) * stride - padBefore + (kernel - 1) * dilation + 1,
        (to + 1) * stride - padBefore - 1,
      ];
    }
    case 'sample': {
      const sample: AxisSample = before === 1 ? { ...reach.axes[axis]!, scale: 0 } : reach.axes[axis]!;
      const { scale, offset, taps } = sample;
      const reads = (output: number) => {
        const position = samplePosition(sample, output);
        return position >= from && position + taps - 1 <= to;
      };
      if (scale === 0)
        return before === 1 ? (from <= to ? [0, size - 1] : undefined) : reads(0) ? [0, size - 1] : undefined;
      // rounding is settled by trying the neighbours of the solution
      let first = Math.ceil((from - offset) / scale) - 1;
      let last = Math.ceil((to - taps + 2 - offset) / scale);
      while (first <= last && !reads(first)) first++;
      while (last >= first && !reads(last)) last--;
      return [first, last];
    }
  }
}
