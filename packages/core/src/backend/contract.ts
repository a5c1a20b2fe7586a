import type { Graph, Values } from '../graph.js';

export interface CompileOptions {
  /** Bytes that a program may hold while it runs. Above it, compile rejects with a MemoryError. */
  readonly maxMemory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What runs graphs. It sees the whole network at once and may fuse, reorder and keep data where it likes. */
export interface Backend {
  readonly name: string;
  /** What really runs: mode, adapter, threads … */
  readonly info: Readonly<Record<string, string | number | boolean>>;
  /** Settles when the device is lost; runs reject from then on. Never settles for a backend that cannot lose one. */
  readonly lost: Promise<{ reason: string }>;
  /**
   * Packs each constant once per layout and shares it between its programs.
   *
   * @throws UnsupportedError naming every node that the backend cannot run; MemoryError; DisposedError
   */
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
  /** Frees everything, its programs too. */
  dispose(): Promise<void>;
}

export interface ProgramStep {
  /** The node's name, or its op and number. */
  readonly name: string;
  readonly algorithm: string;
  /** Multiply-accumulates, padding taps included. */
  readonly macs: number;
}

export interface Program {
  /** Bytes held while it runs, besides inputs and results; known before the first run. */
  readonly memory: number;
  readonly steps: readonly ProgramStep[];
  /**
   * Runs on flat row-major arrays in the order of `graph.inputs`. Runs of one backend are queued. Writes into `out`
   * if given, else into new arrays.
   *
   * @throws ShapeError for arrays of another type or length; DisposedError; `signal.reason` when cancelled
   */
  run(inputs: readonly Values[], options?: RunOptions): Promise<readonly Values[]>;
  dispose(): void;
}

export interface RunOptions {
  /** Cancels between steps; the program stays usable. */
  readonly signal?: AbortSignal | undefined;
  /** Where to write the results, in the order of `graph.outputs`. */
  readonly out?: readonly Values[] | undefined;
  /** Called after each step with its index in `steps`. */
  readonly onStep?: ((index: number, milliseconds: number) => void) | undefined;
}
