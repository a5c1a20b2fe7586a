import type { Graph, NodeOf, Shape } from '@atrous/core';
import { planesOf, storedValue } from '../dtype.js';
import type { Operand, Recipe } from '../kernel.js';
import { product } from '../layout.js';
import { type AxisMap, gather } from './gather.js';

export type LayoutNode = NodeOf<
  'pad' | 'slice' | 'broadcast' | 'transpose' | 'depthToSpace' | 'spaceToDepth'
>;

/** What each output axis of a layout op adds to the coordinates of its input. */
export function layoutMaps(node: LayoutNode, from: Shape): AxisMap[] {
  switch (node.kind) {
    case 'broadcast':
      return from.map((size, axis) => (o) => [[axis, size === 1 ? 0 : o]]);
    case 'transpose':
      return node.order.map((axis) => (o) => [[axis, o]]);
    case 'slice':
      return node.start.map((start, axis) => (o) => [[axis, start + o * node.step[axis]!]]);
    case 'pad':
      return node.before.map((before, axis) => (o) => {
        const source = padSource(o - before, from[axis]!, node.mode);
        return source === undefined ? undefined : [[axis, source]];
      });
    case 'depthToSpace':
    case 'spaceToDepth':
      return blockMaps(node, from);
  }
}

/** The position inside the axis that a position outside takes its value from, if any. */
function padSource(position: number, size: number, mode: NodeOf<'pad'>['mode']): number | undefined {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case 'constant':
      return undefined;
    case 'replicate':
      return position < 0 ? 0 : size - 1;
    case 'circular':
      return position < 0 ? position + size : position - size;
    case 'reflect':
      return position < 0 ? -position : 2 * (size - 1) - position;
  }
}

function blockMaps(node: NodeOf<'depthToSpace' | 'spaceToDepth'>, from: Shape): AxisMap[] {
  const { block, axis: depthAxis, phaseMajor, shape } = node;
  const positions = product(block);
  const strideOf = (i: number) => product(block.slice(i + 1));
  const depth = node.kind === 'depthToSpace' ? shape[depthAxis]! : from[depthAxis]!;
  const phaseStep = phaseMajor ? depth : 1;
  const depthStep = phaseMajor ? 1 : positions;
  return shape.map((_, axis): AxisMap => {
    if (node.kind === 'depthToSpace') {
      if (axis === depthAxis) return (o) => [[axis, o * depthStep]];
      if (axis < 2) return (o) => [[axis, o]];
      const size = block[axis - 2]!;
      return (o) => [
        [axis, Math.floor(o / size)],
        [depthAxis, (o % size) * strideOf(axis - 2) * phaseStep],
      ];
    }
    if (axis >= 2) return (o) => [[axis, o * block[axis - 2]!]];
    if (axis !== depthAxis) return (o) => [[axis, o]];
    return (o) => {
      const phase = Math.floor(o / phaseStep) % positions;
      return [
        [axis, Math.floor(o / depthStep) % depth],
        ...block.map((size, i) => [i + 2, Math.floor(phase / strideOf(i)) % size] as const),
      ];
    };
  });
}

/** A layout op of a value that lies in one or more planes (see dtype.ts). */
export function layout(node: LayoutNode, graph: Graph): Recipe {
  const from = graph.nodes[node.inputs[0]!]!.shape;
  const operand: Operand = { input: 0 };
  const maps = layoutMaps(node, from);
  const fill = node.kind === 'pad' ? storedValue(node.dtype, node.value) : [0];
  const planes = planesOf(node.dtype);
  const recipe = (spec: Parameters<typeof gather>[0]): Recipe => ({
    algorithm: 'gather',
    launches: [gather(spec)],
  });
  if (planes === 1) return recipe({ from, shape: node.shape, maps, fill, operand });
  const behindPlanes = maps.map(
    (map): AxisMap =>
      (o) =>
        map(o)?.map(([axis, amount]) => [axis + 1, amount] as const),
  );
  return recipe({
    from: [planes, ...from],
    shape: [planes, ...node.shape],
    maps: [(o) => [[0, o]], ...behindPlanes],
    fill,
    operand,
  });
}
