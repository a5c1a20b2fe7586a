import { readFileSync } from 'node:fs';
import { tensor } from '@atrous/core';
import { readSafetensors, writeSafetensors } from '@atrous/core/safetensors';
import { describe, expect, it } from 'vitest';
import {
  aspp,
  type Block,
  batchNorm,
  block,
  convBnRelu,
  convolution,
  initialize,
  loadParameters,
  ParameterError,
} from '../src/index.js';

const made = convBnRelu(2, 3, 1);

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ParameterError);
    return (error as ParameterError).message;
  }
  throw new Error('nothing was thrown');
}

describe('loadParameters', () => {
  it('takes the tensors as they are, in the order of the block, without step counts', () => {
    const given = initialize(made);
    const reversed = Object.fromEntries(Object.entries(given).reverse());
    const loaded = loadParameters(made, { ...reversed, 'bn.num_batches_tracked': tensor(3, [], 'int32') });
    expect(Object.keys(loaded)).toEqual(Object.keys(made.parameters));
    for (const [name, value] of Object.entries(loaded)) expect(value).toBe(given[name]);
  });

  it('takes a part of a larger state dict', () => {
    const given = initialize(block({ head: { ...made } as Block, other: convolution(1, 1, 1) }, (_, x) => x));
    expect(loadParameters(made, given, { prefix: 'head' })['conv.weight']).toBe(given['head.conv.weight']);
    expect(messageOf(() => loadParameters(made, given, { prefix: 'hea' }))).toMatch(
      /\(5 missing, 0 unexpected/,
    );
  });

  it('lists everything that does not fit, and the prefix that would', () => {
    const { 'conv.weight': weight, ...rest } = initialize(made);
    expect(
      messageOf(() =>
        loadParameters(made, { ...rest, 'model.conv.weight': weight!, 'bn.weight': tensor([1, 2]) }),
      ),
    ).toBe(
      [
        'loadParameters: the parameters do not fit the block (1 missing, 1 unexpected, 1 misshapen)',
        '  missing: conv.weight [3, 2, 1, 1]',
        '  unexpected: model.conv.weight',
        '  misshapen: bn.weight is [2] but must be [3]',
        "  The missing names are there with 'model.' in front: use loadParameters(block, tensors, { prefix: 'model' })",
      ].join('\n'),
    );
  });

  it('suggests the prefix under which every name is there', () => {
    const { 'conv.weight': weight } = initialize(made);
    const model = Object.entries(initialize(made)).map(([name, value]) => [`model.${name}`, value]);
    const message = messageOf(() =>
      loadParameters(made, { 'other.conv.weight': weight!, ...Object.fromEntries(model) }),
    );
    expect(message).toMatch(/use loadParameters\(block, tensors, \{ prefix: 'model' \}\)$/);
  });

  it('suggests no prefix that leaves names missing', () => {
    const { 'conv.weight': weight } = initialize(made);
    expect(messageOf(() => loadParameters(made, { 'model.conv.weight': weight! }))).toBe(
      [
        'loadParameters: the parameters do not fit the block (5 missing, 1 unexpected, 0 misshapen)',
        '  missing: conv.weight [3, 2, 1, 1]',
        ...['weight', 'bias', 'running_mean', 'running_var'].map((name) => `  missing: bn.${name} [3]`),
        '  unexpected: model.conv.weight',
      ].join('\n'),
    );
  });

  it('refuses what is no object of tensors', () => {
    expect(() => loadParameters(made, null as never)).toThrow(
      /^loadParameters: parameters must be an object of tensors by name but is null/,
    );
  });

  it('brings a network through a file and back', () => {
    const network = aspp({ inChannels: 3, depth: 2 });
    const parameters = initialize(network, { seed: 4 });
    const { tensors } = readSafetensors(writeSafetensors(parameters));
    const loaded = loadParameters(network, tensors);
    for (const name of Object.keys(network.parameters)) {
      expect(loaded[name]!.shape).toEqual(parameters[name]!.shape);
      expect(loaded[name]!.dataSync()).toEqual(parameters[name]!.dataSync());
    }
  });

  it('reads the files of PyTorch, step counts included', () => {
    const path = '../../../internal/conformance/golden/weights/torchvision_aspp.safetensors';
    const { tensors } = readSafetensors(readFileSync(new URL(path, import.meta.url)));
    const names = Object.keys(tensors);
    expect(names.filter((name) => name.endsWith('num_batches_tracked')).length).toBeGreaterThan(0);
    expect(messageOf(() => loadParameters(batchNorm(24), tensors))).toContain('  missing: running_mean [24]');
    expect(loadParameters(batchNorm(24), tensors, { prefix: 'convs.0.1' }).running_mean).toBe(
      tensors['convs.0.1.running_mean'],
    );
  });
});
