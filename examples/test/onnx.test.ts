import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, reference, tensor } from '@atrous/core';
import { load } from '@atrous/onnx';
import { afterAll, describe, expect, test } from 'vitest';
// @ts-expect-error: examples are plain JavaScript
import { segment } from '../onnx/node.mjs';
import { expected, sampled } from './onnx.js';

const folder = fileURLToPath(new URL('../onnx/', import.meta.url));
const picture = Float32Array.from({ length: 3 * 48 * 80 }, (_, i) => ((i * 7919) % 256) / 255);
const close = (logits: ArrayLike<number>) => {
  for (const [i, value] of sampled(logits).entries()) expect(value).toBeCloseTo(expected.logits[i]!, 4);
};

describe('a network from PyTorch', () => {
  test('computes in Node what PyTorch computed', async () => {
    const logits = await segment(picture, expected.shape);
    expect(logits.shape).toEqual(expected.shape);
    close(logits.dataSync());
  });

  test.each(['export.py', 'node.mjs', 'page.js'])('%s has ten to thirty lines', (name) => {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').length;
    expect(lines).toBeGreaterThanOrEqual(10);
    expect(lines).toBeLessThanOrEqual(30);
  });
});

const python = '/usr/bin/python3';
const torch = existsSync(python) && spawnSync(python, ['-c', 'import torch']).status === 0;
const made = mkdtempSync(join(tmpdir(), 'atrous-export-'));
afterAll(() => rmSync(made, { recursive: true }));

describe.skipIf(!torch)('export.py (skipped without PyTorch)', () => {
  test('writes a network that computes the same', { timeout: 120_000 }, async () => {
    const file = join(made, 'network.onnx');
    const { status, stderr } = spawnSync(python, [join(folder, 'export.py'), file], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const image = tensor(picture, expected.shape);
    const program = await compile(await load(file), { image }, { backend: reference() });
    const { logits } = await program.run({ image });
    close(logits!.dataSync());
  });
});
