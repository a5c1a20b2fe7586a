import {
  type BackboneOutput,
  invertedResidual,
  type MobileNetV2Options,
  type MobileNetV3Options,
  mobileNetV2,
  mobileNetV3,
  mobileNetV3Block,
  type ResnetOptions,
  type Returns,
  resnet,
  type Vgg16Options,
  vgg16,
} from '@atrous/blocks';
import { type CatalogueFamily, entry } from './entry.js';

export const backboneFamily: CatalogueFamily = {
  title: 'Backbones',
  entries: [
    entry('resnet', (options: ResnetOptions & BackboneOutput<Returns>) => resnet(options), {
      source: {
        text: 'He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016; torchvision\'s resnet50',
        link: 'https://arxiv.org/abs/1512.03385',
      },
      example: {
        args: [{ depth: 50, outputStride: 8 }],
        inputs: [[1, 3, 513, 513]],
        outputs: [[1, 2048, 65, 65]],
      },
      small: {
        args: [{ depth: 18, width: 4, outputStride: 8 }],
        inputs: [[1, 3, 33, 25]],
        outputs: [[1, 32, 5, 4]],
      },
      golden: [
        'resnet18_logits',
        'resnet34_stride8',
        'resnet50_stride32',
        'resnet50_stride16',
        'resnet50_stride8',
        'resnet50_multi_grid',
        'resnet50_slim_stride8',
        'resnet101_stride8',
      ],
    }),
    entry('mobileNetV2', (options: MobileNetV2Options & BackboneOutput<Returns>) => mobileNetV2(options), {
      source: {
        text: 'Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018',
        link: 'https://arxiv.org/abs/1801.04381',
      },
      example: {
        args: [{ outputStride: 16 }],
        inputs: [[1, 3, 513, 513]],
        outputs: [[1, 1280, 33, 33]],
      },
      small: {
        args: [{ widthMultiplier: 0.1, outputStride: 8, returns: { out: '7' } }],
        inputs: [[1, 3, 33, 25]],
        outputs: [[1, 8, 5, 4]],
      },
      golden: [
        'mobilenet_v2_logits',
        'mobilenet_v2_stride32',
        'mobilenet_v2_stride16',
        'mobilenet_v2_stride8',
      ],
    }),
    entry('mobileNetV3', (options: MobileNetV3Options & BackboneOutput<Returns>) => mobileNetV3(options), {
      source: {
        text: 'Howard et al., "Searching for MobileNetV3", ICCV 2019',
        link: 'https://arxiv.org/abs/1905.02244',
      },
      example: {
        args: [{ size: 'large', dilated: true }],
        inputs: [[1, 3, 513, 513]],
        outputs: [[1, 960, 33, 33]],
      },
      small: {
        args: [{ size: 'small', widthMultiplier: 0.1, returns: { out: '6' } }],
        inputs: [[1, 3, 33, 25]],
        outputs: [[1, 8, 3, 2]],
      },
      golden: [
        'mobilenet_v3_large_logits',
        'mobilenet_v3_large_dilated',
        'mobilenet_v3_small_logits',
        'mobilenet_v3_large_stride8',
      ],
    }),
    entry('vgg16', (options: Vgg16Options & BackboneOutput<Returns>) => vgg16(options), {
      source: {
        text: 'Chen, Papandreou, Kokkinos, Murphy & Yuille, "Semantic image segmentation with deep convolutional nets and fully connected CRFs", ICLR 2015',
        link: 'https://arxiv.org/abs/1412.7062',
      },
      example: {
        args: [{}],
        inputs: [[1, 3, 321, 321]],
        outputs: [[1, 512, 41, 41]],
      },
      small: {
        args: [{ width: 2 }],
        inputs: [[1, 3, 33, 25]],
        outputs: [[1, 16, 5, 4]],
      },
      golden: ['deeplab_vgg16_large_fov', 'deeplab_vgg16_aspp'],
    }),
    entry('invertedResidual', invertedResidual, {
      source: {
        text: 'Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018',
        link: 'https://arxiv.org/abs/1801.04381',
      },
      example: {
        args: [{ inChannels: 160, outChannels: 160, expansion: 6, dilation: 2 }],
        inputs: [[1, 160, 33, 33]],
        outputs: [[1, 160, 33, 33]],
      },
      small: {
        args: [{ inChannels: 3, outChannels: 3, expansion: 2, dilation: 2 }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 3, 9, 8]],
      },
      golden: ['mobilenet_v2_stride8'],
    }),
    entry('mobileNetV3Block', mobileNetV3Block, {
      source: {
        text: 'Howard et al., "Searching for MobileNetV3", ICCV 2019',
        link: 'https://arxiv.org/abs/1905.02244',
      },
      example: {
        args: [
          {
            inChannels: 160,
            middleChannels: 960,
            outChannels: 160,
            kernel: 5,
            dilation: 2,
            squeezeExcitation: true,
          },
        ],
        inputs: [[1, 160, 33, 33]],
        outputs: [[1, 160, 33, 33]],
      },
      small: {
        args: [{ inChannels: 3, middleChannels: 8, outChannels: 3, dilation: 2, squeezeExcitation: true }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 3, 9, 8]],
      },
      golden: ['mobilenet_v3_large_stride8'],
    }),
  ],
};
