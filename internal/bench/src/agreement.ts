import { type Problem, product } from './problem.js';
import { type Sample, sampleGraph } from './sampled.js';

/** Positions that are compared, all channels of each: borders, the middle and places in between. */
const count = 24;

/** Largest difference that may be, as a multiple of the root mean square of the values. */
const tolerance = 1e-4;
/** The same for whole networks, in which float32 rounds hundreds of times. */
const networkTolerance = 2e-3;

/** The true result of a problem at some positions. */
export interface Expected {
  readonly samples: readonly Sample[];
  readonly rms: number;
  /** Largest difference that may be, as a multiple of the RMS. */
  readonly tolerance: number;
  /** Positions of the whole output. */
  readonly area: number;
}

export function expect({ graph, x, truth }: Problem): Expected {
  const area = product(graph.nodes[graph.outputs[0]!]!.shape.slice(2));
  const positions = [
    ...new Set(Array.from({ length: count }, (_, i) => Math.round((i * (area - 1)) / (count - 1)))),
  ];
  const samples = truth
    ? positions.map((position) => ({
        position,
        channels: Float64Array.from({ length: truth.length / area }, (_, c) => truth[c * area + position]!),
      }))
    : sampleGraph(graph, x, positions);
  const values = samples.flatMap(({ channels }) => [...channels]);
  return {
    samples,
    area,
    tolerance: truth ? networkTolerance : tolerance,
    rms: Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length),
  };
}

/**
 * The relative error of a result, `[C, …]` row-major: root mean square of the differences over that of the values.
 *
 * @throws Error if it is wrong
 */
export function checkAgreement(
  { samples, rms, tolerance: limit, area }: Expected,
  got: Float32Array,
): number {
  const channels = samples[0]!.channels.length;
  if (got.length !== channels * area)
    throw new Error(`gave ${got.length} values where ${channels * area} were due`);
  let squares = 0;
  for (const { position, channels: want } of samples)
    for (const [c, value] of want.entries()) {
      const difference = Math.abs(got[c * area + position]! - value);
      if (!(difference <= limit * rms))
        throw new Error(
          `differs from float64 by ${difference} at channel ${c}, position ${position} (the values have an RMS of ${rms})`,
        );
      squares += difference ** 2;
    }
  return Math.sqrt(squares / (samples.length * channels)) / rms;
}
