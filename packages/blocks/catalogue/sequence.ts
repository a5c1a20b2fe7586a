import { meshnet, tcn, tcnBlock, wavenet } from '@atrous/blocks';
import { type CatalogueFamily, entry } from './entry.js';

const tcnPaper = {
  text: 'Bai, Kolter & Koltun, "An empirical evaluation of generic convolutional and recurrent networks for sequence modeling", 2018',
  link: 'https://arxiv.org/abs/1803.01271',
};

const meshnetPaper = {
  text: 'Fedorov, Johnson, Damaraju, Ozerin, Calhoun & Plis, "End-to-end learning of brain tissue segmentation from imperfect labeling", IJCNN 2017',
  link: 'https://arxiv.org/abs/1612.00940',
};

export const sequenceFamily: CatalogueFamily = {
  title: 'Sequences and volumes',
  entries: [
    entry('wavenet', wavenet, {
      source: {
        text: 'van den Oord et al., "WaveNet: a generative model for raw audio", 2016',
        link: 'https://arxiv.org/abs/1609.03499',
      },
      example: {
        args: [{ inChannels: 1, residualChannels: 32, skipChannels: 64, outChannels: 256 }],
        inputs: [[1, 1, 16000]],
        outputs: [[1, 256, 16000]],
      },
      small: {
        args: [{ inChannels: 2, residualChannels: 3, skipChannels: 4, outChannels: 2, rates: [1, 2, 4] }],
        inputs: [[2, 2, 19]],
        outputs: [[2, 2, 19]],
      },
      golden: ['wavenet', 'wavenet_kernel_3'],
    }),
    entry('tcn', tcn, {
      source: tcnPaper,
      example: {
        args: [{ inChannels: 1, channels: [25, 25, 25, 25, 25, 25, 25, 25], kernel: 7 }],
        inputs: [[1, 1, 784]],
        outputs: [[1, 25, 784]],
      },
      small: {
        args: [{ inChannels: 2, channels: [3, 3, 2] }],
        inputs: [[2, 2, 19]],
        outputs: [[2, 2, 19]],
      },
      golden: ['tcn', 'tcn_weight_norm'],
    }),
    entry('tcnBlock', tcnBlock, {
      source: tcnPaper,
      example: {
        args: [{ inChannels: 25, outChannels: 25, kernel: 7, rate: 8 }],
        inputs: [[1, 25, 784]],
        outputs: [[1, 25, 784]],
      },
      small: {
        args: [{ inChannels: 2, outChannels: 3, rate: 3 }],
        inputs: [[2, 2, 19]],
        outputs: [[2, 3, 19]],
      },
      golden: ['tcn_block', 'tcn_block_same_channels'],
    }),
    entry('meshnet', meshnet, {
      variant: '3-D',
      source: meshnetPaper,
      example: {
        args: [{ channels: 21, numClasses: 3 }],
        inputs: [[1, 1, 64, 64, 64]],
        outputs: [[1, 3, 64, 64, 64]],
      },
      small: {
        args: [{ channels: 3, numClasses: 2, rates: [1, 2, 1] }],
        inputs: [[1, 1, 5, 6, 4]],
        outputs: [[1, 2, 5, 6, 4]],
      },
      golden: ['meshnet', 'meshnet_16'],
    }),
    entry('meshnet', meshnet, {
      variant: '2-D',
      source: meshnetPaper,
      example: {
        args: [{ channels: 21, numClasses: 3, axes: 2 }],
        inputs: [[1, 1, 256, 256]],
        outputs: [[1, 3, 256, 256]],
      },
      small: {
        args: [{ channels: 3, numClasses: 2, rates: [1, 2, 1], axes: 2 }],
        inputs: [[1, 1, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['meshnet_2d', 'meshnet_1d'],
    }),
  ],
};
