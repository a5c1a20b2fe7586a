/** What every backend's `run` needs: checks, a queue, and pauses in which the page and signals get their turn. */
import { DisposedError, ShapeError } from '../errors.js';
import type { Graph, Values } from '../graph.js';
import { dtypeOf, elementCount, formatShape } from '../shape.js';

/**
 * Throws unless inputs (and `out`) have the number, type and length that the graph demands.
 *
 * @throws ShapeError
 */
export function checkRun(graph: Graph, inputs: readonly Values[], out?: readonly Values[]): void {
  checkArrays(graph, 'input', graph.inputs, inputs);
  if (out === undefined) return;
  checkArrays(graph, 'out', graph.outputs, out);
  const buffers = new Set<Values>(out);
  if (buffers.size !== out.length) throw new ShapeError('run: every array of out must be a different one');
}

function checkArrays(graph: Graph, role: string, places: readonly number[], arrays: readonly Values[]): void {
  if (arrays.length !== places.length)
    throw new ShapeError(
      `run: the program has ${places.length} ${role} arrays but ${arrays.length} were given`,
      { expected: places.length, given: arrays.length },
    );
  places.forEach((place, i) => {
    const node = graph.nodes[place]!;
    const values = arrays[i];
    const length = elementCount(node.shape);
    const dtype = dtypeOf(values);
    if (dtype !== node.dtype || values!.length !== length)
      throw new ShapeError(
        `run: ${role} ${i}${node.name === undefined ? '' : ` ('${node.name}')`} must be ${node.dtype} with ${length} values ${formatShape(node.shape)} but is ${dtype ?? typeof values} with ${values?.length}`,
        { index: i, expected: node.shape, dtype: node.dtype, given: values?.length },
      );
  });
}

/** Runs tasks one after another; a task that fails does not stop the next. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  add<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when everything added so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

/** Lets events run (a click on "cancel", an AbortSignal's timer) whenever this much time has passed. */
export class Breather {
  #since = performance.now();

  constructor(
    private readonly signal: AbortSignal | undefined,
    private readonly milliseconds = 12,
  ) {}

  /** Whether it is time for a pause; cheap. */
  get due(): boolean {
    return performance.now() - this.#since > this.milliseconds;
  }

  /** Gives events a turn, then throws the signal's reason if it was cancelled. */
  async pause(): Promise<void> {
    await this.rest();
    this.signal?.throwIfAborted();
  }

  /** Gives events a turn, whatever the signal says. */
  async rest(): Promise<void> {
    await macrotask();
    this.#since = performance.now();
  }
}

function macrotask(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Throws a DisposedError naming the thing if `gone` says why. */
export function checkAlive(what: string, gone: string | undefined): void {
  if (gone !== undefined) throw new DisposedError(`${what}: ${gone}; make a new one`, { reason: gone });
}
