import { type Backend, OptionError, UnsupportedError } from '@atrous/core';
import type { Mode } from './device.js';
import { availableModes, bestMode } from './probe.js';

export interface GpuOptions {
  /** What must run. Default: webgpu or webgl2 on a real adapter, otherwise webasm. */
  readonly mode?: Mode | undefined;
}

const modes: readonly Mode[] = ['webgpu', 'webgl2', 'webasm'];

/**
 * A backend on gpu.js. `info` tells what really runs: `mode`, `adapter` and whether that is `software`.
 *
 * ```ts
 * const backend = await gpu();
 * const program = await compile(network, input([1, 3, 512, 512]), { backend });
 * ```
 *
 * `gpu.modes()` lists every mode with whether it is available here, or why not.
 *
 * @throws UnsupportedError if the mode is not available, with the reason; nothing else runs in its place
 */
export async function gpu({ mode }: GpuOptions = {}): Promise<Backend> {
  if (mode !== undefined && !modes.includes(mode))
    throw new OptionError(
      `gpu: mode must be ${modes
        .map((name) => `'${name}'`)
        .join(', ')} but is ${typeof mode === 'string' ? `'${mode}'` : typeof mode}`,
      { mode },
    );
  const chosen = mode ?? (await chooseMode());
  // brings gpu.js along, which nobody needs who only asks for the modes
  const { openBackend } = await import('./backend.js');
  return await openBackend(chosen);
}

gpu.modes = availableModes;

async function chooseMode(): Promise<Mode> {
  const reports = await availableModes();
  const best = bestMode(reports);
  if (best !== undefined) return best;
  const reasons = reports.map(
    ({ mode, reason, adapter }) => `${mode}: ${reason ?? `only software (${adapter})`}`,
  );
  throw new UnsupportedError(`gpu: no mode is available: ${reasons.join('; ')}; use the cpu backend`, {
    reports,
  });
}
