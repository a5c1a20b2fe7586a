import { volume } from './block.js';
import { integer, perAxis, RfError } from './error.js';
import { isLayers, prepare, spatial } from './graph.js';
import type { Layer, NetworkOptions, PerAxis } from './types.js';

export interface CostOptions extends Pick<NetworkOptions, 'ndim'> {
  /** Channels of the input, carried on by every layer that does not set its own. Default 64. */
  readonly channels?: number;
}

export interface Cost {
  readonly outputSize: readonly number[];
  readonly outputChannels: number;
  /** Weights of all convolutions; no biases. */
  readonly parameters: number;
  /** Multiplications (each with an addition). */
  readonly macs: number;
  /** Bytes of all maps together in float32, as training keeps them. */
  readonly memory: number;
  /** Bytes of the largest input and output of one layer in float32, which inference needs at least. */
  readonly peak: number;
}

/**
 * Parameters, multiplications and memory of a list of layers on a map of this size, one sample. Branches are added
 * unless they say `combine: 'concat'`.
 *
 * @throws RfError if the layers make no sense
 */
export function networkCost(layers: readonly Layer[], inputSize: PerAxis, options: CostOptions = {}): Cost {
  const where = 'networkCost';
  const channels = integer(where, 'channels', options.channels ?? 64);
  if (!isLayers(layers)) throw new RfError(`${where}: cost is for lists of layers`);
  const { nodes, ndim, target } = prepare(where, layers, { ...options, inputSize });
  const elements = nodes.map((node) => volume(spatial(node, ndim)!));
  let [node, parameters, macs, memory, peak] = [0, 0, 0, 4 * channels * elements[0]!, 0];
  /** Follows the builder's order of nodes: a layer's branches come before their join. */
  const follow = (
    list: readonly Layer[],
    from: number,
    entry: number,
  ): { channels: number; node: number } => {
    let [width, last] = [from, entry];
    for (const layer of list) {
      if ('parallel' in layer) {
        const ends = layer.parallel.map((branch) => follow(branch, width, last));
        // a pooled branch is repeated by a node of its own before the join
        do node++;
        while (nodes[node]!.kind !== 'join');
        const total = ends.reduce((sum, end) => sum + end.channels, 0);
        width = layer.combine === 'concat' ? total : ends[0]!.channels;
      } else {
        node++;
        const own = ('channels' in layer && layer.channels) || width;
        const type = layer.type ?? 'conv';
        if ('kernel' in layer && (type === 'conv' || type === 'convTranspose')) {
          const weights =
            (volume(perAxis(where, 'kernel', layer.kernel, ndim)) * width * own) / (layer.groups ?? 1);
          parameters += weights;
          macs += weights * elements[type === 'conv' ? node : last]!;
        }
        peak = Math.max(peak, 4 * (width * elements[last]! + own * elements[node]!));
        width = own;
      }
      memory += 4 * width * elements[node]!;
      last = node;
    }
    return { channels: width, node: last };
  };
  const end = follow(layers, channels, 0);
  return {
    outputSize: spatial(nodes[target]!, ndim)!,
    outputChannels: end.channels,
    parameters,
    macs,
    memory,
    peak,
  };
}
