import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  coverage,
  inputRegion,
  needed,
  pathCounts,
  period,
  type ReachGraph,
  receptiveField,
} from '../src/index.js';
import { countByWalking, randomGraph, reach, reads, window } from './brute.js';

/** The library's counts in the form of the brute force. */
function countsOf(graph: ReachGraph, at: readonly number[]): Map<string, number> {
  const { start, shape, values } = pathCounts(graph, { at, ndim: at.length });
  const found = new Map<string, number>();
  values.forEach((count, flat) => {
    if (!count) return;
    const position: number[] = [];
    for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
      position.unshift(start[axis]! + (rest % shape[axis]!));
      rest = Math.floor(rest / shape[axis]!);
    }
    found.set(String(position), count);
  });
  return found;
}

const sorted = (counts: Map<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1));

describe('random graphs against walking every path', () => {
  test('path counts of a 1-D output', () => {
    fc.assert(
      fc.property(randomGraph(reach(1)), fc.integer({ min: -5, max: 9 }), (graph, output) => {
        const walked = countByWalking(graph, [output]);
        if (!walked.size) return;
        expect(sorted(countsOf(graph, [output]))).toEqual(sorted(walked));
      }),
      { numRuns: 3000 },
    );
  });

  test('path counts and coverage of a 2-D output', () => {
    fc.assert(
      fc.property(
        randomGraph(reach(2), 5),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        (graph, y, x) => {
          const walked = countByWalking(graph, [y, x]);
          if (!walked.size) return;
          expect(sorted(countsOf(graph, [y, x]))).toEqual(sorted(walked));
          const { touched, paths } = coverage(graph, { at: [y, x], ndim: 2 });
          const all = [...walked.values()];
          expect(touched).toBe(walked.size);
          expect(paths).toMatchObject({
            min: Math.min(...all),
            max: Math.max(...all),
            total: all.reduce((a, b) => a + b),
          });
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('the region of any output, its stride and phases', () => {
    fc.assert(
      fc.property(randomGraph(reach(1)), (graph) => {
        const { axes } = receptiveField(graph);
        for (let output = -4; output < 8; output++) {
          const walked = [...countByWalking(graph, [output]).keys()].map(Number);
          const region = walked.length ? [[Math.min(...walked), Math.max(...walked)]] : undefined;
          const { phases, shift, size } = axes[0]!;
          if (!phases.length) continue;
          expect(inputRegion(graph, output)).toEqual(region);
          const phase = ((output % phases.length) + phases.length) % phases.length;
          const moved = ((output - phase) / phases.length) * shift;
          if (region) expect(phases[phase]!.map((position) => position + moved)).toEqual(region[0]);
          if (region) expect(region[0]![1]! - region[0]![0]! + 1).toBeLessThanOrEqual(size);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

/** What each node must provide, by following every read of every output in the interval. */
function neededByWalking(graph: ReachGraph, from: number, to: number): ([number, number] | undefined)[] {
  const wanted = graph.nodes.map(() => new Set<number>());
  for (let output = from; output <= to; output++) wanted[graph.outputs[0]!]!.add(output);
  for (let n = graph.nodes.length - 1; n >= 0; n--)
    graph.nodes[n]!.inputs.forEach((input, k) => {
      for (const position of wanted[n]!)
        for (const read of reads(k ? undefined : graph.nodes[n]!.reach, 0, position))
          wanted[input]!.add(read);
    });
  return wanted.map((set) => (set.size ? [Math.min(...set), Math.max(...set)] : undefined));
}

describe('what tiling asks for', () => {
  test('needed is exact for windows and resizing', () => {
    fc.assert(
      fc.property(
        randomGraph(reach(1).filter((r) => r?.type !== 'transposed')),
        fc.nat(9),
        fc.nat(9),
        (graph, from, more) => {
          expect(needed(graph, [from, from + more])).toEqual(neededByWalking(graph, from, from + more));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('needed never misses anything, and is exact where transposed convolutions have no gaps', () => {
    const dense = window({ dilation: 1 }).map((w) => ({ ...w, kernel: Math.max(w.kernel, w.stride) }));
    const reaches = fc.oneof(
      reach(1).filter((r) => r?.type !== 'transposed'),
      dense.map((axis) => ({ type: 'transposed' as const, axes: [axis] })),
    );
    fc.assert(
      fc.property(randomGraph(reaches), fc.nat(9), fc.nat(9), (graph, from, more) => {
        expect(needed(graph, [from, from + more])).toEqual(neededByWalking(graph, from, from + more));
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(randomGraph(reach(1)), fc.nat(9), fc.nat(9), (graph, from, more) => {
        const found = needed(graph, [from, from + more]);
        neededByWalking(graph, from, from + more).forEach((interval, n) => {
          if (!interval) return;
          expect(found[n]![0]).toBeLessThanOrEqual(interval[0]);
          expect(found[n]![1]).toBeGreaterThanOrEqual(interval[1]);
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('period is the smallest shift of the input that shifts every node by whole samples', () => {
    fc.assert(
      fc.property(randomGraph(reach(1)), (graph) => {
        const found = period(graph);
        const brute = periodByTrying(graph, 2000);
        expect(found).toBe(brute);
      }),
      { numRuns: 1500 },
    );
  });
});

/** Tries one shift after the other: a node may shift only if it then reads its inputs shifted by whole samples. */
function periodByTrying(graph: ReachGraph, most: number): number | undefined {
  search: for (let shift = 1; shift <= most; shift++) {
    const shifts: number[] = [];
    for (const { inputs, reach } of graph.nodes) {
      if (!inputs.length) {
        shifts.push(shift);
        continue;
      }
      const candidates = inputs.map((input, k) => {
        if (k || !reach || reach.type === 'everything') return shifts[input]!;
        if (reach.type === 'window') return shifts[input]! / reach.axes[0]!.stride;
        if (reach.type === 'transposed') return shifts[input]! * reach.axes[0]!.stride;
        return reach.axes[0]!.scale === 0 ? NaN : shifts[input]! / reach.axes[0]!.scale;
      });
      // NaN: one value for every position
      const own = candidates.filter((candidate) => !Number.isNaN(candidate));
      const wanted = own[0] ?? NaN;
      if (own.length && own.length < candidates.length) return undefined;
      if (own.some((candidate) => Math.abs(candidate - wanted) > 1e-9)) return undefined;
      if (own.length && Math.abs(wanted - Math.round(wanted)) > 1e-9) continue search;
      shifts.push(own.length ? Math.round(wanted) : NaN);
    }
    return shift;
  }
  return undefined;
}
