import { input, OptionError, type Tensor, trace } from '@atrous/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type Backbone,
  type Block,
  initialize,
  invertedResidual,
  linear,
  mobileNetV2,
  mobileNetV3,
  mobileNetV3Block,
  resnet,
  squeezeExcitation,
  vgg16,
} from '../src/index.js';

const names = (made: Pick<Block, 'parameters'>) => Object.keys(made.parameters);
const childNames = (made: Pick<Block, 'parameters'>) => [
  ...new Set(names(made).map((name) => name.split('.')[0])),
];
const count = (made: Pick<Block, 'parameters'>) =>
  Object.values(made.parameters)
    .filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
const shapeOf = (made: Block, shape: readonly number[]) => made.apply(initialize(made), input(shape)).shape;
/** Rates of the convolutions that have one, in order. */
const ratesOf = (made: Backbone) => {
  const parameters = initialize(made);
  const { graph } = trace((x: Tensor) => made.apply(parameters, x), input([1, 3, 64, 64]));
  return graph.nodes.flatMap(({ kind, reach }) =>
    kind === 'conv' && reach?.type === 'window' && reach.axes[0]!.dilation > 1
      ? [reach.axes[0]!.dilation]
      : [],
  );
};
function expectError(run: () => unknown, message: string): void {
  expect(run).toThrow(OptionError);
  expect(run).toThrow(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
}

describe('feature maps', () => {
  it('are returned by name, with their channels and strides', () => {
    const made = resnet({
      depth: 50,
      outputStride: 8,
      returns: { out: 'layer4', aux: 'layer3', low: 'layer1' },
    });
    expect(made.channels).toEqual({ out: 2048, aux: 1024, low: 256 });
    expect(made.strides).toEqual({ out: 8, aux: 8, low: 4 });
    const maps = made.apply(initialize(made), input([2, 3, 64, 48]));
    expect(Object.fromEntries(Object.entries(maps).map(([name, { shape }]) => [name, shape]))).toEqual({
      out: [2, 2048, 8, 6],
      aux: [2, 1024, 8, 6],
      low: [2, 256, 16, 12],
    });
    expectTypeOf(maps).toEqualTypeOf<{ readonly out: Tensor; readonly aux: Tensor; readonly low: Tensor }>();
  });

  it('end the backbone: what is behind the last one does not exist', () => {
    expect(childNames(resnet({ depth: 18, returns: { out: 'layer2' } }))).toEqual([
      'conv1',
      'bn1',
      'layer1',
      'layer2',
    ]);
    expect(childNames(mobileNetV2({ returns: { out: '2', stem: '0' } }))).toEqual(['0', '1', '2']);
    expect(childNames(vgg16({ returns: { out: 'pool1' } }))).toEqual(['conv1_1', 'conv1_2']);
  });

  it('are the last one unless named', () => {
    expectTypeOf(resnet({ depth: 18 }).channels).toEqualTypeOf<{ readonly out: number }>();
    expect(resnet({ depth: 18 }).channels).toEqual({ out: 512 });
    expect(mobileNetV2().channels).toEqual({ out: 1280 });
    expect(mobileNetV3({ size: 'large' }).channels).toEqual({ out: 960 });
    expect(mobileNetV3({ size: 'small' }).channels).toEqual({ out: 576 });
    expect(vgg16().channels).toEqual({ out: 512 });
  });

  it('cannot be those of children that are not there', () => {
    expectError(
      () => resnet({ depth: 18, returns: { out: 'layer5' } }),
      "resnet: returns.out is 'layer5', which is none of the children conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4",
    );
    expectError(
      () => mobileNetV2({ returns: {} }),
      "mobileNetV2: returns is empty; name at least one map, such as { out: '18' }",
    );
    expectError(
      () => resnet({ depth: 18, returns: { out: 'layer4' }, numClasses: 10 } as never),
      'resnet: returns gives feature maps and numClasses a classifier; give one of the two (numClasses 10)',
    );
  });
});

describe('classifiers', () => {
  // parameters as torchvision's documentation counts them (num_params)
  it.each<[string, () => Block, number]>([
    ['ResNet-18', () => resnet({ depth: 18, numClasses: 1000 }), 11_689_512],
    ['ResNet-34', () => resnet({ depth: 34, numClasses: 1000 }), 21_797_672],
    ['ResNet-50', () => resnet({ depth: 50, numClasses: 1000 }), 25_557_032],
    ['ResNet-101', () => resnet({ depth: 101, numClasses: 1000 }), 44_549_160],
    ['ResNet-152', () => resnet({ depth: 152, numClasses: 1000 }), 60_192_808],
    ['MobileNetV2', () => mobileNetV2({ numClasses: 1000 }), 3_504_872],
    ['MobileNetV3 large', () => mobileNetV3({ size: 'large', numClasses: 1000 }), 5_483_032],
    ['MobileNetV3 small', () => mobileNetV3({ size: 'small', numClasses: 1000 }), 2_542_856],
  ])('%s has the parameters of torchvision', (_, make, parameters) => {
    expect(count(make())).toBe(parameters);
  });

  it('give one row of logits per picture', () => {
    expect(shapeOf(resnet({ depth: 18, width: 8, numClasses: 7 }), [2, 3, 33, 40])).toEqual([2, 7]);
    expect(shapeOf(mobileNetV2({ widthMultiplier: 0.35, numClasses: 7 }), [2, 3, 33, 40])).toEqual([2, 7]);
    expect(shapeOf(mobileNetV3({ size: 'small', numClasses: 7 }), [1, 3, 33, 40])).toEqual([1, 7]);
  });

  it('need a number of classes', () => {
    for (const make of [
      () => resnet({ depth: 18, numClasses: 0 }),
      () => mobileNetV2({ numClasses: 1.5 }),
      () => mobileNetV3({ size: 'small', numClasses: -1 }),
    ])
      expect(make).toThrow(/: numClasses must be a positive integer but is /);
  });
});

describe('resnet', () => {
  it('dilates as torchvision does: the first block of a layer keeps the rate before', () => {
    const rates = ratesOf(resnet({ depth: 50, width: 1, replaceStrideWithDilation: [false, true, true] }));
    expect(rates).toEqual([2, 2, 2, 2, 2, 2, 4, 4]);
    expect(rates).toEqual(ratesOf(resnet({ depth: 50, width: 1, outputStride: 8 })));
  });

  it('dilates the second convolution of a basic block whose first lost its stride', () => {
    expect(ratesOf(resnet({ depth: 18, width: 1, outputStride: 16 }))).toEqual([2, 2, 2]);
  });

  it('takes a rate away from strides in the middle alone', () => {
    const made = resnet({ depth: 18, width: 1, replaceStrideWithDilation: [true, false, false] });
    expect(made.strides.out).toBe(16);
    expect(ratesOf(made)).toEqual(new Array(11).fill(2));
  });

  it('multiplies the rates of layer4 by the multi-grid', () => {
    const rates = (outputStride: number) =>
      ratesOf(resnet({ depth: 50, width: 1, outputStride, multiGrid: [1, 2, 4] })).slice(-3);
    expect(rates(16)).toEqual([2, 4, 8]);
    expect(rates(8)).toEqual([4, 8, 16]);
  });

  it('has no convolution in the shortcut of a last block with a stride', () => {
    const made = resnet({ depth: 50, width: 2, strideIn: 'last' });
    expect(names(made)).toEqual(names(resnet({ depth: 50, width: 2 })));
    const { out } = made.apply(initialize(made), input([1, 3, 64, 64]));
    expect(out.shape).toEqual([1, 64, 2, 2]);
  });

  it('says what is wrong with its options', () => {
    expectError(() => resnet({ depth: 20 as never }), 'resnet: depth must be 18, 34, 50, 101, 152 but is 20');
    expectError(
      () => resnet({ depth: 50, outputStride: 12 }),
      'resnet: outputStride must be 4, 8, 16 or 32 but is 12',
    );
    expectError(
      () => resnet({ depth: 50, replaceStrideWithDilation: [true, true] }),
      'resnet: replaceStrideWithDilation must be three booleans, for layer2, layer3 and layer4, such as [false, true, true], but is [true,true]',
    );
    expect(() => resnet({ depth: 50, replaceStrideWithDilation: [0, 1, 1] as never })).toThrow(OptionError);
    expectError(
      () => resnet({ depth: 50, outputStride: 8, replaceStrideWithDilation: [false, true, true] }),
      'resnet: outputStride and replaceStrideWithDilation say the same; give one of the two (outputStride 8)',
    );
    expectError(
      () => resnet({ depth: 18, multiGrid: [1, 2, 4] }),
      'resnet: multiGrid [1, 2, 4] must have 2 entries, one per block of layer4 of ResNet-18',
    );
    expect(() => resnet({ depth: 50, multiGrid: [1, 0, 4] })).toThrow(OptionError);
    expectError(
      () => resnet({ depth: 50, strideIn: 'middle' as never }),
      "resnet: strideIn must be 'first' or 'last' but is 'middle'",
    );
    expect(() => resnet({ depth: 50, width: 0 })).toThrow(
      /^resnet: width must be a positive integer but is 0$/,
    );
  });

  it('is built at once, without weights, and filled in seconds', () => {
    const start = performance.now();
    const made = resnet({ depth: 101, numClasses: 1000, outputStride: 8 });
    const built = performance.now();
    const parameters = initialize(made);
    const filled = performance.now();
    expect(Object.keys(parameters)).toHaveLength(522);
    // measured: 5 ms and 1.1 s; the bounds are for a machine that does something else too
    expect(built - start).toBeLessThan(1000);
    expect(filled - built).toBeLessThan(30_000);
  });
});

describe('MobileNets', () => {
  it('round every width to a multiple of 8, never down by more than a tenth', () => {
    const made = mobileNetV2({
      widthMultiplier: 0.35,
      returns: { a: '0', b: '1', c: '3', d: '17', e: '18' },
    });
    expect(made.channels).toEqual({ a: 16, b: 8, c: 8, d: 112, e: 1280 });
    expect(mobileNetV2({ widthMultiplier: 1.4 }).channels).toEqual({ out: 1792 });
  });

  it('have no shortcut where a stride was, even if it became a rate and the channels are the same', () => {
    const adds = (outputStride: number) => {
      const made = mobileNetV2({ widthMultiplier: 0.35, outputStride });
      const parameters = initialize(made);
      const { graph } = trace((x: Tensor) => made.apply(parameters, x), input([1, 3, 64, 64]));
      return graph.nodes.filter((node) => node.kind === 'binary' && node.fn === 'add').length;
    };
    expect(adds(4)).toBe(adds(32));
  });

  it('dilate the layer that lost its stride only in torchvision’s form', () => {
    expect(ratesOf(mobileNetV3({ size: 'large', outputStride: 16 }))).toEqual([2, 2]);
    expect(ratesOf(mobileNetV3({ size: 'large', dilated: true }))).toEqual([2, 2, 2]);
    expect(ratesOf(mobileNetV3({ size: 'small', dilated: true, outputStride: 8 }))).toEqual([
      2, 2, 2, 2, 2, 4, 4, 4,
    ]);
  });

  it('have half the channels in a reduced tail', () => {
    const returns = { before: '12', tail: '15', out: '16' } as const;
    expect(mobileNetV3({ size: 'large', returns }).channels).toEqual({ before: 112, tail: 160, out: 960 });
    expect(mobileNetV3({ size: 'large', reducedTail: true, returns }).channels).toEqual({
      before: 112,
      tail: 80,
      out: 480,
    });
  });

  it('say what is wrong with their options', () => {
    for (const widthMultiplier of [0, -1, Number.NaN, Infinity, 17, '1' as never])
      expect(() => mobileNetV2({ widthMultiplier })).toThrow(OptionError);
    expectError(
      () => mobileNetV3({ size: 'small', widthMultiplier: 0 }),
      'mobileNetV3: widthMultiplier must be above 0 and at most 16, such as 0.5, but is 0',
    );
    expectError(
      () => mobileNetV3({ size: 'medium' as never }),
      "mobileNetV3: size must be 'large' or 'small' but is 'medium'",
    );
    expectError(
      () => mobileNetV3({ size: 'large', dilated: true, outputStride: 32 }),
      'mobileNetV3: dilated needs an outputStride below 32, because at 32 no stride is replaced',
    );
    expectError(
      () => mobileNetV2({ outputStride: 10 }),
      'mobileNetV2: outputStride must be 2, 4, 8, 16 or 32 but is 10',
    );
  });
});

describe('parts of backbones', () => {
  it('keep the size at any rate and divide it by the stride', () => {
    const options = { inChannels: 8, outChannels: 8 };
    expect(shapeOf(invertedResidual({ ...options, dilation: 3 }), [1, 8, 9, 8])).toEqual([1, 8, 9, 8]);
    expect(shapeOf(invertedResidual({ ...options, stride: 2 }), [1, 8, 9, 8])).toEqual([1, 8, 5, 4]);
    const large = { ...options, middleChannels: 24, kernel: 5, squeezeExcitation: true };
    expect(shapeOf(mobileNetV3Block({ ...large, dilation: 2 }), [1, 8, 9, 8])).toEqual([1, 8, 9, 8]);
  });

  it('refuse to add an input of another shape', () => {
    expectError(
      () => invertedResidual({ inChannels: 8, outChannels: 16, residual: true }),
      'invertedResidual: residual needs stride 1 and as many channels out as in (stride 1, inChannels 8, outChannels 16)',
    );
    expectError(
      () => mobileNetV3Block({ inChannels: 8, middleChannels: 8, outChannels: 8, stride: 2, residual: true }),
      'mobileNetV3Block: residual needs stride 1 and as many channels out as in (stride 2, inChannels 8, outChannels 8)',
    );
  });

  it('name their parameters as PyTorch does', () => {
    expect(linear(3, 2).parameters).toEqual({
      weight: { shape: [2, 3], init: 'kaiming', trained: true },
      bias: { shape: [2], init: 'zeros', trained: true },
    });
    expect(names(squeezeExcitation({ channels: 8, squeezeChannels: 2 }))).toEqual([
      'fc1.weight',
      'fc1.bias',
      'fc2.weight',
      'fc2.bias',
    ]);
    expect(() => linear(0, 2)).toThrow(/^linear: inFeatures must be a positive integer but is 0$/);
    expect(() => squeezeExcitation({ channels: 8, squeezeChannels: 0 })).toThrow(OptionError);
  });
});
