import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError, type Tensor, UnsupportedError } from '@atrous/core';
import { type Model, type ModelInfo, makeModel } from '@atrous/core/model';
import {
  describeModel,
  knownModels,
  metadataKey,
  openModel,
  palette,
  parseDescription,
} from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';
import { networks, withoutNetworks } from './fixtures.js';

const good = {
  name: 'roads',
  title: 'Roads',
  input: { kind: 'picture', channels: 'rgb', scale: 1, mean: [0, 0, 0], std: [255, 255, 255] },
  classes: [{ name: 'road', color: [1, 2, 3] }, { name: 'rest' }],
};

describe('a description as JSON', () => {
  test.each(knownModels.map(({ description }) => [description.name, description]))(
    '%s comes back',
    (_, d) => {
      expect(parseDescription(JSON.stringify(d))).toEqual(JSON.parse(JSON.stringify(d)));
    },
  );

  test('may leave colours and notes away', () => {
    const { classes, notes } = parseDescription(JSON.stringify(good));
    expect(classes).toEqual([
      { name: 'road', color: [1, 2, 3] },
      { name: 'rest', color: palette(1) },
    ]);
    expect(notes).toEqual([]);
  });

  test.each([
    ['{', /^description: is no JSON/],
    [{ ...good, name: 'Roads!' }, /^description: name may have lower-case letters/],
    [{ ...good, title: undefined }, /^description: title /],
    [{ ...good, clases: [] }, /^description: clases /],
    [{ ...good, classes: [] }, /^description: classes is empty/],
    [{ ...good, classes: Array(257).fill({ name: 'x' }) }, /^description: classes has more than 256 classes/],
    [
      { ...good, classes: [{ name: 'a', color: [0, 0, 256] }] },
      /^description: classes\.0\.color\.2 is more than 255/,
    ],
    [{ ...good, input: { ...good.input, channels: 'bgr' } }, /^description: input\.channels /],
    [{ ...good, input: { ...good.input, std: [1, 0, 1] } }, /^description: input\.std\.1 must not be 0/],
    [
      { ...good, input: { ...good.input, mean: [0] } },
      /^description: input\.mean has 1 numbers, and rgb needs 3/,
    ],
    [{ ...good, input: { ...good.input, size: [257] } }, /^description: input\.size/],
    [{ ...good, input: { ...good.input, size: [257, 0.5] } }, /^description: input\.size\.1 is no integer/],
    [{ ...good, input: { kind: 'sound' } }, /^description: input\.kind /],
    [null, /^description: /],
  ])('%j is refused with the name of the field', (value, message) => {
    expect(() => parseDescription(value)).toThrow(FormatError);
    expect(() => parseDescription(value)).toThrow(message);
  });
});

const model = (info: Partial<ModelInfo>): Model => {
  const value = { dtype: 'float32', storedType: 'float' } as const;
  return makeModel(({ x }) => ({ y: x as Tensor }), {
    inputs: [{ ...value, name: 'x', shape: ['n', 3, 'h', 'w'] }],
    outputs: [{ ...value, name: 'y', shape: ['n', 4, 'h', 'w'] }],
    parameters: 0,
    operators: {},
    metadata: {},
    ...info,
  });
};
const x = (...shape: (number | string)[]) => ({
  inputs: [{ name: 'x', dtype: 'float32', storedType: 'float', shape } as const],
});

describe('the description of a file', () => {
  test('is what its metadata carry', () => {
    expect(describeModel(model({ metadata: { [metadataKey]: JSON.stringify(good) } })).name).toBe('roads');
    expect(() => describeModel(model({ metadata: { [metadataKey]: '{}' } }))).toThrow(
      /^atrous\.segmentation: /,
    );
  });

  test('is inferred otherwise, and says what is assumed', () => {
    const { input, classes, notes } = describeModel(model({ metadata: { labels: '["a","b","c","d"]' } }));
    expect(input).toMatchObject({ channels: 'rgb', name: 'x', mean: [0.485, 0.456, 0.406] });
    expect(input).not.toHaveProperty('size');
    expect(classes.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    expect(notes.join()).toMatch(/does not say how pictures become numbers; assumed/);
  });

  test('has numbers for classes whose names do not fit, one channel as luminance, and a fixed size', () => {
    const { input, classes } = describeModel(model({ ...x(1, 1, 64, 48), metadata: { labels: '["a"]' } }));
    expect(input).toMatchObject({ channels: 'luminance', size: [64, 48] });
    expect(classes.map(({ name }) => name)).toEqual(['class 0', 'class 1', 'class 2', 'class 3']);
  });

  test('has the number of classes that tracing gives where the file states none', () => {
    const outputs = [{ name: 'y', dtype: 'float32', storedType: 'float' } as const];
    expect(describeModel(model({ outputs })).classes.length).toBe(3);
  });

  test.each([
    ['volumes', x(1, 1, 'd', 'h', 'w'), /pictures are \[N, C, H, W\] with 1 or 3 channels/],
    ['four channels', x(1, 4, 'h', 'w'), /pictures are \[N, C, H, W\] with 1 or 3 channels/],
    ['two inputs', { inputs: [...x(1, 3, 8, 8).inputs, ...x(1, 3, 8, 8).inputs] }, /it has 2 inputs/],
    ['a vector', { outputs: [{ ...x(1, 10).inputs[0]!, name: 'y' }] }, /output y is \[1, 10\]/],
  ])('is refused for %s', (_, info, message) => {
    expect(() => describeModel(model(info))).toThrow(UnsupportedError);
    expect(() => describeModel(model(info))).toThrow(message);
  });

  test.skipIf(withoutNetworks)('of a network with labels has them', async () => {
    const { classes, input } = describeModel(
      await openModel(readFileSync(join(networks, 'deeplabv3-mnv2-257.onnx'))),
    );
    expect(classes[15]!.name).toBe('person');
    expect(input).toMatchObject({ size: [257, 257] });
  });
});
