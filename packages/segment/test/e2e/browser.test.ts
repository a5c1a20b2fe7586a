import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type Page, chromium as playwright } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chromium, chromiumArgs } from '../../../../scripts/chromium.js';
import { fixture } from '../fixtures.js';
import { type StaticServer, serveFolder } from './server.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const example = '/examples/segment/page.html';
const crop = fixture('east-africa_256_rgb.png');
const found = 'land 29.1 %, water 70.9 %';

describe.skipIf(!chromium)('in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  const servers: StaticServer[] = [];

  beforeAll(async () => {
    browser = await playwright.launch({ ...(chromium && { executablePath: chromium }), args: chromiumArgs });
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await page?.close();
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(...options: Parameters<typeof serveFolder>): Promise<StaticServer> {
    const server = await serveFolder(...options);
    servers.push(server);
    return server;
  }

  async function open(address: string): Promise<void> {
    complaints = [];
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => {
      if (message.type() === 'error' && !/favicon/.test(message.location().url))
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(address);
  }

  async function choosesPicture(): Promise<void> {
    const output = page.locator('output');
    await output.getByText('Choose a picture').waitFor();
    await page.locator('input').setInputFiles(crop);
    await output.getByText('%, water').waitFor();
    expect(await output.textContent()).toBe(found);
    const drawn = await page.evaluate(() => {
      const canvas = document.querySelector('canvas')!;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return { colours: new Set(new Uint32Array(data.buffer)).size, pixels: data.length / 4 };
    });
    expect(drawn).toEqual({ colours: 2, pixels: 65_536 });
    expect(complaints).toEqual([]);
  }

  test('the plain page works from a static host, without a bundler', async () => {
    const { address, requested } = await serve(root);
    await open(address + example);
    await choosesPicture();
    expect(requested).toContain('/packages/segment/dist/browser/worker.js');
    expect(requested).toContain('/packages/segment/assets/water-net.safetensors');
  });

  test('it works on several threads where the page is isolated', async () => {
    const { address } = await serve(root, {
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    await open(address + example);
    await choosesPicture();
  });

  test('it works under a strict content security policy', async () => {
    const policy = [
      "default-src 'none'",
      // the example's own script stands in the page
      "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
      "worker-src 'self'",
      "connect-src 'self'",
    ];
    const { address } = await serve(root, { 'content-security-policy': policy.join('; ') });
    await open(address + example);
    await choosesPicture();
  });

  test('it works with the package on another origin', async () => {
    const host = await serve(join(root, 'packages/segment'), { 'access-control-allow-origin': '*' });
    const { address } = await serve(root, {}, (path) =>
      path === example
        ? readFileSync(join(root, example), 'utf8').replace('../../packages/segment', host.address)
        : undefined,
    );
    await open(address + example);
    await choosesPicture();
    expect(host.requested).toContain('/dist/browser/worker.js');
  });

  test('it says why where a policy forbids WebAssembly or workers', async () => {
    for (const [policy, reason] of [
      ["script-src 'self' 'unsafe-inline'; worker-src 'self'", /WebAssembly|wasm-unsafe-eval/],
      ["script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'none'", /worker.*worker-src/],
    ] as const) {
      const { address } = await serve(root, { 'content-security-policy': policy });
      await open(address + example);
      const output = page.locator('output');
      await output.getByText(reason).waitFor();
      await page.close();
    }
  });

  test('an application bundled by Vite works', async () => {
    const outDir = await mkdtemp(join(tmpdir(), 'atrous-vite-'));
    try {
      const app = join(root, 'examples/segment/vite');
      await build({
        root: app,
        configFile: join(app, 'vite.config.js'),
        base: './',
        logLevel: 'error',
        build: { outDir, emptyOutDir: true },
      });
      const { address } = await serve(outDir);
      await open(`${address}/index.html`);
      await page.locator('output').getByText('%, water').waitFor();
      expect(await page.locator('output').textContent()).toBe(found);
      expect(complaints).toEqual([]);
    } finally {
      await rm(outDir, { recursive: true });
    }
  });
});
