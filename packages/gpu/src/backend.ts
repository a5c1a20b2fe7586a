/** The backend on devices of gpu.js; loaded when one is opened. */
import type { Backend } from '@atrous/core';
import { checkAlive, defaultMaxMemory, fuse } from '@atrous/core/backend';
import { openWebasm } from './adapter/webasm.js';
import { openWebgl2 } from './adapter/webgl2.js';
import { openWebgpu } from './adapter/webgpu.js';
import type { Device, Mode } from './device.js';
import { readParts } from './parts.js';
import { compileProgram } from './program.js';
import { Runtime } from './runtime.js';

/** How each mode is opened; throws an UnsupportedError saying why it is not available. */
const openers: Readonly<Record<Mode, () => Promise<Device>>> = {
  webgpu: async () => (await openWebgpu()) as unknown as Device,
  webgl2: async () => (await openWebgl2()) as unknown as Device,
  webasm: async () => openWebasm() as unknown as Device,
};

/** @throws UnsupportedError saying why the mode is not available */
export const openBackend = async (mode: Mode): Promise<Backend> => backendOn(await openers[mode]());

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
