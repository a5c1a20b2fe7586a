import { aspp, sequential } from '@atrous/blocks';
import { expect, it } from 'vitest';
import { catalogue } from '../catalogue/index.js';
import { figure } from '../catalogue/page/figure.js';
import { page } from '../catalogue/page/page.js';

// npm run docs:blocks writes it anew
it('docs/blocks.md is what the code says', async () => {
  await expect(page(catalogue)).toMatchFileSnapshot('../../../docs/blocks.md');
});

it('a chart has every child once, and how they are connected', () => {
  expect(figure(aspp({ inChannels: 4, depth: 2, rates: [6] }), [[1, 4, 9, 9]])).toBe(
    [
      'flowchart TD',
      '  n0(["input<br/>4 × 9 × 9"])',
      '  n1["mean<br/>mean over all positions<br/>4 × 1 × 1"]',
      '  n2["conv<br/>1×1<br/>2 × 1 × 1"]',
      '  n3(["resize to 9 × 9"])',
      '  n4["atrous_block1<br/>1×1<br/>2 × 9 × 9"]',
      '  n5["atrous_block6<br/>3×3 rate 6<br/>2 × 9 × 9"]',
      '  n6(["concat"])',
      '  n7["conv_1x1_output<br/>1×1<br/>2 × 9 × 9"]',
      '  n0 --> n1',
      '  n1 --> n2',
      '  n2 --> n3',
      '  n0 --> n4',
      '  n0 --> n5',
      '  n3 --> n6',
      '  n4 --> n6',
      '  n5 --> n6',
      '  n6 --> n7',
      '  n7 --> o0(["output"])',
    ].join('\n'),
  );
  expect(figure(sequential([]), [[1, 2, 3]])).toBe(
    'flowchart TD\n  n0(["input<br/>2 × 3"])\n  n0 --> o0(["output"])',
  );
});
