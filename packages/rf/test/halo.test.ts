import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Layer, type ReachGraph, tileHalo, tileOverhead } from '../src/index.js';
import { explain } from '../src/report.js';
import { countByWalking, randomGraph, reach } from './brute.js';
import { aspp, conv, unet } from './networks.js';

describe('tile halo', () => {
  test('is exactly what aligned tiles read beyond their own part, by walking every path', () => {
    fc.assert(
      fc.property(
        randomGraph(
          reach(1).filter((r) => r?.type !== 'sample' || r.axes[0]!.scale > 0),
          5,
        ),
        (graph) => {
          const { axes } = tileHalo(graph);
          const { before, after, alignment, outputAlignment } = axes[0]!;
          if (alignment === undefined || outputAlignment === undefined || outputAlignment > 12) return;
          // two periods, so that no phase is missed at either end
          const outputs = Array.from({ length: 2 * outputAlignment }, (_, i) => i);
          const read = outputs.flatMap((output) => [...countByWalking(graph, [output]).keys()].map(Number));
          if (!read.length) return;
          expect(Math.max(0, -Math.min(...read))).toBe(before);
          expect(Math.max(0, Math.max(...read) - (2 * alignment - 1))).toBe(after);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test.each<[string, readonly Layer[], object]>([
    [
      '3×3 at rates 1, 2, 5',
      [conv(3), conv(3, 1, 2), conv(3, 1, 5)],
      { before: 8, after: 8, alignment: 1, outputAlignment: 1 },
    ],
    [
      'stride 4',
      [conv(3, 2), conv(3, 2), conv(3)],
      { before: 7, after: 4, alignment: 4, outputAlignment: 1 },
    ],
    [
      'a decoder back to full size',
      [conv(3, 2), { type: 'resize', scale: 2, mode: 'linear' }, conv(3)],
      { alignment: 2, outputAlignment: 2 },
    ],
    ['U-Net of four poolings', unet(4), { alignment: 16, outputAlignment: 16 }],
  ])('%s', (_, layers, axis) => {
    const halo = tileHalo(layers);
    expect(halo).toMatchObject({ exact: true, obstacles: [] });
    expect(halo.axes).toMatchObject([axis, axis]);
  });

  test('names what needs more than a halo or stands in the way, and what to do', () => {
    const pooled = tileHalo([aspp([6, 12, 18])]);
    expect(pooled.exact).toBe(true);
    expect(pooled.obstacles).toMatchObject([
      { reason: 'global', solvable: true, advice: expect.stringContaining('whole picture first') },
    ]);
    expect(pooled.axes[0]).toMatchObject({ before: Infinity, after: Infinity, alignment: 1 });

    const corners = tileHalo(
      [conv(3), { type: 'resize', size: 129, mode: 'linear', alignCorners: true, name: 'up' }],
      { inputSize: 33 },
    );
    expect(corners.exact).toBe(true);
    expect(corners.obstacles).toMatchObject([
      {
        name: 'up',
        reason: 'resize',
        solvable: true,
        advice: expect.stringContaining('origin of each tile'),
      },
    ]);
    expect(corners.axes[0]).toMatchObject({ alignment: 1, outputAlignment: 4 });

    const circular = tileHalo([{ kernel: 3, padding: 1, paddingMode: 'circular' }]);
    expect(circular.exact).toBe(false);
    expect(circular.obstacles).toMatchObject([{ reason: 'circular padding', solvable: false }]);
    expect(explain([{ kernel: 3, padding: 1, paddingMode: 'circular' }]).findings.join()).toMatch(
      /Exact tiling is not possible as it stands: .* reads the opposite border/,
    );

    const window = (stride: number) => ({
      type: 'window' as const,
      axes: [{ kernel: 1, stride, dilation: 1, padBefore: 0, padAfter: 0 }],
    });
    const clash: ReachGraph = {
      nodes: [{ inputs: [] }, { inputs: [0], reach: window(2) }, { inputs: [0, 1], name: 'clash' }],
      inputs: [0],
      outputs: [2],
    };
    expect(tileHalo(clash)).toMatchObject({
      exact: false,
      obstacles: [{ name: 'clash', reason: 'strides disagree', solvable: false }],
      axes: [{ alignment: undefined }],
    });
  });

  test('the price of overlap: a field of 93 makes 64³ tiles read almost 15 times the volume', () => {
    const meshnet: Layer[] = [1, 2, 4, 8, 16, 8, 4, 2, 1].map((rate) => ({
      kernel: [3, 3, 3],
      dilation: rate,
      padding: rate,
    }));
    const halo = tileHalo(meshnet);
    expect(halo.axes[0]).toMatchObject({ before: 46, after: 46 });
    expect(tileOverhead(halo, 64)).toBeCloseTo((156 / 64) ** 3, 9);
  });
});
