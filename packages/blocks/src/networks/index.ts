export { type DeepLabVgg16Options, deepLabVgg16 } from './deeplab-vgg16.js';
export type { BackboneName } from './named-backbone.js';
export {
  type AuxiliaryLogits,
  type AuxiliarySegmentationOptions,
  type FeatureBlock,
  type SegmentationOptions,
  segmentation,
} from './segmentation.js';
export {
  type AuxiliarySegmentationNetworkOptions,
  type DeepLabV3HeadOptions,
  deepLabV3,
  fcn,
  type SegmentationNetworkOptions,
} from './torchvision-segmentation.js';
