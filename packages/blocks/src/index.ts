export { type AsppOptions, aspp } from './aspp.js';
export * from './backbones/index.js';
export { type BatchNormOptions, batchNorm } from './batch-norm.js';
export {
  type Block,
  type Bound,
  block,
  type Child,
  type Children,
  type FeatureIdentity,
  type Parameter,
  type Parameters,
} from './block.js';
export { type ContextModuleOptions, contextModule } from './context-module.js';
export {
  type ConvBnReluOptions,
  type ConvNormActivationOptions,
  convBnRelu,
  convNormActivation,
} from './conv-bn-relu.js';
export { type ConvolutionOptions, convolution } from './convolution.js';
export { type DeepLabV2AsppOptions, deepLabV2Aspp } from './deeplab-v2-aspp.js';
export {
  type DeepLabV3AsppOptions,
  type DeepLabV3PlusDecoderOptions,
  deepLabV3Aspp,
  deepLabV3PlusDecoder,
} from './deeplab-v3-plus.js';
export { type DenseAsppOptions, denseAspp } from './dense-aspp.js';
export { type DescribeOptions, type Description, describe } from './describe.js';
export { type DrnTailOptions, drnTail } from './drn-tail.js';
export { type DucOptions, duc } from './duc.js';
export { type EspModuleOptions, espModule } from './esp-module.js';
export { type FcnHeadOptions, fcnHead } from './fcn-head.js';
export {
  type HdcGroupOptions,
  type HdcScheduleOptions,
  type HdcVerdict,
  hdcGroup,
  hdcVerdict,
} from './hdc.js';
export {
  type HdcRates,
  type HdcRatesOptions,
  type HdcStagesOptions,
  hdcRates,
  hdcStages,
} from './hdc-stages.js';
export { type InitializeOptions, initialize } from './initialize.js';
export { linear } from './linear.js';
export { type LrasppHeadOptions, lrasppHead } from './lraspp.js';
export { type MeshnetOptions, meshnet } from './meshnet.js';
export * from './networks/index.js';
export { type LoadOptions, loadParameters, ParameterError, type ParameterMismatch } from './parameters.js';
export { prelu } from './prelu.js';
export { asppRates } from './pyramid.js';
export { basicBlock, bottleneckBlock, type ResidualBlockOptions } from './residual.js';
export { type SeparableConvBnReluOptions, separableConvBnRelu } from './separable.js';
export { activation, identity, sequential } from './sequential.js';
export {
  type SharedConvolutionOptions,
  type SmoothedDilationOptions,
  sharedConvolution,
  smoothedDilation,
} from './smoothed-dilation.js';
export { type SqueezeExcitationOptions, squeezeExcitation } from './squeeze-excitation.js';
export { type TcnBlockOptions, type TcnOptions, tcn, tcnBlock, tcnParameters } from './tcn.js';
export {
  type DeepLabHeadOptions,
  deepLabHead,
  type TorchvisionAsppOptions,
  torchvisionAspp,
} from './torchvision-aspp.js';
export { type WaspOptions, wasp } from './wasp.js';
export { type WavenetOptions, wavenet } from './wavenet.js';
export { foldWeightNorm } from './weight-norm.js';
