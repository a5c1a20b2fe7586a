import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { contentSecurityPolicy } from '../../vite-plugins.js';
import { expectNoViolations, launch, newPage, notIsolated, servePage, textOf } from './page-fixture.js';

const views = [
  ['segment', 'Segment'],
  ['field', 'Receptive field'],
  ['gridding', 'Gridding'],
  ['compare', 'Compare backends'],
] as const;

describe.skipIf(!chromium)('the frame of the built page in Chromium', () => {
  let server: Awaited<ReturnType<typeof servePage>>;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    server = await servePage();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    complaints = [];
    page = await newPage(browser, complaints);
  });
  afterEach(async () => {
    await page.context().close();
    expect(complaints).toEqual([]);
  });

  const done = () =>
    page
      .locator('.progress .state')
      .filter({ hasText: /^Done in [\d.]+ s on / })
      .waitFor();
  const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true });

  test('every view has an address of its own, a title and a place in the navigation', async () => {
    await page.goto(server.address);
    await heading('Segment').waitFor();
    const navigation = page.getByRole('navigation', { name: 'Views' });
    for (const [name, title] of views.slice(1)) {
      await navigation.getByRole('link', { name: title }).click();
      await heading(title).waitFor();
      expect(page.url()).toMatch(new RegExp(`#${name}(\\?|$)`));
      expect(await page.title()).toBe(`${title} · atrous`);
      expect(await textOf(navigation.locator('[aria-current=page]'))).toBe(title);
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    }
    await page.goBack();
    await heading('Gridding').waitFor();
    await page.goto(`${server.address}#nothing-of-this-name`);
    await heading('Segment').waitFor();
    await done();
  });

  test('the theme is the system’s until another is chosen, which is kept', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(server.address);
    const button = page.getByRole('button', { name: 'Dark theme' });
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await background();
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('.theme[aria-pressed=true]').waitFor();
    const dark = await background();
    expect(dark).not.toBe(light);
    await button.click();
    expect(await background()).toBe(light);
    await page.reload();
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    expect(await background()).toBe(light);
    await button.click();
    expect(await background()).toBe(dark);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('.theme[aria-pressed=false]').waitFor();
    await done();
  });

  test('the first key leads past the navigation', async () => {
    await page.goto(server.address);
    await done();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    expect(page.url()).not.toContain('#content');
  });

  test.each(
    views.flatMap(([name, title]) =>
      (['light', 'dark'] as const).map((theme) => [name, theme, title] as const),
    ),
  )('%s, %s: axe finds nothing, and it fits a narrow screen', async (name, colorScheme, title) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${server.address}#${name}`);
    await heading(title).waitFor();
    await page.locator('#view canvas, #view button').first().waitFor();
    if (name === 'segment') await done();
    await expectNoViolations(page);
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 700 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
  });

  test('the first view comes in at most 200 kB of code, workers and backends included', async () => {
    const sizes = new Map<string, Promise<number>>();
    page.on('response', (response) => {
      const { href, pathname } = new URL(response.url());
      if (/\.(js|css|html)$|\/$/.test(pathname) && !sizes.has(href))
        sizes.set(
          href,
          response.body().then((body) => gzipSync(body).length),
        );
    });
    await page.goto(server.address);
    await done();
    // every backend has been asked whether it works here
    await page.locator('input[value=webasm]:enabled').waitFor();
    const bytes = await Promise.all(sizes.values());
    const total = bytes.reduce((sum, size) => sum + size, 0);
    for (const name of ['index', 'segment', 'picture-worker', 'worker'])
      expect([...sizes.keys()].filter((url) => url.includes(`/assets/${name}-`))).not.toEqual([]);
    expect(total).toBeGreaterThan(50_000);
    expect(total).toBeLessThanOrEqual(200_000);
    console.log(`first view: ${(total / 1000).toFixed(1)} kB in ${sizes.size} files`);
  });

  test('a page that is not isolated computes in one thread', async () => {
    const plain = await servePage({ headers: notIsolated });
    try {
      await page.goto(plain.address);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      await done();
      expect(await textOf(page.locator('.ran'))).toMatch(/^cpu \(threads 1, .*isolat/);
    } finally {
      await plain.close();
    }
  });

  test('an isolated page computes in as many threads as there are cores', async () => {
    await page.goto(server.address);
    await done();
    const cores = await page.evaluate(() => Math.min(8, navigator.hardwareConcurrency));
    expect(await textOf(page.locator('.ran'))).toMatch(new RegExp(`^cpu \\(threads ${cores}\\b`));
  });

  test('a policy that is sent with every file, workers too, leaves every backend', async () => {
    const strict = await servePage({
      headers: { 'Content-Security-Policy': `${contentSecurityPolicy}; frame-ancestors 'none'` },
    });
    try {
      await page.goto(`${strict.address}#segment?backend=webasm`);
      await page
        .locator('.progress .state')
        .filter({ hasText: /^Done in [\d.]+ s on gpu \(webasm\)$/ })
        .waitFor();
      const worker = page.workers().find((worker) => /\/worker-[^/]*\.js$/.test(worker.url()))!;
      const before = complaints.length;
      // later, because what a debugger evaluates itself is exempt from the policy
      const evaluates = await worker.evaluate(
        () =>
          new Promise<string>((resolve) =>
            setTimeout(() => {
              try {
                resolve(String(Reflect.construct(Function, ['return true'])()));
              } catch (error) {
                resolve((error as Error).name);
              }
            }),
          ),
      );
      expect(evaluates).toBe('EvalError');
      // the browser tells of the attempt
      complaints.length = before;
      for (const mode of ['webgpu', 'webgl2', 'webasm'])
        await page.locator(`input[value=${mode}]:enabled`).waitFor();
    } finally {
      await strict.close();
    }
  });
});
