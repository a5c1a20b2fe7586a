import type { Tensor, Tree } from '@atrous/core';
import type { Backbone } from '../backbones/backbone.js';
import type { Block } from '../block.js';
import { checkCounts } from '../check.js';
import { fcnHead } from '../fcn-head.js';
import { deepLabHead } from '../torchvision-aspp.js';
import { type BackboneName, resolveBackbone } from './named-backbone.js';
import { type AuxiliaryLogits, segmentation } from './segmentation.js';

type Maps<M extends string> = Backbone<Readonly<Record<M, string>>>;

export interface SegmentationNetworkOptions {
  /** Channels of the output, one per class. */
  readonly numClasses: number;
  /**
   * torchvision's name, or a backbone that returns the map `out`. Default `'resnet50'`.
   */
  readonly backbone?: BackboneName | Maps<'out'> | undefined;
  /**
   * Input samples per step of the map `out`, for a backbone given by name: 8, 16 or 32. Default torchvision's: 8 for
   * ResNets, 16 for MobileNets.
   */
  readonly outputStride?: number | undefined;
  /** Whether there is an auxiliary classifier. Default false. */
  readonly aux?: false | undefined;
}

export interface AuxiliarySegmentationNetworkOptions
  extends Omit<SegmentationNetworkOptions, 'aux' | 'backbone'> {
  /** torchvision's name, or a backbone that returns the maps `out` and `aux`. Default `'resnet50'`. */
  readonly backbone?: BackboneName | Maps<'out' | 'aux'> | undefined;
  /** An auxiliary classifier on a map of the middle: `layer3`, or the first of stride 8 in MobileNetV3. */
  readonly aux: true;
}

type AnyOptions = SegmentationNetworkOptions | AuxiliarySegmentationNetworkOptions;

function network(
  op: string,
  options: AnyOptions,
  classifierOf: (inChannels: number) => Block,
): Block<[Tensor], Tree> {
  const { numClasses, outputStride } = options;
  checkCounts(op, { numClasses });
  if (!options.aux) {
    const { backbone: given = 'resnet50' } = options;
    const backbone = resolveBackbone(op, given, ['out'], outputStride);
    return segmentation({ backbone, classifier: classifierOf(backbone.channels.out) });
  }
  const { backbone: given = 'resnet50' } = options;
  const backbone = resolveBackbone(op, given, ['out', 'aux'], outputStride);
  return segmentation({
    backbone,
    classifier: classifierOf(backbone.channels.out),
    auxClassifier: fcnHead({ inChannels: backbone.channels.aux, numClasses }),
  });
}

export interface DeepLabV3HeadOptions {
  /** Rates of the ASPP. Default 12, 24, 36: torchvision's at any output stride; the paper halves them at 16. */
  readonly rates?: readonly number[] | undefined;
  /** Channels inside the head. Default 256. */
  readonly headWidth?: number | undefined;
}

/**
 * DeepLab v3 as torchvision assembles it: a dilated backbone, ASPP with image-level features, a classifier.
 *
 * Input `[N, 3, H, W]`. Output: logits `[N, numClasses, H, W]`, stretched bilinearly to the size of the input; with
 * `aux: true`, `{ out, aux }`. Children: `backbone`, `classifier`, and `aux_classifier` with `aux`, which torchvision's
 * trained checkpoints have.
 *
 * ```ts
 * const network = deepLabV3({ backbone: 'resnet50', numClasses: 21, aux: true });
 * const parameters = loadParameters(network, tensors);   // deeplabv3_resnet50, saved as .safetensors
 * ```
 *
 * Source: Chen, Papandreou, Schroff & Adam, 2017 (arXiv 1706.05587);
 * `torchvision.models.segmentation.deeplabv3_resnet50`, `…_resnet101`, `…_mobilenet_v3_large`.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export function deepLabV3(
  options: AuxiliarySegmentationNetworkOptions & DeepLabV3HeadOptions,
): Block<[Tensor], AuxiliaryLogits>;
export function deepLabV3(options: SegmentationNetworkOptions & DeepLabV3HeadOptions): Block;
export function deepLabV3(options: AnyOptions & DeepLabV3HeadOptions): Block<[Tensor], Tree> {
  const { numClasses, rates, headWidth: width } = options;
  return network('deepLabV3', options, (inChannels) => deepLabHead({ inChannels, numClasses, rates, width }));
}

/**
 * Fully convolutional network as torchvision assembles it: a dilated backbone and two convolutions.
 *
 * Input `[N, 3, H, W]`. Output: logits `[N, numClasses, H, W]`, stretched bilinearly to the size of the input; with
 * `aux: true`, `{ out, aux }`. Children: `backbone`, `classifier`, and `aux_classifier` with `aux`.
 *
 * Source: Long, Shelhamer & Darrell, CVPR 2015; `torchvision.models.segmentation.fcn_resnet50`, `…_resnet101`.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export function fcn(options: AuxiliarySegmentationNetworkOptions): Block<[Tensor], AuxiliaryLogits>;
export function fcn(options: SegmentationNetworkOptions): Block;
export function fcn(options: AnyOptions): Block<[Tensor], Tree> {
  const { numClasses } = options;
  return network('fcn', options, (inChannels) => fcnHead({ inChannels, numClasses }));
}
