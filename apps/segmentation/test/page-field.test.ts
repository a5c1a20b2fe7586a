import { input, type Tensor, trace } from '@atrous/core';
import { coverage, fieldGrowth, toGraph } from '@atrous/rf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldOf } from '../src/cli/field.js';
import { analyse, figure, reach } from '../src/page/field/analysis.js';
import { presets } from '../src/page/field/presets.js';
import { limits, readStack, withoutCentredPadding, writeStack } from '../src/page/field/stack.js';
import { suggest } from '../src/page/field/suggestions.js';
import { water } from './fixtures.js';

const all = Object.values(presets).flat();
const short = (layers: string) => writeStack(readStack(layers, 2).map(withoutCentredPadding));

describe('notation', () => {
  test.each([
    ['3 3d2 3d3', '3d1,2,3'],
    ['3x3 d2 x3', '3x3d2 x3'],
    ['3d2 3d2', '3d2 x2'],
    ['5 5', '5 5'],
    ['7s2p3 max3s2p1 avg2', '7s2 max3s2 avg2'],
    ['3p0', '3p0'],
    [
      'transposed4s2p1 nearest2 linear1.5 pad1 crop2x3 global',
      'transposed4s2 nearest2 linear1.5 pad1 crop2x3 global',
    ],
    ['[ 1 3 1 | ] x2 [ | 3d2 ]', '[ 1 3 1 | ] x2 [ | 3d2 ]'],
    ['( 3c8g2 5 ) x2', '3c8g2 5 3c8g2 5'],
  ])('%s is written %s', (text, expected) => {
    expect(short(text)).toBe(expected);
  });

  test('what is written reads as the same layers', () => {
    const number = (most: number) => fc.integer({ min: 1, max: most });
    const window = fc
      .tuple(
        fc.constantFrom('', 'max', 'avg', 'transposed'),
        number(7),
        number(3),
        number(9),
        fc.option(fc.nat(5)),
      )
      .map(([kind, k, s, d, p]) => `${kind}${k}s${s}d${d}${p === null ? '' : `p${p}`}`);
    const other = fc.constantFrom('nearest2', 'linear1.5', 'pad1', 'crop1x2', 'global');
    const { list } = fc.letrec<{ list: string; layer: string }>((tie) => ({
      list: fc.array(tie('layer'), { minLength: 1, maxLength: 4 }).map((words) => words.join(' ')),
      layer: fc.oneof(
        { maxDepth: 2 },
        window,
        other,
        fc.array(tie('list'), { minLength: 1, maxLength: 3 }).map((lists) => `[ ${lists.join(' | ')} | ]`),
      ),
    }));
    fc.assert(
      fc.property(list, (text) => {
        fc.pre(text.length <= 900);
        const layers = readStack(text, 2);
        const written = writeStack(layers.map(withoutCentredPadding));
        expect(toGraph(readStack(written, 2))).toEqual(toGraph(layers));
      }),
    );
  });

  test.each([
    ['3'.padEnd(limits.characters + 1), 'at most 1000 characters'],
    ['3 x129', 'at most 128 layers'],
    ['3d1025', 'dilation is at most 1024 here but is 1025'],
    ['65', 'kernel is at most 64'],
    ['3s33', 'stride is at most 32'],
    ['nearest17', 'scale is at most 16'],
    ['1x2x3', 'kernel 1×2×3 has 3 entries but there are 2 axes'],
    ['[ [ [ [ [ [ [ 1 ] ] ] ] ] ] ]', 'at most 6 deep'],
    ['', 'there are no layers'],
    ['<script>', 'cannot read'],
    ['[ 3 x9999 ] x9999', 'x repeats'],
  ])('refuses %s', (text, message) => {
    expect(() => readStack(text, 2)).toThrow(message);
  });

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123x[]|dspc, maxglob') }), (text) => {
        try {
          expect(readStack(text, 2).length).toBeGreaterThan(0);
        } catch (error) {
          expect(['OptionError', 'RfError']).toContain((error as Error).name);
        }
      }),
    );
  });
});

describe('known networks', () => {
  test.each(all)('$name is written as short as it gets, and analysed', ({ layers, axes }) => {
    const text = writeStack(readStack(layers, axes).map(withoutCentredPadding));
    expect(readStack(text, axes)).toEqual(readStack(layers, axes));
    expect(text.length).toBeLessThanOrEqual(layers.length);
    const { report, cells, profile } = analyse({ layers, axes });
    expect(cells!.rows).toBe(axes === 1 ? 1 : cells!.columns);
    const width = report.coverage!.axes.at(-1)!.size;
    expect(profile!.values.length).toBe(width);
    expect(cells!.columns).toBe(Math.ceil(width / cells!.grain));
  });

  const fieldOf = (name: string) => {
    const { layers, axes } = all.find((preset) => preset.name.startsWith(name))!;
    return analyse({ layers, axes }).report.bounded!.size.at(-1);
  };
  test.each([
    ['HDC 1, 2, 3', 13],
    ['HDC 1, 2, 5', 17],
    ['WaveNet', 1024],
    ['Context module', 67],
    ['MeshNet', 37],
    ['DeepLabV3’s ASPP', 37],
    ['DenseASPP', 79],
    ['VGG-16', 212],
    ['Its water network', 203],
  ])('%s has its published field', (name, field) => {
    expect(fieldOf(name)).toBe(field);
  });
});

describe('what an output reads of a picture', () => {
  const hdc = { layers: '3d1,2,3', axes: 2 } as const;

  test('all of its field inside, a part of it at the border', () => {
    const inside = reach(hdc, [40, 50], [20, 30]);
    expect(inside).toMatchObject({
      output: [20, 30],
      outputs: [40, 50],
      start: [14, 24],
      rows: 13,
      columns: 13,
    });
    expect([inside.touched, inside.global, inside.analysed]).toEqual([169, false, [40, 50]]);
    expect(reach(hdc, [40, 50], [0, 0])).toMatchObject({ start: [0, 0], rows: 7, columns: 7, touched: 49 });
  });

  test('every fourth pixel of rates 2, 2, 2', () => {
    const gridded = { layers: '3d2 x3', axes: 2 } as const;
    const { levels, touched, start } = reach(gridded, [40, 50], [20, 30]);
    expect([touched, start]).toEqual([49, [14, 24]]);
    expect([...levels.slice(0, 26)].map(Math.sign)).toEqual([
      ...[1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
      ...new Array(13).fill(0),
    ]);
  });

  test('one axis works along the row', () => {
    const line = { layers: '3d1,2', axes: 1 } as const;
    const answer = reach(line, [40, 50], [20, 30]);
    expect(answer).toMatchObject({ output: [30], start: [20, 27], rows: 1, columns: 7, touched: 7 });
  });

  test('the nearest output of a strided network, without what reads everything', () => {
    const { layers } = all.find(({ name }) => name.includes('water'))!;
    const strided = { layers: layers.replace(' linear4', ''), axes: 2 } as const;
    const answer = reach(strided, [803, 802], [401, 399]);
    expect(answer).toMatchObject({
      outputs: [200, 200],
      output: [100, 100],
      global: true,
      analysed: [800, 800],
    });
    const expected = coverage(readStack(strided.layers.replace(' | global 1', ''), 2), {
      inputSize: 800,
      at: [100, 100],
    });
    expect(answer.touched).toBe(expected.touched);
  });

  test('says so where a picture is too small', () => {
    expect(() => reach({ layers: '7p0', axes: 2 }, [5, 5], [0, 0])).toThrow('layer 1');
  });
});

describe('suggestions', () => {
  const of = (layers: string) => suggest({ layers, axes: 2 });

  test('for rates with holes', () => {
    const { list } = of('3d2 x3');
    expect(list.find(({ title }) => title === 'Same field, no holes')).toMatchObject({
      layers: '3d1,2,3',
      field: 13,
    });
    for (const { layers, field } of list) {
      const found = coverage(readStack(layers, 2));
      expect(found.holes).toBe(0);
      expect(found.axes[0]!.size).toBe(field);
    }
  });

  test('keep strides, and say when none help', () => {
    expect(of('3s2 3d4').list[0]).toMatchObject({ layers: '3s2 3', rates: [1, 1] });
    expect(of('1s2 3')).toEqual({ list: [], note: expect.stringContaining('No rates close the holes') });
  });

  test('are for plain stacks', () => {
    expect(of('3 max2')).toEqual({ list: [], note: expect.stringContaining('plain stacks') });
  });

  test('fewer layers for the same field', () => {
    expect(of('3 x6').list.at(-1)).toMatchObject({ title: 'Fewest layers for this field', field: 13 });
  });

  test('end where a search would take long', () => {
    expect(of('3d2,4,8,16,20,24,28,32,32,32').note).toContain('The search ended');
    const { list, note } = of('3d2 x24');
    expect(note).toContain('Stacks of up to 10 layers');
    expect(list.at(-1)!.title).toBe('Fewest layers for this field');
  });
});

describe('figures', () => {
  const pair = [
    { layers: '3d1,2,3', axes: 2 },
    { layers: '3d2 x3', axes: 2 },
  ] as const;
  test.each(['coverage', 'paths', 'growth'] as const)('%s', (kind) => {
    expect(figure(kind, [pair[0]])).toContain('>3d1,2,3</text>');
  });
  test.each(['coverage', 'paths'] as const)('%s of two', (kind) => {
    const svg = figure(kind, pair);
    for (const { layers } of pair) expect(svg).toContain(`>${layers}</text>`);
  });
});

test('its water network is the network that is shipped', () => {
  const model = water();
  const logits = (image: Tensor) => model({ image }).logits!;
  const { graph } = trace(logits, input([1, 1, 64, 64]));
  const body = fieldGrowth(graph).findLast(({ kind, name }) => kind === 'conv' && name.startsWith('body.'))!;
  const field = fieldOf({ logits }, [1, 1, 64, 64])!;
  const { layers } = all.find(({ name }) => name.includes('water'))!;
  const { report } = analyse({ layers, axes: 2 });
  expect(report.layers[7]!.field).toMatchObject({ size: body.size, stride: body.stride });
  expect(report.bounded!.size).toEqual(field.size);
  expect(report.coverage!.fraction).toBe(field.coverage);
  const kernels = graph.nodes.flatMap(({ kind, reach }) =>
    kind === 'conv' && reach?.type === 'window'
      ? reach.axes.map(({ kernel, dilation }) => [kernel, dilation])
      : [],
  );
  const listed = toGraph(readStack(layers, 2)).nodes.flatMap(({ kind, reach }) =>
    kind === 'conv' && reach?.type === 'window'
      ? reach.axes.map(({ kernel, dilation }) => [kernel, dilation])
      : [],
  );
  expect(listed.map(String).sort()).toEqual(kernels.map(String).sort());
});
