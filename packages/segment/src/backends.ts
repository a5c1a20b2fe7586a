/** Backends as plain data, so that a choice and a report can travel to a worker and back. */

/** How the gpu backend can run, best first. */
export type GpuMode = 'webgpu' | 'webgl2' | 'webasm';

/** A backend by name. */
export interface BackendChoice {
  readonly name: 'cpu' | 'gpu' | 'reference';
  /** For `gpu`; default: webgpu or webgl2 on a real adapter, otherwise webasm. */
  readonly gpuMode?: GpuMode | undefined;
  /** For `cpu`; default: as many as the machine has cores, at most 8; more than one needs an isolated page. */
  readonly threads?: number | undefined;
}

/** Whether a backend works here. */
export interface BackendReport {
  /** What to give to `load` or `use`. */
  readonly choice: BackendChoice;
  readonly available: boolean;
  /** Why it does not work. */
  readonly reason?: string | undefined;
  /** What computes: `WebAssembly SIMD`, a graphics adapter as the browser names it … */
  readonly adapter?: string | undefined;
  /** Whether that is software on the CPU. */
  readonly software?: boolean | undefined;
}

/** What runs. */
export interface BackendInfo {
  readonly name: string;
  /** Mode, adapter, threads and why not more of them … */
  readonly info: Readonly<Record<string, string | number | boolean>>;
}
