/** The built page in Chromium, for its tests. */
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import {
  type Browser,
  type BrowserContextOptions,
  type LaunchOptions,
  type Locator,
  type Page,
  chromium as playwright,
} from 'playwright';
import { PNG } from 'pngjs';
import { type PreviewServer, preview } from 'vite';
import { expect } from 'vitest';
import { chromium, chromiumArgs } from '../../../../scripts/chromium.js';

export interface ServeOptions {
  /** Sent with every file besides those that isolate the page. */
  readonly headers?: Record<string, string>;
}

/** Headers that do not isolate it. */
export const notIsolated = {
  'Cross-Origin-Opener-Policy': 'unsafe-none',
  'Cross-Origin-Embedder-Policy': 'unsafe-none',
};

/** Serves the built page below a path, as many static hosts do. */
export async function servePage({
  headers,
}: ServeOptions = {}): Promise<PreviewServer & { address: string }> {
  const server = await preview({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    base: '/some/path/',
    logLevel: 'error',
    preview: { host: '127.0.0.1', port: 0, allowedHosts: true, ...(headers && { headers }) },
  });
  return Object.assign(server, { address: server.resolvedUrls!.local[0]! });
}

export const launch = (options: LaunchOptions = {}): Promise<Browser> =>
  playwright.launch({
    ...(chromium && { executablePath: chromium }),
    ...options,
    args: [...chromiumArgs, ...(options.args ?? [])],
  });

/** A page that notes what it complains about. Its requests can be answered by tests: no service worker. */
export async function newPage(
  browser: Browser,
  complaints: string[],
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ serviceWorkers: 'block', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => {
    // refused by this context itself
    if (message.text().includes('Service Worker registration blocked')) return;
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText;
    // the page itself cancels what a view was loading that is left
    if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()}: ${reason}`);
  });
  return page;
}

export const textOf = async (locator: Locator): Promise<string> =>
  (await locator.textContent())!.trim().replaceAll(/\s+/g, ' ');

/** What a canvas shows, RGBA. */
export async function pixelsOf(canvas: Locator): Promise<Buffer> {
  const url = await canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const copy = Object.assign(document.createElement('canvas'), { width, height });
    copy.getContext('2d')!.drawImage(element as HTMLCanvasElement, 0, 0);
    return copy.toDataURL();
  });
  return PNG.sync.read(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')).data;
}

/** Rules that axe finds broken, with the elements. */
export async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

export const expectNoViolations = async (page: Page): Promise<void> =>
  expect(await violations(page)).toEqual([]);
