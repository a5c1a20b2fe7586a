export type { Backend, CompileOptions, Program, ProgramStep, RunOptions } from './backend/contract.js';
export type { PerAxis } from './check.js';
export { convBySampling, convBySpaceToBatch, convByZeroFilledKernel, dilateKernel } from './classic.js';
export { type Compiled, compile, evaluate } from './compile.js';
export { type CpuOptions, cpu } from './cpu/index.js';
export { full, input, isTensor, ones, tensor, zeros } from './create.js';
export * from './errors.js';
export { type Epilogue, type FusedGraph, type FusedNode, fuse } from './fuse.js';
export type {
  Arrays,
  AxisSample,
  AxisWindow,
  BinaryFunction,
  Constant,
  DType,
  Graph,
  Node,
  NodeOf,
  Op,
  OpKind,
  PadMode,
  Pointwise,
  Reach,
  Shape,
  UnaryFunction,
  Values,
} from './graph.js';
export * from './ops/index.js';
export { reference } from './reference/index.js';
export { type NestedNumbers, Tensor } from './tensor.js';
export { trace } from './trace.js';
export type { Tree } from './tree.js';
export { effectiveKernel, type Padding, type WindowOptions } from './window.js';
