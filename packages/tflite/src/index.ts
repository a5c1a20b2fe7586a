export type { FileSource, Model, ModelInfo, ModelValue, ReadOptions } from '@atrous/core/model';
export { type LoadOptions, load } from './load.js';
