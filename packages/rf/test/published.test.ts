import { describe, expect, test } from 'vitest';
import { stridesToDilation } from '../src/design.js';
import { coverage, inputRegion, type Layer, receptiveField, tileHalo } from '../src/index.js';
import { pathFields } from '../src/influence.js';
import {
  aspp,
  contextModule,
  conv,
  denseAspp,
  meshnet,
  resnet,
  resnet50,
  resnet152,
  unet,
  vgg16,
  wavenet,
} from './networks.js';

/** The table of the README: what papers and other tools publish. */
describe('published values', () => {
  test.each<[string, readonly Layer[], number, number]>([
    ['VGG-16, pool5', vgg16, 212, 32],
    ['ResNet-50, torchvision', resnet50, 427, 32],
    ['ResNet-50, TF-slim', resnet([3, 4, 6, 3], 'last'), 483, 32],
    ['ResNet-101, TF-slim', resnet([3, 4, 23, 3], 'last'), 1027, 32],
    ['ResNet-152, TF-slim', resnet([3, 8, 36, 3], 'last'), 1507, 32],
    ['context module', contextModule, 67, 1],
    ['MeshNet', meshnet, 37, 1],
    ['DenseASPP 3, 6, 12, 18, 24', denseAspp, 127, 1],
    ['ASPP 6, 12, 18 without image pooling', [aspp([6, 12, 18], false)], 37, 1],
  ])('%s: field %i, stride %i', (_, layers, size, stride) => {
    const field = receptiveField(layers);
    expect(field.size.every((axis) => axis === size)).toBe(true);
    expect(field.stride.every((axis) => axis === stride)).toBe(true);
  });

  test('WaveNet: 10 layers of 2 taps, rates 1 … 512, see 1024 samples, all of them', () => {
    expect(receptiveField(wavenet, { ndim: 1 })).toMatchObject({ size: [1024], start: [-1023] });
    expect(coverage(wavenet, { ndim: 1 })).toMatchObject({ fraction: 1, paths: { min: 1, max: 1 } });
  });

  test.each([16, 8])(
    'ResNet-50 with strides replaced by dilation to output stride %i: the same 427',
    (stride) => {
      const { layers, after } = stridesToDilation(resnet50, stride);
      expect(after).toMatchObject({ size: [427, 427], stride: [stride, stride] });
      expect(coverage(layers).touched).toBe(427 ** 2);
    },
  );

  test("DeepLab's ASPP: unbounded with image pooling, aligned without, and a halo of 509 on ResNet-50", () => {
    expect(receptiveField([aspp([6, 12, 18])]).size).toEqual([Infinity, Infinity]);
    expect(receptiveField([aspp([6, 12, 18], false)]).axes[0]).toMatchObject({
      aligned: true,
      misalignment: 0,
    });
    const { layers } = stridesToDilation(resnet50, 8);
    const head = [...layers, aspp([12, 24, 36], false), conv(3)];
    expect(receptiveField(head)).toMatchObject({ size: [1019, 1019], stride: [8, 8], start: [-509, -509] });
    expect(tileHalo(head)).toMatchObject({
      exact: true,
      axes: [{ before: 509, after: 502, alignment: 8, outputAlignment: 1 }, {}],
    });
  });

  test('single paths: a residual network has short ones, the longest gives the field', () => {
    expect(pathFields(resnet50)[0]).toEqual({ smallest: 11, largest: 427 });
    expect(pathFields(denseAspp)[0]).toEqual({ smallest: 1, largest: 127 });
    expect(pathFields(resnet152)[0]!.largest).toBe(receptiveField(resnet152).size[0]);
  });

  test('U-Net: regions differ by phase, and the deepest path sees most', () => {
    const [axis] = receptiveField(unet(4)).axes;
    expect(axis).toMatchObject({ stride: 1, shift: 16 });
    expect(axis!.phases.length).toBe(16);
    expect(new Set(axis!.phases.map(([first], phase) => first - phase)).size).toBe(16);
    const [paths] = pathFields(unet(4));
    expect(paths).toEqual({ smallest: 9, largest: axis!.size });
    for (const output of [-20, 0, 5, 100]) {
      const [region] = inputRegion(unet(4), output, { ndim: 1 })!;
      const phase = ((output % 16) + 16) % 16;
      expect(region).toEqual(axis!.phases[phase]!.map((position) => position + output - phase));
    }
  });
});
