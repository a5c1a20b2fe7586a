import {
  AtrousError,
  type Constant,
  type Graph,
  type Node,
  type NodeOf,
  UnsupportedError,
} from '@atrous/core';
import { period as periodOf } from '@atrous/rf';
import { alongAxis, dependents, labelOf, sizeOf, spatialAxes } from './graphs.js';

/** A network at one size of picture. */
export type TraceAt = (size: readonly number[]) => Graph;

/** Largest shift that is tried where the period does not follow from the strides alone. */
const mostTried = 256;

/**
 * One spatial axis of a picture and of the windows that it is cut into: which shifts of the window shift every node
 * by whole samples.
 */
export interface AxisAlignment {
  /** Samples of the picture. */
  readonly size: number;
  /** Windows start at multiples of this many samples, and their size is congruent to the picture's modulo it. */
  readonly period: number;
  /** The whole picture along this axis; the other axes are short. */
  readonly whole: Graph;
  /** The same for a picture that is one period shorter; the whole one where the axis cannot be cut. */
  readonly shorter: Graph;
}

/**
 * Finds the period of one axis: the smallest p for which a picture p samples shorter gives a network whose every node
 * is shorter by the shift that its window, resize or join demands.
 *
 * @param short sizes of the other axes while this one is looked at
 * @throws UnsupportedError naming the layer that no shift satisfies
 */
export function alignAxis(
  traceAt: TraceAt,
  size: readonly number[],
  axis: number,
  short: readonly number[],
): AxisAlignment {
  const at = (length: number) => traceAt(short.map((other, i) => (i === axis ? length : other)));
  const whole = at(size[axis]!);
  const expected = periodOf(alongAxis(whole, axis, globalNodes(whole)), 0);
  const candidates = [
    ...(expected === undefined ? [] : [expected]),
    ...Array.from({ length: mostTried }, (_, i) => i + 1),
  ];
  let problem: string | undefined;
  let traced = false;
  for (const period of candidates) {
    if (period >= size[axis]!) continue;
    const shorter = traceIfLargeEnough(() => at(size[axis]! - period));
    if (!shorter) continue;
    problem = mismatch(whole, shorter, axis);
    traced ||= period === expected;
    if (problem === undefined) return { size: size[axis]!, period, whole, shorter };
  }
  // a picture that is hardly larger than the network's smallest is not cut along this axis
  if (expected !== undefined && !traced)
    return { size: size[axis]!, period: size[axis]!, whole, shorter: whole };
  throw new UnsupportedError(
    `tiled: no shift of up to ${mostTried} samples along spatial axis ${axis} moves every layer by whole samples: ${problem ?? 'the picture is too small'}`,
    { axis },
  );
}

/** The graph, or undefined where the network itself rejects so small a map. */
export function traceIfLargeEnough(traced: () => Graph): Graph | undefined {
  try {
    return traced();
  } catch (error) {
    if (error instanceof AtrousError) return undefined;
    throw error;
  }
}

/** Nodes that read their whole map: their values must be known before the rest is computed in tiles. */
export function globalNodes(graph: Graph): Set<number> {
  const live = dependents(graph);
  const rank = spatialAxes(graph) + 2;
  const found = new Set<number>();
  graph.nodes.forEach((node, n) => {
    const source = graph.nodes[node.inputs[0]!];
    if (!live[n] || !source || source.shape.length !== rank) return;
    if (source.shape.slice(2).every((length) => length === 1)) return;
    if (node.reach?.type === 'everything' || node.kind === 'adaptivePool') found.add(n);
  });
  return found;
}

/**
 * Why a network on a shorter picture is not the same network moved: undefined if it is. `longer` and `shorter` are
 * one network at two sizes of one axis.
 */
export function mismatch(longer: Graph, shorter: Graph, axis: number): string | undefined {
  if (longer.nodes.length !== shorter.nodes.length)
    return 'the network has other layers at another size; it must not depend on the size of the picture';
  const live = dependents(longer);
  const global = globalNodes(longer);
  const rank = spatialAxes(longer) + 2;
  const cut = (n: number) => sizeOf(longer.nodes[n]!, axis, rank) - sizeOf(shorter.nodes[n]!, axis, rank);
  for (let n = 0; n < longer.nodes.length; n++) {
    const [node, other] = [longer.nodes[n]!, shorter.nodes[n]!];
    if (node.kind !== other.kind || String(node.inputs) !== String(other.inputs))
      return `${labelOf(longer, n)} is another layer at another size`;
    if (!live[n] && !isSteady(longer, shorter, n))
      return `${labelOf(longer, n)} is made of constants alone and varies over the picture`;
    if (!live[n] || global.has(n)) continue;
    const problem = nodeMismatch(node, other, axis, cut(n), node.inputs.filter((i) => live[i]).map(cut));
    if (problem) return `${labelOf(longer, n)} ${problem}`;
  }
  return undefined;
}

/**
 * Whether a part of what constants alone give is what they give for a part of the picture: true of values that are the
 * same everywhere, and of a map of one size that is resized to the picture's.
 */
function isSteady(longer: Graph, shorter: Graph, n: number): boolean {
  const node = longer.nodes[n]!;
  const moves = (i: number) => String(longer.nodes[i]!.shape) !== String(shorter.nodes[i]!.shape);
  if (!moves(n) && !node.inputs.some(moves)) return true;
  if (node.kind === 'constant')
    return node.shape.every((length, axis) => length === shorter.nodes[n]!.shape[axis] || isEven(node, axis));
  if (node.kind === 'resize') return !node.inputs.some(moves);
  if (node.kind === 'broadcast' || !node.reach) return true;
  return (
    node.reach.type === 'window' &&
    node.reach.axes.every(
      ({ kernel, stride, padBefore, padAfter }) =>
        kernel === 1 && stride === 1 && padBefore === 0 && padAfter === 0,
    )
  );
}

/** Whether a constant has the same values everywhere along an axis. */
function isEven({ value, shape }: NodeOf<'constant'> & { value: Constant }, axis: number): boolean {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const block = shape[axis]! * inner;
  return value.data.every((element, i) => {
    const first = i - (i % block) + (i % inner);
    return Object.is(element, value.data[first]);
  });
}

function nodeMismatch(
  node: Node,
  other: Node,
  axis: number,
  own: number,
  cuts: readonly number[],
): string | undefined {
  if (cuts.length === 0) return undefined;
  const { reach } = node;
  if (reach?.type === 'sample') return own < 0 ? 'grows as the picture shrinks' : undefined;
  if (reach?.type === 'window' || reach?.type === 'transposed') {
    if (reach.type === 'window' && reach.wraps)
      return 'reads the opposite border (circular padding), which no tile has';
    const [window, second] = [reach.axes[axis]!, (other.reach as typeof reach).axes[axis]!];
    if (window.padBefore !== second.padBefore || window.padAfter !== second.padAfter)
      return `pads ${window.padBefore} + ${window.padAfter} at one size and ${second.padBefore} + ${second.padAfter} at another`;
    const [long, short] = reach.type === 'window' ? [cuts[0]!, own] : [own, cuts[0]!];
    return long === short * window.stride
      ? undefined
      : `moves by ${long} where its stride of ${window.stride} makes it ${short * window.stride}`;
  }
  return cuts.every((cut) => cut === own) ? undefined : `joins maps that move by ${cuts.join(' and ')}`;
}
