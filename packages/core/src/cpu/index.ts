import type { Backend, CompileOptions } from '../backend/contract.js';
import { checkMemory } from '../backend/plan.js';
import { checkAlive, Queue } from '../backend/run.js';
import { fuse } from '../fuse.js';
import { splitUniformParts } from '../uniform.js';
import { checkAlgorithms } from './choose.js';
import { Engine } from './engine.js';
import { prepare } from './program.js';
import { reasonForOneThread, wantedThreads } from './threads/available.js';
import { Pool } from './threads/pool.js';
import { checkUsable, detectFeatures } from './wasm/features.js';

/** Bytes that a program may hold unless `maxMemory` says otherwise: what WebAssembly can address. */
const defaultMaxMemory = 2 ** 32;

export interface CpuOptions {
  /**
   * Threads that compute, the calling one included. Default: as many as the machine has cores, at most 8. More than one
   * needs SharedArrayBuffer, which pages have only when they are cross-origin isolated; `info.threads` says how many
   * there are, and `info.reason` why not more than one.
   */
  readonly threads?: number | undefined;
  /**
   * Only algorithms whose rounding error is about that of the direct sum: up to 1e-6 of the result's root mean square
   * instead of 2.5e-6. Default: false.
   */
  readonly precise?: boolean | undefined;
  /**
   * Most memory that the transformed weights of a convolution may take, as a multiple of the weights themselves.
   * Default: 4, which allows every algorithm; 1 and below leave direct convolution and T2.
   */
  readonly maxWeightMemory?: number | undefined;
}

/**
 * The CPU backend: WebAssembly SIMD kernels, emitted for this machine.
 *
 * ```ts
 * const program = await compile(network, input([1, 3, 512, 512]), { backend: await cpu() });
 * ```
 *
 * @throws OptionError; UnsupportedError where WebAssembly has no SIMD or a content security policy forbids it
 */
export async function cpu({ threads, ...algorithms }: CpuOptions = {}): Promise<Backend> {
  checkAlgorithms(algorithms);
  const wanted = wantedThreads(threads);
  const features = detectFeatures();
  // Before any worker is started: none shall be left behind.
  checkUsable(features);
  const started = await startPool(wanted);
  const pool = started instanceof Pool ? started : undefined;
  let engine: Engine | undefined = new Engine(features, pool, algorithms);
  const queue = new Queue();
  let gone: string | undefined;
  const lost = pool?.lost ?? new Promise<{ reason: string }>(() => undefined);
  void lost.then(({ reason }) => {
    gone ??= reason;
  });
  return {
    name: 'cpu',
    info: {
      threads: engine.threads,
      ...(started !== undefined && 'reason' in started && { reason: started.reason }),
      kernels: engine.features.fma ? 'WebAssembly SIMD with fused multiply-add' : 'WebAssembly SIMD',
    },
    lost,
    async compile(graph, { maxMemory = defaultMaxMemory, signal }: CompileOptions = {}) {
      checkAlive('cpu', gone);
      // In the queue: memory that grows must not move under a program that runs.
      return queue.add(async () => {
        checkAlive('cpu', gone);
        signal?.throwIfAborted();
        return prepare(
          fuse(splitUniformParts(graph)),
          engine!,
          queue,
          () => gone,
          (bytes) => checkMemory('cpu', bytes, maxMemory, graph),
        );
      });
    },
    async dispose() {
      gone ??= 'the backend was disposed';
      await queue.idle();
      engine?.pool?.dispose(gone);
      engine = undefined;
    },
  };
}

async function startPool(threads: number): Promise<Pool | { readonly reason: string } | undefined> {
  if (threads === 1) return undefined;
  const reason = reasonForOneThread();
  return reason === undefined ? Pool.start(threads - 1) : { reason };
}
