import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { contentSecurityPolicy } from '../../vite-plugins.js';
import { useBuiltPage } from './built-page.js';
import { expectNoViolations, notIsolated, servePage, textOf } from './page-fixture.js';

const views = [
  ['segment', 'Segment'],
  ['field', 'Receptive field'],
  ['gridding', 'Gridding'],
  ['compare', 'Compare backends'],
] as const;

describe.skipIf(!chromium)('the frame of the built page in Chromium', () => {
  const built = useBuiltPage();

  const done = () =>
    built.page
      .locator('.progress .state')
      .filter({ hasText: /^Done in [\d.]+ s on / })
      .waitFor();
  const heading = (name: string) => built.page.getByRole('heading', { level: 1, name, exact: true });

  test('every view has an address of its own, a title and a place in the navigation', async () => {
    await built.page.goto(built.server.address);
    await heading('Segment').waitFor();
    const navigation = built.page.getByRole('navigation', { name: 'Views' });
    for (const [name, title] of views.slice(1)) {
      await navigation.getByRole('link', { name: title }).click();
      await heading(title).waitFor();
      expect(built.page.url()).toMatch(new RegExp(`#${name}(\\?|$)`));
      expect(await built.page.title()).toBe(`${title} · atrous`);
      expect(await textOf(navigation.locator('[aria-current=page]'))).toBe(title);
      expect(await built.page.evaluate(() => document.activeElement?.id)).toBe('content');
    }
    await built.page.goBack();
    await heading('Gridding').waitFor();
    await built.page.goto(`${built.server.address}#nothing-of-this-name`);
    await heading('Segment').waitFor();
    await done();
  });

  test('the theme is the system’s until another is chosen, which is kept', async () => {
    await built.page.emulateMedia({ colorScheme: 'light' });
    await built.page.goto(built.server.address);
    const button = built.page.getByRole('button', { name: 'Dark theme' });
    const background = () =>
      built.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await background();
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    await built.page.emulateMedia({ colorScheme: 'dark' });
    await built.page.locator('.theme[aria-pressed=true]').waitFor();
    const dark = await background();
    expect(dark).not.toBe(light);
    await button.click();
    expect(await background()).toBe(light);
    await built.page.reload();
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    expect(await background()).toBe(light);
    await button.click();
    expect(await background()).toBe(dark);
    await built.page.emulateMedia({ colorScheme: 'light' });
    await built.page.locator('.theme[aria-pressed=false]').waitFor();
    await done();
  });

  test('the first key leads past the navigation', async () => {
    await built.page.goto(built.server.address);
    await done();
    await built.page.keyboard.press('Tab');
    expect(await built.page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await built.page.keyboard.press('Enter');
    expect(await built.page.evaluate(() => document.activeElement?.id)).toBe('content');
    expect(built.page.url()).not.toContain('#content');
  });

  test.each(
    views.flatMap(([name, title]) =>
      (['light', 'dark'] as const).map((theme) => [name, theme, title] as const),
    ),
  )('%s, %s: axe finds nothing, and it fits a narrow screen', async (name, colorScheme, title) => {
    await built.page.emulateMedia({ colorScheme });
    await built.page.goto(`${built.server.address}#${name}`);
    await heading(title).waitFor();
    await built.page.locator('#view canvas, #view button').first().waitFor();
    if (name === 'segment') await done();
    await expectNoViolations(built.page);
    for (const width of [360, 320]) {
      await built.page.setViewportSize({ width, height: 700 });
      expect(await built.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
  });

  test('the first view comes in at most 200 kB of code, workers and backends included', async () => {
    const sizes = new Map<string, Promise<number>>();
    built.page.on('response', (response) => {
      const { href, pathname } = new URL(response.url());
      if (/\.(js|css|html)$|\/$/.test(pathname) && !sizes.has(href))
        sizes.set(
          href,
          response.body().then((body) => gzipSync(body).length),
        );
    });
    await built.page.goto(built.server.address);
    await done();
    // every backend has been asked whether it works here
    await built.page.locator('input[value=webasm]:enabled').waitFor();
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
      await built.page.goto(plain.address);
      expect(await built.page.evaluate(() => crossOriginIsolated)).toBe(false);
      await done();
      expect(await textOf(built.page.locator('.ran'))).toMatch(/^cpu \(threads 1, .*isolat/);
    } finally {
      await plain.close();
    }
  });

  test('an isolated page computes in as many threads as there are cores', async () => {
    await built.page.goto(built.server.address);
    await done();
    const cores = await built.page.evaluate(() => Math.min(8, navigator.hardwareConcurrency));
    expect(await textOf(built.page.locator('.ran'))).toMatch(new RegExp(`^cpu \\(threads ${cores}\\b`));
  });

  test('a policy that is sent with every file, workers too, leaves every backend', async () => {
    const strict = await servePage({
      headers: { 'Content-Security-Policy': `${contentSecurityPolicy}; frame-ancestors 'none'` },
    });
    try {
      await built.page.goto(`${strict.address}#segment?backend=webasm`);
      await built.page
        .locator('.progress .state')
        .filter({ hasText: /^Done in [\d.]+ s on gpu \(webasm\)$/ })
        .waitFor();
      const worker = built.page.workers().find((worker) => /\/worker-[^/]*\.js$/.test(worker.url()))!;
      const before = built.complaints.length;
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
      built.complaints.length = before;
      for (const mode of ['webgpu', 'webgl2', 'webasm'])
        await built.page.locator(`input[value=${mode}]:enabled`).waitFor();
    } finally {
      await strict.close();
    }
  });
});
