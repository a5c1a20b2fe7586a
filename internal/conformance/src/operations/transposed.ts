import * as atrous from '@atrous/core';
import type { OperationCase } from './case.js';

interface Geometry {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly outputPadding?: number;
}

/** Strides that do and do not divide the dilation, residues that no tap reaches, cropping and growing borders. */
const geometries: readonly Geometry[] = [
  { kernel: 3 },
  { kernel: 2, stride: 2 },
  { kernel: 4, stride: 2, padding: 1 },
  { kernel: 3, stride: 2, padding: 1, outputPadding: 1 },
  { kernel: 3, stride: 2, dilation: 2, padding: 2 },
  { kernel: 3, stride: 3, dilation: 2, padding: 1 },
  { kernel: 2, stride: 4, padding: 1 },
  { kernel: 1, stride: 3, outputPadding: 2 },
  { kernel: 3, stride: 4, dilation: 6, padding: 5 },
];

/** Transposed convolutions by constant weights, as a decoder has them. */
export function transposedCases(): OperationCase[] {
  const channels = [
    [1, 3, 1],
    [5, 4, 1],
    [4, 12, 2],
    [6, 6, 6],
    [21, 21, 3],
  ] as const;
  const sizes = [[7], [5, 4], [3, 2, 4]];
  return geometries.flatMap((geometry, g) =>
    sizes.map((size, s): OperationCase => {
      const [from, to, groups] = channels[(g + s) % channels.length]!;
      const { kernel } = geometry;
      const conv = [atrous.convTranspose1d, atrous.convTranspose2d, atrous.convTranspose3d][s]!;
      const shape = [from, to / groups, ...size.map(() => kernel)];
      const count = shape.reduce((a, b) => a * b, 1);
      const weight = atrous.tensor(
        Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i)),
        shape,
      );
      const bias = atrous.tensor(Float32Array.from({ length: to }, (_, i) => i / 4));
      return {
        name: `transposed ${JSON.stringify(geometry)} of ${from} to ${to} channels, ${groups} groups, ${size.length} axes`,
        inputs: [{ shape: [2, from, ...size] }],
        apply: ([x]) => {
          const y = conv(x!, weight, { ...geometry, groups, bias });
          return [atrous.relu(y), atrous.sigmoid(atrous.add(conv(x!, weight, { ...geometry, groups }), y))];
        },
        sumLength: (from / groups) * kernel ** size.length,
      };
    }),
  );
}
