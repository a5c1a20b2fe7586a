import { type Backend, cpu, reference, UnsupportedError } from '@atrous/core';
import { textOf, UsageError, type Values, wholeNumber } from './input.js';

const makers: Readonly<Record<string, (threads: number | undefined) => Promise<Backend>>> = {
  cpu: (threads) => cpu({ threads }),
  gpu: startGpu,
  reference: async () => reference(),
};

/** The backend that the options name. */
export function startBackend(values: Values): Promise<Backend> {
  const name = textOf(values, 'backend') ?? 'cpu';
  const threads = wholeNumber(values, 'threads');
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!make) throw new UsageError(`--backend takes ${Object.keys(makers).join(' or ')}, not "${name}"`);
  if (threads !== undefined && name !== 'cpu') throw new UsageError('--threads is for --backend cpu');
  return make(threads);
}

interface GpuPackage {
  gpu(): Promise<Backend>;
}

async function startGpu(): Promise<Backend> {
  // a name that the compiler does not follow: the package is optional
  const name = '@atrous/gpu';
  let found: GpuPackage;
  try {
    found = (await import(/* @vite-ignore */ name)) as GpuPackage;
  } catch (error) {
    throw new UnsupportedError(
      `--backend gpu needs the package ${name}: npm install ${name} (${(error as Error).message.split('\n')[0]})`,
    );
  }
  return found.gpu();
}
