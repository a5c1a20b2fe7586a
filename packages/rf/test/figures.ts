import { comparisonFigure, growthFigure, pathCountFigure } from '../src/figures.js';
import { parseLayers } from '../src/report.js';
import { haloFigure } from './halo-figure.js';
import { resnet50 } from './networks.js';

const rates = (...list: number[]) => parseLayers(`3x3 d${list.join(',')}`);

/** The pictures of docs/figures, by file name. */
export const figures: Readonly<Record<string, () => string>> = {
  'rf-standard': () =>
    comparisonFigure(
      { 'two 3×3': rates(1, 1), 'two 3×3 at rates 3, 3': rates(3, 3) },
      { title: 'The same 18 weights: 5×5, or 13×13 with gaps' },
    ),
  'rf-gridding': () =>
    comparisonFigure(
      { 'rates 2, 2, 2': rates(2, 2, 2), 'rates 1, 2, 3': rates(1, 2, 3) },
      { title: 'Three 3×3 layers, the same field of 13×13' },
    ),
  'rf-paths': () =>
    pathCountFigure(
      { 'rates 2, 2, 2': rates(2, 2, 2), 'rates 1, 2, 3': rates(1, 2, 3), 'rates 1, 2, 9': rates(1, 2, 9) },
      { title: 'How many paths reach each input, along one axis' },
    ),
  'rf-hdc': () =>
    comparisonFigure(
      { 'rates 1, 2, 5': rates(1, 2, 5), 'rates 1, 2, 9': rates(1, 2, 9), 'rates 2, 4, 8': rates(2, 4, 8) },
      { title: 'Hybrid dilation: which schedules leave holes' },
    ),
  'rf-growth': () =>
    growthFigure(rates(2, 4, 8, 1), {
      title: 'Rates 2, 4, 8 skip every second input; one layer of rate 1 fills all holes',
    }),
  'rf-aspp': () =>
    comparisonFigure(
      {
        'ASPP 6, 12, 18 alone': parseLayers('[ 1x1 | 3x3d6 | 3x3d12 | 3x3d18 ]'),
        'after 3×3 at rates 1, 2, 3': parseLayers('3x3 d1,2,3 [ 1x1 | 3x3d6 | 3x3d12 | 3x3d18 ]'),
      },
      { title: 'ASPP reads 25 inputs of 37×37; dense layers before it fill the gaps' },
    ),
  'rf-resnet50': () =>
    pathCountFigure(resnet50, { title: 'ResNet-50: of a field of 427, the effective field is the middle' }),
  'tiling-halo': haloFigure,
};
