/** What this package uses of WebGPU, which TypeScript's library does not declare. */
export interface GpuBuffer {
  readonly size: number;
  destroy(): void;
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  /** gpu.js counts references on the buffer itself. */
  _refs?: number;
}

export interface GpuDevice extends EventTarget {
  readonly limits: {
    readonly maxStorageBufferBindingSize: number;
    readonly maxBufferSize: number;
    readonly maxComputeWorkgroupsPerDimension: number;
  };
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  readonly queue: {
    writeBuffer(buffer: GpuBuffer, offset: number, values: Float32Array): void;
    submit(commands: readonly unknown[]): void;
    onSubmittedWorkDone(): Promise<void>;
  };
  createBuffer(descriptor: { readonly size: number; readonly usage: number }): GpuBuffer;
  createCommandEncoder(): {
    copyBufferToBuffer(
      from: GpuBuffer,
      fromOffset: number,
      to: GpuBuffer,
      toOffset: number,
      bytes: number,
    ): void;
    finish(): unknown;
  };
  pushErrorScope(filter: 'out-of-memory' | 'validation'): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
}

export interface GpuAdapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly device?: string;
    readonly description?: string;
    readonly isFallbackAdapter?: boolean;
  };
}

export interface NavigatorGpu {
  requestAdapter(): Promise<GpuAdapter | null>;
}

/** The browser's WebGPU, if it has one. */
export const navigatorGpu = (): NavigatorGpu | undefined =>
  typeof navigator === 'undefined' ? undefined : (navigator as { readonly gpu?: NavigatorGpu }).gpu;

export const usage = { mapRead: 1, copySource: 4, copyDestination: 8, storage: 128 } as const;
export const mapModeRead = 1;
