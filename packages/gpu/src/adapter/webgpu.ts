import { AtrousError, MemoryError, UnsupportedError } from '@atrous/core';
import type { BuiltKernel, Device, Resident } from '../device.js';
import { type Kernel, resultCount, type View } from '../kernel.js';
import { Loss } from '../loss.js';
import {
  buildKernel,
  createKernel,
  excerpt,
  type GpuJsCallable,
  type GpuJsKernel,
  gpujs,
  replaceOnce,
  sizesOf,
  swapYZ,
} from './gpujs.js';
import { Pool } from './pool.js';
import { describeAdapter } from './software.js';
import { findGpu } from './webgpu-node.js';
import { type GpuAdapter, type GpuBuffer, type GpuDevice, mapModeRead, usage } from './webgpu-types.js';

/** gpu.js's handle of a buffer, as a kernel argument. */
interface GpuJsBuffer {
  readonly buffer: GpuBuffer;
}

interface WebGPUKernel extends GpuJsKernel {
  outputBuffer: GpuBuffer;
  bindGroupDirty: boolean;
  assembleWGSL(): string;
  /** Set by gpu.js to what it got from `WebGPUContext.acquire()`. */
  readonly context: GpuJsContext;
}

interface GpuJsContext {
  readonly adapter: GpuAdapter;
  readonly device: GpuDevice;
}

interface BufferArray extends Resident {
  readonly buffer: GpuBuffer;
}

interface BufferKernel extends BuiltKernel {
  readonly callable: GpuJsCallable<WebGPUKernel>;
}

const bytesOf = (count: number): number => 4 * count;

/** Threads of a workgroup along x and y in gpu.js's kernels of more than one dimension. */
const groupSide = 8;

/**
 * gpu.js's WebGPU mode. Kernels are gpu.js's; buffers are ours, reused by size. All backends share gpu.js's one device.
 *
 * @throws UnsupportedError if there is no adapter or device
 */
export async function openWebgpu(): Promise<Device<BufferArray, BufferKernel>> {
  const context = await acquire();
  const { device } = context;
  const adapter = describeAdapter(context.adapter);
  const instance = new gpujs.GPU({ mode: 'webgpu' });
  const loss = new Loss();
  const onLost = ({ message }: { readonly message: string }) =>
    loss.lose(`the WebGPU device was lost${message === '' ? '' : `: ${message}`}`);
  void device.lost.then(onLost);
  const errors: string[] = [];
  const onError = (event: Event) =>
    errors.push((event as Event & { readonly error: { readonly message: string } }).error.message);
  device.addEventListener('uncapturederror', onError);
  const allocations: Promise<string | undefined>[] = [];
  const arrayUsage = usage.storage | usage.copySource | usage.copyDestination;
  /** What kernels are compiled for, in place of arguments. */
  const example = device.createBuffer({ size: bytesOf(1), usage: arrayUsage });
  const pool = new Pool<GpuBuffer>(
    (bytes) => {
      device.pushErrorScope('out-of-memory');
      const buffer = device.createBuffer({ size: bytes, usage: arrayUsage });
      buffer._refs = 1;
      allocations.push(device.popErrorScope().then((error) => error?.message));
      return buffer;
    },
    (buffer) => buffer.destroy(),
  );
  const kernels = new Set<BufferKernel>();
  const take = (count: number): BufferArray => ({ buffer: pool.take(bytesOf(count)), count });
  const makeArgument = (buffer: GpuBuffer, view: View, kernel: WebGPUKernel): GpuJsBuffer => {
    const made = new gpujs.WebGPUBufferResult({
      buffer,
      output: sizesOf(view),
      componentCount: 1,
      context,
      kernel,
    });
    buffer._refs = 1;
    return made as GpuJsBuffer;
  };
  /** Errors that WebGPU reports beside the calls that caused them; without this, results would just be zeros. */
  const checkErrors = async () => {
    const failed = (await Promise.all(allocations.splice(0))).find((message) => message !== undefined);
    if (failed !== undefined)
      throw new MemoryError(`gpu (webgpu): the device is out of memory: ${failed}; work on tiles`, {
        reason: failed,
      });
    const [error] = errors.splice(0);
    if (error !== undefined)
      throw new AtrousError(`gpu (webgpu): the device reported an error: ${error}`, { reason: error });
  };
  const maxGroups = device.limits.maxComputeWorkgroupsPerDimension;

  return {
    mode: 'webgpu',
    info: { adapter: adapter.name, software: adapter.software },
    limits: {
      maxElements: Math.floor(
        Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize) / 4,
      ),
      quads: true,
      kernelProblem: ({ output }) => resultProblem(output, maxGroups),
    },
    pooled: true,
    lost: loss.promise,
    bytesOf,
    bytesOfKernels: () => 0,
    upload(values, count) {
      loss.check('webgpu');
      const array = take(count);
      const floats = values instanceof Float32Array ? values : Float32Array.from(values);
      device.queue.writeBuffer(array.buffer, 0, floats.subarray(0, count));
      return array;
    },
    allocate(count) {
      loss.check('webgpu');
      return take(count);
    },
    async build(kernel) {
      loss.check('webgpu');
      const { source, output } = arranged(kernel);
      const callable = createKernel<WebGPUKernel>(
        instance,
        source,
        output,
        output[0] * output[1] === 1 ? { output: [output[2]] } : {},
      );
      if (kernel.place) writeFrom(callable.kernel, kernel.place.start);
      const args = kernel.arrays.map((view) => makeArgument(example, view, callable.kernel));
      try {
        await buildKernel('webgpu', callable, gpujs.WebGPUKernel, kernel, [
          ...args,
          ...new Array<number>(kernel.scalars).fill(0),
        ]);
      } finally {
        loss.check('webgpu');
      }
      if (callable.kernel.context !== context)
        throw new UnsupportedError(
          'gpu (webgpu): gpu.js built a kernel on another device; call gpu() again',
          {
            kernel: excerpt(kernel),
          },
        );
      // The buffer that the kernel made for itself goes; each run gets one of ours.
      callable.kernel.outputBuffer.destroy();
      const built = { callable, kernel };
      kernels.add(built);
      return built;
    },
    async run({ callable, kernel }, arrays, scalars, into) {
      loss.check('webgpu');
      const result = into ?? take(resultCount(kernel));
      const target = callable.kernel;
      target.outputBuffer = result.buffer;
      target.bindGroupDirty = true;
      const args = arrays.map(({ buffer }, i) => makeArgument(buffer, kernel.arrays[i]!, target));
      try {
        await callable(...args, ...scalars);
      } catch (error) {
        loss.check('webgpu');
        throw error;
      }
      result.buffer._refs = 1;
      return result;
    },
    async read({ buffer }, count) {
      loss.check('webgpu');
      const bytes = bytesOf(count);
      const staging = device.createBuffer({ size: bytes, usage: usage.mapRead | usage.copyDestination });
      try {
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(mapModeRead);
        await checkErrors();
        const floats = new Float32Array(staging.getMappedRange().slice(0));
        staging.unmap();
        loss.check('webgpu');
        return floats;
      } catch (error) {
        // `lost` settles only after what was pending has failed.
        if (!(error instanceof AtrousError)) await Promise.race([device.lost.then(onLost), pause()]);
        loss.check('webgpu');
        throw error;
      } finally {
        staging.destroy();
      }
    },
    release: ({ buffer, count }) => pool.give(buffer, bytesOf(count)),
    trim: () => pool.trim(),
    destroyKernel(kernel) {
      if (kernels.delete(kernel)) detach(kernel.callable.kernel);
    },
    holdings: () => ({ arrays: pool.arrays, bytes: pool.bytes, kernels: kernels.size }),
    async dispose() {
      device.removeEventListener('uncapturederror', onError);
      for (const { callable } of kernels) detach(callable.kernel);
      kernels.clear();
      pool.trim();
      example.destroy();
    },
  };
}

async function acquire(): Promise<GpuJsContext> {
  const found = await findGpu();
  if ('reason' in found) throw unavailable(found.reason);
  found.expose();
  try {
    return (await gpujs.WebGPUContext.acquire()) as GpuJsContext;
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : String(error));
  }
}

const unavailable = (reason: string) =>
  new UnsupportedError(`gpu: mode 'webgpu' is not available: ${reason}`, { mode: 'webgpu', reason });

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 50));

/** Makes a kernel write from an element of its buffer on. */
function writeFrom(kernel: WebGPUKernel, start: number): void {
  const assemble = kernel.assembleWGSL.bind(kernel);
  kernel.assembleWGSL = () =>
    replaceOnce(assemble(), /(let data_index : i32 = .*);\n/, (index) => `${index} + ${start};\n`);
}

/** gpu.js destroys the buffer that a kernel wrote last, which is ours: it gets one that nobody else uses. */
function detach(kernel: WebGPUKernel): void {
  kernel.outputBuffer = { size: 0, destroy: () => undefined, _refs: 1 } as unknown as GpuBuffer;
  kernel.destroy();
}

/**
 * How a result is dispatched: a single row as a one-dimensional kernel, which gpu.js folds as needed; rows that are more
 * than devices dispatch in depth, in height.
 */
function arranged({ source, output }: Kernel): { readonly source: string; readonly output: View } {
  const [depth, height, width] = output;
  if (height > 1 || depth === 1) return { source, output };
  return { source: swapYZ(source), output: [1, depth, width] };
}

function resultProblem([depth, height, width]: View, maxGroups: number): string | undefined {
  const rows = depth * height;
  if (rows === 1) return undefined;
  const longest = maxGroups * groupSide;
  const deep = height === 1 ? 1 : depth;
  const high = height === 1 ? depth : height;
  return width <= longest && high <= longest && deep <= maxGroups
    ? undefined
    : `a result of ${depth}×${height}×${width} is more than this device dispatches (${maxGroups}×${longest}×${longest}); work on tiles`;
}
