import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Backend, compile, cpu, reference, tensor } from '@atrous/core';
import { gpu } from '@atrous/gpu';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { main } from '../src/command/main.js';
import { load } from '../src/index.js';

const size = 320;
const file = createRequire(import.meta.url).resolve('jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx');
const photograph = new URL('../../../apps/segmentation/assets/sample.png', import.meta.url);

/** `[1, 320, 320, 4]`: RGB from 0 to 255 from the middle of the picture, and the channel of ones that M-LSD adds. */
function picture() {
  const { width, height, data } = PNG.sync.read(readFileSync(photograph));
  const [left, top] = [(width - size) >> 1, (height - size) >> 1];
  const values = new Float32Array(size * size * 4);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 4; c++)
        values[(y * size + x) * 4 + c] = c === 3 ? 1 : data[((top + y) * width + left + x) * 4 + c]!;
  return tensor(values, [1, size, size, 4]);
}

async function detect(backend: Backend) {
  const model = await load(file);
  const { name } = model.inputs[0]!;
  const image = picture();
  const program = await compile(model, { [name]: image }, { backend });
  const { offsets, scores } = await program.run({ [name]: image });
  await backend.dispose();
  return { offsets: offsets!.dataSync(), scores: scores!.dataSync() };
}

/** Where the network sees the middles of lines, the surest first. */
const strongest = (scores: ArrayLike<number>, count: number) =>
  Array.from(scores, (score, at) => ({ score, at }))
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ at }) => at);

describe('M-LSD, line segments in a photograph', () => {
  const expected = detect(reference());

  test('channels last at both ends, its field is that of what lies between', async () => {
    const { output } = await main(['inspect', file], '0.0.0');
    expect(output).toContain('Everything in this file is supported.');
    expect(output).toContain('dilations   1 (40), 5 (1) (convolutions)');
    expect(output).toMatch(/field +299×299\n/);
    expect(output).toMatch(/holes +0\n/);
    expect(output).toContain('Input and output have channels last');
  });

  test.each<[string, () => Promise<Backend>]>([
    ['cpu', () => cpu({ threads: 1 })],
    ['cpu with two threads', () => cpu({ threads: 2 })],
    ['gpu in WebAssembly', () => gpu({ mode: 'webasm' })],
  ])('%s finds what reference finds', { timeout: 120_000 }, async (_, start) => {
    const want = await expected;
    const got = await detect(await start());
    for (const name of ['offsets', 'scores'] as const) {
      const largest = Math.max(...Array.from(want[name], Math.abs));
      let difference = 0;
      for (const [i, value] of want[name].entries())
        difference = Math.max(difference, Math.abs(value - got[name][i]!));
      expect(largest).toBeGreaterThan(name === 'scores' ? 0.2 : 1);
      expect(difference / largest).toBeLessThan(1e-4);
    }
    expect(strongest(got.scores, 10)).toEqual(strongest(want.scores, 10));
  });
});
