import {
  type Backend,
  type Compiled,
  type CompileOptions,
  compile,
  cpu,
  evaluate,
  type Graph,
  OptionError,
  ShapeError,
  type Tree,
  trace,
  UnsupportedError,
  type Values,
} from '@atrous/core';
import type { Mode } from './device.js';
import { emptyLike } from './dtype.js';
import { gpu } from './gpu.js';
import { availableModes, takenByItself } from './probe.js';

/** Opens a backend; rejects with the reason if it is not available. */
export type OpenBackend = () => Promise<Backend>;

export interface AutoOptions<I extends Tree> extends CompileOptions {
  /**
   * What to try, by the name it has in `trials`. Default: `cpu` of core and every mode of gpu.js; webgpu and webgl2
   * only on a real adapter.
   */
  readonly backends?: Readonly<Record<string, OpenBackend>> | undefined;
  /** What the trial runs on. Default: noise in the shapes of the example. */
  readonly inputs?: I | undefined;
  /**
   * How far outputs may lie apart: float32 values by this share of the output's largest magnitude, integers in this
   * share of their number. Default 1e-3.
   */
  readonly tolerance?: number | undefined;
}

/** What came of one backend. */
export interface Trial {
  readonly name: string;
  /** What ran, if it started. */
  readonly info?: Backend['info'];
  /** Time of one warm run, if it ran. */
  readonly milliseconds?: number;
  /** Why it was left out; absent if it could have been taken. */
  readonly reason?: string;
}

/** A compiled function and the backend that was fastest at it. */
export interface AutoCompiled<I extends Tree, O extends Tree> extends Compiled<I, O> {
  /** Which of the backends was taken. */
  readonly name: string;
  /** It stays open when the program is disposed; other programs may use it. */
  readonly backend: Backend;
  /** Every backend that was tried, in the order given. */
  readonly trials: readonly Trial[];
}

/**
 * Compiles a function on the backend that runs it fastest. Each backend is opened in turn, compiles the function and
 * runs it twice: the first run warms up, the second is timed. Outputs must agree; of those that do not, the larger
 * group is believed, and of equal ones that of the backend named first. All backends but the fastest are disposed.
 *
 * ```ts
 * const program = await auto((x) => network.apply(weights, x), input([1, 3, 512, 512]));
 * program.name;   // 'webgpu'
 * program.trials; // [{ name: 'cpu', info, milliseconds: 90 }, …, { name: 'webgl2', reason: '…' }]
 * const logits = await program.run(picture);
 * await program.backend.dispose();
 * ```
 *
 * @param example inputs as `compile` takes them; only shapes, dtypes and names are used
 * @throws UnsupportedError with the reason of each if no backend can run the function; ShapeError if `inputs` do not
 *   look like the example; `signal.reason` when cancelled
 */
export function auto<I extends Tree, O extends Tree>(
  fn: (inputs: I) => O,
  example: I,
  options: AutoOptions<I> = {},
): Promise<AutoCompiled<I, O>> {
  return autoBy(() => performance.now(), fn, example, options);
}

/** A backend that ran, with what it gave. */
interface Candidate<I extends Tree, O extends Tree> {
  readonly name: string;
  readonly backend: Backend;
  readonly compiled: Compiled<I, O>;
  readonly milliseconds: number;
  readonly outputs: readonly Values[];
}

/** `auto` by a given clock. */
export async function autoBy<I extends Tree, O extends Tree>(
  now: () => number,
  fn: (inputs: I) => O,
  example: I,
  { backends, inputs, tolerance = 1e-3, ...options }: AutoOptions<I>,
): Promise<AutoCompiled<I, O>> {
  const openers = Object.entries(backends ?? (await everyBackend()));
  checkOptions(openers, tolerance);
  // What is wrong with the function or its inputs is no backend's fault.
  trace(fn, example);
  if (inputs !== undefined) await evaluate(inputs);

  const opened: Backend[] = [];
  const candidates: Candidate<I, O>[] = [];
  const reasons = new Map<string, string>();
  let taken: Backend | undefined;
  try {
    for (const [name, open] of openers) {
      options.signal?.throwIfAborted();
      try {
        const backend = await open();
        opened.push(backend);
        const compiled = await compile(fn, example, { ...options, backend });
        candidates.push({
          name,
          backend,
          compiled,
          ...(await timedRun(now, compiled, inputs, options.signal)),
        });
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof ShapeError) throw error;
        reasons.set(name, error instanceof Error ? error.message : String(error));
      }
    }
    const believed = mostAgreed(candidates, tolerance);
    const agreeing = candidates.filter((candidate) => {
      const problem = disagreement(candidate.outputs, believed!.outputs, tolerance);
      if (problem !== undefined) reasons.set(candidate.name, `disagrees with ${believed!.name}: ${problem}`);
      return problem === undefined;
    });
    const [fastest] = agreeing.sort((a, b) => a.milliseconds - b.milliseconds);
    if (fastest === undefined) throw noneRan(reasons);
    taken = fastest.backend;
    const trials = openers.map(([name]) =>
      trialOf(
        name,
        candidates.find((candidate) => candidate.name === name),
        reasons.get(name),
      ),
    );
    return { ...fastest.compiled, name: fastest.name, backend: taken, trials };
  } finally {
    await Promise.allSettled(
      opened.filter((backend) => backend !== taken).map((backend) => backend.dispose()),
    );
  }
}

function checkOptions(openers: readonly (readonly [string, unknown])[], tolerance: number): void {
  if (openers.length === 0)
    throw new OptionError('auto: backends is empty; name at least one, e.g. { cpu, gpu }', { backends: [] });
  for (const [name, open] of openers)
    if (typeof open !== 'function')
      throw new OptionError(
        `auto: backends.${name} must be a function that opens a backend but is ${typeof open}; write ${name}: () => …`,
        { name },
      );
  if (!(tolerance >= 0 && tolerance < 1))
    throw new OptionError(`auto: tolerance must be at least 0 and below 1 but is ${tolerance}`, {
      tolerance,
    });
}

/** The cpu backend and every mode of gpu.js. */
async function everyBackend(): Promise<Record<string, OpenBackend>> {
  const reports = await availableModes();
  const opener = (mode: Mode): OpenBackend => {
    const report = reports.find((entry) => entry.mode === mode)!;
    return async () => {
      if (report.available && !takenByItself(report))
        throw new UnsupportedError(
          `gpu: mode '${mode}' has only a software adapter (${report.adapter}), which is slower than WebAssembly; name the mode in backends to try it all the same`,
          { mode, adapter: report.adapter },
        );
      return gpu({ mode });
    };
  };
  return { cpu: () => cpu(), ...Object.fromEntries(reports.map(({ mode }) => [mode, opener(mode)])) };
}

async function timedRun<I extends Tree, O extends Tree>(
  now: () => number,
  { graph, program, run }: Compiled<I, O>,
  inputs: I | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly milliseconds: number; readonly outputs: readonly Values[] }> {
  const outputs = graph.outputs.map((index) => emptyLike(graph, index));
  const values = inputs === undefined ? graph.inputs.map((index) => noiseLike(graph, index)) : undefined;
  const options = { out: outputs, signal };
  const once = () => (values === undefined ? run(inputs!, options) : program.run(values, options));
  await once();
  const start = now();
  await once();
  return { milliseconds: now() - start, outputs };
}

/** The same values every time: from -1 to 1 in float32, bytes in the integers. */
function noiseLike(graph: Graph, index: number): Values {
  const values = emptyLike(graph, index);
  let state = index + 1;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = values instanceof Float32Array ? state / 2 ** 31 - 1 : state >>> 24;
  }
  return values;
}

/** The first of those that agree with most. */
function mostAgreed<C extends { readonly outputs: readonly Values[] }>(
  candidates: readonly C[],
  tolerance: number,
): C | undefined {
  const votes = (one: C) =>
    candidates.filter(({ outputs }) => disagreement(outputs, one.outputs, tolerance) === undefined).length;
  return candidates.reduce<C | undefined>(
    (best, candidate) => (best !== undefined && votes(best) >= votes(candidate) ? best : candidate),
    undefined,
  );
}

/** How two lists of outputs differ, or undefined if they agree. */
function disagreement(
  got: readonly Values[],
  want: readonly Values[],
  tolerance: number,
): string | undefined {
  for (const [i, values] of got.entries()) {
    const problem = difference(values, want[i]!, tolerance);
    if (problem !== undefined) return `output ${i}: ${problem}`;
  }
  return undefined;
}

/** Below this magnitude, outputs are compared as if they were that large: what is left of sums that cancel is rounding. */
const smallest = 1e-3;

function difference(got: Values, want: Values, tolerance: number): string | undefined {
  let differing = 0;
  let first = 0;
  const allowed =
    want instanceof Float32Array ? tolerance * Math.max(smallest, magnitude(got), magnitude(want)) : 0;
  for (let k = want.length - 1; k >= 0; k--) {
    if (Object.is(got[k], want[k]) || Math.abs(got[k]! - want[k]!) <= allowed) continue;
    differing++;
    first = k;
  }
  if (differing <= (want instanceof Float32Array ? 0 : tolerance * want.length)) return undefined;
  return `${differing} of ${want.length} values differ, the first at ${first}: ${got[first]} for ${want[first]}`;
}

/** The largest finite magnitude. */
const magnitude = (values: Values): number => {
  let largest = 0;
  for (const value of values)
    if (Math.abs(value) > largest && Number.isFinite(value)) largest = Math.abs(value);
  return largest;
};

function trialOf(
  name: string,
  candidate: { readonly backend: Backend; readonly milliseconds: number } | undefined,
  reason: string | undefined,
): Trial {
  return {
    name,
    ...(candidate && { info: candidate.backend.info, milliseconds: candidate.milliseconds }),
    ...(reason !== undefined && { reason }),
  };
}

function noneRan(reasons: ReadonlyMap<string, string>): UnsupportedError {
  const list = [...reasons].map(([name, reason]) => `${name}: ${reason}`);
  return new UnsupportedError(
    `auto: no backend can run this function: ${list.join('; ')}; name another in backends`,
    { reasons: Object.fromEntries(reasons) },
  );
}
