import { input, OptionError, trace } from '@atrous/core';
import { coverage } from '@atrous/rf';
import { describe, expect, it } from 'vitest';
import {
  aspp,
  type Block,
  basicBlock,
  bottleneckBlock,
  deepLabHead,
  hdcGroup,
  hdcVerdict,
  initialize,
  torchvisionAspp,
} from '../src/index.js';

const shapeOf = (made: Block, shape: readonly number[]) => made.apply(initialize(made), input(shape)).shape;

describe('aspp', () => {
  it('has the names of the article, in its order, and takes other rates', () => {
    const names = Object.keys(aspp({ inChannels: 512, depth: 256 }).parameters);
    expect(names).toEqual(
      [
        'conv',
        'atrous_block1',
        'atrous_block6',
        'atrous_block12',
        'atrous_block18',
        'conv_1x1_output',
      ].flatMap((name) => [`${name}.weight`, `${name}.bias`]),
    );
    const other = aspp({ inChannels: 4, depth: 2, rates: [3, 2] });
    expect(other.parameters['atrous_block3.weight']!.shape).toEqual([2, 4, 3, 3]);
    expect(other.parameters['conv_1x1_output.weight']!.shape).toEqual([2, 8, 1, 1]);
    expect(shapeOf(other, [2, 4, 9, 7])).toEqual([2, 2, 9, 7]);
  });

  it('refuses rates that cannot name a branch', () => {
    for (const rates of [[6, 6], [1, 6], [], [1.5]])
      expect(() => aspp({ inChannels: 4, rates })).toThrow(OptionError);
    expect(() => aspp({ inChannels: 4, rates: [6, 12, 6] })).toThrow(
      /^aspp: rates \[6, 12, 6\] must be different and above 1: each names a branch/,
    );
  });

  it('says which branch an input does not fit', () => {
    const made = aspp({ inChannels: 4, depth: 2 });
    expect(() => shapeOf(made, [1, 3, 9, 9])).toThrow(
      /^conv: conv2d: weight expects 4 input channels but x has 3/,
    );
  });
});

describe('torchvision', () => {
  it('has 256 channels and rates 12, 24, 36 unless told otherwise', () => {
    const made = torchvisionAspp({ inChannels: 8 });
    expect(made.parameters['project.0.weight']!.shape).toEqual([256, 1280, 1, 1]);
    const { graph } = trace((x) => made.apply(initialize(made), x), input([1, 8, 5, 5]));
    const rates = graph.nodes.flatMap(({ kind, reach }) =>
      kind === 'conv' && reach?.type === 'window' ? [reach.axes[0]!.dilation] : [],
    );
    expect(rates.filter((rate) => rate > 1)).toEqual([12, 24, 36]);
    expect(deepLabHead({ inChannels: 8, numClasses: 3 }).parameters['4.weight']!.shape).toEqual([
      3, 256, 1, 1,
    ]);
  });

  it('refuses unusable sizes', () => {
    expect(() => deepLabHead({ inChannels: 8, numClasses: 0 })).toThrow(
      /^deepLabHead: numClasses must be a positive integer but is 0$/,
    );
    expect(() => torchvisionAspp({ inChannels: 8, rates: [0] })).toThrow(OptionError);
  });
});

describe('residual blocks', () => {
  it('have a shortcut of their own only where stride or channels change', () => {
    const hasShortcut = (made: Block) => 'downsample.0.weight' in made.parameters;
    expect(hasShortcut(basicBlock({ inChannels: 8, planes: 8 }))).toBe(false);
    expect(hasShortcut(basicBlock({ inChannels: 8, planes: 8, stride: 2 }))).toBe(true);
    expect(hasShortcut(basicBlock({ inChannels: 4, planes: 8 }))).toBe(true);
    expect(hasShortcut(bottleneckBlock({ inChannels: 8, planes: 8 }))).toBe(true);
    expect(hasShortcut(bottleneckBlock({ inChannels: 32, planes: 8 }))).toBe(false);
  });

  it('keep the size at any rate and divide it by the stride', () => {
    const options = { inChannels: 4, planes: 3, dilation: 5 };
    expect(shapeOf(basicBlock(options), [1, 4, 9, 8])).toEqual([1, 3, 9, 8]);
    expect(shapeOf(bottleneckBlock({ ...options, stride: 2 }), [1, 4, 9, 8])).toEqual([1, 12, 5, 4]);
    expect(shapeOf(bottleneckBlock({ ...options, stride: 2, axes: 1 }), [1, 4, 9])).toEqual([1, 12, 5]);
    const subsampled = { inChannels: 3, planes: 3, stride: 2, shortcut: 'subsample', axes: 3 } as const;
    expect(shapeOf(basicBlock(subsampled), [1, 3, 9, 8, 7])).toEqual([1, 3, 5, 4, 4]);
  });
});

describe('hdcVerdict', () => {
  it('tells schedules with holes from those without', () => {
    const verdict = hdcVerdict({ block: 'bottleneck', rates: [1, 2, 3] });
    expect(verdict).toMatchObject({ holeFree: true, field: 13, rule: { passes: true } });
    expect(verdict.message).toBe('rates 1, 2, 3: every input of the 13 × 13 field is read');
    const holes = hdcVerdict({ block: 'bottleneck', rates: [2, 2, 2] });
    expect(holes).toMatchObject({ holeFree: false, field: 13, rule: { passes: false } });
    expect(holes.message).toBe(
      'rates 2, 2, 2: the 13 × 13 field has holes, because the taps of 0.conv2 are 2 inputs apart where at most 1 can be filled in; use rates that begin at 1 and rise slowly, such as 1, 2, 3 or 1, 2, 5',
    );
  });

  it('counts the stride of the first block: what is 2 apart after it is 4 apart before', () => {
    expect(hdcVerdict({ block: 'bottleneck', rates: [1, 2, 3], stride: 2 }).message).toMatch(
      /^rates 1, 2, 3 with stride 2: the 23 × 23 field has holes, because the taps of 1\.conv2 are 4 inputs apart where at most 3 can be filled in; use smaller rates, or put the stride into a layer before the group$/,
    );
    expect(hdcVerdict({ block: 'basic', rates: [1, 2, 3], stride: 2 }).holeFree).toBe(true);
  });

  it.each(
    (['basic', 'bottleneck'] as const).flatMap((block) =>
      [[1, 2, 3], [1, 2, 5], [1, 2, 9], [2, 2, 2], [3], [2, 1]].flatMap((rates) =>
        [1, 2].map((stride) => ({ block, rates, stride })),
      ),
    ),
  )('agrees with the coverage of the group itself: $block $rates stride $stride', (options) => {
    const group = hdcGroup({ ...options, inChannels: 2, planes: 2 });
    const parameters = initialize(group);
    const { graph } = trace((x) => group.apply(parameters, x), input([1, 2, 96, 96]));
    const { axes, holes } = coverage(graph);
    const verdict = hdcVerdict(options);
    expect(verdict.holeFree).toBe(holes === 0);
    expect(verdict.field).toBe(axes[0]!.size);
  });

  it('refuses unusable schedules', () => {
    expect(() => hdcVerdict({ block: 'wide' as 'basic' })).toThrow(
      /^hdcVerdict: block must be 'basic' or 'bottleneck' but is 'wide'$/,
    );
    expect(() => hdcGroup({ block: 'basic', rates: [], inChannels: 1, planes: 1 })).toThrow(
      /^hdcGroup: rates must be a list of positive integers, such as/,
    );
    expect(() => hdcGroup({ block: 'basic', inChannels: 1, planes: 1, axes: 4 as 3 })).toThrow(OptionError);
    expect(() => hdcGroup({ block: 'basic', inChannels: 1, planes: 1.5 })).toThrow(
      /^hdcGroup: planes must be a positive integer but is 1\.5$/,
    );
  });
});
