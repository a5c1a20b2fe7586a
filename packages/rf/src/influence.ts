/**
 * How inputs, padding and paths influence outputs: what goes beyond the field and its coverage.
 * Entry `@atrous/rf/influence`.
 */
export type { InteriorOutputs } from './border.js';
export { interiorOutputs } from './border.js';
export type { Ring } from './density.js';
export { samplingDensity } from './density.js';
export type { EffectiveField } from './effective.js';
export { effectiveField } from './effective.js';
export { outputRegion } from './outputs.js';
export type { PathFields } from './paths.js';
export { pathFields } from './paths.js';
export type { SharedInputs } from './sharing.js';
export { sharedInputs } from './sharing.js';
export type { TapUsage } from './taps.js';
export { tapUsage } from './taps.js';
