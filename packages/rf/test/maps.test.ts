import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverage, inputRegion, outputSize, pathCounts, type ReachGraph } from '../src/index.js';
import { interiorOutputs, outputRegion, pathFields, tapUsage } from '../src/influence.js';
import {
  countByWalking,
  product,
  randomGraph,
  randomMap,
  reach,
  reads,
  regionPerPath,
  window,
} from './brute.js';

const everywhere = (size: readonly number[]) =>
  product(size.map((length) => Array.from({ length }, (_, i) => i)));

const box = (positions: readonly (readonly number[])[]) =>
  positions.length
    ? positions[0]!.map((_, axis) => [
        Math.min(...positions.map((p) => p[axis]!)),
        Math.max(...positions.map((p) => p[axis]!)),
      ])
    : undefined;

describe.each([1, 2])('random %i-D networks on real maps', (ndim) => {
  test('what every output reads, and how often', () => {
    fc.assert(
      fc.property(randomMap(ndim), (graph) => {
        const inputSize = graph.sizes[0]!;
        expect(outputSize(graph, inputSize)).toEqual(graph.sizes.at(-1));
        const all = everywhere(graph.sizes.at(-1)!);
        for (const at of [all[0]!, all[all.length >> 1]!, all.at(-1)!]) {
          const walked = countByWalking(graph, at, graph.sizes);
          const positions = [...walked.keys()].map((key) => key.split(',').map(Number));
          expect(inputRegion(graph, at, { inputSize })).toEqual(box(positions));
          if (!walked.size) continue;
          const { touched, paths } = coverage(graph, { inputSize, at });
          expect(touched).toBe(walked.size);
          expect(paths.total).toBe([...walked.values()].reduce((a, b) => a + b));
          const { start, shape, values } = pathCounts(graph, { inputSize, at });
          for (const [key, count] of walked) {
            const flat = key
              .split(',')
              .reduce((index, position, axis) => index * shape[axis]! + Number(position) - start[axis]!, 0);
            expect(values[flat]).toBe(count);
          }
        }
      }),
      { numRuns: 800 },
    );
  });

  test('which outputs an input influences', () => {
    fc.assert(
      fc.property(randomMap(ndim, 4), fc.nat(), (graph, seed) => {
        const inputSize = graph.sizes[0]!;
        const all = everywhere(inputSize);
        const input = all[seed % all.length]!;
        const influenced = everywhere(graph.sizes.at(-1)!).filter((at) =>
          countByWalking(graph, at, graph.sizes).has(String(input)),
        );
        expect(outputRegion(graph, input, { inputSize })).toEqual(box(influenced));
      }),
      { numRuns: ndim === 1 ? 1000 : 200 },
    );
  });
});

/** Whether an output, or anything it depends on, reads outside its map. */
function seesPadding(
  graph: ReachGraph & { sizes: number[][] },
  axis: number,
  node: number,
  index: number,
): boolean {
  if (node === 0) return false;
  const { inputs, reach } = graph.nodes[node]!;
  return inputs.some((input, k) => {
    const size = graph.sizes[input]![axis]!;
    const read =
      !k && reach?.type === 'everything'
        ? reads(reach, axis, index, size)
        : reads(
            k
              ? undefined
              : !k && reach?.type === 'sample' && size === 1
                ? { type: 'sample', axes: reach.axes.map((a) => ({ ...a, scale: 0, offset: 0, taps: 1 })) }
                : reach,
            axis,
            index,
          );
    return read.some(
      (position) => position < 0 || position >= size || seesPadding(graph, axis, input, position),
    );
  });
}

test('which outputs see padding', () => {
  fc.assert(
    fc.property(
      randomMap(1).filter(({ nodes }) =>
        nodes.every(({ reach }) => reach?.type !== 'transposed' || reach.axes[0]!.dilation === 1),
      ),
      (graph) => {
        // a transposed convolution whose kernel is shorter than its stride leaves outputs that read nothing
        if (
          graph.nodes.some(
            ({ reach }) => reach?.type === 'transposed' && reach.axes[0]!.kernel < reach.axes[0]!.stride,
          )
        )
          return;
        const length = graph.sizes.at(-1)![0]!;
        const clean = Array.from({ length }, (_, i) => i).filter(
          (i) => !seesPadding(graph, 0, graph.nodes.length - 1, i),
        );
        const { axes, fraction } = interiorOutputs(graph, graph.sizes[0]!);
        expect(axes[0]).toEqual(clean.length ? [clean[0], clean.at(-1)] : undefined);
        expect(fraction).toBeCloseTo(clean.length / length);
      },
    ),
    { numRuns: 2000 },
  );
});

test('the share of taps on the map', () => {
  fc.assert(
    fc.property(
      fc.tuple(window({ kernel: 5, dilation: 6, padding: 12 }), window({ kernel: 5, padding: 6 })),
      fc.integer({ min: 5, max: 20 }),
      (axes, size) => {
        const graph: ReachGraph = {
          nodes: [{ inputs: [] }, { inputs: [0], reach: { type: 'window', axes } }],
          inputs: [0],
          outputs: [1],
        };
        let outputs: readonly number[];
        try {
          outputs = outputSize(graph, size);
        } catch {
          return;
        }
        if (axes.every(({ kernel }) => kernel === 1)) return;
        const shares = axes.map(({ kernel, stride, dilation, padBefore }, axis) => {
          let inside = 0;
          const used = new Set<number>();
          for (let o = 0; o < outputs[axis]!; o++)
            for (let t = 0; t < kernel; t++) {
              const position = o * stride - padBefore + t * dilation;
              if (position < 0 || position >= size) continue;
              inside++;
              used.add(t);
            }
          return { share: inside / (outputs[axis]! * kernel), used: used.size };
        });
        const [usage] = tapUsage(graph, size);
        expect(usage!.fraction).toBeCloseTo(shares[0]!.share * shares[1]!.share, 12);
        expect(usage!.effective).toEqual(shares.map(({ used }) => used));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a rate of 36 on a 33×33 map is a 1×1 convolution', () => {
  const usage = [6, 12, 18, 24, 36].map(
    (rate) => tapUsage([{ kernel: 3, dilation: rate, padding: rate }], 33)[0]!,
  );
  expect(usage.map(({ fraction }) => fraction.toFixed(2))).toEqual(['0.77', '0.57', '0.40', '0.27', '0.11']);
  expect(usage.at(-1)!.effective).toEqual([1, 1]);
  expect(usage.at(-2)!.effective).toEqual([3, 3]);
});

test('smallest and largest field over single paths', () => {
  const dense = window({ dilation: 1 }).map((w) => ({ ...w, kernel: Math.max(w.kernel, w.stride) }));
  const reaches = fc.oneof(
    reach(1).filter((r) => r?.type !== 'transposed'),
    dense.map((axis) => ({ type: 'transposed' as const, axes: [axis] })),
  );
  fc.assert(
    fc.property(randomGraph(reaches), (graph) => {
      const found = pathFields(graph)[0]!;
      if (Number.isNaN(found.smallest)) return;
      const sizes = [];
      // enough outputs for every phase that these scales and strides can make
      for (let output = 0; output < 64; output++)
        for (const [first, last] of regionPerPath(graph, 0, output)) sizes.push(last - first + 1);
      expect(found).toEqual({ smallest: Math.min(...sizes), largest: Math.max(...sizes) });
    }),
    { numRuns: 300 },
  );
});
