import { OptionError } from '../../errors.js';

/** Threads that a backend takes unless told otherwise: more share one memory bus without being faster. */
const defaultMost = 8;
const most = 64;

interface Builtins {
  'node:os': { availableParallelism(): number };
  'node:worker_threads': {
    Worker: new (
      source: string,
      options: { eval: true; name: string; execArgv: string[] },
    ) => {
      postMessage(message: unknown): void;
      on(event: 'message' | 'error' | 'exit', listener: (value: unknown) => void): void;
      unref(): void;
      terminate(): Promise<number>;
    };
  };
}

/** A module of Node where there is one; a static import would break every browser build. */
export function builtin<N extends keyof Builtins>(name: N): Builtins[N] | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.(name) as Builtins[N] | undefined;
}

/**
 * The number of threads to try for.
 *
 * @throws OptionError
 */
export function wantedThreads(threads: number | undefined): number {
  if (threads === undefined) {
    const cores =
      builtin('node:os')?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
    return Math.max(1, Math.min(defaultMost, cores));
  }
  if (!Number.isInteger(threads) || threads < 1 || threads > most)
    throw new OptionError(`cpu: threads must be a whole number from 1 to ${most} but is ${threads}`, {
      threads,
    });
  return threads;
}

/** Why memory cannot be shared with workers here; undefined where it can. */
export function reasonForOneThread(): string | undefined {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (crossOriginIsolated === false)
    return 'one thread: the page is not cross-origin isolated; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
  if (typeof SharedArrayBuffer === 'undefined') return 'one thread: no SharedArrayBuffer here';
  return undefined;
}
