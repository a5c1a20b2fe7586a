/** WebGPU in Node, where it comes from the package `webgpu` if whoever uses this package has installed it. */
import { type NavigatorGpu, navigatorGpu } from './webgpu-types.js';

/** What is used of the package `webgpu`. */
export interface WebgpuPackage {
  create(flags: readonly string[]): NavigatorGpu;
  /** The classes and constants that browsers have as globals. */
  readonly globals: Readonly<Record<string, unknown>>;
}

export interface FoundGpu {
  readonly api: NavigatorGpu;
  /** Makes it `navigator.gpu`, where gpu.js looks. */
  expose(): void;
}

const isNode = (): boolean =>
  (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node !== undefined;

/** The name is no literal at the call, so that bundlers for browsers do not look for the package. */
const packageName = 'webgpu';
const importPackage = (name: string): Promise<unknown> =>
  import(/* @vite-ignore */ /* webpackIgnore: true */ name);

/** One instance of WebGPU for the process; it must live as long as its devices. */
let instance: FoundGpu | undefined;

/** The browser's WebGPU, in Node that of the package `webgpu`, or why there is none. */
export async function findGpu(): Promise<FoundGpu | { readonly reason: string }> {
  const api = navigatorGpu();
  if (api !== undefined) return { api, expose: () => undefined };
  if (!isNode()) return { reason: 'navigator.gpu is missing' };
  if (instance !== undefined) return instance;
  const loaded = await loadGpu();
  if ('reason' in loaded) return loaded;
  instance ??= loaded;
  return instance;
}

/** A new instance of the WebGPU of the package `webgpu`, or why there is none. */
export async function loadGpu(load = importPackage): Promise<FoundGpu | { readonly reason: string }> {
  try {
    const { create, globals } = (await load(packageName)) as WebgpuPackage;
    const api = create([]);
    return { api, expose: () => exposeGpu(api, globals) };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' && String(message).includes(`'${packageName}'`)
    ? "navigator.gpu is missing; in Node it comes from the optional package 'webgpu', which is not installed"
    : `the package 'webgpu' does not load: ${message ?? error}`;
}

/** Node before 21 has no navigator, later ones have one without `gpu`. */
function exposeGpu(gpu: NavigatorGpu, globals: WebgpuPackage['globals']): void {
  if (navigatorGpu() !== undefined) return;
  Object.assign(globalThis, globals);
  if (typeof navigator === 'undefined')
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true, writable: true });
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true, writable: true });
}
