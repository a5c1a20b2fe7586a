import fc from 'fast-check';
import type { Reach, ReachGraph, ReachNode } from '../src/index.js';

/**
 * Brute force: every path from an output is walked one read at a time, straight from the definition of the four
 * kinds of reach. Slow, and shares nothing with the library.
 */

/** Positions of the first input that `output` reads along one axis, tap by tap. */
export function reads(reach: Reach | undefined, axis: number, output: number, size?: number): number[] {
  if (!reach) return [output];
  const positions: number[] = [];
  switch (reach.type) {
    case 'everything':
      for (let i = 0; i < size!; i++) positions.push(i);
      return positions;
    case 'window': {
      const { kernel, stride, dilation, padBefore } = reach.axes[axis]!;
      for (let t = 0; t < kernel; t++) positions.push(output * stride - padBefore + t * dilation);
      break;
    }
    case 'transposed': {
      const { kernel, stride, dilation, padBefore } = reach.axes[axis]!;
      for (let t = kernel - 1; t >= 0; t--) {
        const position = (output + padBefore - t * dilation) / stride;
        if (Number.isInteger(position)) positions.push(position);
      }
      break;
    }
    case 'sample': {
      const { scale, offset, taps } = reach.axes[axis]!;
      const position = Math.floor(output * scale + offset + 1e-9);
      for (let t = 0; t < taps; t++)
        positions.push(size === undefined ? position + t : Math.min(Math.max(position + t, 0), size - 1));
      return positions;
    }
  }
  if (size === undefined) return positions;
  if (reach.type === 'window' && reach.wraps) return positions.map((i) => ((i % size) + size) % size);
  return positions.filter((i) => i >= 0 && i < size);
}

/** Paths from one output position (per axis) to every input position, as `"y,x" → count`. */
export function countByWalking(
  graph: ReachGraph,
  at: readonly number[],
  sizes?: readonly (readonly number[])[],
): Map<string, number> {
  const counts = new Map<string, number>();
  const [source, target] = [graph.inputs[0]!, graph.outputs[0]!];
  let steps = 0;
  const walk = (node: number, position: readonly number[]): void => {
    // too many paths to walk: not an example worth its time
    fc.pre(++steps < 20_000);
    if (node === source) {
      counts.set(String(position), (counts.get(String(position)) ?? 0) + 1);
      return;
    }
    const { inputs, reach } = graph.nodes[node]!;
    inputs.forEach((input, k) => {
      const perAxis = position.map((index, axis) =>
        reads(k ? undefined : reach, axis, index, sizes?.[input]?.[axis]),
      );
      for (const next of product(perAxis)) walk(input, next);
    });
  };
  walk(target, at);
  return counts;
}

/** Every single path's own first and last input, one axis at a time. */
export function regionPerPath(graph: ReachGraph, axis: number, output: number): [number, number][] {
  const found: [number, number][] = [];
  const walk = (node: number, positions: ReadonlySet<number>): void => {
    if (node === graph.inputs[0]) {
      if (positions.size) found.push([Math.min(...positions), Math.max(...positions)]);
      return;
    }
    const { inputs, reach } = graph.nodes[node]!;
    inputs.forEach((input, k) => {
      const next = new Set<number>();
      for (const position of positions)
        for (const read of reads(k ? undefined : reach, axis, position)) next.add(read);
      walk(input, next);
    });
  };
  walk(graph.outputs[0]!, new Set([output]));
  return found;
}

export function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>(
    (all, list) => all.flatMap((head) => list.map((item) => [...head, item])),
    [[]],
  );
}

export const window = (max: { kernel?: number; stride?: number; dilation?: number; padding?: number } = {}) =>
  fc.record({
    kernel: fc.integer({ min: 1, max: max.kernel ?? 3 }),
    stride: fc.integer({ min: 1, max: max.stride ?? 2 }),
    dilation: fc.integer({ min: 1, max: max.dilation ?? 3 }),
    padBefore: fc.integer({ min: -2, max: max.padding ?? 3 }),
    padAfter: fc.integer({ min: -2, max: max.padding ?? 3 }),
  });

const sample = fc.record({
  scale: fc.constantFrom(0, 0.25, 1 / 3, 0.5, 2 / 3, 1, 1.5, 2),
  offset: fc.constantFrom(-0.5, -1 / 3, -0.25, 0, 0.25, 0.5, 1),
  taps: fc.integer({ min: 1, max: 2 }),
});

export const reach = (ndim: number): fc.Arbitrary<Reach | undefined> => {
  const axes = <T>(axis: fc.Arbitrary<T>) => fc.array(axis, { minLength: ndim, maxLength: ndim });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 6, arbitrary: axes(window()).map((list): Reach => ({ type: 'window', axes: list })) },
    { weight: 2, arbitrary: axes(window()).map((list): Reach => ({ type: 'transposed', axes: list })) },
    { weight: 2, arbitrary: axes(sample).map((list): Reach => ({ type: 'sample', axes: list })) },
  );
};

/** A random graph of `count` nodes, each reading earlier ones (mostly the one before, so that paths stay long). */
export const randomGraph = (reaches: fc.Arbitrary<Reach | undefined>, count = 7): fc.Arbitrary<ReachGraph> =>
  fc
    .array(fc.tuple(reaches, fc.array(fc.nat(), { minLength: 0, maxLength: 2 })), {
      minLength: 1,
      maxLength: count,
    })
    .map((list) => {
      const nodes: ReachNode[] = [{ inputs: [] }];
      for (const [reach, others] of list) {
        const inputs = [nodes.length - 1, ...others.map((other) => other % nodes.length)];
        nodes.push(reach ? { inputs, reach } : { inputs });
      }
      return { nodes, inputs: [0], outputs: [nodes.length - 1] };
    });

/** The same with a size for every node, so that a real map can be walked; adds circular padding and `everything`. */
export const randomMap = (ndim: number, count = 6): fc.Arbitrary<ReachGraph & { sizes: number[][] }> => {
  const step = fc.oneof(
    reach(ndim),
    reach(ndim).map((r): Reach | undefined => (r?.type === 'window' ? { ...r, wraps: true } : r)),
    fc.constant<Reach>({ type: 'everything' }),
  );
  const sizes = fc.array(fc.integer({ min: 3, max: 8 }), { minLength: ndim, maxLength: ndim });
  return fc
    .tuple(
      sizes,
      fc.array(fc.tuple(step, sizes, fc.boolean(), fc.array(fc.nat(), { maxLength: 2 })), {
        minLength: 1,
        maxLength: count,
      }),
    )
    .map(([first, list]) => {
      const nodes: ReachNode[] = [{ inputs: [], shape: [1, 1, ...first] }];
      const known = [first];
      for (const [given, resized, pooled, others] of list) {
        const before = known.at(-1)!;
        const after = sizeAfter(given, before, resized, pooled);
        const fits = after.every((length) => length >= 1 && length <= 12);
        const [reach, size] = fits ? [given, after] : [undefined, before];
        const equal = known.flatMap((other, n) => (String(other) === String(size) ? [n] : []));
        const inputs = [
          nodes.length - 1,
          ...others.flatMap((other) => (equal.length ? [equal[other % equal.length]!] : [])),
        ];
        nodes.push({ inputs, ...(reach && { reach }), shape: [1, 1, ...size] });
        known.push(size);
      }
      return { nodes, inputs: [0], outputs: [nodes.length - 1], sizes: known };
    });
};

function sizeAfter(
  reach: Reach | undefined,
  size: readonly number[],
  resized: number[],
  pooled: boolean,
): number[] {
  return size.map((length, axis) => {
    if (reach?.type === 'window' || reach?.type === 'transposed') {
      const { kernel, stride, dilation, padBefore, padAfter } = reach.axes[axis]!;
      const span = dilation * (kernel - 1) + 1;
      if (reach.type === 'window') return Math.floor((length + padBefore + padAfter - span) / stride) + 1;
      return (length - 1) * stride + span - padBefore - padAfter;
    }
    if (reach?.type === 'sample') return resized[axis]!;
    return reach && pooled ? 1 : length;
  });
}
