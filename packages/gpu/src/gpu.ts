import { type Backend, OptionError, UnsupportedError } from '@atrous/core';
import { checkAlive, defaultMaxMemory, fuse } from '@atrous/core/backend';
import { openWebasm } from './adapter/webasm.js';
import { openWebgl2 } from './adapter/webgl2.js';
import { openWebgpu } from './adapter/webgpu.js';
import type { Device, Mode } from './device.js';
import { readParts } from './parts.js';
import { availableModes, bestMode } from './probe.js';
import { compileProgram } from './program.js';
import { Runtime } from './runtime.js';

export interface GpuOptions {
  /** What must run. Default: webgpu or webgl2 on a real adapter, otherwise webasm. */
  readonly mode?: Mode | undefined;
}

/** How each mode is opened; throws an UnsupportedError saying why it is not available. */
const openers: Readonly<Record<Mode, () => Promise<Device>>> = {
  webgpu: async () => (await openWebgpu()) as unknown as Device,
  webgl2: async () => (await openWebgl2()) as unknown as Device,
  webasm: async () => openWebasm() as unknown as Device,
};

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
  if (mode !== undefined && !(mode in openers))
    throw new OptionError(
      `gpu: mode must be ${Object.keys(openers)
        .map((name) => `'${name}'`)
        .join(', ')} but is ${typeof mode === 'string' ? `'${mode}'` : typeof mode}`,
      { mode },
    );
  return backendOn(await openers[mode ?? (await chooseMode())]());
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

/** The backend of a device. */
export function backendOn(device: Device): Backend {
  const runtime = new Runtime(device);
  return {
    name: 'gpu',
    info: { mode: device.mode, ...device.info },
    lost: device.lost,
    async compile(graph, { maxMemory = defaultMaxMemory, signal } = {}) {
      checkAlive(`gpu (${device.mode})`, runtime.gone);
      signal?.throwIfAborted();
      return compileProgram(runtime, readParts(fuse(graph)), maxMemory, signal);
    },
    dispose: () => runtime.dispose('the backend was disposed'),
  };
}
