import { input, OptionError, reference, type Tensor, tensor, trace } from '@atrous/core';
import { fieldGrowth, receptiveField } from '@atrous/rf';
import { describe, expect, it } from 'vitest';
import { type Block, contextModule, initialize } from '../src/index.js';

const graphOf = (made: Block, shape: readonly number[]) => {
  const parameters = initialize(made);
  return trace((x) => made.apply(parameters, x), input(shape)).graph;
};

const countOf = (made: Block, kind: RegExp) =>
  Object.entries(made.parameters)
    .filter(([name]) => kind.test(name))
    .reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** Non-negative, as features behind a ReLU are. */
const features = (shape: readonly number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 37) % 101) / 7),
    shape,
  );

const run = async (made: Block, x: Tensor, seed = 0): Promise<ArrayLike<number>> => {
  const parameters = initialize(made, { seed });
  const { graph } = trace((y) => made.apply(parameters, y), x);
  const program = await reference().compile(graph);
  const [result] = await program.run([x.dataSync()]);
  program.dispose();
  return result as ArrayLike<number>;
};

describe('contextModule', () => {
  it('has the field of table 1, layer by layer: 3, 5, 9, 17, 33, 65, 67, 67', () => {
    const graph = graphOf(contextModule({ channels: 2 }), [1, 2, 80, 80]);
    expect(receptiveField(graph).size).toEqual([67, 67]);
    const sizes = fieldGrowth(graph).map(({ size }) => size[0]);
    expect([...new Set(sizes)]).toEqual([1, 3, 5, 9, 17, 33, 65, 67]);
  });

  it('has 64 C² weights in its basic form, and the channels of table 1 in its large form', () => {
    expect(countOf(contextModule({ channels: 5 }), /weight$/)).toBe(64 * 25);
    const large = contextModule({ channels: 3, widths: 'large' }).parameters;
    const outputs = Object.entries(large)
      .filter(([name]) => name.endsWith('bias'))
      .map(([, { shape }]) => shape[0]! / 3);
    expect(outputs).toEqual([2, 2, 4, 8, 16, 32, 32, 1]);
  });

  it.each([
    ['basic', { channels: 3 }, [2, 3, 9, 7]],
    ['large', { channels: 2, widths: 'large', noise: 0 }, [1, 2, 6, 5]],
    ['wide and narrow again', { channels: 2, rates: [1, 2, 4], widths: [3, 6, 2], noise: 0 }, [1, 2, 6, 5]],
    ['1-D', { channels: 3, axes: 1 }, [2, 3, 20]],
    ['3-D', { channels: 2, axes: 3, rates: [1, 2] }, [1, 2, 4, 5, 3]],
  ] as const)('gives non-negative maps back at first: %s', async (_, options, shape) => {
    const x = features(shape);
    const y = await run(contextModule(options), x);
    const wanted = x.dataSync();
    for (let i = 0; i < wanted.length; i++) expect(Math.abs(y[i]! - wanted[i]!)).toBeLessThan(1e-5);
  });

  it('tells the copies of a feature apart by noise, and still gives about the input', async () => {
    const made = contextModule({ channels: 2, widths: 'large' });
    const weight = initialize(made)['convs.0.weight']!.dataSync();
    // outputs 0 and 1 are copies of feature 0
    expect([...weight.slice(0, 18)]).not.toEqual([...weight.slice(18, 36)]);
    expect(weight[4]).toBe(0.5);
    expect(weight[22]).toBe(0.5);
    const x = features([1, 2, 6, 5]);
    const y = await run(made, x, 3);
    const wanted = x.dataSync();
    const error = Math.max(...Array.from(wanted, (value, i) => Math.abs(value - y[i]!)));
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.5 * Math.max(...wanted));
  });

  it('can start at random', () => {
    const weight = initialize(contextModule({ channels: 3, init: 'kaiming' }))['convs.0.weight']!.dataSync();
    expect(Array.from(weight).filter((value) => value === 0)).toEqual([]);
  });

  it('says what does not fit', () => {
    expect(() => contextModule({ channels: 2, widths: 'large', rates: [1, 2] })).toThrow(
      /^contextModule: widths \[2, 2, 4, 8, 16, 32, 32\] must have 2 entries, one per rate of \[1, 2\]$/,
    );
    expect(() => contextModule({ channels: 2, widths: 'huge' as 'large' })).toThrow(
      /^contextModule: widths must be 'basic', 'large' or a list of multiples but is huge$/,
    );
    expect(() => contextModule({ channels: 2, rates: [1], widths: [1.5] })).toThrow(
      /every width must be a positive integer but is 1\.5/,
    );
    for (const bad of [
      { channels: 0 },
      { channels: 2, rates: [] },
      { channels: 2, init: 'zeros' as 'identity' },
      { channels: 2, noise: -1 },
      { channels: 2, noise: Number.NaN },
      { channels: 2, axes: 4 as 3 },
    ])
      expect(() => contextModule(bad)).toThrow(OptionError);
  });
});
