import { UnsupportedError } from '@atrous/core';
import type { BuiltKernel, Device, Resident } from '../device.js';
import { countOf, type Kernel, resultCount, type View } from '../kernel.js';
import {
  buildKernel,
  createKernel,
  excerpt,
  type GpuJs,
  type GpuJsCallable,
  type GpuJsKernel,
  gpujs,
  sizesOf,
} from './gpujs.js';
import { webasmProblem } from './webasm-problem.js';

interface WebAssemblyKernel extends GpuJsKernel {
  /** Makes nested arrays of the flat result; replaced, because a row per line costs more than the copy. */
  _shapeOutput: (data: Float32Array) => unknown;
}

interface HostArray extends Resident {
  readonly values: ArrayLike<number>;
}

interface HostKernel extends BuiltKernel {
  readonly callable: GpuJsCallable<WebAssemblyKernel>;
}

const page = 2 ** 16;
/** Pages that gpu.js adds to what a kernel's arguments and result need. */
const extraPages = 16;

/** What a kernel's own memory takes: copies of its arguments, and its result. */
function memoryOf({ arrays, output, components, scalars }: Kernel): number {
  const aligned = (bytes: number) => Math.ceil(bytes / 16) * 16;
  const bytes =
    arrays.reduce((sum, view) => sum + aligned(4 * countOf(view)), 0) +
    16 * scalars +
    4 * resultCount({ output, components });
  return (Math.ceil(bytes / page) + extraPages) * page;
}

function bytesOfKernels(kernels: Iterable<Kernel>, most: number): number {
  const bytes = [...kernels].map(memoryOf);
  const all = bytes.reduce((sum, each) => sum + each, 0);
  return Math.min(all, Math.max(most, ...bytes));
}

/** Half of what a 32-bit memory holds: addresses stay positive. */
const maxMemory = 2 ** 31;

function kernelProblem(kernel: Kernel): string | undefined {
  const bytes = memoryOf(kernel);
  return bytes <= maxMemory
    ? undefined
    : `a kernel needs ${bytes} bytes for its inputs and result; one WebAssembly memory holds ${maxMemory}. Work on tiles`;
}

/** An argument that only its sizes are read of: enough to compile for. */
const placeholder = (view: View) => new gpujs.Input({ length: countOf(view) }, sizesOf(view));

/**
 * gpu.js's WebAssembly mode: arrays are JavaScript's own, and every kernel copies them into its memory.
 *
 * @param options.kernelMemory bytes of the memories of kernels; beyond it, those that were not used longest are given up
 *   and built again when they are needed
 * @throws UnsupportedError if WebAssembly cannot be compiled here
 */
export function openWebasm({ kernelMemory = 2 ** 29 } = {}): Device<HostArray, HostKernel> {
  const reason = webasmProblem();
  if (reason !== undefined)
    throw new UnsupportedError(`gpu: mode 'webasm' is not available: ${reason}`, { mode: 'webasm', reason });
  const instance: GpuJs = new gpujs.GPU({ mode: 'webasm' });
  let arrays = 0;
  let bytes = 0;
  const kernels = new Set<HostKernel>();
  /** Kernels that have their memory, the most recently used last. */
  const warm = new Set<HostKernel>();
  let warmBytes = 0;
  const cool = (built: HostKernel) => {
    if (!warm.delete(built)) return;
    warmBytes -= memoryOf(built.kernel);
    built.callable.kernel.destroy();
  };
  /** gpu.js builds a destroyed kernel again when it is called. */
  const keepWarm = (built: HostKernel) => {
    if (warm.delete(built)) warmBytes -= memoryOf(built.kernel);
    warm.add(built);
    warmBytes += memoryOf(built.kernel);
    for (const other of warm) {
      if (warmBytes <= kernelMemory || other === built) break;
      cool(other);
    }
  };
  const adopt = (values: ArrayLike<number>, count: number): HostArray => {
    arrays++;
    bytes += 4 * count;
    return { values, count };
  };
  return {
    mode: 'webasm',
    info: { adapter: 'WebAssembly', software: true },
    limits: { maxElements: 2 ** 28, kernelProblem, quads: true },
    pooled: false,
    lost: new Promise(() => undefined),
    bytesOf: (count) => 4 * count,
    bytesOfKernels: (used) => bytesOfKernels(used, kernelMemory),
    upload: adopt,
    allocate: (count) => adopt(new Float32Array(count), count),
    async build(kernel) {
      const callable = createKernel<WebAssemblyKernel>(instance, kernel.source, kernel.output);
      const args = [...kernel.arrays.map(placeholder), ...new Array<number>(kernel.scalars).fill(0)];
      await buildKernel('webasm', callable, gpujs.WebAssemblyKernel, kernel, args);
      callable.kernel._shapeOutput = (data) => data;
      const built = { callable, kernel };
      kernels.add(built);
      keepWarm(built);
      return built;
    },
    run(built, operands, scalars, into) {
      const { callable, kernel } = built;
      keepWarm(built);
      const result = callable(
        ...operands.map(({ values }, i) => new gpujs.Input(values, sizesOf(kernel.arrays[i]!))),
        ...scalars,
      );
      if (!(result instanceof Float32Array))
        throw new UnsupportedError('gpu (webasm): gpu.js did not give a flat result', {
          kernel: excerpt(kernel),
        });
      if (into === undefined) return adopt(result, resultCount(kernel));
      (into.values as Float32Array).set(result, kernel.place!.start);
      return into;
    },
    read: async ({ values }, count) => (values as Float32Array).subarray(0, count),
    release({ count }) {
      arrays--;
      bytes -= 4 * count;
    },
    trim: () => undefined,
    destroyKernel(kernel) {
      cool(kernel);
      kernels.delete(kernel);
    },
    holdings: () => ({
      arrays,
      bytes: bytes + warmBytes,
      kernels: kernels.size,
    }),
    async dispose() {
      await instance.destroy();
      kernels.clear();
      warm.clear();
      warmBytes = 0;
      arrays = 0;
      bytes = 0;
    },
  };
}
