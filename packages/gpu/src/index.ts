export { type AutoCompiled, type AutoOptions, auto, type OpenBackend, type Trial } from './auto.js';
export type { Mode } from './device.js';
export { type GpuOptions, gpu } from './gpu.js';
export { availableModes, type ModeReport } from './probe.js';
