import { type Backend, cpu, input, type Tensor } from '@atrous/core';
import type { BackendChoice } from '../backends.js';
import { startBackend } from '../start-backend.js';

/** What a backend is chosen for. */
export interface Task {
  /** The network, from its prepared input to its logits. */
  readonly network: (x: Tensor) => Tensor;
  /** The shape on which `'auto'` tries it. */
  readonly shape: readonly number[];
  readonly maxMemory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the backend that was chosen. `'auto'` takes cpu, unless there is a real graphics card: then both run the network,
 * and the faster one stays.
 *
 * @throws UnsupportedError with the reason where none works
 */
export async function chooseBackend(choice: 'auto' | BackendChoice, task: Task): Promise<Backend> {
  if (choice !== 'auto') return await startBackend(choice);
  const { auto, availableModes, gpu } = await import('@atrous/gpu');
  const real = (await availableModes()).find(({ available, software }) => available && !software);
  if (real === undefined) return await cpu();
  const { network, shape, maxMemory, signal } = task;
  const fastest = await auto(network, input(shape), {
    backends: { cpu: () => cpu(), gpu: () => gpu({ mode: real.mode }) },
    maxMemory,
    signal,
  });
  fastest.dispose();
  return fastest.backend;
}
