/** What readers of model files need: the shape of a model, bytes from anywhere, and values known while tracing. */
export { halfToFloat } from '../half.js';
export { nameTensor } from '../tensor.js';
export { recognizeDilation } from './dilation.js';
export { isKnown, knownValues } from './known.js';
export { type Model, type ModelInfo, type ModelValue, makeModel } from './model.js';
export { type FileSource, type ReadOptions, readFile } from './source.js';
