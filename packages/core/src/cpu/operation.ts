/** What a node of the graph becomes on this backend. */
import type { HostValue } from '../backend/host.js';
import type { Values } from '../graph.js';
import type { Calls } from './calls.js';
import type { Engine } from './engine.js';
import type { Address, Value } from './values.js';

interface OperationBase {
  readonly name: string;
  /** Named in `program.steps`. */
  readonly algorithm: string;
  readonly macs: number;
  readonly inputs: readonly Value[];
  readonly output: Value;
}

/** Computed by WebAssembly kernels. */
export interface KernelOperation extends OperationBase {
  /** Bytes of memory needed while it runs. */
  readonly scratch?: number;
  /** Writes the calls, when every value and the scratch have their addresses. */
  emit(calls: Calls, scratch: Address): void;
  /** Frees tables and packed constants. */
  dispose?(engine: Engine): void;
}

/** Computed in JavaScript on row-major arrays: ops that are rare or trivial. */
export interface HostOperation extends OperationBase {
  /** Every input in the order of the node, constants as they are. */
  readonly operands: readonly (Value | HostValue)[];
  run(inputs: readonly HostValue[], output: Values): Generator<undefined, void> | void;
}

export type Operation = KernelOperation | HostOperation;

export const isHostOperation = (operation: Operation): operation is HostOperation => 'run' in operation;
