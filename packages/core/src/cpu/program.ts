import type { Program } from '../backend/contract.js';
import { planArena } from '../backend/plan.js';
import { checkAlive, checkRun, type Queue } from '../backend/run.js';
import type { FusedGraph } from '../fuse.js';
import { Calls } from './calls.js';
import type { Engine } from './engine.js';
import { Execution, isConstant } from './execute.js';
import { Lowered } from './lower.js';
import { isHostOperation, type Operation } from './operation.js';
import { Storage, type Value } from './values.js';

/** A graph lowered and planned, with its calls written. */
export interface PreparedProgram extends Program {
  dispose(): void;
}

/**
 * Lowers a graph, plans its memory and writes its calls; nothing of the arena is allocated yet.
 *
 * @param checkMemory throws if the program would hold too many bytes
 */
export function prepare(
  graph: FusedGraph,
  engine: Engine,
  queue: Queue,
  gone: () => string | undefined,
  checkMemory: (bytes: number) => void,
): PreparedProgram {
  let lowered: Lowered | undefined;
  let arenaBytes = 0;
  let execution: Execution | undefined;
  const release = () => {
    for (const operation of lowered?.operations ?? [])
      if (!isHostOperation(operation)) operation.dispose?.(engine);
    execution?.dispose();
  };
  let memory: number;
  try {
    // Packed constants and tables as they come to be, each stretch once however many steps share it.
    const heldBytes = engine.measure(() => {
      lowered = new Lowered(graph, engine);
      const scratches = lowered.operations.map(
        (operation) => new Storage(isHostOperation(operation) ? 0 : (operation.scratch ?? 0), 0),
      );
      arenaBytes = place(lowered, scratches);
      checkMemory(arenaBytes);
      const calls = lowered.operations.map((operation, i) => {
        const written = new Calls();
        if (!isHostOperation(operation))
          operation.emit(written, { arena: true, offset: scratches[i]!.offset });
        return written;
      });
      execution = new Execution(lowered, engine, arenaBytes, calls);
    });
    memory = arenaBytes + heldBytes + execution!.bytes;
    checkMemory(memory);
  } catch (error) {
    release();
    throw error;
  }
  let disposed: string | undefined;
  const start = async (...[inputs, options]: Parameters<Execution['run']>) => {
    checkAlive('program', disposed ?? gone());
    options.signal?.throwIfAborted();
    return execution!.run(inputs, options);
  };
  return {
    memory,
    steps: lowered!.operations.map(({ name, algorithm, macs }) => ({ name, algorithm, macs })),
    async run(inputs, options = {}) {
      checkRun(graph, inputs, options.out);
      return queue.add(() => start(inputs, options));
    },
    dispose() {
      if (disposed !== undefined) return;
      disposed = 'the program was disposed';
      void queue.add(async () => release());
    },
  };
}

/** Gives every storage and scratch its place in the arena; returns the arena's size in bytes. */
function place(lowered: Lowered, scratches: readonly Storage[]): number {
  const storages = new Set<Storage>();
  const use = (value: Value, step: number) => {
    storages.add(value.storage.root);
    value.storage.use(step);
  };
  for (const value of lowered.inputs) use(value, 0);
  lowered.operations.forEach((operation: Operation, step) => {
    for (const value of [...operation.inputs, operation.output]) use(value, step + 1);
    const scratch = scratches[step]!;
    if (scratch.bytes > 0) storages.add(scratch);
    scratch.use(step + 1);
  });
  for (const output of lowered.outputs) if (!isConstant(output)) use(output, lowered.operations.length + 1);
  const list = [...storages];
  const { offsets, bytes } = planArena(list);
  list.forEach((storage, i) => {
    storage.offset = offsets[i]!;
  });
  return bytes;
}
