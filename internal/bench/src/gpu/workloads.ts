import type { Workload } from '../workloads.js';

const square = (n: number) => [n, n];

/** Small enough for adapters in software. The branches are those of the article's ASPP, with few channels. */
export const gpuWorkloads: readonly Workload[] = [
  ...[6, 18].map((dilation) => ({
    id: `ASPP branch 33² 32→16 rate ${dilation}`,
    inChannels: 32,
    outChannels: 16,
    size: square(33),
    kernel: 3,
    dilation,
  })),
  {
    id: 'C 64² 64→64 rate 4',
    inChannels: 64,
    outChannels: 64,
    size: square(64),
    kernel: 3,
    dilation: 4,
  },
  { id: 'water network 128²', network: 'water', inChannels: 1, size: square(128) },
];
