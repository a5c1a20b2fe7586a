/** What `--gpu --json` prints, one a line. */
import type { Mode } from '@atrous/gpu';

export type GpuRecord = GpuSession | GpuMeasurement | GpuSkip;

/** Who competes with whom: contestants of one mode stand in one row, each family in a column of its own. */
export type Family = 'atrous' | 'cpu' | 'tfjs' | 'onnxruntime-web' | 'gpu.js';

export interface GpuSession {
  readonly kind: 'session';
  readonly place: string;
  readonly model: string;
  readonly cores: number;
  readonly quick: boolean;
  readonly adapters: readonly Adapter[];
}

export interface Adapter {
  readonly mode: string;
  readonly adapter: string;
  readonly software: boolean;
}

export interface GpuAbout {
  readonly workload: string;
  readonly family: Family;
  readonly mode: Mode | 'cpu';
}

export interface GpuMeasurement extends GpuAbout {
  readonly kind: 'measurement';
  /** From the graph to the first result: compiling, uploading the weights, running, reading. */
  readonly first: number;
  /** Median of later runs, until the result has been read. */
  readonly warm: number;
  readonly samples: number;
  /** Relative error against float64. */
  readonly error: number;
}

/** A contestant that did not run, or whose result was wrong. */
export interface GpuSkip extends GpuAbout {
  readonly kind: 'skip';
  readonly reason: string;
  readonly failed: boolean;
}
