/** What a mode of gpu.js offers to programs; each adapter implements it. */
import type { Kernel } from './kernel.js';

export type Mode = 'webgpu' | 'webgl2' | 'webasm';

/** Values on the device. */
export interface Resident {
  readonly count: number;
}

/** A kernel that is ready to run. */
export interface BuiltKernel {
  readonly kernel: Kernel;
}

export interface Limits {
  /** Elements of one array. */
  readonly maxElements: number;
  /** Whether a thread may give four values at once. */
  readonly quads: boolean;
  /** Why a kernel is too large, or undefined if it is not. */
  kernelProblem(kernel: Kernel): string | undefined;
}

/** What a device holds now. */
export interface Holdings {
  /** Arrays, free ones kept for reuse included. */
  readonly arrays: number;
  readonly bytes: number;
  readonly kernels: number;
}

export interface Device<R extends Resident = Resident, K extends BuiltKernel = BuiltKernel> {
  readonly mode: Mode;
  readonly info: Readonly<Record<string, string | number | boolean>>;
  readonly limits: Limits;
  /** Whether freed arrays are kept and serve only values of the same size. */
  readonly pooled: boolean;
  /** Settles when the device is lost. */
  readonly lost: Promise<{ reason: string }>;
  /** Bytes of an array of so many elements. */
  bytesOf(count: number): number;
  /** Bytes that kernels hold besides what they read and write. */
  bytesOfKernels(kernels: Iterable<Kernel>): number;
  upload(values: ArrayLike<number>, count: number): R;
  /** An array whose values are undefined. */
  allocate(count: number): R;
  /** Compiles a kernel. @throws UnsupportedError if gpu.js would run it elsewhere */
  build(kernel: Kernel): Promise<K>;
  /**
   * Runs a kernel; the result may not be ready yet, but launches keep their order.
   *
   * @param into where a kernel with a `place` writes, none of its arguments; it is the result then
   */
  run(kernel: K, arrays: readonly R[], scalars: readonly number[], into?: R): R | Promise<R>;
  /** @throws DisposedError if the device was lost */
  read(value: R, count: number): Promise<Float32Array>;
  /** Gives an array back; later launches may reuse it at once. */
  release(value: R): void;
  /** Frees arrays that are kept for reuse. */
  trim(): void;
  destroyKernel(kernel: K): void;
  holdings(): Holdings;
  dispose(): Promise<void>;
}
