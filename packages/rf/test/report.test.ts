import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverage, type Layer, receptiveField } from '../src/index.js';
import {
  comparisonTable,
  explain,
  formatJson,
  formatMarkdown,
  formatText,
  NotationError,
  parseLayers,
  textTable,
} from '../src/report.js';
import { aspp, conv, unet } from './networks.js';

describe('short notation', () => {
  test.each<[string, readonly Layer[]]>([
    ['3x3d1 3x3d2', [1, 2].map((dilation) => ({ kernel: [3, 3], dilation, padding: 'same' as const }))],
    [
      '3x3 d2 x3',
      Array.from({ length: 3 }, () => ({ kernel: [3, 3], dilation: 2, padding: 'same' as const })),
    ],
    ['3 d1,2,5', [1, 2, 5].map((dilation) => ({ kernel: 3, dilation, padding: 'same' as const }))],
    ['7x7s2', [{ kernel: [7, 7], stride: 2, padding: [3, 3] }]],
    ['7x7s2p0', [{ kernel: [7, 7], stride: 2, padding: 0 }]],
    ['3x5d2x4', [{ kernel: [3, 5], dilation: [2, 4], padding: 'same' }]],
    ['max2x2', [{ type: 'maxPool', kernel: [2, 2], padding: [0, 0] }]],
    ['avg3s2', [{ type: 'avgPool', kernel: 3, stride: 2, padding: 1 }]],
    ['transposed4s2', [{ type: 'convTranspose', kernel: 4, stride: 2, padding: 1 }]],
    [
      'linear2 nearest1.5',
      [
        { type: 'resize', scale: 2, mode: 'linear' },
        { type: 'resize', scale: 1.5, mode: 'nearest' },
      ],
    ],
    [
      'pad1 crop2',
      [
        { type: 'pad', padding: 1 },
        { type: 'pad', padding: -2 },
      ],
    ],
    ['1c8g2', [{ kernel: 1, channels: 8, groups: 2, padding: 'same' }]],
    [
      '[ 1 | 3d6 | global ]',
      [
        {
          parallel: [
            [{ kernel: 1, padding: 'same' }],
            [{ kernel: 3, dilation: 6, padding: 'same' }],
            [{ type: 'globalPool' }],
          ],
        },
      ],
    ],
    ['[ | 3 ]', [{ parallel: [[], [{ kernel: 3, padding: 'same' }]] }]],
    ['( 3 1 ) x2', [3, 1, 3, 1].map((kernel) => ({ kernel, padding: 'same' as const }))],
  ])('%s', (text, layers) => {
    expect(parseLayers(text)).toEqual(layers);
  });

  test.each<[string, string, string]>([
    ['3x3 3y3', '3y3', 'cannot read "3y3"'],
    ['3x3 q2', 'q2', 'cannot read "q2"'],
    ['x3', 'x3', 'changes the layer before it'],
    ['3x3d0', '3x3d0', 'dilation must be at least 1'],
    ['3 d', 'd', 'cannot read "d"'],
    ['3 s1,2', 's1,2', 'only dilations are listed'],
    ['global d2', 'd2', 'dilation belongs to a convolution or pooling'],
    ['3 [ 1', '[', 'is not closed'],
    ['3 ) 3', ')', 'closes nothing'],
    ['3 [ 1 ) 3', ')', 'closes nothing'],
    ['3 | 3', '|', 'separates branches'],
    ['3 x100000', 'x100000', 'x repeats'],
    ['3 x9999 x9999', 'x9999', 'x repeats'],
    ['[ 3 x9999 ] x2', 'x2', 'x repeats'],
    ['3 x9999 5 7', '7', 'at most 10000 layers'],
    [`3 ${'d1,2 '.repeat(13)}d1,3`, 'd1,3', 'at most 10000 layers'],
    ['linear2s2', 'linear2s2', 'a resize takes a factor'],
    ['1.5', '1.5', 'whole numbers of taps'],
    ['0x3', '0x3', 'whole numbers of taps'],
    ['pad1d2', 'pad1d2', 'takes a whole number'],
    ['3c1x2', '3c1x2', 'channels is one number'],
  ])('%s: points at %s', (text, word, message) => {
    try {
      parseLayers(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(NotationError);
      const { from, to, text: whole, message: said } = error as NotationError;
      expect(whole.slice(from, to)).toBe(word);
      expect(said).toContain(message);
    }
  });

  test('any text: layers or a NotationError', () => {
    const words = fc.constantFrom(
      '3',
      '3x3',
      'd2',
      's2',
      'x2',
      '[',
      ']',
      '|',
      '(',
      ')',
      'global',
      'max2',
      'linear2',
      'd1,2',
      'p1',
      '?',
      '3x3d2s2',
      'crop9',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(words, { maxLength: 12 }).map((list) => list.join(' ')),
          fc.string(),
        ),
        (text) => {
          try {
            expect(Array.isArray(parseLayers(text))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(NotationError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('explain', () => {
  test('says what rates 2, 2, 2 do', () => {
    const report = explain(parseLayers('3x3 d2 x3'));
    expect(
      report.layers.map(({ name, kernel, dilation, padding, field }) => [
        name,
        kernel,
        dilation,
        padding,
        field.size[0],
      ]),
    ).toEqual([
      ['conv 1', '3×3', '2×2', '2', 5],
      ['conv 2', '3×3', '2×2', '2', 9],
      ['conv 3', '3×3', '2×2', '2', 13],
    ]);
    expect(report.findings).toEqual([
      'Holes: only 49 of 169 inputs of the field are read (29 %).',
      'Gridding: outputs fall on 4 independent lattices, and neighbours share no input at all.',
      'The first layer that leaves holes is conv 1: its taps are 2 inputs apart, 1 would be the most.',
      'Nearest rates without holes: 1, 2, 2 (field 11 instead of 13).',
      'With the same field: 1, 2, 3.',
      'The published HDC rule rejects rates 2, 2, 2 (M₂ = 2, kernel 3, common factor 2): rates that do not ascend from 1, where the rule proves nothing; use the exact hole test.',
    ]);
    expect(report.missing).toEqual([]);
    expect(formatText(report)).toMatchInlineSnapshot(`
      "layer   kernel  stride  dilation  padding  field  jump  start
      ──────  ──────  ──────  ────────  ───────  ─────  ────  ─────
      conv 1     3×3     1×1       2×2        2    5×5     1     −2
      conv 2     3×3     1×1       2×2        2    9×9     1     −4
      conv 3     3×3     1×1       2×2        2  13×13     1     −6

      field                 13×13
      stride                1
      output 0 sees         −6 … 6
      single paths          13 … 13
      coverage              29 % (49 of 169)
      holes                 120
      independent lattices  4
      paths per input       1 … 49, evenness 0.196
      neighbours share      0 % of inputs, correlation 0
      density near / far    18.4 % (49.5 % of paths) / 33.3 % (50.5 % of paths)
      effective field       σ 2.828, 95 % in 13 (100 %)
      exact hole test       holes
      tile halo             6 + 6
      tile alignment        1

      • Holes: only 49 of 169 inputs of the field are read (29 %).
      • Gridding: outputs fall on 4 independent lattices, and neighbours share no input at all.
      • The first layer that leaves holes is conv 1: its taps are 2 inputs apart, 1 would be the most.
      • Nearest rates without holes: 1, 2, 2 (field 11 instead of 13).
      • With the same field: 1, 2, 3.
      • The published HDC rule rejects rates 2, 2, 2 (M₂ = 2, kernel 3, common factor 2): rates that do not ascend from 1, where the rule proves nothing; use the exact hole test."
    `);
  });

  test('warns where the published rule is wrong', () => {
    const { findings } = explain(parseLayers('3x3 d2,3'));
    expect(findings.join('\n')).toContain(
      'The published HDC rule accepts rates 2, 3 (M₂ = 3, kernel 3, common factor 1), which is wrong here',
    );
  });

  test('on a map: sizes, the rate that is a 1×1, padding', () => {
    const report = explain([{ kernel: 3, dilation: 36, padding: 36, name: 'wide' }], { inputSize: 33 });
    expect(report).toMatchObject({
      inputSize: [33, 33],
      outputSize: [33, 33],
      layers: [{ taps: { effective: [1, 1] }, outputSize: [33, 33] }],
    });
    expect(report.findings).toContain(
      'wide (rate 36×36) reads mostly padding: 11.1 % of its taps touch the map; on this map it is a 1×1 convolution.',
    );
    expect(report.findings).toContain('Padding: 100 % of the outputs see padding; every output sees some.');
    expect(explain(parseLayers('3x3'), { inputSize: 9 }).findings).toContain(
      'Padding: 39.5 % of the outputs see padding; outputs 1…7 × 1…7 see none.',
    );
  });

  test('global layers: unbounded, and the rest without them', () => {
    const report = explain([conv(3), aspp([6, 12, 18])]);
    expect(report).toMatchObject({
      unbounded: true,
      field: { size: [Infinity, Infinity] },
      bounded: { size: [39, 39] },
      boundedHalo: { axes: [{ before: 19, after: 19 }, {}] },
    });
    expect(report.coverage!.touched).toBe(coverage([conv(3), aspp([6, 12, 18], false)]).touched);
    expect(report.findings.join('\n')).toContain(
      'The field is unbounded: a global layer sees the whole map; without it the field is 39×39.',
    );
    expect(report.findings.join('\n')).toContain('Exact tiling takes more than a halo: ');
  });

  test('a network that is nothing but global pooling', () => {
    const report = explain([{ type: 'globalPool' }]);
    expect(report).toMatchObject({ unbounded: true, bounded: undefined, coverage: undefined });
    expect(formatText(report)).toContain('Not computed: coverage');
  });

  test('upsampling, misaligned paths, disagreeing strides', () => {
    expect(explain(unet(2)).findings.join('\n')).toContain(
      'After upsampling, outputs see 4 different regions in turn',
    );
    expect(explain([{ parallel: [[{ kernel: 2 }], [{ kernel: 1 }]] }]).findings.join('\n')).toContain(
      'Paths are not aligned: their centres lie up to 0.5 inputs apart.',
    );
    expect(explain([{ parallel: [[{ kernel: 1, stride: 2 }], []] }]).findings.join('\n')).toContain(
      'Paths of different stride meet',
    );
  });

  test('what is too large to count is named, the rest is there', () => {
    const report = explain([{ kernel: 3, dilation: 2 ** 28 }], { ndim: 1 });
    expect(report.field.size).toEqual([2 ** 29 + 1]);
    expect(report.coverage).toBeUndefined();
    expect(report.missing.join()).toContain('exceed the limit');
    expect(formatText(report)).toContain('Not computed: coverage');
  });

  test('one axis alone, and one of several inputs and outputs', () => {
    const layers: Layer[] = [{ kernel: [3, 5], dilation: [1, 2], padding: [1, 4] }, { type: 'globalPool' }];
    expect(explain(layers, { axis: 1 })).toMatchObject({ ndim: 1, bounded: undefined });
    expect(explain(layers.slice(0, 1), { axis: 1, inputSize: [20, 30] })).toMatchObject({
      field: { size: [9] },
      inputSize: [30],
      outputSize: [30],
    });
    const window = (kernel: number) => ({
      type: 'window' as const,
      axes: [{ kernel, stride: 1, dilation: 1, padBefore: 0, padAfter: 0 }],
    });
    const graph = {
      nodes: [
        { inputs: [] },
        { inputs: [] },
        { inputs: [0], reach: window(3) },
        { inputs: [1], reach: window(7) },
      ],
      inputs: [0, 1],
      outputs: [2, 3],
    };
    expect(explain(graph, { input: 1, output: 1 })).toMatchObject({
      field: { size: [7] },
      coverage: { touched: 7 },
      halo: { axes: [{ after: 6 }] },
    });
  });

  test('Markdown has one row for each layer and measure; JSON can be read back', () => {
    const report = explain(parseLayers('3x3 d1,2,3 [ 3x3 | global ]'), { inputSize: 20 });
    const markdown = formatMarkdown(report);
    expect(markdown.split('\n').filter((line) => line.startsWith('| conv')).length).toBe(4);
    expect(markdown).toContain('| conv 2 | 3×3 | 1×1 | 2×2 | 2 | 7×7 | 1 | −3 | 20×20 |');
    const read = JSON.parse(formatJson(report)) as { field: { size: unknown }; bounded: { size: unknown } };
    expect(read.field.size).toEqual(['Infinity', 'Infinity']);
    expect(read.bounded.size).toEqual([15, 15]);
  });

  test('several side by side', () => {
    const table = textTable(
      comparisonTable({ a: explain(parseLayers('3x3 d2 x3')), b: explain(parseLayers('3x3 d1,2,3')) }),
    );
    expect(table).toContain('coverage              29 % (49 of 169)');
    expect(table).toMatch(/holes +120 +0\n/);
  });

  test('reports agree with the functions they are made of', () => {
    const words = fc.constantFrom(
      '3',
      '3d2',
      '5s2',
      '2d3',
      'max2',
      '[ 1 | 3d2 ]',
      'linear2',
      'transposed2s2',
    );
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 5 }), (list) => {
        const layers = parseLayers(list.join(' '));
        const report = explain(layers, { ndim: 1 });
        expect(report.field).toEqual(receptiveField(layers, { ndim: 1 }));
        expect(report.layers.at(-1)!.field.size).toEqual(report.field.size);
        expect(formatText(report)).not.toMatch(/NaN|undefined/);
      }),
      { numRuns: 300 },
    );
  });
});
