import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, cpu, tensor } from '@atrous/core';
import { load } from '@atrous/onnx';
import { afterAll, expect, test, vi } from 'vitest';
import { openPicture, tiffSink } from '../src/files/index.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
// inside the project, so that vitest resolves the packages from source
const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), '.docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the code of docs/tiling.md gives the classes of the whole', async () => {
  const [, code] = readFileSync(join(root, 'docs/tiling.md'), 'utf8').match(/^```ts\n([\s\S]+?)^```/m)!;
  const network = join(root, 'examples/onnx/network.onnx');
  const shape = [1, 3, 90, 130];
  const pixels = Uint8Array.from({ length: 3 * 90 * 130 }, (_, i) => (i * 7919) % 256);
  const scene = tiffSink(join(folder, 'scene.tif'));
  await scene.begin?.({ shape, dtype: 'uint8' }, 0);
  await scene.write({ start: [0, 0], size: [90, 130] }, pixels, { shape, dtype: 'uint8' });
  await scene.close();
  const places = { 'network.onnx': network, ...inFolder('scene.tif', 'classes.tif', 'classes.jsonl') };
  const runnable = Object.entries(places).reduce(
    (text, [name, path]) => text.replace(`'${name}'`, JSON.stringify(path)),
    // small enough that there are several tiles
    code!.replace('maxMemory: 300e6', 'tile: 32'),
  );
  writeFileSync(join(folder, 'docs.ts'), runnable);
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import(join(folder, 'docs.ts'));
  expect(log.mock.calls[0]![0].tiles).toBeGreaterThan(2);
  log.mockRestore();

  const result = await openPicture(join(folder, 'classes.tif'));
  const got = await result.read({ start: [0, 0], size: [90, 130] }, {});
  await result.close();
  const backend = await cpu({ threads: 1 });
  const image = tensor(Float32Array.from(pixels), shape);
  const model = await load(network);
  const { logits } = await (await compile(model, { image }, { backend })).run({ image });
  const values = logits!.dataSync();
  const count = got.length;
  const classes = logits!.shape[1]!;
  for (let i = 0; i < count; i++) {
    const each = Array.from({ length: classes }, (_, c) => values[c * count + i]!);
    expect(each[got[i]!]).toBeCloseTo(Math.max(...each), 3);
  }
  await backend.dispose();
});

const inFolder = (...names: string[]) => Object.fromEntries(names.map((name) => [name, join(folder, name)]));
