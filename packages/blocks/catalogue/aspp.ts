import {
  aspp,
  deepLabHead,
  deepLabV2Aspp,
  deepLabV3Aspp,
  deepLabV3PlusDecoder,
  denseAspp,
  lrasppHead,
  separableConvBnRelu,
  torchvisionAspp,
  wasp,
} from '@atrous/blocks';
import { type CatalogueFamily, entry } from './entry.js';

const deepLabV3Paper = {
  text: 'Chen, Papandreou, Schroff & Adam, "Rethinking atrous convolution for semantic image segmentation", 2017',
  link: 'https://arxiv.org/abs/1706.05587',
};

const deepLabV3PlusPaper = {
  text: 'Chen, Zhu, Papandreou, Schroff & Adam, "Encoder-decoder with atrous separable convolution for semantic image segmentation", ECCV 2018',
  link: 'https://arxiv.org/abs/1802.02611',
};

export const asppFamily: CatalogueFamily = {
  title: 'Atrous spatial pyramid pooling',
  entries: [
    entry('aspp', aspp, {
      source: { ...deepLabV3Paper, text: `${deepLabV3Paper.text}, figure 5, plain` },
      example: {
        args: [{ inChannels: 2048, depth: 256 }],
        inputs: [[1, 2048, 33, 33]],
        outputs: [[1, 256, 33, 33]],
      },
      small: {
        args: [{ inChannels: 3, depth: 2, rates: [2, 3] }],
        inputs: [[2, 3, 9, 8]],
        outputs: [[2, 2, 9, 8]],
      },
      golden: ['seed_aspp'],
    }),
    entry('torchvisionAspp', torchvisionAspp, {
      source: { ...deepLabV3Paper, text: `${deepLabV3Paper.text}; torchvision's ASPP` },
      example: {
        args: [{ inChannels: 2048 }],
        inputs: [[1, 2048, 65, 65]],
        outputs: [[1, 256, 65, 65]],
      },
      small: {
        args: [{ inChannels: 3, outChannels: 2, rates: [2, 3] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['torchvision_aspp'],
    }),
    entry('deepLabHead', deepLabHead, {
      source: { ...deepLabV3Paper, text: `${deepLabV3Paper.text}; torchvision's DeepLabHead` },
      example: {
        args: [{ inChannels: 2048, numClasses: 21 }],
        inputs: [[1, 2048, 65, 65]],
        outputs: [[1, 21, 65, 65]],
      },
      small: {
        args: [{ inChannels: 3, numClasses: 2, width: 4, rates: [2, 3] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['torchvision_deeplab_head'],
    }),
    entry('aspp', aspp, {
      variant: '1-D',
      source: { ...deepLabV3Paper, text: `${deepLabV3Paper.text}, figure 5, along one axis` },
      example: {
        args: [{ inChannels: 64, depth: 64, axes: 1 }],
        inputs: [[1, 64, 400]],
        outputs: [[1, 64, 400]],
      },
      small: {
        args: [{ inChannels: 3, depth: 2, rates: [2, 3], axes: 1 }],
        inputs: [[2, 3, 11]],
        outputs: [[2, 2, 11]],
      },
      golden: { none: 'the golden case of two axes runs the same code' },
    }),
    entry('deepLabV2Aspp', deepLabV2Aspp, {
      source: {
        text: 'Chen, Papandreou, Kokkinos, Murphy & Yuille, "DeepLab: semantic image segmentation with deep convolutional nets, atrous convolution, and fully connected CRFs", TPAMI 2018',
        link: 'https://arxiv.org/abs/1606.00915',
      },
      example: {
        args: [{ inChannels: 2048, numClasses: 21 }],
        inputs: [[1, 2048, 41, 41]],
        outputs: [[1, 21, 41, 41]],
      },
      small: {
        args: [{ inChannels: 3, numClasses: 2, rates: [2, 3] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['deeplab_v2_aspp', 'deeplab_v2_aspp_1d'],
    }),
    entry('deepLabV3Aspp', deepLabV3Aspp, {
      source: { ...deepLabV3Paper, text: `${deepLabV3Paper.text}; in the order of its TensorFlow code` },
      example: {
        args: [{ inChannels: 2048 }],
        inputs: [[1, 2048, 33, 33]],
        outputs: [[1, 256, 33, 33]],
      },
      small: {
        args: [{ inChannels: 3, depth: 2, rates: [2, 3] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['deeplab_v3_aspp', 'deeplab_v3_aspp_os8'],
    }),
    entry('deepLabV3Aspp', deepLabV3Aspp, {
      variant: 'separable',
      source: deepLabV3PlusPaper,
      example: {
        args: [{ inChannels: 2048, separable: true }],
        inputs: [[1, 2048, 33, 33]],
        outputs: [[1, 256, 33, 33]],
      },
      small: {
        args: [{ inChannels: 3, depth: 2, rates: [2, 3], separable: true }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['deeplab_v3_aspp_separable'],
    }),
    entry('deepLabV3Aspp', deepLabV3Aspp, {
      variant: '3-D',
      source: { ...deepLabV3Paper, text: `${deepLabV3Paper.text}, over volumes` },
      example: {
        args: [{ inChannels: 64, depth: 32, rates: [2, 4, 6], axes: 3 }],
        inputs: [[1, 64, 24, 24, 24]],
        outputs: [[1, 32, 24, 24, 24]],
      },
      small: {
        args: [{ inChannels: 3, depth: 2, rates: [1, 2], axes: 3 }],
        inputs: [[1, 3, 4, 5, 6]],
        outputs: [[1, 2, 4, 5, 6]],
      },
      golden: ['deeplab_v3_aspp_3d'],
    }),
    entry('separableConvBnRelu', separableConvBnRelu, {
      source: deepLabV3PlusPaper,
      example: {
        args: [256, 256, 3, { dilation: 6 }],
        inputs: [[1, 256, 33, 33]],
        outputs: [[1, 256, 33, 33]],
      },
      small: { args: [3, 4, 3, { dilation: 2 }], inputs: [[1, 3, 9, 8]], outputs: [[1, 4, 9, 8]] },
      golden: ['deeplab_v3_aspp_separable', 'deeplab_v3_plus_decoder'],
    }),
    entry('deepLabV3PlusDecoder', deepLabV3PlusDecoder, {
      source: deepLabV3PlusPaper,
      example: {
        args: [{ lowChannels: 256, numClasses: 21 }],
        inputs: [
          [1, 256, 129, 129],
          [1, 256, 33, 33],
        ],
        outputs: [[1, 21, 129, 129]],
      },
      small: {
        args: [{ lowChannels: 3, highChannels: 4, lowProjection: 2, depth: 4, numClasses: 2 }],
        inputs: [
          [1, 3, 9, 13],
          [1, 4, 3, 4],
        ],
        outputs: [[1, 2, 9, 13]],
      },
      golden: ['deeplab_v3_plus_decoder', 'deeplab_v3_plus_decoder_plain', 'deeplab_v3_plus_decoder_1d'],
    }),
    entry('lrasppHead', lrasppHead, {
      source: {
        text: 'Howard et al., "Searching for MobileNetV3", ICCV 2019; torchvision\'s LRASPPHead',
        link: 'https://arxiv.org/abs/1905.02244',
      },
      example: {
        args: [{ lowChannels: 40, highChannels: 960, numClasses: 21 }],
        inputs: [
          [1, 40, 65, 65],
          [1, 960, 33, 33],
        ],
        outputs: [[1, 21, 65, 65]],
      },
      small: {
        args: [{ lowChannels: 3, highChannels: 4, numClasses: 2, interChannels: 4 }],
        inputs: [
          [1, 3, 9, 12],
          [1, 4, 5, 6],
        ],
        outputs: [[1, 2, 9, 12]],
      },
      golden: ['lraspp_head_0', 'lraspp_head_1', 'lraspp_head_odd'],
    }),
    entry('denseAspp', denseAspp, {
      source: {
        text: 'Yang, Yu, Zhang, Li & Yang, "DenseASPP for semantic segmentation in street scenes", CVPR 2018',
        link: 'https://openaccess.thecvf.com/content_cvpr_2018/html/Yang_DenseASPP_for_Semantic_CVPR_2018_paper.html',
      },
      example: {
        args: [{ inChannels: 2208, numClasses: 19 }],
        inputs: [[1, 2208, 64, 64]],
        outputs: [[1, 19, 64, 64]],
      },
      small: {
        args: [{ inChannels: 3, numClasses: 2, midChannels: 4, growth: 2, rates: [2, 3] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['dense_aspp_0', 'dense_aspp_1d'],
    }),
    entry('wasp', wasp, {
      source: {
        text: 'Artacho & Savakis, "Waterfall atrous spatial pooling architecture for efficient semantic segmentation", Sensors 2019',
        link: 'https://doi.org/10.3390/s19245361',
      },
      example: {
        args: [{ inChannels: 2048 }],
        inputs: [[1, 2048, 33, 33]],
        outputs: [[1, 256, 33, 33]],
      },
      small: {
        args: [{ inChannels: 3, depth: 2, rates: [3, 2, 1] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['wasp', 'wasp_3d'],
    }),
  ],
};
