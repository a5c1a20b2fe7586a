import { type Backend, cpu, OptionError, reference } from '@atrous/core';
import type { BackendChoice, BackendReport } from './backends.js';

/** The backends by name. */
const makers: Readonly<Record<BackendChoice['name'], (choice: BackendChoice) => Promise<Backend>>> = {
  cpu: ({ threads }) => cpu({ threads }),
  gpu: async ({ gpuMode }) => {
    // loaded when asked for: it brings gpu.js along
    const { gpu } = await import('@atrous/gpu');
    return await gpu({ mode: gpuMode });
  },
  reference: async () => reference(),
};

/**
 * Starts a backend in this thread.
 *
 * @throws UnsupportedError with the reason if it, or its mode, does not work here
 */
export async function startBackend(choice: BackendChoice): Promise<Backend> {
  const maker = Object.hasOwn(makers, choice.name) ? makers[choice.name] : undefined;
  if (maker) return await maker(choice);
  throw new OptionError(
    `backend: name is one of ${Object.keys(makers).join(', ')}, not ${String(choice.name)}`,
    { choice },
  );
}

/** Every backend and mode, with whether it works in this thread or why not. */
export async function backendsHere(): Promise<readonly BackendReport[]> {
  const { availableModes } = await import('@atrous/gpu');
  const modes = await availableModes();
  return [
    await cpuReport(),
    ...modes.map(({ mode, ...report }) => ({ choice: { name: 'gpu', gpuMode: mode } as const, ...report })),
    { choice: { name: 'reference' }, available: true, adapter: 'JavaScript, float64', software: true },
  ];
}

async function cpuReport(): Promise<BackendReport> {
  const choice = { name: 'cpu' } as const;
  try {
    const backend = await cpu({ threads: 1 });
    await backend.dispose();
    return { choice, available: true, adapter: String(backend.info.kernels), software: true };
  } catch (error) {
    return { choice, available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
