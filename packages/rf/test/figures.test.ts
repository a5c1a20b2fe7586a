import { describe, expect, test } from 'vitest';
import { comparisonFigure, coverageFigure, growthFigure, pathCountFigure } from '../src/figures.js';
import { parseLayers } from '../src/report.js';
import { figures } from './figures.js';
import { aspp, conv, meshnet, resnet152, unet } from './networks.js';

/** Balanced tags and quoted attributes, which is all of XML that these files use. */
function expectXml(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name, rest] of svg.matchAll(
    /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z-]+(?::[a-z]+)?="[^"<]*")*\s*\/?)>/g,
  )) {
    if (closing) expect(open.pop()).toBe(name);
    else if (!rest!.endsWith('/')) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]/);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
}

describe('figures', () => {
  // scripts/rf-figures.mjs writes them anew
  test.each(Object.entries(figures))('docs/figures/%s.svg is up to date', async (name, draw) => {
    const svg = draw();
    expectXml(svg);
    await expect(svg).toMatchFileSnapshot(`../../../docs/figures/${name}.svg`);
  });

  test('marks holes, shows numbers and follows the theme', () => {
    const svg = coverageFigure(parseLayers('3x3 d2,2,2'), { title: 'a < b & "c"' });
    expect(svg).toContain('49 of 169 inputs read (29 %)');
    expect(svg).toContain('4 independent lattices, neighbours correlate 0.00');
    expect(svg).toContain('hole: never read');
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(coverageFigure(parseLayers('3x3 d1,2,3'))).not.toContain('hole: never read');
  });

  test('one scale for all networks of a comparison', () => {
    const one = parseLayers('3x3');
    const alone = comparisonFigure({ a: one });
    const beside = comparisonFigure({ a: one, b: parseLayers('3x3 x4') });
    expect(alone).toMatch(/>1<\/text>/);
    expect(beside).toMatch(/>361<\/text>/);
  });

  test.each([
    ['1-D', () => coverageFigure(parseLayers('3 d1,2,9'), { ndim: 1 })],
    ['3-D: the middle slice', () => coverageFigure(meshnet)],
    ['global pooling, left out', () => coverageFigure([aspp([6, 12])])],
    ['global pooling on a map', () => coverageFigure([aspp([6, 12])], { inputSize: 33 })],
    ['a field larger than the picture', () => coverageFigure(parseLayers('3x3 d100,100,1'))],
    ['path counts of one network', () => pathCountFigure(parseLayers('3x3 d1,2,5'))],
    ['path counts of a single input', () => pathCountFigure(parseLayers('1x1'))],
    ['growth with upsampling', () => growthFigure(unet(3))],
    ['growth with global pooling', () => growthFigure([conv(3), aspp([6])])],
    ['growth of 152 layers', () => growthFigure(resnet152)],
    ['growth of one layer', () => growthFigure(parseLayers('3x3d2'), { axis: 1 })],
  ])('draws %s', (_, draw) => {
    const svg = draw();
    expectXml(svg);
    expect(svg.length).toBeLessThan(200_000);
  });
});
