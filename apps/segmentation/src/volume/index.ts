export { type Affine, type Grid, orientationOf, type Triple, voxelSize } from './affine.js';
export { type ConformedVolume, type ConformOptions, conform } from './conform.js';
export type { Limits } from './intensity.js';
export type { NiftiHeader } from './nifti-header.js';
export { type NiftiVolume, type ReadNiftiOptions, readNifti } from './read-nifti.js';
export { resampleLabels } from './resample-labels.js';
export type { Volume, VoxelArray, WorkOptions } from './volume.js';
export {
  type Normalisation,
  type Quantiles,
  type VolumeSource,
  type VolumeSourceOptions,
  volumeSource,
} from './volume-source.js';
export { type WriteNiftiOptions, writeNifti } from './write-nifti.js';
