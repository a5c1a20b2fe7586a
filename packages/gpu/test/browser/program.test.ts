import { openWebasm } from '../../src/adapter/webasm.js';
import { openWebgl2 } from '../../src/adapter/webgl2.js';
import { openWebgpu } from '../../src/adapter/webgpu.js';
import type { Device } from '../../src/device.js';
import { programBehaviour } from '../behaviour.js';
import { concatenationBehaviour } from '../concatenation.js';

const modes: Readonly<Record<string, () => Promise<Device>>> = {
  webgl2: async () => (await openWebgl2()) as unknown as Device,
  webgpu: async () => (await openWebgpu()) as unknown as Device,
  'webasm in a browser': async () => openWebasm() as unknown as Device,
};
for (const [name, open] of Object.entries(modes)) {
  programBehaviour(name, open);
  concatenationBehaviour(name, open);
}
