import { globalAvgPool, maxPool2d, OptionError, relu, reshape, type Tensor } from '@atrous/core';
import { batchNorm } from '../batch-norm.js';
import { type Block, block } from '../block.js';
import { checkCounts, checkRates } from '../check.js';
import { convolution } from '../convolution.js';
import { linear } from '../linear.js';
import { basicBlock, bottleneckBlock, expansion } from '../residual.js';
import { activation, sequential } from '../sequential.js';
import {
  type Backbone,
  type BackboneOutput,
  backbone,
  type ClassifierOutput,
  checkOutput,
  childrenOf,
  type Returns,
  type Stage,
} from './backbone.js';
import { type AtrousLayer, replaceStrides, stridesBeyond } from './output-stride.js';

const residualBlocks = { basic: basicBlock, bottleneck: bottleneckBlock } as const;

/** Kind and number of the residual blocks of `layer1` … `layer4`, by depth: table 1 of the paper. */
export const layouts = {
  18: { kind: 'basic', counts: [2, 2, 2, 2] },
  34: { kind: 'basic', counts: [3, 4, 6, 3] },
  50: { kind: 'bottleneck', counts: [3, 4, 6, 3] },
  101: { kind: 'bottleneck', counts: [3, 4, 23, 3] },
  152: { kind: 'bottleneck', counts: [3, 8, 36, 3] },
} as const;

export interface ResnetOptions {
  readonly depth: keyof typeof layouts;
  /** Input samples per step of the last map: 4, 8, 16 or 32. Smaller ones by dilation. Default 32. */
  readonly outputStride?: number | undefined;
  /**
   * The same as torchvision puts it: whether `layer2`, `layer3` and `layer4` dilate where they had a stride of 2. Give
   * this or outputStride.
   */
  readonly replaceStrideWithDilation?: readonly boolean[] | undefined;
  /**
   * Factors of the rates of the blocks of `layer4`, one per block: DeepLab v3's multi-grid, for example `[1, 2, 4]`.
   * All of them multiply the rate behind the last stride, so that output stride 16 gives rates 2, 4, 8. Default: none.
   */
  readonly multiGrid?: readonly number[] | undefined;
  /**
   * The block that has the stride: `'first'` of `layer2`, `layer3` and `layer4` (torchvision) or `'last'` of `layer1`,
   * `layer2` and `layer3`, with a shortcut without parameters (TF-slim). Default `'first'`.
   */
  readonly strideIn?: 'first' | 'last' | undefined;
  /** Channels of the picture. Default 3. */
  readonly inChannels?: number | undefined;
  /** Channels of the first convolution; every other width is a multiple. Default 64. */
  readonly width?: number | undefined;
}

/**
 * Residual network, whole or as feature maps, with strides replaced by dilation on demand. The parameters are the same
 * at every output stride.
 *
 * Input `[N, inChannels, H, W]`. Without `numClasses` the output is one map per entry of `returns`, whose values name
 * the children `conv1`, `bn1`, `relu`, `maxpool`, `layer1`, `layer2`, `layer3`, `layer4`; default
 * `{ out: 'layer4' }`. Children behind the last one returned do not exist, `fc` included. With `numClasses` it is logits
 * `[N, numClasses]` and there is a child `fc`. Names are torchvision's: `layer1.0.conv1.weight`.
 *
 * ```ts
 * const features = resnet({ depth: 50, outputStride: 8, returns: { out: 'layer4', low: 'layer1' } });
 * features.channels;   // { out: 2048, low: 256 }
 * features.strides;    // { out: 8, low: 4 }
 * ```
 *
 * Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016;
 * `torchvision.models.resnet`. Multi-grid: Chen et al., DeepLab v3 (2017), section 3.1.
 *
 * @throws OptionError for an unusable option, naming what would be right
 */
export function resnet<const R extends Returns = { readonly out: 'layer4' }>(
  options: ResnetOptions & BackboneOutput<R>,
): Backbone<R>;
export function resnet(options: ResnetOptions & ClassifierOutput): Block;
export function resnet(options: ResnetOptions & (BackboneOutput<Returns> | ClassifierOutput)): unknown {
  checkOutput('resnet', options);
  const { numClasses, returns = { out: 'layer4' } } = options;
  const stages = resnetStages(options);
  if (numClasses === undefined) return backbone('resnet', stages, returns);
  checkCounts('resnet', { numClasses });
  const channels = stages.at(-1)!.channels;
  return block(
    { ...childrenOf(stages), fc: linear(channels, numClasses) } as Readonly<Record<string, Block>>,
    (m, x: Tensor) => {
      const features = stages.reduce((y, { name }) => m[name]!(y), x);
      return m.fc!(reshape(globalAvgPool(features), [x.shape[0]!, channels]));
    },
  );
}

function resnetStages(options: ResnetOptions): readonly Stage[] {
  const { depth, strideIn = 'first', inChannels = 3, width = 64 } = options;
  if (!Object.hasOwn(layouts, depth))
    throw new OptionError(
      `resnet: depth must be ${Object.keys(layouts).join(', ')} but is ${String(depth)}`,
      { depth },
    );
  checkCounts('resnet', { inChannels, width });
  const { kind } = layouts[depth];
  let channels = width;
  const layers = layersOf(options).map((blocks, i): Stage => {
    const planes = width * 2 ** i;
    const built = blocks.map(({ stride, dilation, dilationAfter }) => {
      const made = residualBlocks[kind]({
        inChannels: channels,
        planes,
        stride,
        dilation: dilationAfter,
        strideDilation: dilation,
        shortcut: strideIn === 'last' ? 'subsample' : 'convolution',
      });
      channels = planes * expansion[kind];
      return made;
    });
    const stride = blocks.reduce((product, unit) => product * unit.stride, 1);
    return { name: `layer${i + 1}`, block: sequential(built), channels, stride };
  });
  const stem = (name: string, made: Block, stride: number): Stage => ({
    name,
    block: made,
    channels: width,
    stride,
  });
  return [
    stem('conv1', convolution(inChannels, width, 7, { stride: 2, padding: 3, bias: false }), 2),
    stem('bn1', batchNorm(width), 1),
    stem('relu', activation(relu), 1),
    stem(
      'maxpool',
      activation((x) => maxPool2d(x, 3, { stride: 2, padding: 1 })),
      2,
    ),
    ...layers,
  ];
}

/** Stride and rates of every residual block, by layer. */
function layersOf(options: ResnetOptions): readonly (readonly AtrousLayer[])[] {
  const { depth, strideIn = 'first', multiGrid } = options;
  const { counts } = layouts[depth];
  if (strideIn !== 'first' && strideIn !== 'last')
    throw new OptionError(`resnet: strideIn must be 'first' or 'last' but is '${String(strideIn)}'`, {
      strideIn,
    });
  // 'last' moves each stride from the first block of a layer to the block before it
  const isStrided = (layer: number, i: number) =>
    strideIn === 'first' ? layer > 0 && i === 0 : layer < 3 && i === counts[layer]! - 1;
  const strides = counts.flatMap((count, layer) =>
    Array.from({ length: count }, (_, i) => (isStrided(layer, i) ? 2 : 1)),
  );
  const blocks = replaceStrides(strides, replacedBlocks(options, strides));
  const starts = counts.map((_, layer) => counts.slice(0, layer).reduce((sum, count) => sum + count, 0));
  const layers = counts.map((count, layer) => blocks.slice(starts[layer], starts[layer]! + count));
  if (multiGrid === undefined) return layers;
  checkRates('resnet', multiGrid);
  if (multiGrid.length !== counts[3])
    throw new OptionError(
      `resnet: multiGrid [${multiGrid.join(', ')}] must have ${counts[3]} entries, one per block of layer4 of ResNet-${depth}`,
      { multiGrid },
    );
  return [
    ...layers.slice(0, 3),
    layers[3]!.map(({ stride, dilationAfter }, i) => {
      const dilation = multiGrid[i]! * dilationAfter;
      return { stride, dilation, dilationAfter: dilation };
    }),
  ];
}

function replacedBlocks(
  { outputStride, replaceStrideWithDilation: flags }: ResnetOptions,
  strides: readonly number[],
): readonly boolean[] {
  if (flags === undefined) return stridesBeyond('resnet', 4, strides, outputStride ?? 32);
  if (outputStride !== undefined)
    throw new OptionError(
      `resnet: outputStride and replaceStrideWithDilation say the same; give one of the two (outputStride ${outputStride})`,
      { outputStride, replaceStrideWithDilation: flags },
    );
  if (!Array.isArray(flags) || flags.length !== 3 || flags.some((flag) => typeof flag !== 'boolean'))
    throw new OptionError(
      `resnet: replaceStrideWithDilation must be three booleans, for layer2, layer3 and layer4, such as [false, true, true], but is ${JSON.stringify(flags)}`,
      { replaceStrideWithDilation: flags },
    );
  let next = 0;
  return strides.map((stride) => stride > 1 && flags[next++]!);
}
