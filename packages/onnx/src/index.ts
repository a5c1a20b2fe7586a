export { channelsFirstPart } from './channels-first.js';
export type { ExternalSources } from './external.js';
export type { Problem } from './file.js';
export { type Inspection, inspect, type LoadOptions, load } from './load.js';
export { operators } from './operators/index.js';
