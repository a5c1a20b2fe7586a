import { duc, hdcGroup, hdcStages } from '@atrous/blocks';
import { type CatalogueFamily, entry } from './entry.js';

const hdcPaper = {
  text: 'Wang, Chen, Yuan, Liu, Huang, Hou & Cottrell, "Understanding convolution for semantic segmentation", WACV 2018',
  link: 'https://arxiv.org/abs/1702.08502',
};

export const hdcFamily: CatalogueFamily = {
  title: 'Hybrid dilated convolution',
  entries: [
    entry('hdcGroup', hdcGroup, {
      source: hdcPaper,
      example: {
        args: [{ block: 'bottleneck', inChannels: 1024, planes: 256, rates: [1, 2, 5] }],
        inputs: [[1, 1024, 64, 64]],
        outputs: [[1, 1024, 64, 64]],
      },
      small: {
        args: [{ block: 'basic', inChannels: 3, planes: 4, rates: [1, 2, 3] }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 4, 9, 8]],
      },
      golden: ['hdc_group', 'hdc_group_bottleneck_1259', 'hdc_group_basic_1259'],
    }),
    entry('hdcStages', hdcStages, {
      source: { ...hdcPaper, text: `${hdcPaper.text}, ResNet-101 with "Dilation-bigger"` },
      example: { args: [{ depth: 101 }], inputs: [[1, 512, 64, 64]], outputs: [[1, 2048, 64, 64]] },
      small: {
        args: [{ depth: 18, width: 1 }],
        inputs: [[1, 2, 9, 8]],
        outputs: [[1, 8, 9, 8]],
      },
      golden: [
        'hdc_stages_101_rf',
        'hdc_stages_101_bigger',
        'hdc_stages_50_bigger',
        'hdc_stages_34_rf',
        'hdc_stages_18_bigger',
      ],
    }),
    entry('duc', duc, {
      source: { ...hdcPaper, text: `${hdcPaper.text}, section 3.1` },
      example: {
        args: [{ inChannels: 2048, numClasses: 19 }],
        inputs: [[1, 2048, 64, 64]],
        outputs: [[1, 19, 512, 512]],
      },
      small: {
        args: [{ inChannels: 3, numClasses: 2, factor: 2 }],
        inputs: [[2, 3, 5, 4]],
        outputs: [[2, 2, 10, 8]],
      },
      golden: ['duc_8', 'duc_4_rate_6', 'duc_2_kernel_1'],
    }),
  ],
};
