/** Programs for backends that compute on typed arrays in this thread: one arena, one step per node. */

import { MemoryError } from '../errors.js';
import type { FusedGraph, FusedNode } from '../fuse.js';
import type { DType, Graph, Shape, Values } from '../graph.js';
import { elementCount } from '../shape.js';
import type { Backend, CompileOptions, Program, RunOptions } from './contract.js';
import {
  byteLength,
  checkMemory,
  isComputed,
  labelOf,
  lastUses,
  macsOf,
  planArena,
  storageOf,
} from './plan.js';
import { Breather, checkAlive, checkRun, Queue } from './run.js';

/** A value as a kernel sees it. */
export interface HostValue {
  readonly data: Values;
  readonly shape: Shape;
}

/**
 * Computes one node into `output`. A kernel that runs long is a generator: where it yields, events get their turn and
 * the run can be cancelled.
 */
export type HostKernel = (
  node: FusedNode,
  inputs: readonly HostValue[],
  output: Values,
) => Generator<undefined, void> | void;

export interface HostBackendOptions {
  readonly name: string;
  readonly info: Backend['info'];
  /** Prepares a graph, for example by `fuse`; it must keep inputs, outputs and their order. */
  readonly prepare: (graph: Graph) => FusedGraph;
  /** The kernel for a node and the name of its algorithm. */
  readonly kernel: (
    node: FusedNode,
    graph: FusedGraph,
  ) => { readonly algorithm: string; readonly run: HostKernel; readonly scratch?: number };
}

/** Bytes that a program may hold unless `maxMemory` says otherwise. */
export const defaultMaxMemory = 2 ** 32;

/** A backend whose programs call one kernel per node. All programs share one arena, sized for the largest. */
export function hostBackend(options: HostBackendOptions): Backend {
  const queue = new Queue();
  let arena = new ArrayBuffer(0);
  let gone: string | undefined;
  const arenaOf = (bytes: number) => {
    if (arena.byteLength >= bytes) return arena;
    try {
      arena = new ArrayBuffer(bytes);
    } catch {
      throw new MemoryError(
        `${options.name}: this machine gives no ${bytes} bytes; set maxMemory and work on tiles`,
        { bytes },
      );
    }
    return arena;
  };
  return {
    name: options.name,
    info: options.info,
    lost: new Promise(() => undefined),
    async compile(graph, { maxMemory = defaultMaxMemory, signal }: CompileOptions = {}) {
      checkAlive(options.name, gone);
      signal?.throwIfAborted();
      const program = hostProgram(options, options.prepare(graph), queue, arenaOf, () => gone);
      checkMemory(options.name, program.memory, maxMemory, graph);
      return program;
    },
    async dispose() {
      gone = 'the backend was disposed';
      await queue.idle();
      arena = new ArrayBuffer(0);
    },
  };
}

function hostProgram(
  options: HostBackendOptions,
  graph: FusedGraph,
  queue: Queue,
  arenaOf: (bytes: number) => ArrayBuffer,
  backendGone: () => string | undefined,
): Program {
  const storage = storageOf(graph);
  const last = lastUses(graph, storage);
  const computed = graph.nodes.flatMap((node, index) => (isComputed(node) ? [index] : []));
  const { offsets, bytes } = planArena(
    computed.map((index) => ({ bytes: byteLength(graph.nodes[index]!), from: index, to: last[index]! })),
  );
  const offsetOf = new Map(computed.map((index, i) => [index, offsets[i]!]));
  const steps = computed.map((index) => {
    const node = graph.nodes[index]!;
    const { algorithm, run, scratch = 0 } = options.kernel(node, graph);
    return { name: labelOf(node, index), algorithm, macs: macsOf(graph, node), node, index, run, scratch };
  });
  const constants = new Set(graph.nodes.flatMap((node) => (node.kind === 'constant' ? [node.value] : [])));
  const constantBytes = [...constants].reduce((sum, { data }) => sum + data.byteLength, 0);
  let gone: string | undefined;
  let views: { arena: ArrayBuffer; values: Map<number, Values> } | undefined;

  /** Values that live in the arena; made once per arena, so that runs allocate nothing. */
  const arenaViews = () => {
    const arena = arenaOf(bytes);
    if (views?.arena !== arena)
      views = {
        arena,
        values: new Map(
          [...offsetOf].map(([index, offset]) => [index, viewOf(arena, offset, graph.nodes[index]!)]),
        ),
      };
    return views.values;
  };

  async function execute(
    inputs: readonly Values[],
    { signal, out, onStep }: RunOptions,
  ): Promise<readonly Values[]> {
    checkAlive('program', gone ?? backendGone());
    signal?.throwIfAborted();
    const values = arenaViews();
    const given = new Map(graph.inputs.map((index, i) => [index, inputs[i]!]));
    const read = (index: number): Values => {
      const at = storage[index]!;
      const node = graph.nodes[at]!;
      return node.kind === 'constant' ? node.value.data : (given.get(at) ?? values.get(at)!);
    };
    const breather = new Breather(signal);
    for (const [i, { node, index, run }] of steps.entries()) {
      const start = performance.now();
      const work = run(
        node,
        node.inputs.map((input) => ({ data: read(input), shape: graph.nodes[input]!.shape })),
        values.get(index)!,
      );
      if (work) for (const _ of work) if (breather.due) await breather.pause();
      onStep?.(i, performance.now() - start);
      if (breather.due) await breather.pause();
      signal?.throwIfAborted();
    }
    return graph.outputs.map((index, i) => {
      const value = read(index);
      if (out === undefined) return value.slice();
      out[i]!.set(value);
      return out[i]!;
    });
  }

  return {
    memory: bytes + constantBytes + steps.reduce((most, { scratch }) => Math.max(most, scratch), 0),
    steps: steps.map(({ name, algorithm, macs }) => ({ name, algorithm, macs })),
    async run(inputs, runOptions = {}) {
      checkRun(graph, inputs, runOptions.out);
      return queue.add(() => execute(inputs, runOptions));
    },
    dispose() {
      gone = 'the program was disposed';
      views = undefined;
    },
  };
}

function viewOf(
  buffer: ArrayBuffer,
  offset: number,
  node: { readonly shape: Shape; readonly dtype: DType },
): Values {
  const count = elementCount(node.shape);
  switch (node.dtype) {
    case 'float32':
      return new Float32Array(buffer, offset, count);
    case 'int32':
      return new Int32Array(buffer, offset, count);
    case 'uint8':
      return new Uint8Array(buffer, offset, count);
  }
}
