import type { Workload } from './workloads.js';

/** What a measuring process gets, as JSON. */
export interface SessionOptions {
  readonly workloads: readonly Workload[];
  readonly threads: number;
  readonly peers: readonly string[];
  readonly quick: boolean;
  /** Whether our other backends compete as well. */
  readonly backends?: boolean;
}
