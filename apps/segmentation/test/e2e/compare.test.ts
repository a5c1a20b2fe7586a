import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { useBuiltPage } from './built-page.js';
import { mainThreadTasks } from './long-tasks.js';
import { expectNoViolations, launch, newPage, servePage, textOf } from './page-fixture.js';

describe.skipIf(!chromium)('the view "Compare backends" of the built page', () => {
  const built = useBuiltPage({ viewport: { width: 1280, height: 900 } });

  const open = (address = built.server.address) => built.page.goto(`${address}#compare?side=128`);
  const start = () => built.page.getByRole('button', { name: 'Compare backends', exact: true });
  const row = (name: string) => built.page.getByRole('row', { name: new RegExp(`^${name}`) });
  const message = () => built.page.locator('.message');
  const done = () =>
    message()
      .filter({ hasText: /^Done\./ })
      .waitFor({ timeout: 110_000 });

  test('runs the network on every backend, with the keyboard alone; outputs agree', async () => {
    await open();
    // once it is known what works here
    await expect.poll(() => start().isEnabled(), { timeout: 30_000 }).toBe(true);
    await start().focus();
    await built.page.keyboard.press('Enter');
    await built.page.getByRole('progressbar').waitFor();
    await done();
    expect(await textOf(message())).toMatch(/^Done\. All \d outputs agree\. Fastest: cpu, .*, [\d.]+ ms\.$/);
    expect(await textOf(built.page.getByRole('heading', { name: /^Results/ }))).toBe(
      'Results on 128 × 128 pixels',
    );
    expect(await textOf(row('reference'))).toMatch(/[\d,]+ ms [\d,.]+ ms of \d the others are compared/);
    for (const name of ['cpu, one thread', 'gpu, webgpu', 'gpu, webgl2', 'gpu, webasm'])
      expect(await textOf(row(name))).toMatch(/[\d.]+ ms of \d \d\.\de-\d 100 % ✓ passes$/);
    // what the page knows of itself
    const cores = await built.page.evaluate(() => (crossOriginIsolated ? navigator.hardwareConcurrency : 1));
    expect(await textOf(row('cpu, threads'))).toMatch(
      cores > 1 ? new RegExp(`${Math.min(cores, 8)} threads, .* ✓ passes$`) : /not here: /,
    );
    await expectNoViolations(built.page);
  });

  test('says why backends do not work: no isolation, no WebGPU', async () => {
    const plain = await servePage({ headers: {} });
    // browsers have no WebGPU on plain http
    const other = await launch({ args: ['--host-resolver-rules=MAP plain.test 127.0.0.1'] });
    try {
      await built.page.context().close();
      built.page = await newPage(other, built.complaints);
      await open(plain.address.replace('127.0.0.1', 'plain.test'));
      await row('gpu, webgpu').filter({ hasText: 'not here: navigator.gpu is missing' }).waitFor();
      await start().click();
      await row('cpu, threads')
        .filter({ hasText: 'not here: one thread: the page is not cross-origin isolated' })
        .waitFor();
      await row('cpu, one thread').filter({ hasText: 'passes' }).waitFor();
      await built.page.getByRole('button', { name: 'Cancel' }).click();
      await message().filter({ hasText: 'Cancelled.' }).waitFor();
      // as every page on plain http
      built.complaints = built.complaints.filter(
        (complaint) => !complaint.startsWith('The Cross-Origin-Opener-Policy'),
      );
    } finally {
      await other.close();
      await plain.close();
    }
  });

  test('can be cancelled and run again', async () => {
    await open();
    await start().click();
    await built.page.locator('.stage').filter({ hasText: 'first run' }).waitFor();
    await built.page.getByRole('button', { name: 'Cancel' }).press('Enter');
    await message().filter({ hasText: 'Cancelled.' }).waitFor();
    await row('gpu, webasm').filter({ hasText: 'not measured yet' }).waitFor();
    // the button that has the focus
    await built.page.keyboard.press('Enter');
    await row('cpu, one thread').filter({ hasText: 'passes' }).waitFor();
    await built.page.getByRole('button', { name: 'Cancel' }).click();
    await message().filter({ hasText: 'Cancelled.' }).waitFor();
    // downloads that were under way when it was cancelled
    built.complaints = built.complaints.filter((complaint) => !complaint.startsWith('failed: '));
    // what has been measured stays
    expect(await textOf(row('cpu, one thread'))).toMatch(/✓ passes$/);
  });

  test('weights that do not come are reported in every row', async () => {
    await built.page.context().route('**/water-net*', (route) => route.fulfill({ status: 404 }));
    await open();
    await start().click();
    await done();
    expect(await textOf(message())).toMatch(/^Done\. No backend works here\./);
    expect(await textOf(row('cpu, one thread'))).toMatch(/✕ failed: .*404/);
    built.complaints = built.complaints.filter((complaint) => !/404|water-net/.test(complaint));
  });

  test.each(['light', 'dark'] as const)(
    'breaks no rule of accessibility and fits a narrow screen, %s',
    async (colorScheme) => {
      await built.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await built.page.setViewportSize({ width: 360, height: 740 });
      await open();
      await start().click();
      await row('cpu, one thread').filter({ hasText: 'passes' }).waitFor();
      expect(await built.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await expectNoViolations(built.page);
    },
  );

  test('no task blocks the page for 50 ms', async () => {
    await open();
    await row('gpu, webasm').filter({ hasText: 'not measured yet' }).waitFor();
    const tasks = await mainThreadTasks(built.browser, built.page, async () => {
      await built.page.getByLabel('Picture').selectOption('256 × 256 pixels');
      await start().click();
      await row('cpu, one thread').filter({ hasText: 'passes' }).waitFor();
      await built.page.getByRole('button', { name: 'Cancel' }).click();
      await message().filter({ hasText: 'Cancelled.' }).waitFor();
    });
    expect(tasks.length).toBeGreaterThan(10);
    expect(tasks[0]).toBeLessThan(50);
    built.complaints = built.complaints.filter((complaint) => !complaint.startsWith('failed: '));
  });
});
