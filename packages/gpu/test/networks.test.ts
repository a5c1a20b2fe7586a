import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { trainedNetworks } from './networks.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = here('../../../../shared/models/networks/');

trainedNetworks({
  modes: ['webasm'],
  waterWeights: () => readFile(here('../../../packages/segment/assets/water-net.safetensors')),
  shared: existsSync(folder) ? (name) => readFile(`${folder}${name}`) : undefined,
  decode: async (png) => PNG.sync.read(Buffer.from(png)).data,
});
