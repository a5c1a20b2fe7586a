import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture, networks, withoutNetworks } from '../fixtures.js';

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const built = new URL('../../dist/index.js', import.meta.url).href;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-segment-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a module that has `load` and `picture`, and gives what it prints, as JSON. */
async function script(body: string, env: Record<string, string> = {}): Promise<unknown> {
  const path = join(folder, `${crypto.randomUUID()}.mjs`);
  const picture = fixture('east-africa_256_rgb.png');
  await writeFile(
    path,
    `import { load } from ${JSON.stringify(built)};\nconst picture = ${JSON.stringify(picture)};\n${body}`,
  );
  const { stdout } = await run(process.execPath, [path], {
    env: { ...process.env, ...env },
    timeout: 100_000,
  });
  return JSON.parse(stdout);
}

test('the example prints what it found, and its process ends by itself', async () => {
  const { stdout } = await run(process.execPath, [here('../../../../examples/segment/node.mjs')]);
  expect(stdout).toMatch(/256×256 pixels on cpu\nland: 29\.1 %\nwater: 70\.9 %\ndecode: \d+ ms/);
  expect(stdout).toMatch(/luminance only/);
});

test('pictures are segmented in a worker of Node while the caller goes on', async () => {
  const result = await script(`
    const segmenter = await load('water', { backend: { name: 'cpu', threads: 1 } });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const all = await Promise.all([picture, new URL('file://' + picture)].map((p) => segmenter.segment(p)));
    clearInterval(timer);
    console.log(JSON.stringify({ ticks, water: all.map(({ shares }) => shares[1].toFixed(3)) }));
  `);
  expect(result).toEqual({ ticks: expect.any(Number), water: ['0.709', '0.709'] });
  expect((result as { ticks: number }).ticks).toBeGreaterThan(3);
});

test('a run is cancelled, a worker that ends rejects what runs, errors keep their class', async () => {
  const result = await script(
    `
    import { Worker } from 'node:worker_threads';
    import { OptionError } from '@atrous/core';
    let worker;
    const start = () => (worker = new Worker(new URL('./worker.js', ${JSON.stringify(built)})));
    const segmenter = await load('water', { backend: { name: 'reference' }, worker: start });
    const cancel = new AbortController();
    const onProgress = ({ stage }) => stage === 'run' && cancel.abort(new Error('enough'));
    const cancelled = await segmenter.segment(picture, { signal: cancel.signal, onProgress }).catch((e) => e.message);
    const small = { width: 2, height: 2, data: new Uint8Array(16) };
    const typed = await segmenter.segment(small).catch((e) => e instanceof OptionError && e.details.minimum);
    const running = segmenter.segment(picture).catch(({ name, message }) => [name, message]);
    setTimeout(() => worker.terminate(), 200);
    console.log(JSON.stringify({ cancelled, typed, died: await running }));
  `.replace("'@atrous/core'", JSON.stringify(new URL('../../../core/dist/index.js', import.meta.url).href)),
  );
  expect(result).toEqual({
    cancelled: 'enough',
    typed: 8,
    died: ['ExecutionError', 'the worker died: it ended with code 1; load the network again'],
  });
});

test('hundreds of frames take no more memory than a few', async () => {
  const growths = await script(`
    const segmenter = await load('water', { backend: { name: 'cpu', threads: 1 } });
    const data = new Uint8Array(4 * 160 * 120).map((_, i) => i % 251);
    const frames = async (count) => {
      for (let i = 0; i < count; i++) await segmenter.segment({ width: 160, height: 120, data });
      return process.memoryUsage().rss;
    };
    let before = await frames(60);
    const growths = [];
    for (let batch = 0; batch < 3; batch++) {
      const after = await frames(300);
      growths.push(after - before);
      before = after;
    }
    console.log(JSON.stringify(growths));
  `);
  // 300 results are 55 MB, and would be so in every batch; garbage that is collected late is not.
  expect(Math.min(...(growths as number[]))).toBeLessThan(40e6);
});

describe.skipIf(withoutNetworks)('DeepLab (needs ../shared/models/networks)', () => {
  test('is downloaded once, checked and kept; then it works without a connection', async () => {
    const file = await readFile(join(networks, 'deeplabv3_257_mv_gpu.tflite'));
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/deeplab.tflite`;
    const cache = join(folder, 'cache');
    const body = `
      const fractions = [];
      const onProgress = ({ stage, fraction }) => stage === 'download' && fraction && fractions.push(fraction);
      const segmenter = await load('deeplabv3-mobilenetv2', { urls: [${JSON.stringify(url)}], onProgress });
      const { shares, classes } = await segmenter.segment(${JSON.stringify(join(networks, 'golden/astronaut-257.png'))});
      const top = shares.map((share, i) => [Math.round(share * 257 * 257), classes[i].name]).sort((a, b) => b[0] - a[0]);
      console.log(JSON.stringify({ last: fractions.at(-1), top: top.slice(0, 2) }));
    `;
    const first = (await script(body, { ATROUS_CACHE: cache })) as { last: number; top: [number, string][] };
    server.close();
    expect(first.last).toBe(1);
    const person = first.top.find(([, name]) => name === 'person')!;
    expect(Math.abs(person[0] - 30_681)).toBeLessThanOrEqual(3);
    expect(await script(body, { ATROUS_CACHE: cache })).toEqual(first);
    expect(requests).toBe(1);
  });
});
