/** A known network in the notation of `@atrous/rf/report`. */
export interface Preset {
  readonly name: string;
  readonly layers: string;
  /** Spatial axes: 1 for signals, 2 for pictures. */
  readonly axes: 1 | 2;
}

const bottleneck = (stride: string, dilation: string, shortcut: string): string =>
  `[ 1 3${stride}${dilation} 1 | ${shortcut} ]`;

/** ResNet-50 as torchvision builds it with output stride 8: stages 3 and 4 are dilated instead of strided. */
const resnet50 = [
  '7s2 max3s2p1',
  `${bottleneck('', '', '1')} ${bottleneck('', '', '')} x2`,
  `${bottleneck('s2', '', '1s2')} ${bottleneck('', '', '')} x3`,
  `${bottleneck('', '', '1')} ${bottleneck('', 'd2', '')} x5`,
  `${bottleneck('', 'd2', '1')} ${bottleneck('', 'd4', '')} x2`,
].join(' ');

const aspp = (rates: readonly number[]): string =>
  `[ 1 | ${rates.map((rate) => `3d${rate}`).join(' | ')} | global 1 ]`;

const unet = (depth: number): string =>
  depth ? `3 x2 [ max2 ${unet(depth - 1)} transposed2s2 | ] 3 x2` : '3 x2';

/** What the page offers, by group. */
export const presets: Readonly<Record<string, readonly Preset[]>> = {
  'Dilation rates': [
    { name: 'HDC 1, 2, 3', layers: '3d1,2,3', axes: 2 },
    { name: 'HDC 1, 2, 5', layers: '3d1,2,5', axes: 2 },
    { name: 'One rate: 2, 2, 2', layers: '3d2,2,2', axes: 2 },
    { name: 'Large last rate: 1, 2, 9', layers: '3d1,2,9', axes: 2 },
    { name: 'Powers of two: 2, 4, 8', layers: '3d2,4,8', axes: 2 },
    { name: 'The same, then rate 1', layers: '3d2,4,8,1', axes: 2 },
  ],
  'Published networks': [
    { name: 'WaveNet: 1, 2, 4 … 512, signals', layers: '2d1,2,4,8,16,32,64,128,256,512', axes: 1 },
    { name: 'Context module', layers: '3d1,1,2,4,8,16,1 1', axes: 2 },
    { name: 'MeshNet, one plane', layers: '3d1,1,1,2,4,8,1', axes: 2 },
    { name: 'DeepLabV3’s ASPP 6, 12, 18', layers: aspp([6, 12, 18]), axes: 2 },
    {
      name: 'DenseASPP 3, 6, 12, 18',
      layers: [3, 6, 12, 18].map((rate) => `[ 1 3d${rate} | ]`).join(' '),
      axes: 2,
    },
    { name: 'VGG-16', layers: `3 x2 max2 3 x2 max2 ${'3 x3 max2 '.repeat(3).trim()}`, axes: 2 },
    { name: 'U-Net, four poolings', layers: unet(4), axes: 2 },
    {
      name: 'DeepLabV3 with ResNet-50, stride 8',
      layers: `${resnet50} ${aspp([12, 24, 36])} 1 3 1 linear8`,
      axes: 2,
    },
  ],
  'This page': [
    {
      name: 'Its water network',
      // as the traced network itself, which a test compares
      layers: `3s2 3s2 3d1,2,3,1,2,3 ${aspp([4, 8, 12])} 1 1 linear4`,
      axes: 2,
    },
  ],
};
