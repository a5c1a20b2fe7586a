import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, cpu, tensor } from '@atrous/core';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../src/command/main.js';
import { writeNpy } from '../src/command/npy.js';
import { load } from '../src/index.js';

const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
const networks = fileURLToPath(new URL('../../../../shared/models/networks/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'onnx-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!existsSync(networks))('README (skipped without ../shared/models/networks)', () => {
  test('the commands print what it shows, in that order', async () => {
    const volume = Float32Array.from({ length: 64 ** 3 }, (_, i) => (i % 97) / 97);
    writeFileSync(join(folder, 'volume.npy'), writeNpy({ shape: [1, 1, 64, 64, 64], data: volume }));
    const blocks = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block]) => block!);
    expect(blocks).toHaveLength(3);
    for (const block of blocks) {
      const [command, ...shown] = block.trimEnd().split('\n');
      const words = command!
        .replace(/^\$ atrous-onnx /, '')
        .split(' ')
        .map((word) =>
          word.endsWith('.onnx') ? join(networks, word) : word.endsWith('.npy') ? join(folder, word) : word,
        );
      const { code, output, error } = await main(words, '');
      expect({ code, error }).toEqual({ code: 0, error: '' });
      const lines = output.replaceAll(`${folder}/`, '').split('\n');
      let at = 0;
      for (const [i, line] of shown.entries()) {
        if (line === '…') continue;
        // only behind an ellipsis may lines be left out
        const found = lines.indexOf(line, at);
        expect(found, `${command}: ${line}`).toBeGreaterThanOrEqual(0);
        if (i > 0 && shown[i - 1] !== '…') expect(found, `${command}: ${line}`).toBe(at);
        at = found + 1;
      }
    }
  });

  test('the ten lines of its beginning run', async () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(readme)!;
    const body = code!
      .replace(/^import .*$/gm, '')
      .replace("'deeplab.onnx'", JSON.stringify(join(networks, 'deeplabv3-mnv2-257.onnx')));
    const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
    const run = AsyncFunction('load', 'compile', 'cpu', 'tensor', 'pixels', `${body}\nreturn logits;`);
    const logits = await run(load, compile, cpu, tensor, new Float32Array(3 * 257 * 257));
    expect(logits.shape).toEqual([1, 21, 257, 257]);
  });
});
