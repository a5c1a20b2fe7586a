import {
  activation,
  basicBlock,
  batchNorm,
  bottleneckBlock,
  convBnRelu,
  convNormActivation,
  convolution,
  identity,
  linear,
  prelu,
  sequential,
  squeezeExcitation,
} from '@atrous/blocks';
import { relu } from '@atrous/core';
import { type CatalogueFamily, entry } from './entry.js';

const resnetPaper = {
  text: 'He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016',
  link: 'https://arxiv.org/abs/1512.03385',
};

const torch = (name: string) => ({ text: `PyTorch's nn.${name}` });

const batchNormPaper = {
  text: 'Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift", ICML 2015',
  link: 'https://arxiv.org/abs/1502.03167',
};

const map = (channels: number, size = 64) => [[1, channels, size, size]];
const small = (channels: number) => [[1, channels, 9, 8]];

export const partsFamily: CatalogueFamily = {
  title: 'Parts',
  entries: [
    entry('convolution', convolution, {
      source: torch('Conv1d, nn.Conv2d, nn.Conv3d'),
      example: { args: [256, 256, 3, { dilation: 6, padding: 6 }], inputs: map(256), outputs: map(256) },
      small: { args: [3, 4, 3, { dilation: 2, padding: 2 }], inputs: small(3), outputs: small(4) },
      golden: ['seed_aspp'],
    }),
    entry('batchNorm', batchNorm, {
      source: batchNormPaper,
      example: { args: [256], inputs: map(256), outputs: map(256) },
      small: { args: [3], inputs: small(3), outputs: small(3) },
      golden: ['torchvision_aspp'],
    }),
    entry('convBnRelu', convBnRelu, {
      source: batchNormPaper,
      example: { args: [256, 256, 3, { dilation: 2 }], inputs: map(256), outputs: map(256) },
      small: { args: [3, 4, 3, { dilation: 2 }], inputs: small(3), outputs: small(4) },
      golden: ['deeplab_v3_aspp'],
    }),
    entry('convNormActivation', convNormActivation, {
      source: { text: "torchvision's Conv2dNormActivation" },
      example: { args: [256, 256, 3, { dilation: 2 }], inputs: map(256), outputs: map(256) },
      small: { args: [3, 4, 3, { dilation: 2 }], inputs: small(3), outputs: small(4) },
      golden: ['torchvision_aspp'],
    }),
    entry('linear', linear, {
      source: torch('Linear'),
      example: { args: [2048, 1000], inputs: [[1, 2048]], outputs: [[1, 1000]] },
      small: { args: [5, 3], inputs: [[2, 5]], outputs: [[2, 3]] },
      golden: ['resnet18_logits'],
    }),
    entry('prelu', prelu, {
      source: torch('PReLU'),
      example: { args: [64], inputs: map(64), outputs: map(64) },
      small: { args: [3], inputs: small(3), outputs: small(3) },
      golden: ['esp_0'],
    }),
    entry('squeezeExcitation', squeezeExcitation, {
      source: {
        text: 'Hu, Shen & Sun, "Squeeze-and-excitation networks", CVPR 2018',
        link: 'https://arxiv.org/abs/1709.01507',
      },
      example: {
        args: [{ channels: 960, squeezeChannels: 240 }],
        inputs: map(960, 33),
        outputs: map(960, 33),
      },
      small: { args: [{ channels: 4, squeezeChannels: 2 }], inputs: small(4), outputs: small(4) },
      golden: ['mobilenet_v3_large_logits'],
    }),
    entry('basicBlock', basicBlock, {
      source: { ...resnetPaper, text: `${resnetPaper.text}, figure 5 left` },
      example: { args: [{ inChannels: 256, planes: 256, dilation: 2 }], inputs: map(256), outputs: map(256) },
      small: { args: [{ inChannels: 3, planes: 4, dilation: 2 }], inputs: small(3), outputs: small(4) },
      golden: ['hdc_basic_123_0', 'resnet18_logits'],
    }),
    entry('bottleneckBlock', bottleneckBlock, {
      source: { ...resnetPaper, text: `${resnetPaper.text}, figure 5 right` },
      example: {
        args: [{ inChannels: 1024, planes: 256, dilation: 2 }],
        inputs: map(1024),
        outputs: map(1024),
      },
      small: { args: [{ inChannels: 4, planes: 1, dilation: 2 }], inputs: small(4), outputs: small(4) },
      golden: ['hdc_bottleneck_123_0', 'resnet50_stride8'],
    }),
    entry(
      'sequential',
      (channels: number) =>
        sequential([1, 2, 5].map((rate) => convBnRelu(channels, channels, 3, { dilation: rate }))),
      {
        source: torch('Sequential'),
        example: {
          args: [64],
          code: 'sequential([1, 2, 5].map((rate) => convBnRelu(64, 64, 3, { dilation: rate })))',
          inputs: map(64),
          outputs: map(64),
        },
        small: {
          args: [2],
          code: 'sequential([1, 2, 5].map((rate) => convBnRelu(2, 2, 3, { dilation: rate })))',
          inputs: small(2),
          outputs: small(2),
        },
        golden: ['torchvision_aspp'],
      },
    ),
    entry('activation', activation, {
      source: torch('ReLU and others'),
      example: { args: [relu], code: 'activation(relu)', inputs: map(64), outputs: map(64) },
      small: { args: [relu], code: 'activation(relu)', inputs: small(3), outputs: small(3) },
      golden: ['torchvision_aspp'],
    }),
    entry('identity', identity, {
      source: torch('Identity'),
      example: { args: [], inputs: map(64), outputs: map(64) },
      small: { args: [], inputs: small(3), outputs: small(3) },
      golden: ['fcn_resnet50'],
    }),
  ],
};
