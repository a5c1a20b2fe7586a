import type { Entry } from '../contestant.js';
import { atrous } from './atrous.js';
import { atrousGpu } from './atrous-gpu.js';
import { gpuJs } from './gpujs.js';
import { onnxruntimeNode } from './onnxruntime-node.js';
import { onnxruntimeWeb } from './onnxruntime-web.js';
import { tfjsCpu } from './tfjs-cpu.js';
import { tfjsWasm } from './tfjs-wasm.js';

/** What atrous is measured against, by the name that `--peers` takes, in the order of the table. */
export const peers: Readonly<Record<string, Entry>> = Object.fromEntries(
  [tfjsWasm, onnxruntimeWeb, onnxruntimeNode, tfjsCpu, gpuJs].map((entry) => [entry.name, entry]),
);

export { atrous, atrousGpu };
