import { prepare, unknownSize } from './graph.js';
import type { AxisWindow, Network, NetworkOptions, PerAxis } from './types.js';

/** How much of one layer's kernel lies on the map. */
export interface TapUsage {
  readonly node: number;
  readonly name: string;
  readonly kernel: readonly number[];
  readonly dilation: readonly number[];
  /** Size of the map that it slides over. */
  readonly size: readonly number[];
  /** Share of all taps, over all outputs, that read the map and not padding. */
  readonly fraction: number;
  /** Taps per axis that read the map for at least one output: 1×1 for rate 36 on 33×33. */
  readonly effective: readonly number[];
}

/**
 * The share of taps that touch the image, for every convolution or pooling with more than one tap on a map of this
 * size. A large rate on a small map reads mostly padding: rate 36 on 33×33 is a 1×1 convolution.
 *
 * @throws RfError if the network makes no sense or a size does not follow from `inputSize`
 */
export function tapUsage(
  network: Network,
  inputSize: PerAxis,
  options: Omit<NetworkOptions, 'inputSize'> = {},
): readonly TapUsage[] {
  const { nodes, live, sizes, where } = prepare('tapUsage', network, { ...options, inputSize });
  return nodes.flatMap(({ reach, inputs, name, kind }, node) => {
    if (!live[node] || !live[inputs[0]!] || reach?.type !== 'window') return [];
    const { axes, wraps } = reach;
    if (axes.every(({ kernel }) => kernel === 1)) return [];
    const size = sizes![inputs[0]!];
    const outputs = sizes![node];
    if (!size || !outputs) throw unknownSize(where, nodes, size ? node : inputs[0]!);
    const used = axes.map((window, axis) =>
      wraps ? { share: 1, taps: window.kernel } : usage(window, size[axis]!, outputs[axis]!),
    );
    return [
      {
        node,
        name: name ?? kind ?? `node ${node}`,
        kernel: axes.map(({ kernel }) => kernel),
        dilation: axes.map(({ dilation }) => dilation),
        size,
        fraction: used.reduce((product, { share }) => product * share, 1),
        effective: used.map(({ taps }) => taps),
      },
    ];
  });
}

function usage({ kernel, stride, dilation, padBefore }: AxisWindow, size: number, outputs: number) {
  let [reads, taps] = [0, 0];
  // only taps that some output places on the map
  const from = Math.max(0, Math.ceil((padBefore - (outputs - 1) * stride) / dilation));
  const to = Math.min(kernel - 1, Math.floor((size - 1 + padBefore) / dilation));
  for (let t = from; t <= to; t++) {
    const shift = t * dilation - padBefore;
    const first = Math.max(0, Math.ceil(-shift / stride));
    const last = Math.min(outputs - 1, Math.floor((size - 1 - shift) / stride));
    if (first > last) continue;
    reads += last - first + 1;
    taps++;
  }
  return { share: reads / (outputs * kernel), taps };
}
