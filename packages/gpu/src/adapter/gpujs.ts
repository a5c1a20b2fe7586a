/**
 * gpu.js 2.24.1 behind types: what this package uses of it, which its own typings lack in part. The version is pinned
 * and bundled; nothing else in the package imports gpu.js.
 */
import { UnsupportedError } from '@atrous/core';
import * as library from 'gpu.js';
import type { Kernel, View } from '../kernel.js';

/** A flat array with the sizes of a view, innermost first. */
export interface FlatInput {
  readonly value: ArrayLike<number>;
  readonly size: readonly number[];
}

/** The kernel object behind gpu.js's callable. */
export interface GpuJsKernel {
  readonly built: boolean;
  readonly fallbackReason: string | null;
  readonly fallbackRequested: boolean;
  build(...args: unknown[]): unknown;
  destroy(): void;
}

export interface GpuJsCallable<K extends GpuJsKernel> {
  (...args: unknown[]): unknown;
  readonly kernel: K;
}

export interface GpuJs {
  createKernel(source: string, settings: Readonly<Record<string, unknown>>): GpuJsCallable<GpuJsKernel>;
  destroy(): Promise<void>;
}

interface Library {
  readonly GPU: { new (settings: object): GpuJs; readonly isWebGL2Supported: boolean };
  readonly Input: new (value: unknown, size: readonly number[]) => FlatInput;
  readonly WebAssemblyKernel: { new (): GpuJsKernel };
  readonly WebGL2Kernel: { new (): GpuJsKernel };
  readonly WebGPUKernel: { new (): GpuJsKernel };
  readonly utils: { closestSquareDimensions(count: number): Int32Array };
  readonly WebGPUBufferResult: new (settings: object) => object;
  readonly WebGPUContext: {
    acquire(): Promise<unknown>;
    destroy(): Promise<void>;
  };
}

// Bundlers and Node give a CommonJS module as a namespace, as its default, or both.
const given = library as unknown as Partial<Library> & { readonly default?: Library };
export const gpujs: Library = (given.GPU ? given : given.default) as Library;

/**
 * Settings under which kernels are exact: everything stays on the device in float32; the default tactic may choose
 * half precision, and the default bound of loops silently cuts longer ones.
 */
const settings = {
  pipeline: true,
  precision: 'single',
  tactic: 'precision',
  loopMaxIterations: 2 ** 24,
} as const;

/** gpu.js's order of sizes: innermost first. */
export const sizesOf = ([depth, height, width]: View): [number, number, number] => [width, height, depth];

export function createKernel<K extends GpuJsKernel>(
  instance: GpuJs,
  source: string,
  output: View,
  more: Readonly<Record<string, unknown>> = {},
): GpuJsCallable<K> {
  return instance.createKernel(source, { ...settings, output: sizesOf(output), ...more }) as GpuJsCallable<K>;
}

/** The text of a kernel whose result is turned: where one of its sides is 1, the order of elements stays. */
export const swapYZ = (source: string): string =>
  source.replace(/this\.thread\.([yz])/g, (_, side) => `this.thread.${side === 'y' ? 'z' : 'y'}`);

/**
 * Builds a kernel for arguments like these.
 *
 * @param expected the class of gpu.js's kernels of the mode: gpu.js falls back to slow JavaScript by itself
 * @throws UnsupportedError with the reason if gpu.js cannot compile it, or would run it elsewhere
 */
export async function buildKernel(
  mode: string,
  { kernel: target }: GpuJsCallable<GpuJsKernel>,
  expected: abstract new () => GpuJsKernel,
  kernel: Kernel,
  args: readonly unknown[],
): Promise<void> {
  const refuse = (reason: string, cause?: unknown) =>
    Object.assign(
      new UnsupportedError(`gpu (${mode}): gpu.js cannot run a kernel: ${reason}`, {
        mode,
        reason,
        kernel: excerpt(kernel),
      }),
      { cause },
    );
  try {
    await target.build(...args);
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
  if (target.fallbackReason !== null) throw refuse(target.fallbackReason);
  if (!((target as object) instanceof expected))
    throw refuse(`it chose ${target.constructor.name} by itself`);
}

/**
 * Exchanges what gpu.js writes in one place of a shader.
 *
 * @throws UnsupportedError if the place is not there, or more than once
 */
export function replaceOnce(shader: string, place: RegExp, exchange: (found: string) => string): string {
  const parts = shader.split(place);
  if (parts.length !== 3)
    throw new UnsupportedError(`gpu: gpu.js's shader has ${(parts.length - 1) / 2} places like ${place}`, {
      shader,
    });
  return `${parts[0]}${exchange(parts[1]!)}${parts[2]}`;
}

/** A kernel's text, shortened for messages. */
export const excerpt = ({ source }: Kernel): string =>
  source.length > 400 ? `${source.slice(0, 400)} …` : source;
