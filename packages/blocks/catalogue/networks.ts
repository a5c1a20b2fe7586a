import {
  deepLabHead,
  deepLabV3,
  deepLabVgg16,
  fcn,
  fcnHead,
  resnet,
  type SegmentationNetworkOptions,
  segmentation,
} from '@atrous/blocks';
import { type AnyBlock, type CatalogueFamily, entry } from './entry.js';

const smallBackbone = () => resnet({ depth: 18, width: 2, outputStride: 8 });

/** A small network of any head on a small ResNet. */
const onSmallResnet = (make: (options: SegmentationNetworkOptions) => AnyBlock) => () =>
  make({ backbone: smallBackbone(), numClasses: 2 });

const fcnPaper = {
  text: 'Long, Shelhamer & Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015; torchvision\'s form',
  link: 'https://arxiv.org/abs/1411.4038',
};

const smallCall = (name: string) =>
  `${name}({ backbone: resnet({ depth: 18, width: 2, outputStride: 8 }), numClasses: 2 })`;

/** A row whose example is a torchvision network by name and whose small form stands on a small ResNet. */
const torchvisionNetwork = (
  name: string,
  make: (options: SegmentationNetworkOptions) => AnyBlock,
  source: { readonly text: string; readonly link: string },
  golden: readonly [string, ...string[]],
) =>
  entry(
    name,
    (options: SegmentationNetworkOptions | 'small') =>
      options === 'small' ? onSmallResnet(make)() : make(options),
    {
      source,
      example: {
        args: [{ backbone: 'resnet50', numClasses: 21 }],
        inputs: [[1, 3, 513, 513]],
        outputs: [[1, 21, 513, 513]],
      },
      small: {
        args: ['small'],
        code: smallCall(name),
        inputs: [[1, 3, 33, 25]],
        outputs: [[1, 2, 33, 25]],
      },
      golden,
    },
  );

export const networksFamily: CatalogueFamily = {
  title: 'Networks',
  entries: [
    torchvisionNetwork(
      'deepLabV3',
      (options) =>
        deepLabV3(options.backbone === 'resnet50' ? options : { ...options, rates: [1, 2], headWidth: 4 }),
      {
        text: 'Chen, Papandreou, Schroff & Adam, "Rethinking atrous convolution for semantic image segmentation", 2017; torchvision\'s deeplabv3_resnet50',
        link: 'https://arxiv.org/abs/1706.05587',
      },
      ['deeplab_v3_resnet50', 'deeplab_v3_mobilenet_v3'],
    ),
    torchvisionNetwork('fcn', (options) => fcn(options), fcnPaper, ['fcn_resnet50']),
    entry('fcnHead', fcnHead, {
      source: fcnPaper,
      example: {
        args: [{ inChannels: 2048, numClasses: 21 }],
        inputs: [[1, 2048, 65, 65]],
        outputs: [[1, 21, 65, 65]],
      },
      small: {
        args: [{ inChannels: 4, numClasses: 2, width: 3 }],
        inputs: [[1, 4, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['fcn_resnet50'],
    }),
    entry('deepLabVgg16', deepLabVgg16, {
      source: {
        text: 'Chen, Papandreou, Kokkinos, Murphy & Yuille, "DeepLab", TPAMI 2018',
        link: 'https://arxiv.org/abs/1606.00915',
      },
      example: {
        args: [{ numClasses: 21, head: 'aspp' }],
        inputs: [[1, 3, 321, 321]],
        outputs: [[1, 21, 321, 321]],
      },
      small: {
        args: [{ numClasses: 2, rates: [1, 2], width: 1, headChannels: 3 }],
        inputs: [[1, 3, 25, 17]],
        outputs: [[1, 2, 25, 17]],
      },
      golden: ['deeplab_vgg16_aspp', 'deeplab_vgg16_aspp_rates'],
    }),
    entry('deepLabVgg16', deepLabVgg16, {
      variant: 'LargeFOV',
      source: {
        text: 'Chen, Papandreou, Kokkinos, Murphy & Yuille, "Semantic image segmentation with deep convolutional nets and fully connected CRFs", ICLR 2015',
        link: 'https://arxiv.org/abs/1412.7062',
      },
      example: {
        args: [{ numClasses: 21, head: 'largeFov' }],
        inputs: [[1, 3, 321, 321]],
        outputs: [[1, 21, 321, 321]],
      },
      small: {
        args: [{ numClasses: 2, head: 'largeFov', rates: [2], width: 1, headChannels: 3 }],
        inputs: [[1, 3, 25, 17]],
        outputs: [[1, 2, 25, 17]],
      },
      golden: ['deeplab_vgg16_large_fov'],
    }),
    entry(
      'segmentation',
      (depth: 18 | 34, width: number, numClasses: number, rates: readonly number[]) => {
        const backbone = resnet({ depth, width, outputStride: 8 });
        const inChannels = backbone.channels.out;
        return segmentation({
          backbone,
          classifier: deepLabHead({ inChannels, numClasses, width: 4 * width, rates }),
        });
      },
      {
        source: { text: "torchvision's _SimpleSegmentationModel: any backbone with any head" },
        example: {
          args: [18, 64, 21, [12, 24, 36]],
          code: 'segmentation({ backbone: resnet({ depth: 18, outputStride: 8 }), classifier: deepLabHead({ inChannels: 512, numClasses: 21 }) })',
          inputs: [[1, 3, 513, 513]],
          outputs: [[1, 21, 513, 513]],
        },
        small: {
          args: [18, 1, 2, [1, 2]],
          code: 'segmentation({ backbone: resnet({ depth: 18, width: 1, outputStride: 8 }), classifier: deepLabHead({ inChannels: 8, numClasses: 2, width: 4, rates: [1, 2] }) })',
          inputs: [[1, 3, 25, 17]],
          outputs: [[1, 2, 25, 17]],
        },
        golden: ['deeplab_v3_resnet50'],
      },
    ),
  ],
};
