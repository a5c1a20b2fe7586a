export type { Backbone, BackboneOutput, ClassifierOutput, Returns } from './backbone.js';
export {
  type InvertedResidualOptions,
  invertedResidual,
  type MobileNetV2Options,
  mobileNetV2,
} from './mobilenet-v2.js';
export {
  type MobileNetV3BlockOptions,
  type MobileNetV3Options,
  mobileNetV3,
  mobileNetV3Block,
} from './mobilenet-v3.js';
export { type ResnetOptions, resnet } from './resnet.js';
export { type Vgg16Options, vgg16 } from './vgg16.js';
