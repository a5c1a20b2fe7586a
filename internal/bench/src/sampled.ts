/** A graph's result at some positions, in float64: what every contestant is checked against before a time counts. */
import type { Graph, Node, Shape } from '@atrous/core';
import { type ConvNode, constantAt, isConv, windowsOf } from './conv-node.js';
import { product } from './problem.js';

/** All channels at one position. */
export interface Sample {
  readonly position: number;
  readonly channels: Float64Array;
}

const at = (shape: Shape, position: number): number[] => {
  const coordinates: number[] = [];
  let rest = position;
  for (let axis = shape.length - 1; axis >= 2; axis--) {
    coordinates.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return coordinates;
};

const flat = (shape: Shape, coordinates: readonly number[]): number =>
  coordinates.reduce((index, coordinate, axis) => index * shape[axis + 2]! + coordinate, 0);

/** Computes on demand, so that only what the samples depend on is computed, each of it once. */
export function sampleGraph(graph: Graph, x: Float32Array, positions: readonly number[]): Sample[] {
  const known = graph.nodes.map(() => new Map<number, Float64Array>());
  const weights = new Map<number, Float64Array>();

  const column = (index: number, position: number): Float64Array => {
    const found = known[index]!.get(position);
    if (found) return found;
    const computed = compute(graph.nodes[index]!, position);
    known[index]!.set(position, computed);
    return computed;
  };

  const read = (data: Float32Array, shape: Shape, position: number) => {
    const area = product(shape.slice(2));
    return Float64Array.from({ length: shape[1]! }, (_, c) => data[c * area + position]!);
  };

  function compute(node: Node, position: number): Float64Array {
    if (isConv(node)) return convolve(node, position);
    const [first, second] = node.inputs;
    const from = first === undefined ? [] : graph.nodes[first]!.shape;
    switch (node.kind) {
      case 'input':
        return read(x, node.shape, position);
      case 'constant':
        return read(node.value.data as Float32Array, node.shape, position);
      case 'broadcast': {
        const place = at(node.shape, position).map((o, axis) => (from[axis + 2] === 1 ? 0 : o));
        const source = column(first!, flat(from, place));
        return Float64Array.from({ length: node.shape[1]! }, (_, c) => source[from[1] === 1 ? 0 : c]!);
      }
      case 'unary': {
        if (node.fn !== 'relu') break;
        return column(first!, position).map((v) => Math.max(v, 0));
      }
      case 'binary': {
        const right = column(second!, position);
        if (node.fn === 'add') return column(first!, position).map((v, c) => v + right[c]!);
        if (node.fn === 'mul') return column(first!, position).map((v, c) => v * right[c]!);
        break;
      }
      case 'concat':
        return Float64Array.from(node.inputs.flatMap((i) => [...column(i, position)]));
      case 'reduce': {
        const area = product(from.slice(2));
        const mean = new Float64Array(node.shape[1]!);
        for (let p = 0; p < area; p++)
          column(first!, p).forEach((v, c) => {
            mean[c]! += v / area;
          });
        return mean;
      }
      case 'resize':
        return resample(node, from, position);
    }
    throw new Error(`sampleGraph: ${node.kind} is not written`);
  }

  function resample(node: Node, from: Shape, position: number): Float64Array {
    if (node.reach?.type !== 'sample') throw new Error('a resize without coordinates');
    let corners: { readonly place: readonly number[]; readonly share: number }[] = [{ place: [], share: 1 }];
    node.reach.axes.forEach(({ scale, offset }, axis) => {
      const last = from[axis + 2]! - 1;
      const source = Math.min(Math.max(at(node.shape, position)[axis]! * scale + offset, 0), last);
      const low = Math.min(Math.floor(source), last);
      const part = source - low;
      corners = corners.flatMap(({ place, share }) => [
        { place: [...place, low], share: share * (1 - part) },
        { place: [...place, Math.min(low + 1, last)], share: share * part },
      ]);
    });
    const sum = new Float64Array(node.shape[1]!);
    for (const { place, share } of corners)
      if (share > 0)
        column(node.inputs[0]!, flat(from, place)).forEach((v, c) => {
          sum[c]! += v * share;
        });
    return sum;
  }

  /** The weight as `[taps, O, I]` in float64, so that the innermost loop runs over neighbours. */
  function weightOf(index: number): Float64Array {
    const found = weights.get(index);
    if (found) return found;
    const { data, shape } = constantAt(graph, index);
    const taps = product(shape.slice(2));
    const pairs = shape[0]! * shape[1]!;
    const out = new Float64Array(data.length);
    for (let pair = 0; pair < pairs; pair++)
      for (let tap = 0; tap < taps; tap++) out[tap * pairs + pair] = data[pair * taps + tap]!;
    weights.set(index, out);
    return out;
  }

  function convolve(node: ConvNode, position: number): Float64Array {
    const [source, weightIndex] = node.inputs as [number, number];
    const from = graph.nodes[source]!.shape;
    const [outputs, inputs, ...kernel] = graph.nodes[weightIndex]!.shape as [number, number, ...number[]];
    const weight = weightOf(weightIndex);
    const windows = windowsOf(node);
    const origin = at(node.shape, position);
    const sum = new Float64Array(outputs);
    for (let tap = 0; tap < product(kernel); tap++) {
      const place = at([1, 1, ...kernel], tap).map((t, axis) => {
        const { stride, dilation, padBefore } = windows[axis]!;
        return origin[axis]! * stride - padBefore + t * dilation;
      });
      if (place.some((p, axis) => p < 0 || p >= from[axis + 2]!)) continue;
      const values = column(source, flat(from, place));
      for (let o = 0; o < outputs; o++) {
        const first = Math.floor((o * node.groups) / outputs) * inputs;
        const row = (tap * outputs + o) * inputs;
        let dot = 0;
        for (let i = 0; i < inputs; i++) dot += values[first + i]! * weight[row + i]!;
        sum[o]! += dot;
      }
    }
    return sum;
  }

  return positions.map((position) => ({ position, channels: column(graph.outputs[0]!, position) }));
}
