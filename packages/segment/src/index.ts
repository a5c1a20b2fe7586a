export type { BackendChoice, BackendInfo, BackendReport, GpuMode } from './backends.js';
export { DownloadError } from './errors.js';
export { describeBackends, load } from './load.js';
export type { ModelDescription, SegmentationClass } from './models/description.js';
export type { Picture } from './models/picture.js';
export type {
  LoadOptions,
  LoadProgress,
  ModelSource,
  PictureSource,
  Segmentation,
  Segmenter,
  SegmentOptions,
  SegmentProgress,
  StageTime,
  StepTime,
  WorkerLike,
} from './types.js';
