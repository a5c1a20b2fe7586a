import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operators } from '../src/operators/index.js';

test('the README lists the operators that are read', () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, list] = text.match(
    /<!-- operators, checked by a test -->([A-Z0-9_,\s]+)<!-- end of operators -->/,
  )!;
  expect(list!.trim().split(/,\s+/)).toEqual(Object.keys(operators).sort());
});
