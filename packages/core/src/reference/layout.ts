/**
 * Moving values about. Every layout op reads, for output `[o0, o1, …]`, the element at `Σ table[axis][o_axis]` of its
 * input: one loop serves all, and an op is a table per axis. A negative entry marks a position that gets the fill value.
 */
import type { HostKernel } from '../backend/host.js';
import type { Node, NodeOf, Shape, Values } from '../graph.js';
import { elementCount, stridesOf } from '../shape.js';
import { aroundAxis } from './axes.js';

export type AxisTable = Int32Array;

const outside = -1;

const tableOf = (length: number, source: (o: number) => number): AxisTable =>
  Int32Array.from({ length }, (_, o) => source(o));

/**
 * The tables of a layout op, from the shape of its input.
 *
 * @param strides distance between neighbours along each axis of the input; row-major unless given
 */
export function layoutTables(
  node: Node,
  from: Shape,
  strides: readonly number[] = stridesOf(from),
): AxisTable[] {
  const { shape } = node;
  switch (node.kind) {
    case 'broadcast':
      return shape.map((size, axis) => tableOf(size, (o) => (from[axis] === 1 ? 0 : o * strides[axis]!)));
    case 'transpose':
      return shape.map((size, axis) => tableOf(size, (o) => o * strides[node.order[axis]!]!));
    case 'slice':
      return shape.map((size, axis) =>
        tableOf(size, (o) => (node.start[axis]! + o * node.step[axis]!) * strides[axis]!),
      );
    case 'pad':
      return shape.map((size, axis) =>
        tableOf(size, (o) => {
          const source = padSource(o - node.before[axis]!, from[axis]!, node.mode);
          return source === outside ? outside : source * strides[axis]!;
        }),
      );
    case 'depthToSpace':
    case 'spaceToDepth':
      return blockTables(node, from, strides);
    default:
      throw new Error(`${node.kind} is no layout op`);
  }
}

/** The position inside the axis that a position outside takes its value from. */
function padSource(position: number, size: number, mode: NodeOf<'pad'>['mode']): number {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case 'constant':
      return outside;
    case 'replicate':
      return position < 0 ? 0 : size - 1;
    case 'circular':
      return position < 0 ? position + size : position - size;
    case 'reflect':
      return position < 0 ? -position : 2 * (size - 1) - position;
  }
}

function blockTables(
  node: NodeOf<'depthToSpace' | 'spaceToDepth'>,
  from: Shape,
  strides: readonly number[],
): AxisTable[] {
  const { block, axis: depthAxis, phaseMajor, shape } = node;
  const positions = elementCount(block);
  const blockStrides = stridesOf(block);
  const depth = node.kind === 'depthToSpace' ? shape[depthAxis]! : from[depthAxis]!;
  const phaseStep = phaseMajor ? depth : 1;
  const depthStep = phaseMajor ? 1 : positions;
  return shape.map((size, axis) => {
    const stride = strides[axis]!;
    if (node.kind === 'depthToSpace') {
      if (axis === depthAxis) return tableOf(size, (o) => o * depthStep * stride);
      if (axis < 2) return tableOf(size, (o) => o * stride);
      const b = block[axis - 2]!;
      const phase = blockStrides[axis - 2]! * phaseStep * strides[depthAxis]!;
      return tableOf(size, (o) => Math.floor(o / b) * stride + (o % b) * phase);
    }
    if (axis >= 2) return tableOf(size, (o) => o * block[axis - 2]! * stride);
    if (axis !== depthAxis) return tableOf(size, (o) => o * stride);
    return tableOf(size, (o) => {
      const phase = Math.floor(o / phaseStep) % positions;
      const offset = block.reduce(
        (sum, b, i) => sum + (Math.floor(phase / blockStrides[i]!) % b) * strides[i + 2]!,
        0,
      );
      return (Math.floor(o / depthStep) % depth) * stride + offset;
    });
  });
}

/** Reads through tables; the last axis is the inner loop. */
export function gather(x: Values, tables: readonly AxisTable[], output: Values, fill = 0): void {
  const rank = tables.length;
  if (output.length === 0) return;
  if (rank === 0) {
    output[0] = x[0]!;
    return;
  }
  const inner = tables[rank - 1]!;
  const index = new Array<number>(rank - 1).fill(0);
  for (let at = 0; at < output.length; at += inner.length) {
    let base = 0;
    for (let axis = 0; axis < rank - 1 && base >= 0; axis++) {
      const offset = tables[axis]![index[axis]!]!;
      base = offset < 0 ? outside : base + offset;
    }
    if (base < 0) output.fill(fill, at, at + inner.length);
    else for (let i = 0; i < inner.length; i++) output[at + i] = inner[i]! < 0 ? fill : x[base + inner[i]!]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      if (++index[axis]! < tables[axis]!.length) break;
      index[axis] = 0;
    }
  }
}

export const layout: HostKernel = (node, [x], output) => {
  gather(x!.data, layoutTables(node, x!.shape), output, node.kind === 'pad' ? node.value : 0);
};

export const concat: HostKernel = (node, inputs, output) => {
  const [outer, size, inner] = aroundAxis(node.shape, (node as NodeOf<'concat'>).axis);
  let start = 0;
  for (const { data } of inputs) {
    const run = data.length / outer;
    for (let o = 0; o < outer; o++)
      output.set(data.subarray(o * run, (o + 1) * run), o * size * inner + start);
    start += run;
  }
};
