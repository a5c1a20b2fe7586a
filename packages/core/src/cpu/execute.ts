/** Runs of a program that is lowered and planned: inputs in, step after step, results out. */
import type { RunOptions } from '../backend/contract.js';
import type { HostValue } from '../backend/host.js';
import { Breather } from '../backend/run.js';
import { ExecutionError } from '../errors.js';
import type { Constant, DType, Shape, Values } from '../graph.js';
import { elementCount } from '../shape.js';
import { type Calls, Schedule } from './calls.js';
import type { Engine } from './engine.js';
import type { Lowered } from './lower.js';
import { type HostOperation, isHostOperation } from './operation.js';
import { addressOf, type Value } from './values.js';

/** Phases with less work stay on the calling thread: waking others would cost more than they save. */
const leastMilliseconds = 0.15;

/** The arrays that runs read and write; made anew only when memory has moved. */
interface Views {
  readonly inputs: readonly Values[];
  readonly outputs: readonly Values[];
  /** Operands and result of the JavaScript operations, by step. */
  readonly host: readonly (
    | { readonly operands: readonly HostValue[]; readonly output: Values }
    | undefined
  )[];
}

export class Execution {
  readonly #schedule: Schedule;
  /** Number of the program at the workers. */
  readonly #shared: number | undefined;
  /** Work of each step as the last run found it, all threads together. */
  readonly #milliseconds: Float64Array;
  #views: Views = { inputs: [], outputs: [], host: [] };
  #buffer: ArrayBufferLike | undefined;
  #arena = -1;

  /** @param calls of each operation of `lowered`, in order */
  constructor(
    private readonly lowered: Lowered,
    private readonly engine: Engine,
    private readonly arenaBytes: number,
    calls: readonly Calls[],
  ) {
    this.#schedule = new Schedule(calls, engine.pool !== undefined);
    this.#milliseconds = new Float64Array(calls.length).fill(Infinity);
    engine.sendKernels();
    this.#shared = engine.pool?.addProgram(this.#schedule.words);
  }

  /** Bytes of the schedule. */
  get bytes(): number {
    return this.#schedule.bytes;
  }

  async run(inputs: readonly Values[], { signal, out, onStep }: RunOptions): Promise<readonly Values[]> {
    const { operations } = this.lowered;
    const { firstTasks, phaseEnds } = this.#schedule;
    this.#place();
    const views = this.#views;
    for (let i = 0; i < inputs.length; i++) views.inputs[i]!.set(inputs[i]!);
    const breather = new Breather(signal);
    for (let step = 0; step < operations.length; step++) {
      const start = performance.now();
      const operation = operations[step]!;
      const helped = this.#helps(step);
      try {
        if (isHostOperation(operation)) {
          const { operands, output } = views.host[step]!;
          const work = operation.run(operands, output);
          if (work) for (const _ of work) if (breather.due) await breather.pause();
        } else {
          let task = firstTasks[step]!;
          for (const end of phaseEnds[step]!) {
            if (helped && end - task > 1) {
              await this.engine.pool!.run(this.#shared!, task, end, this.#runTask, breather);
              task = end;
            } else
              for (; task < end; task++) {
                if (breather.due) await breather.pause();
                this.#runTask(task);
              }
          }
        }
      } catch (error) {
        throw error instanceof WebAssembly.RuntimeError
          ? new ExecutionError(`cpu: '${operation.name}' (${operation.algorithm}) failed: ${error.message}`, {
              step,
              message: error.message,
            })
          : error;
      }
      const milliseconds = performance.now() - start;
      this.#milliseconds[step] = milliseconds * (helped ? this.engine.threads : 1);
      onStep?.(step, milliseconds);
      if (breather.due) await breather.pause();
      signal?.throwIfAborted();
    }
    if (out === undefined) return views.outputs.map((values) => values.slice());
    for (let i = 0; i < out.length; i++) out[i]!.set(views.outputs[i]!);
    return out;
  }

  readonly #runTask = (task: number): void => this.#schedule.run(task, this.engine);

  /** Whether other threads should help with a step. */
  #helps(step: number): boolean {
    const { firstTasks, phaseEnds } = this.#schedule;
    const phases = phaseEnds[step]!.length;
    return (
      this.#shared !== undefined &&
      firstTasks[step + 1]! - firstTasks[step]! > phases &&
      this.#milliseconds[step]! >= leastMilliseconds * phases
    );
  }

  /** Adapts everything that depends on where the memory is. */
  #place(): void {
    const arena = this.engine.arena(this.arenaBytes);
    const { buffer } = this.engine.memory;
    if (arena === this.#arena && buffer === this.#buffer) return;
    this.#arena = arena;
    this.#buffer = buffer;
    this.#schedule.link(arena);
    const { inputs, outputs, operations } = this.lowered;
    const view = (value: Value) => viewOf(buffer, arena + addressOf(value).offset, value.shape, value.dtype);
    const operandsOf = ({ operands }: HostOperation) =>
      operands.map((operand) =>
        'data' in operand ? operand : { data: view(operand), shape: operand.shape },
      );
    this.#views = {
      inputs: inputs.map(view),
      outputs: outputs.map((output) => (isConstant(output) ? output.data : view(output))),
      host: operations.map((operation) =>
        isHostOperation(operation)
          ? { operands: operandsOf(operation), output: view(operation.output) }
          : undefined,
      ),
    };
  }

  dispose(): void {
    if (this.#shared !== undefined) this.engine.pool!.send({ forget: this.#shared });
  }
}

export const isConstant = (output: Value | Constant): output is Constant => 'data' in output;

function viewOf(buffer: ArrayBufferLike, offset: number, shape: Shape, dtype: DType): Values {
  const count = elementCount(shape);
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer as ArrayBuffer, offset, count);
    case 'int32':
      return new Int32Array(buffer as ArrayBuffer, offset, count);
    case 'uint8':
      return new Uint8Array(buffer as ArrayBuffer, offset, count);
  }
}
