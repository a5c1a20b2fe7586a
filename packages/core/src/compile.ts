import type { Backend, CompileOptions, Program, RunOptions } from './backend/contract.js';
import { cpu } from './cpu/index.js';
import { ShapeError } from './errors.js';
import type { Graph, Values } from './graph.js';
import { equalShapes, formatShape } from './shape.js';
import { expressionOf, makeTensor, settleTensor, type Tensor } from './tensor.js';
import { buildGraph, trace } from './trace.js';
import { leavesOf, rebuild, type Tree } from './tree.js';

/** A function of tensors, compiled for given shapes. */
export interface Compiled<I extends Tree, O extends Tree> {
  readonly graph: Graph;
  readonly program: Program;
  /**
   * Runs on new values. Takes tensors shaped like the example and gives new tensors that hold data. With
   * `options.out`, results are written into those arrays and the tensors adopt them.
   *
   * @throws ShapeError if inputs do not look like the example
   */
  run(inputs: I, options?: RunOptions): Promise<O>;
  /** Frees what the program holds. */
  dispose(): void;
}

/**
 * Traces a function once and compiles it for a backend.
 *
 * ```ts
 * const program = await compile((x) => network.apply(weights, x), input([1, 3, 512, 512]), { backend: await cpu() });
 * const logits = await program.run(picture);
 * ```
 *
 * @param example inputs; only shapes, dtypes and names are used
 * @throws UnsupportedError naming every node that the backend cannot run, MemoryError above `maxMemory`
 */
export async function compile<I extends Tree, O extends Tree>(
  fn: (inputs: I) => O,
  example: I,
  options: { readonly backend: Backend } & CompileOptions,
): Promise<Compiled<I, O>> {
  const { backend, ...rest } = options;
  const { graph, output } = trace(fn, example);
  const program = await backend.compile(graph, rest);
  const expected = leavesOf('compile', example);
  return {
    graph,
    program,
    async run(inputs, runOptions) {
      const given = leavesOf('run', inputs);
      const paths = (leaves: readonly { path: string }[]) =>
        leaves.map(({ path }) => path || 'one tensor').join(', ');
      if (paths(given) !== paths(expected))
        throw new ShapeError(`run: expected inputs ${paths(expected)} but got ${paths(given)}`, {
          expected: paths(expected),
          given: paths(given),
        });
      given.forEach(({ path, tensor }, i) => {
        const { shape, dtype } = expected[i]!.tensor;
        if (!equalShapes(tensor.shape, shape) || tensor.dtype !== dtype)
          throw new ShapeError(
            `run: input ${path || tensor.name || i} is ${tensor.dtype} ${formatShape(tensor.shape)} but the program was compiled for ${dtype} ${formatShape(shape)}; compile again for another shape`,
            { given: tensor.shape, expected: shape },
          );
      });
      await evaluate(inputs);
      const results = await program.run(
        given.map(({ tensor }) => tensor.dataSync()),
        runOptions,
      );
      const leaves = leavesOf('run', output).map(({ tensor }, i) => leafOf(results[i]!, tensor));
      return rebuild(output, leaves.values());
    },
    dispose: () => program.dispose(),
  };
}

const leafOf = (data: Values, like: Tensor): Tensor =>
  makeTensor({ kind: 'constant', value: { data }, inputs: [] }, like.shape, like.dtype, like.name);

/**
 * Computes tensors, once, together: common parts are shared. Afterwards they hold their data.
 *
 * @param options.backend default: one CPU backend for the whole process, started at the first use
 * @throws UnsupportedError if a value depends on `input()`
 */
export async function evaluate(
  tensors: Tree,
  options: { readonly backend?: Backend; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const pending = leavesOf('evaluate', tensors)
    .map(({ tensor }) => tensor)
    .filter((tensor) => expressionOf(tensor).kind !== 'constant');
  if (pending.length === 0) return;
  const graph = buildGraph([], pending);
  const signal = options.signal && { signal: options.signal };
  const backend = options.backend ?? (await defaultBackend());
  const program = await backend.compile(graph, { ...signal });
  try {
    const results = await program.run([], { ...signal });
    pending.forEach((tensor, i) => {
      if (expressionOf(tensor).kind !== 'constant') settleTensor(tensor, { data: results[i]! });
    });
  } finally {
    program.dispose();
  }
}

let shared: Promise<Backend> | undefined;

function defaultBackend(): Promise<Backend> {
  shared ??= cpu();
  return shared;
}
