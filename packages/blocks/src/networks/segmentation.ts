import type { Tensor, Tree } from '@atrous/core';
import { type Block, block } from '../block.js';
import { stretch } from '../stretch.js';

/** A block that gives the feature map that is classified, as a backbone does. */
export type FeatureBlock<M extends string> = Block<[Tensor], { readonly [K in M]: Tensor }>;

export interface SegmentationOptions {
  /** Gives the map `out`. */
  readonly backbone: FeatureBlock<'out'>;
  /** From the map `out` to logits. */
  readonly classifier: Block;
}

export interface AuxiliarySegmentationOptions {
  /** Gives the maps `out` and `aux`. */
  readonly backbone: FeatureBlock<'out' | 'aux'>;
  readonly classifier: Block;
  /** From the map `aux` to logits, which help training. */
  readonly auxClassifier: Block;
}

/** Logits of a network with an auxiliary classifier. */
export interface AuxiliaryLogits {
  readonly [name: string]: Tensor;
  readonly out: Tensor;
  readonly aux: Tensor;
}

/**
 * A segmentation network as torchvision assembles it: a backbone, a classifier, and possibly an auxiliary classifier.
 *
 * Input `[N, C, H, W]`. Output: logits `[N, classes, H, W]`, stretched bilinearly to the size of the input; with
 * `auxClassifier`, `{ out, aux }`. Children: `backbone`, `classifier`, `aux_classifier`.
 *
 * ```ts
 * const backbone = resnet({ depth: 18, outputStride: 8, returns: { out: 'layer4' } });
 * segmentation({ backbone, classifier: deepLabHead({ inChannels: backbone.channels.out, numClasses: 21 }) });
 * ```
 *
 * Source: `torchvision.models.segmentation._utils._SimpleSegmentationModel`.
 */
export function segmentation(options: AuxiliarySegmentationOptions): Block<[Tensor], AuxiliaryLogits>;
export function segmentation(options: SegmentationOptions): Block;
export function segmentation(
  options: SegmentationOptions | AuxiliarySegmentationOptions,
): Block<[Tensor], Tree> {
  const { backbone, classifier } = options;
  if (!('auxClassifier' in options))
    return block({ backbone, classifier }, (m, x: Tensor) => stretch(m.classifier(m.backbone(x).out), x));
  return block(
    { backbone: options.backbone, classifier, aux_classifier: options.auxClassifier },
    (m, x: Tensor): AuxiliaryLogits => {
      const { out, aux } = m.backbone(x);
      return { out: stretch(m.classifier(out), x), aux: stretch(m.aux_classifier(aux), x) };
    },
  );
}
