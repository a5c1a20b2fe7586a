import { contextModule, drnTail, espModule, sharedConvolution, smoothedDilation } from '@atrous/blocks';
import { type CatalogueFamily, entry } from './entry.js';

const contextPaper = {
  text: 'Yu & Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016',
  link: 'https://arxiv.org/abs/1511.07122',
};

const drnPaper = {
  text: 'Yu, Koltun & Funkhouser, "Dilated residual networks", CVPR 2017',
  link: 'https://arxiv.org/abs/1705.09914',
};

const smoothedPaper = {
  text: 'Wang & Ji, "Smoothed dilated convolutions for improved dense prediction", KDD 2018',
  link: 'https://arxiv.org/abs/1808.08931',
};

const espPaper = {
  text: 'Mehta, Rastegari, Caspi, Shapiro & Hajishirzi, "ESPNet: efficient spatial pyramid of dilated convolutions for semantic segmentation", ECCV 2018',
  link: 'https://arxiv.org/abs/1803.06815',
};

export const contextFamily: CatalogueFamily = {
  title: 'Context modules',
  entries: [
    entry('contextModule', contextModule, {
      variant: 'basic',
      source: contextPaper,
      example: { args: [{ channels: 21 }], inputs: [[1, 21, 64, 64]], outputs: [[1, 21, 64, 64]] },
      small: {
        args: [{ channels: 3, rates: [1, 2, 4] }],
        inputs: [[2, 3, 9, 8]],
        outputs: [[2, 3, 9, 8]],
      },
      golden: ['context_module'],
    }),
    entry('contextModule', contextModule, {
      variant: 'large',
      source: contextPaper,
      example: {
        args: [{ channels: 21, widths: 'large' }],
        inputs: [[1, 21, 64, 64]],
        outputs: [[1, 21, 64, 64]],
      },
      small: {
        args: [{ channels: 2, rates: [1, 2, 4], widths: [2, 4, 2] }],
        inputs: [[1, 2, 9, 8]],
        outputs: [[1, 2, 9, 8]],
      },
      golden: ['context_large', 'context_1d', 'context_3d'],
    }),
    entry('drnTail', drnTail, {
      variant: 'C',
      source: drnPaper,
      example: { args: [{ inChannels: 512 }], inputs: [[1, 512, 64, 64]], outputs: [[1, 512, 64, 64]] },
      small: {
        args: [{ inChannels: 3, channels: 4 }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 4, 9, 8]],
      },
      golden: ['drn_tail_c', 'drn_tail_c_deep'],
    }),
    entry('drnTail', drnTail, {
      variant: 'D',
      source: drnPaper,
      example: {
        args: [{ inChannels: 512, kind: 'D' }],
        inputs: [[1, 512, 64, 64]],
        outputs: [[1, 512, 64, 64]],
      },
      small: {
        args: [{ inChannels: 3, channels: 4, kind: 'D' }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 4, 9, 8]],
      },
      golden: ['drn_tail_d', 'drn_tail_d_deep'],
    }),
    entry('smoothedDilation', smoothedDilation, {
      variant: 'separable and shared',
      source: smoothedPaper,
      example: {
        args: [{ inChannels: 256, outChannels: 256, rate: 4 }],
        inputs: [[1, 256, 64, 64]],
        outputs: [[1, 256, 64, 64]],
      },
      small: {
        args: [{ inChannels: 2, outChannels: 3, rate: 3 }],
        inputs: [[2, 2, 9, 8]],
        outputs: [[2, 3, 9, 8]],
      },
      golden: ['smoothed_shared_4', 'smoothed_shared_1d', 'smoothed_shared_3d'],
    }),
    entry('smoothedDilation', smoothedDilation, {
      variant: 'group interaction',
      source: smoothedPaper,
      example: {
        args: [{ inChannels: 256, outChannels: 256, rate: 4, method: 'groups' }],
        inputs: [[1, 256, 64, 64]],
        outputs: [[1, 256, 64, 64]],
      },
      small: {
        args: [{ inChannels: 2, outChannels: 3, rate: 3, method: 'groups' }],
        inputs: [[2, 2, 10, 8]],
        outputs: [[2, 3, 10, 8]],
      },
      golden: ['smoothed_groups_2', 'smoothed_groups_3_odd'],
    }),
    entry('sharedConvolution', sharedConvolution, {
      source: smoothedPaper,
      example: { args: [{ kernel: 7 }], inputs: [[1, 256, 64, 64]], outputs: [[1, 256, 64, 64]] },
      small: { args: [{ kernel: 3 }], inputs: [[2, 3, 9, 8]], outputs: [[2, 3, 9, 8]] },
      golden: ['shared_convolution'],
    }),
    entry('espModule', espModule, {
      source: espPaper,
      example: { args: [{ inChannels: 128 }], inputs: [[1, 128, 64, 64]], outputs: [[1, 128, 64, 64]] },
      small: {
        args: [{ inChannels: 8, branches: 3 }],
        inputs: [[1, 8, 9, 8]],
        outputs: [[1, 8, 9, 8]],
      },
      golden: ['esp_module', 'esp_five'],
    }),
    entry('espModule', espModule, {
      variant: 'with stride',
      source: espPaper,
      example: {
        args: [{ inChannels: 64, outChannels: 128, stride: 2 }],
        inputs: [[1, 64, 128, 128]],
        outputs: [[1, 128, 64, 64]],
      },
      small: {
        args: [{ inChannels: 3, outChannels: 7, branches: 3, stride: 2 }],
        inputs: [[1, 3, 9, 8]],
        outputs: [[1, 7, 5, 4]],
      },
      golden: ['esp_down'],
    }),
  ],
};
