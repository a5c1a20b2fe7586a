/** What `--json` prints, one a line. */
import type { Role } from './contestant.js';

export type Record = SessionRecord | Measurement | Skip;

/** The machine and the circumstances of one process; the records after it belong to it. */
export interface SessionRecord {
  readonly kind: 'session';
  readonly node: string;
  readonly threads: number;
  readonly model: string;
  readonly cores: number;
  readonly quick: boolean;
  /** GFLOP/s of one thread on registers only, in WebAssembly. */
  readonly peak: number;
  /** GB/s of one thread copying, read and written bytes counted. */
  readonly bandwidth: number;
  readonly fma: boolean;
}

interface About {
  readonly workload: string;
  readonly contestant: string;
  readonly role: Role;
  readonly threads: number;
}

export interface Measurement extends About {
  readonly kind: 'measurement';
  /** Median of the computation: without copies and layout conversions at the edges. */
  readonly milliseconds: number;
  /** Median of the whole call. */
  readonly callMilliseconds: number;
  /** Effective: padding counted as work. */
  readonly gflops: number;
  /** What the roofline allows at least: taps inside the input at the peak, or every tensor moved once. */
  readonly boundMilliseconds: number;
  readonly samples: number;
  /** Samples that were taken although a core was slow, because waiting took too long. */
  readonly disturbed: number;
  /** Relative error against float64. */
  readonly error: number;
  /** Largest difference from float64, where the whole result is known. */
  readonly largestDifference?: number;
  readonly algorithm?: string;
  readonly memory?: number;
}

/** A contestant that did not run, or whose result was wrong. */
export interface Skip extends About {
  readonly kind: 'skip';
  readonly reason: string;
  readonly failed: boolean;
}
