import { describe, expect, test } from 'vitest';
import { replaceMeasured } from '../src/report/document.js';
import { sessionMarkdown, short } from '../src/report/markdown.js';
import { measurement, session } from './records.js';

describe('the table', () => {
  const markdown = sessionMarkdown({
    session: session(),
    measurements: [
      measurement('C', 'atrous', 'atrous', 10, { algorithm: 'direct' }),
      measurement('C', 'tfjs-wasm', 'wasm', 45.678),
    ],
    skips: [
      {
        kind: 'skip',
        workload: 'C',
        contestant: 'onnxruntime-web',
        role: 'wasm',
        threads: 1,
        reason: 'not installed',
        failed: false,
      },
    ],
  });
  const lines = markdown.split('\n');

  test('has a column for every contestant and a row for every workload', () => {
    expect(lines.find((line) => line.startsWith('| workload'))).toBe(
      '| workload | atrous | whole call | GFLOP/s | of roofline | tfjs-wasm | onnxruntime-web | against the best | against native | algorithm |',
    );
    expect(lines.find((line) => line.startsWith('| C'))).toBe(
      '| C | 10 | 10 | 1 | 50 % | 45.7 | – [1] | 4.57× |  | direct |',
    );
  });

  test('says why a contestant did not run', () => {
    expect(markdown).toContain('[1] onnxruntime-web: not installed');
  });

  test('all rows are as wide as the head', () => {
    const widths = lines.filter((line) => line.startsWith('|')).map((line) => line.split(' | ').length);
    const first = widths.slice(0, 3);
    expect(new Set(first).size).toBe(1);
  });
});

test('numbers have three significant digits and no exponent', () => {
  expect([1234.5, 99.96, 0.00012345, 7].map(short)).toEqual(['1235', '100', '0.000123', '7']);
});

describe('the document', () => {
  const document = [
    'before',
    '<!-- measured: `npm run bench -- --write` replaces what follows -->',
    'old',
    '<!-- end of measured -->',
    'after',
  ].join('\n');

  test('keeps what is written by hand', () => {
    const written = replaceMeasured(document, 'new');
    expect(written.startsWith('before\n')).toBe(true);
    expect(written.endsWith('\nafter')).toBe(true);
    expect(written).not.toContain('old');
    expect(replaceMeasured(written, 'new')).toBe(written);
  });

  test('without markers nothing is overwritten', () => {
    expect(() => replaceMeasured('text', 'new')).toThrow(/needs the lines/);
  });
});
