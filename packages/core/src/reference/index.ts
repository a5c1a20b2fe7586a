import type { Backend } from '../backend/contract.js';
import { type HostKernel, hostBackend } from '../backend/host.js';
import type { OpKind } from '../graph.js';
import { conv, convTranspose } from './conv.js';
import { concat, layout } from './layout.js';
import { cast, pointwise } from './pointwise.js';
import { adaptivePool, pool } from './pool.js';
import { argmax, groupNorm, reduce, softmax } from './reduce.js';
import { resize } from './resize.js';

/** The ops that compute something. */
export type KernelKind = Exclude<OpKind, 'input' | 'constant' | 'reshape'>;

/** One plain kernel for every op that computes; the compiler demands all of them. */
export const referenceKernels: Readonly<Record<KernelKind, HostKernel>> = {
  unary: pointwise,
  clip: pointwise,
  binary: pointwise,
  conv,
  convTranspose,
  pool,
  adaptivePool,
  pad: layout,
  resize,
  slice: layout,
  broadcast: layout,
  transpose: layout,
  depthToSpace: layout,
  spaceToDepth: layout,
  concat,
  softmax,
  argmax,
  reduce,
  groupNorm,
  cast,
};

/**
 * The plain truth: every op as its definition says, in float64, rounded once; the graph runs as it was traced.
 * Slow, and what all other backends are checked against.
 */
export function reference(): Backend {
  return hostBackend({
    name: 'reference',
    info: { arithmetic: 'float64' },
    prepare: (graph) => graph,
    kernel: (node) => ({
      algorithm: 'definition',
      run: referenceKernels[node.kind as KernelKind],
    }),
  });
}
