import type { HostKernel } from '../backend/host.js';
import type { NodeOf } from '../graph.js';
import { elementCount, stridesOf } from '../shape.js';
import { aroundAxis } from './axes.js';

/** Sums in float64; integer sums wrap when stored. */
export const reduce: HostKernel = (node, [x], output) => {
  const { fn, axes, shape } = node as NodeOf<'reduce'>;
  const isMax = fn === 'max';
  const sums = new Float64Array(output.length).fill(isMax ? -Infinity : 0);
  const from = x!.shape;
  const outStrides = stridesOf(shape).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  const index = new Array<number>(from.length).fill(0);
  let at = 0;
  for (const value of x!.data) {
    sums[at] = isMax ? Math.max(sums[at]!, value) : sums[at]! + value;
    for (let axis = from.length - 1; axis >= 0; axis--) {
      at += outStrides[axis]!;
      if (++index[axis]! < from[axis]!) break;
      at -= index[axis]! * outStrides[axis]!;
      index[axis] = 0;
    }
  }
  const count = fn === 'mean' ? elementCount(axes.map((axis) => from[axis]!)) : 1;
  for (let i = 0; i < output.length; i++) output[i] = sums[i]! / count;
};

export const softmax: HostKernel = (node, [x], output) => {
  const [outer, size, inner] = aroundAxis(node.shape, (node as NodeOf<'softmax'>).axis);
  const { data } = x!;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const start = o * size * inner + i;
      let largest = -Infinity;
      for (let k = 0; k < size; k++) largest = Math.max(largest, data[start + k * inner]!);
      let sum = 0;
      for (let k = 0; k < size; k++) sum += Math.exp(data[start + k * inner]! - largest);
      for (let k = 0; k < size; k++)
        output[start + k * inner] = Math.exp(data[start + k * inner]! - largest) / sum;
    }
};

export const argmax: HostKernel = (node, [x], output) => {
  const [outer, size, inner] = aroundAxis(x!.shape, (node as NodeOf<'argmax'>).axis);
  const { data } = x!;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const start = o * size * inner + i;
      let best = 0;
      let largest = data[start]!;
      for (let k = 1; k < size && !Number.isNaN(largest); k++) {
        const value = data[start + k * inner]!;
        if (value > largest || Number.isNaN(value)) {
          largest = value;
          best = k;
        }
      }
      output[o * inner + i] = best;
    }
};

/** Mean 0 and biased variance 1 per sample and group, two passes in float64. */
export const groupNorm: HostKernel = (node, [x], output) => {
  const { groups, epsilon, shape } = node as NodeOf<'groupNorm'>;
  const { data } = x!;
  const size = data.length / (shape[0]! * groups);
  for (let start = 0; start < data.length; start += size) {
    let sum = 0;
    for (let i = start; i < start + size; i++) sum += data[i]!;
    const mean = sum / size;
    let squares = 0;
    for (let i = start; i < start + size; i++) squares += (data[i]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = start; i < start + size; i++) output[i] = (data[i]! - mean) * scale;
  }
};
