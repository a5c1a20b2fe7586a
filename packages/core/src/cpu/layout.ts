/** Layout ops: another name for the same bytes where possible, else a copy by tables. */
import type { FusedNode } from '../fuse.js';
import type { NodeOf, Shape } from '../graph.js';
import { layoutTables } from '../reference/layout.js';
import { elementCount } from '../shape.js';
import { byteStrides, type ChannelPart, copiesToChannels, copiesToPlain, gather } from './gather.js';
import type { Lowered, Lowering } from './lower.js';
import { hasChannelsLayout, type Layout, makeValue, type Value } from './values.js';

/** pad, slice, broadcast, transpose, depthToSpace and spaceToDepth of every dtype. */
export const lowerLayout: Lowering = (node, index, lowered) => {
  const source = node.inputs[0]!;
  const { shape: from } = lowered.graph.nodes[source]!;
  const [layout, target] = layoutsFor(node, source, from, lowered);
  const x = lowered.value(source, layout);
  const view = viewOf(node, x, target);
  if (view !== undefined) return view;
  const output = makeValue(target, node.shape, node.dtype);
  const copies = () => {
    const tables = layoutTables(node, from, byteStrides(x));
    return target === 'plain'
      ? copiesToPlain(tables, output)
      : copiesToChannels(tables, output, partsOf(node));
  };
  const fill = node.kind === 'pad' ? node.value : 0;
  return gather(lowered.label(index), 'gather', [{ x, copies }], output, lowered, { fill });
};

/** The layouts to read and to write: channels last if the value is there so and its channels stay together. */
function layoutsFor(
  node: FusedNode,
  source: number,
  from: Shape,
  lowered: Lowered,
): readonly [Layout, Layout] {
  const channelsLast = lowered.has(source, 'channels');
  if (!hasChannelsLayout(node)) return ['plain', 'plain'];
  if (node.kind === 'transpose') {
    if (isOrder(node.order, [0, node.order.length - 1, ...spatialAxes(node).map((axis) => axis - 1)]))
      return ['plain', 'channels'];
    if (channelsLast && isOrder(node.order, [0, ...spatialAxes(node), 1])) return ['channels', 'plain'];
    return ['plain', 'plain'];
  }
  if (!channelsLast) return ['plain', 'plain'];
  const padsChannels = node.kind === 'pad' && node.shape[1] !== from[1];
  return padsChannels ? ['plain', 'plain'] : ['channels', 'channels'];
}

const spatialAxes = ({ shape }: FusedNode): number[] => shape.slice(2).map((_, i) => i + 2);

const isOrder = (order: readonly number[], wanted: readonly number[]): boolean =>
  order.every((axis, i) => axis === wanted[i]);

/** Another name for the bytes of x, where that is what the op does. */
function viewOf(node: FusedNode, x: Value, target: Layout): Value | undefined {
  const { shape, dtype } = node;
  const channels = shape[1]!;
  if (node.kind === 'slice' && target === 'channels' && keepsPositions(node, x.shape))
    return { layout: target, shape, dtype, storage: x.storage.part(node.start[1]!) };
  if (node.kind !== 'transpose' || x.layout === target) return undefined;
  if (target === 'channels')
    return channels % 4 === 0
      ? { layout: target, shape, dtype, storage: x.storage.part(0, channels) }
      : undefined;
  if (x.storage.pitch !== x.shape[1]) return undefined;
  x.storage.pinned = true;
  return { layout: target, shape, dtype, storage: x.storage.part(0) };
}

/** Whether a slice takes neighbouring channels of every position. */
const keepsPositions = ({ start, step, shape }: NodeOf<'slice'>, from: Shape): boolean =>
  shape.every((size, axis) =>
    axis === 1
      ? step[axis] === 1 || size === 1
      : size === from[axis] && start[axis] === 0 && (step[axis] === 1 || size === 1),
  );

/** Target channels that come from equal distances: all, or those of one phase of a block. */
function partsOf(node: FusedNode): ChannelPart[] {
  const channels = node.shape[1]!;
  if (node.kind !== 'spaceToDepth' || node.axis === 0) return [{ first: 0, every: 1, count: channels }];
  const phases = elementCount(node.block);
  const count = channels / phases;
  return Array.from({ length: phases }, (_, phase) =>
    node.phaseMajor ? { first: phase * count, every: 1, count } : { first: phase, every: phases, count },
  );
}
