/** An application that Vite bundled and minified, in a page and in a worker, under a strict content security policy. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium as playwright } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromium, chromiumArgs } from '../../../scripts/chromium.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const use = `
import { conv2d, input, ones, trace } from '@atrous/core';
import { gpu } from '@atrous/gpu';
const run = async (mode) => {
  const backend = await gpu({ mode });
  const fn = (x) => conv2d(x, ones([1, 1, 3, 3]), { dilation: 2, padding: 'same' });
  const program = await backend.compile(trace(fn, input([1, 1, 3, 3])).graph);
  const [result] = await program.run([new Float32Array(9).fill(1)]);
  await backend.dispose();
  return [backend.info.mode, ...result];
};
const answer = (mode) => run(mode).catch((error) => String(error));
if (globalThis.document) globalThis.inPage = answer;
else globalThis.onmessage = async ({ data }) => postMessage(await answer(data));
globalThis.inWorker = (mode) => new Promise((resolve, reject) => {
  const worker = new Worker('/use.js', { type: 'module' });
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
  worker.onerror = reject;
  worker.postMessage(mode);
});
`;

const right = [4, 2, 4, 2, 1, 2, 4, 2, 4];

describe.skipIf(!chromium)('under a content security policy (skipped without Chromium)', () => {
  let folder: string;
  let browser: Browser;
  let server: Server;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atrous-gpu-policy-'));
    await writeFile(join(folder, 'entry.js'), use);
    await build({
      configFile: false,
      logLevel: 'error',
      root: folder,
      resolve: {
        alias: {
          '@atrous/core/backend': here('../../core/src/backend/index.ts'),
          '@atrous/core': here('../../core/src/index.ts'),
          '@atrous/gpu': here('../src/index.ts'),
        },
      },
      build: {
        minify: true,
        lib: { entry: join(folder, 'entry.js'), formats: ['es'], fileName: () => 'use.js' },
      },
    });
    const scripts = new Map<string, Buffer>();
    for (const name of await readdir(join(folder, 'dist')))
      scripts.set(`/${name}`, await readFile(join(folder, 'dist', name)));
    server = createServer(({ url = '' }, response) => {
      const script = scripts.get(url);
      const wasm = url === '/wasm' || script ? " 'wasm-unsafe-eval'" : '';
      response.setHeader('Content-Security-Policy', `default-src 'none'; script-src 'self'${wasm}`);
      response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
      response.end(script ?? '<script type="module" src="/use.js"></script>');
    }).listen(0, '127.0.0.1');
    browser = await playwright.launch({ executablePath: chromium!, args: chromiumArgs });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (path: string, place: 'inPage' | 'inWorker', mode: string) => {
    const page = await browser.newPage();
    try {
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
      await page.waitForFunction('globalThis.inWorker');
      return await page.evaluate(`${place}('${mode}')`);
    } finally {
      await page.close();
    }
  };

  test.each(['webgpu', 'webgl2'])("%s needs script-src 'self' only", async (mode) => {
    expect(await ask('/', 'inPage', mode)).toEqual([mode, ...right]);
  });

  test("webasm is refused without 'wasm-unsafe-eval', and runs with it", async () => {
    expect(await ask('/', 'inPage', 'webasm')).toMatch(/'webasm' is not available: .*wasm-unsafe-eval/);
    expect(await ask('/wasm', 'inPage', 'webasm')).toEqual(['webasm', ...right]);
  });

  test.each(['webgpu', 'webgl2', 'webasm'])('%s runs in a worker', async (mode) => {
    expect(await ask('/wasm', 'inWorker', mode)).toEqual([mode, ...right]);
  });
});
