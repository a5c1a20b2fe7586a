import type { Measurement } from '../records.js';

/** The measurements of one workload, by role. */
export interface Row {
  readonly workload: string;
  readonly atrous: Measurement | undefined;
  /** atrous on one thread, where the session has several. */
  readonly single: Measurement | undefined;
  /** The fastest peer in WebAssembly. */
  readonly wasm: Measurement | undefined;
  readonly native: Measurement | undefined;
}

/** Rows of a session, in the order of its workloads. */
export function rowsOf(measurements: readonly Measurement[], threads: number): Row[] {
  const ids = [...new Set(measurements.map(({ workload }) => workload))];
  return ids.map((workload) => {
    const own = measurements.filter((measurement) => measurement.workload === workload);
    const fastest = (role: Measurement['role'], count = threads) =>
      own
        .filter((measurement) => measurement.role === role && measurement.threads === count)
        .sort((a, b) => a.milliseconds - b.milliseconds)[0];
    return {
      workload,
      atrous: fastest('atrous'),
      single: threads > 1 ? fastest('atrous', 1) : undefined,
      wasm: fastest('wasm'),
      native: fastest('native'),
    };
  });
}

/** How many times as fast as another; undefined where one of them is missing. */
export const ratio = (a: Measurement | undefined, b: Measurement | undefined): number | undefined =>
  a && b && b.milliseconds / a.milliseconds;
