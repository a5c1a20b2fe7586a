/** Models with their descriptions, for programs that run them themselves: no worker, no canvas. */

export type { BackendChoice, BackendInfo, BackendReport, GpuMode } from '../backends.js';
export { DownloadError } from '../errors.js';
export { backendsHere, startBackend } from '../start-backend.js';
export type {
  KnownModel,
  ModelDescription,
  ModelFile,
  PictureInput,
  SegmentationClass,
  VolumeInput,
} from './description.js';
export { knownModelFile, type ModelFileOptions, modelFile } from './file.js';
export { knownModel, knownModels } from './known.js';
export { describeModel, metadataKey, parseDescription } from './metadata.js';
export { logitsOf, networkOf } from './network.js';
export { formatOf, type ModelFormat, type OpenOptions, openModel } from './open.js';
export { palette } from './palette.js';
export { luminance, type Picture } from './picture.js';
export { channelsOf, pictureInput, prepare } from './prepare.js';
export { waterParameters } from './water.js';
export { waterModel } from './water-model.js';
export { bodyRates, pyramidRates, waterNet } from './water-net.js';
