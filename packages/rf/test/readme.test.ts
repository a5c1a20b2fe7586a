import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../src/command/run.js';
import { tables, withTables } from './tables.js';

const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');

// scripts/rf-figures.mjs writes them anew
test('every table of the README is computed', async () => {
  for (const name of Object.keys(tables)) expect(readme).toContain(`<!-- table: ${name} -->`);
  await expect(withTables(readme)).toMatchFileSnapshot('../README.md');
});

test('published and computed values agree in every row', () => {
  const rows = tables.published!().split('\n').slice(2);
  expect(rows.length).toBe(13);
  for (const row of rows) {
    const [, , said, computed] = row.split('|').map((cell) => cell.trim());
    expect(computed!.startsWith(said!), row).toBe(true);
  }
});

test('the commands of the README work, and print what it shows', () => {
  const blocks = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block]) => block!);
  expect(blocks.length).toBeGreaterThan(2);
  for (const block of blocks) {
    const [command, ...shown] = block.trimEnd().split('\n');
    const words = [...command!.replace(/^\$ rf /, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare!,
    );
    const { code, output } = run(words, '');
    expect(code, command).toBe(0);
    for (const line of shown) if (line !== '…') expect(output.split('\n'), command).toContain(line);
  }
});
