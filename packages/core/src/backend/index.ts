/** What authors of backends use; see docs/architecture.md, "A new backend". */
export { type Epilogue, type FusedGraph, type FusedNode, fuse } from '../fuse.js';
export { binaryFunctions, unaryFunctions } from '../reference/pointwise.js';
export { splitUniformParts } from '../uniform.js';
export type { Backend, CompileOptions, Program, ProgramStep, RunOptions } from './contract.js';
export {
  defaultMaxMemory,
  type HostBackendOptions,
  type HostKernel,
  type HostValue,
  hostBackend,
} from './host.js';
export {
  byteLength,
  checkMemory,
  checkSupported,
  isComputed,
  type Lifetime,
  labelOf,
  lastUses,
  macsOf,
  planArena,
  storageOf,
} from './plan.js';
export { openReply, type Reply, replyOf } from './reply.js';
export { Breather, checkAlive, checkRun, Queue } from './run.js';
