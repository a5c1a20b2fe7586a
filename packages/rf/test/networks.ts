import type { Layer } from '../src/index.js';

/** Well-known networks as lists of layers, for published values and speed. */

export const conv = (kernel: number, stride = 1, dilation = 1): Layer => ({
  kernel,
  stride,
  dilation,
  padding: (dilation * (kernel - 1)) / 2,
});

const maxPool = (kernel: number, stride: number, padding = 0): Layer => ({
  type: 'maxPool',
  kernel,
  stride,
  padding,
});

/** VGG-16 up to its last pooling (Simonyan & Zisserman 2015, configuration D). */
export const vgg16: Layer[] = [2, 2, 3, 3, 3].flatMap((count) => [
  ...Array.from({ length: count }, () => conv(3)),
  maxPool(2, 2),
]);

/** A ResNet of bottleneck blocks. The stride is on the first block of a stage (torchvision) or on its last (TF-slim). */
export function resnet(stages: readonly number[], where: 'first' | 'last' = 'first'): Layer[] {
  const layers: Layer[] = [conv(7, 2), maxPool(3, 2, 1)];
  stages.forEach((count, stage) => {
    for (let block = 0; block < count; block++) {
      const strided =
        where === 'first' ? stage > 0 && block === 0 : stage < stages.length - 1 && block === count - 1;
      const stride = strided ? 2 : 1;
      const shortcut = block === 0 || stride > 1 ? [conv(1, stride)] : [];
      layers.push({ parallel: [[conv(1), conv(3, stride), conv(1)], shortcut] });
    }
  });
  return layers;
}

export const resnet50 = resnet([3, 4, 6, 3]);
export const resnet152 = resnet([3, 8, 36, 3]);

export const aspp = (rates: readonly number[], pooling = true): Layer => ({
  parallel: [
    [conv(1)],
    ...rates.map((rate) => [conv(3, 1, rate)]),
    ...(pooling ? [[{ type: 'globalPool' } as const, conv(1)]] : []),
  ],
  combine: 'concat',
});

/** Ten layers of two taps with rates 1 … 512 (van den Oord et al. 2016). */
export const wavenet: Layer[] = Array.from({ length: 10 }, (_, i) => ({
  kernel: 2,
  dilation: 2 ** i,
  padding: 'causal' as const,
}));

/** MeshNet (Fedorov et al. 2017). */
export const meshnet: Layer[] = [1, 1, 1, 2, 4, 8, 1].map((rate) => ({
  kernel: [3, 3, 3],
  dilation: rate,
  padding: rate,
}));

/** The basic context module (Yu & Koltun 2016). */
export const contextModule: Layer[] = [...[1, 1, 2, 4, 8, 16, 1].map((rate) => conv(3, 1, rate)), conv(1)];

/** DenseASPP (Yang et al. 2018): every block reads all before it. */
export const denseAspp: Layer[] = [3, 6, 12, 18, 24].map((rate) => ({
  parallel: [[conv(1), conv(3, 1, rate)], []],
  combine: 'concat',
}));

/** A U-Net of 3×3 convolutions that keep the size, with `depth` poolings. */
export function unet(depth: number): Layer[] {
  const inner = depth ? unet(depth - 1) : [];
  if (!depth) return [conv(3), conv(3)];
  return [
    conv(3),
    conv(3),
    {
      parallel: [[maxPool(2, 2), ...inner, { type: 'convTranspose', kernel: 2, stride: 2 }], []],
      combine: 'concat',
    },
    conv(3),
    conv(3),
  ];
}
