/** What each network module of the golden data is in atrous. Modules whose block does not exist yet are not here. */
import {
  aspp,
  contextModule,
  deepLabHead,
  denseAspp,
  espModule,
  hdcGroup,
  loadParameters,
  lrasppHead,
  meshnet,
  torchvisionAspp,
  wavenet,
} from '@atrous/blocks';
import type { Tensor } from '@atrous/core';
import type { AnyBlock } from './block-cases.js';

type Weights = Readonly<Record<string, Tensor>>;
type Inputs = Readonly<Record<string, Tensor>>;

const blocks = {
  seed_aspp: (config: { in_channel: number; depth: number }) =>
    aspp({ inChannels: config.in_channel, depth: config.depth }),
  torchvision_aspp: (config: { in_channels: number; out_channels: number; rates: number[] }) =>
    torchvisionAspp({
      inChannels: config.in_channels,
      outChannels: config.out_channels,
      rates: config.rates,
    }),
  torchvision_deeplab_head: (config: {
    in_channels: number;
    num_classes: number;
    width: number;
    rates: number[];
  }) =>
    deepLabHead({
      inChannels: config.in_channels,
      numClasses: config.num_classes,
      width: config.width,
      rates: config.rates,
    }),
  hdc_group: (config: {
    block: 'basic' | 'bottleneck';
    in_channels: number;
    planes: number;
    dilations: number[];
    stride: number;
  }) =>
    hdcGroup({
      block: config.block,
      inChannels: config.in_channels,
      planes: config.planes,
      rates: config.dilations,
      stride: config.stride,
    }),
  context_module: (config: { channels: number; dilations: number[] }) =>
    contextModule({ channels: config.channels, rates: config.dilations }),
  esp_module: (config: { channels: number; K: number; act: 'prelu' | 'relu' }) =>
    espModule({ inChannels: config.channels, branches: config.K, activation: config.act }),
  wavenet: (config: {
    in_channels: number;
    residual: number;
    skip: number;
    out_channels: number;
    kernel: number;
    dilations: number[];
  }) =>
    wavenet({
      inChannels: config.in_channels,
      residualChannels: config.residual,
      skipChannels: config.skip,
      outChannels: config.out_channels,
      kernel: config.kernel,
      rates: config.dilations,
    }),
  meshnet: (config: { in_channels: number; channels: number; num_classes: number; dilations: number[] }) =>
    meshnet({
      inChannels: config.in_channels,
      channels: config.channels,
      numClasses: config.num_classes,
      rates: config.dilations,
    }),
  torchvision_lraspp_head: (config: {
    low_channels: number;
    high_channels: number;
    num_classes: number;
    inter_channels: number;
  }) =>
    lrasppHead({
      lowChannels: config.low_channels,
      highChannels: config.high_channels,
      numClasses: config.num_classes,
      interChannels: config.inter_channels,
    }),
  dense_aspp: (config: {
    in_channels: number;
    mid: number;
    growth: number;
    num_classes: number;
    dilations: number[];
  }) =>
    denseAspp({
      inChannels: config.in_channels,
      midChannels: config.mid,
      growth: config.growth,
      numClasses: config.num_classes,
      rates: config.dilations,
    }),
} satisfies Record<string, (config: never) => AnyBlock>;

/**
 * A module with its weights, as a function of its inputs, by name and in its order; undefined if its block does not exist yet.
 *
 * @param config the golden data's own, which fits the module by that name
 */
export function moduleFunction(
  name: string,
  config: unknown,
  weights: Weights,
): ((inputs: Inputs) => Tensor) | undefined {
  if (!Object.hasOwn(blocks, name)) return undefined;
  const module = (blocks[name as keyof typeof blocks] as (config: unknown) => AnyBlock)(config);
  const parameters = loadParameters(module, weights);
  return (inputs) => module.apply(parameters, ...Object.values(inputs)) as Tensor;
}
