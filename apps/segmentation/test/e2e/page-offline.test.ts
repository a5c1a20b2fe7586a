import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { useBuiltPage } from './built-page.js';
import { textOf } from './page-fixture.js';

describe.skipIf(!chromium)('the built page without a connection, after the first visit', () => {
  const built = useBuiltPage({ serviceWorkers: 'allow' });

  const segmented = (page: Page) =>
    page
      .locator('.progress .state')
      .filter({ hasText: /^Done in [\d.]+ s on / })
      .waitFor();

  test('computes in every view', async () => {
    const { page, server } = built;
    await page.goto(server.address);
    await segmented(page);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await page.context().setOffline(true);
    await page.reload();
    await segmented(page);
    expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);

    await page.goto(`${server.address}#field?a=3d2+x3`);
    await page.getByText('13 × 13', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Apply rates 1, 2, 3' }).click();
    await page.getByText('No holes:').waitFor();
    await page.getByText('reads 169 pixels').waitFor();

    await page.goto(`${server.address}#gridding?picture=sample-north.png`);
    await page
      .locator('.source .progress p')
      .filter({ hasText: /^Done\./ })
      .waitFor();
    const region = page.getByRole('region', { name: 'Rates 2, 2, 2' });
    expect(Number(await textOf(region.locator('.ratio b')))).toBeGreaterThan(1.2);

    await page.goto(`${server.address}#compare?side=128`);
    await page.getByRole('button', { name: 'Compare backends', exact: true }).click();
    // one that is part of what was loaded for other views, and one that is not
    for (const name of ['cpu, one thread', 'gpu, webgpu'])
      await page
        .getByRole('row', { name: new RegExp(`^${name}`) })
        .filter({ hasText: '✓ passes' })
        .waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});
