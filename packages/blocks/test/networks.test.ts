import { input, OptionError, type Tensor, trace } from '@atrous/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type AuxiliaryLogits,
  type Block,
  deepLabHead,
  deepLabV3,
  deepLabVgg16,
  fcn,
  fcnHead,
  initialize,
  mobileNetV2,
  resnet,
  segmentation,
} from '../src/index.js';

const names = (made: Pick<Block, 'parameters'>) => Object.keys(made.parameters);
const roots = (made: Pick<Block, 'parameters'>) => [
  ...new Set(names(made).map((name) => name.split('.')[0])),
];
const count = (made: Pick<Block, 'parameters'>) =>
  Object.values(made.parameters)
    .filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
function expectError(run: () => unknown, message: string): void {
  expect(run).toThrow(OptionError);
  expect(run).toThrow(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
}

describe('segmentation networks of torchvision', () => {
  // parameters as torchvision's documentation counts them (num_params), with auxiliary classifiers where it has them
  it.each<[string, () => Pick<Block, 'parameters'>, number]>([
    ['DeepLab v3 on ResNet-50', () => deepLabV3({ numClasses: 21, aux: true }), 42_004_074],
    [
      'DeepLab v3 on ResNet-101',
      () => deepLabV3({ backbone: 'resnet101', numClasses: 21, aux: true }),
      60_996_202,
    ],
    [
      'DeepLab v3 on MobileNetV3 large',
      () => deepLabV3({ backbone: 'mobilenet_v3_large', numClasses: 21, aux: true }),
      11_029_328,
    ],
    ['FCN on ResNet-50', () => fcn({ numClasses: 21, aux: true }), 35_322_218],
    ['FCN on ResNet-101', () => fcn({ backbone: 'resnet101', numClasses: 21, aux: true }), 54_314_346],
  ])('%s has its parameters', (_, make, parameters) => {
    expect(count(make())).toBe(parameters);
  });

  const backbone = resnet({
    depth: 18,
    width: 4,
    outputStride: 8,
    returns: { out: 'layer4', aux: 'layer3' },
  });

  it('give logits of the size of the picture', () => {
    const made = deepLabV3({ backbone, numClasses: 5, headWidth: 8 });
    expect(roots(made)).toEqual(['backbone', 'classifier']);
    const logits = made.apply(initialize(made), input([2, 3, 37, 50]));
    expectTypeOf(logits).toEqualTypeOf<Tensor>();
    expect(logits.shape).toEqual([2, 5, 37, 50]);
  });

  it('give those of the auxiliary classifier too', () => {
    const made = fcn({ backbone, numClasses: 5, aux: true });
    expect(roots(made)).toEqual(['backbone', 'classifier', 'aux_classifier']);
    const logits = made.apply(initialize(made), input([1, 3, 37, 50]));
    expectTypeOf(logits).toEqualTypeOf<AuxiliaryLogits>();
    expect(logits.out.shape).toEqual([1, 5, 37, 50]);
    expect(logits.aux.shape).toEqual([1, 5, 37, 50]);
  });

  it('have the same parameters at every output stride', () => {
    const of = (outputStride: number) =>
      deepLabV3({ backbone: 'mobilenet_v3_large', numClasses: 3, outputStride }).parameters;
    expect(of(8)).toEqual(of(32));
    expect(of(16)).toEqual(of(32));
  });

  it('are assembled from any backbone', () => {
    const mobile = mobileNetV2({ widthMultiplier: 0.35, outputStride: 16, returns: { out: '17' } });
    const classifier = deepLabHead({ inChannels: mobile.channels.out, numClasses: 4, width: 8 });
    const made = segmentation({ backbone: mobile, classifier });
    expect(made.apply(initialize(made), input([1, 3, 64, 64])).shape).toEqual([1, 4, 64, 64]);
  });

  it('say what is wrong with their options', () => {
    expectError(
      () => deepLabV3({ backbone: 'resnet52' as never, numClasses: 2 }),
      "deepLabV3: backbone must be resnet18, resnet34, resnet50, resnet101, mobilenet_v2, mobilenet_v3_large or a block such as resnet({ … }) but is 'resnet52'",
    );
    expectError(
      () => deepLabV3({ backbone: resnet({ depth: 18 }), numClasses: 2, aux: true } as never),
      "deepLabV3: the backbone must return out, aux but has no aux; name the children in its option returns, such as { aux: 'layer4' }",
    );
    expectError(
      () => fcn({ backbone, numClasses: 2, outputStride: 8 }),
      'fcn: outputStride 8 is an option of the backbone; give it there, where the backbone is made',
    );
    expectError(
      () => fcn({ outputStride: 7, numClasses: 2 }),
      'resnet: outputStride must be 4, 8, 16 or 32 but is 7',
    );
    for (const value of [null, 50, {}])
      expect(() => fcn({ backbone: value as never, numClasses: 2 })).toThrow(OptionError);
    expectError(() => fcn({ numClasses: 0 }), 'fcn: numClasses must be a positive integer but is 0');
    expect(() => fcnHead({ inChannels: 8, numClasses: -1 })).toThrow(OptionError);
  });
});

describe('DeepLab on VGG-16', () => {
  it('has the names of the source', () => {
    const layers = (made: Block) => roots(made).slice(13);
    expect(roots(deepLabVgg16({ numClasses: 21 })).slice(0, 13)).toEqual([
      'conv1_1',
      'conv1_2',
      'conv2_1',
      'conv2_2',
      'conv3_1',
      'conv3_2',
      'conv3_3',
      'conv4_1',
      'conv4_2',
      'conv4_3',
      'conv5_1',
      'conv5_2',
      'conv5_3',
    ]);
    expect(layers(deepLabVgg16({ numClasses: 21, head: 'largeFov' }))).toEqual(['fc6', 'fc7', 'fc8']);
    expect(layers(deepLabVgg16({ numClasses: 21, rates: [6, 12] }))).toEqual([
      'fc6_1',
      'fc7_1',
      'fc8_1',
      'fc6_2',
      'fc7_2',
      'fc8_2',
    ]);
  });

  it('has 20.5 million parameters with LargeFOV, as the paper says', () => {
    expect(count(deepLabVgg16({ numClasses: 21, head: 'largeFov' }))).toBe(20_505_429);
  });

  it.each(['largeFov', 'aspp'] as const)('gives logits of the size of the picture: %s', (head) => {
    const made = deepLabVgg16({ numClasses: 4, head, width: 2, headChannels: 6 });
    const { graph } = trace((x: Tensor) => made.apply(initialize(made), x), input([1, 3, 57, 41]));
    expect(graph.nodes[graph.outputs[0]!]!.shape).toEqual([1, 4, 57, 41]);
    const rates = graph.nodes.flatMap(({ kind, reach }) =>
      kind === 'conv' && reach?.type === 'window' && reach.axes[0]!.dilation > 1
        ? [reach.axes[0]!.dilation]
        : [],
    );
    expect(rates.sort((a, b) => a - b)).toEqual([2, 2, 2, ...(head === 'aspp' ? [6, 12, 18, 24] : [12])]);
  });

  it('says what is wrong with its options', () => {
    expectError(
      () => deepLabVgg16({ numClasses: 21, head: 'wide' as never }),
      "deepLabVgg16: head must be 'largeFov' or 'aspp' but is 'wide'",
    );
    expectError(
      () => deepLabVgg16({ numClasses: 21, head: 'largeFov', rates: [6, 12] }),
      "deepLabVgg16: LargeFOV has one branch, so rates must have one entry but are [6, 12]; head 'aspp' takes several",
    );
    expect(() => deepLabVgg16({ numClasses: 21, rates: [] })).toThrow(OptionError);
    expect(() => deepLabVgg16({ numClasses: 21, outputStride: 3 })).toThrow(
      /^deepLabVgg16: outputStride must be 1, 2, 4, 8, 16 or 32 but is 3$/,
    );
  });
});
