import type { Measurement, SessionRecord } from '../src/records.js';

export const session = (change: Partial<SessionRecord> = {}): SessionRecord => ({
  kind: 'session',
  node: 'v26.10.0',
  threads: 1,
  model: 'a machine',
  cores: 2,
  quick: false,
  peak: 50,
  bandwidth: 10,
  fma: true,
  ...change,
});

export const measurement = (
  workload: string,
  contestant: string,
  role: Measurement['role'],
  milliseconds: number,
  change: Partial<Measurement> = {},
): Measurement => ({
  kind: 'measurement',
  workload,
  contestant,
  role,
  threads: 1,
  milliseconds,
  callMilliseconds: milliseconds,
  gflops: 1,
  boundMilliseconds: milliseconds / 2,
  samples: 5,
  disturbed: 0,
  error: 1e-7,
  ...change,
});
