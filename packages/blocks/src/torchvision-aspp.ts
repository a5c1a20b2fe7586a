import { relu, type Tensor } from '@atrous/core';
import { batchNorm } from './batch-norm.js';
import { type Block, block } from './block.js';
import { checkCounts, checkRates } from './check.js';
import { convNormActivation } from './conv-bn-relu.js';
import { convolution } from './convolution.js';
import { imageLevel, sideBySide } from './pyramid.js';
import { activation, sequential } from './sequential.js';

type Axes = 1 | 2 | 3 | undefined;

/** The image-level feature: mean, 1×1 convolution (`1`), batch norm (`2`), ReLU, stretched to the size of the input. */
const asppPooling = (inChannels: number, outChannels: number, axes: Axes): Block =>
  block(
    { 1: convolution(inChannels, outChannels, 1, { bias: false, axes }), 2: batchNorm(outChannels) },
    (m, x: Tensor) => imageLevel((mean) => relu(m[2](m[1](mean))), x),
  );

export interface TorchvisionAsppOptions {
  readonly inChannels: number;
  /** Channels of every branch and of the output. Default 256. */
  readonly outChannels?: number | undefined;
  /** Rates of the 3×3 branches. Default 12, 24, 36: output stride 8. */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: Axes;
}

/**
 * Atrous spatial pyramid pooling of DeepLab v3 as torchvision builds it, with batch norm and ReLU in every branch. At
 * inference its dropout does nothing.
 *
 * Input `[N, inChannels, H, W]`, output `[N, outChannels, H, W]`. Children, in the order of concatenation: `convs.0`
 * 1×1, `convs.1` … 3×3 per rate, the last of `convs` the image-level feature; then `project` 1×1.
 *
 * Source: Chen, Papandreou, Schroff & Adam, 2017 (arXiv 1706.05587), section 3.3;
 * `torchvision.models.segmentation.deeplabv3.ASPP`.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function torchvisionAspp({
  inChannels,
  outChannels = 256,
  rates = [12, 24, 36],
  axes,
}: TorchvisionAsppOptions): Block {
  checkCounts('torchvisionAspp', { inChannels, outChannels });
  checkRates('torchvisionAspp', rates);
  return block(
    {
      convs: [
        convNormActivation(inChannels, outChannels, 1, { axes }),
        ...rates.map((dilation) => convNormActivation(inChannels, outChannels, 3, { dilation, axes })),
        asppPooling(inChannels, outChannels, axes),
      ],
      project: convNormActivation(outChannels * (rates.length + 2), outChannels, 1, { axes }),
    },
    (m, x: Tensor) => m.project(sideBySide(m.convs, x)),
  );
}

export interface DeepLabHeadOptions {
  readonly inChannels: number;
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /** Channels inside the head. Default 256. */
  readonly width?: number | undefined;
  /** Rates of the ASPP. Default 12, 24, 36: output stride 8. */
  readonly rates?: readonly number[] | undefined;
  /** Number of spatial axes. Default 2. */
  readonly axes?: Axes;
}

/**
 * The head of torchvision's DeepLab v3: ASPP, a 3×3 convolution with batch norm and ReLU, and a 1×1 classifier.
 *
 * Input `[N, inChannels, H, W]`: features of a backbone. Output `[N, numClasses, H, W]`: logits, to be stretched to the
 * size of the picture. Children: `0` torchvisionAspp, `1` convolution, `2` batch norm, `4` classifier.
 *
 * Source: Chen, Papandreou, Schroff & Adam, 2017 (arXiv 1706.05587);
 * `torchvision.models.segmentation.deeplabv3.DeepLabHead`.
 *
 * @throws OptionError for unusable sizes or rates
 */
export function deepLabHead({ inChannels, numClasses, width = 256, rates, axes }: DeepLabHeadOptions): Block {
  checkCounts('deepLabHead', { inChannels, numClasses, width });
  return sequential([
    torchvisionAspp({ inChannels, outChannels: width, rates, axes }),
    convolution(width, width, 3, { padding: 1, bias: false, axes }),
    batchNorm(width),
    activation(relu),
    convolution(width, numClasses, 1, { axes }),
  ]);
}
