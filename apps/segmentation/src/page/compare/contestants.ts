import type { BackendChoice, BackendReport } from '@atrous/segment';

/** A backend, in one of its modes, that takes part. */
export interface Contestant {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  readonly choice: BackendChoice;
}

/** The first that works judges the outputs of the others. */
export const contestants: readonly Contestant[] = [
  { id: 'reference', title: 'reference', note: 'plain float64 loops', choice: { name: 'reference' } },
  {
    id: 'cpu-1',
    title: 'cpu, one thread',
    note: 'WebAssembly SIMD',
    choice: { name: 'cpu', threads: 1 },
  },
  { id: 'cpu', title: 'cpu, threads', note: 'WebAssembly SIMD', choice: { name: 'cpu' } },
  {
    id: 'webgpu',
    title: 'gpu, webgpu',
    note: 'gpu.js, compute shaders',
    choice: { name: 'gpu', gpuMode: 'webgpu' },
  },
  {
    id: 'webgl2',
    title: 'gpu, webgl2',
    note: 'gpu.js, fragment shaders',
    choice: { name: 'gpu', gpuMode: 'webgl2' },
  },
  {
    id: 'webasm',
    title: 'gpu, webasm',
    note: 'gpu.js, WebAssembly',
    choice: { name: 'gpu', gpuMode: 'webasm' },
  },
];

/** What is known of a contestant before it runs. */
export const reportOf = (
  { choice }: Contestant,
  reports: readonly BackendReport[],
): BackendReport | undefined =>
  reports.find((report) => report.choice.name === choice.name && report.choice.gpuMode === choice.gpuMode);
