import { readFile } from 'node:fs/promises';
import type { Locator } from 'playwright';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { useBuiltPage } from './built-page.js';
import { crop, expected, SegmentView } from './segment-view.js';

describe.skipIf(!chromium)('the built page with the keyboard alone', () => {
  const built = useBuiltPage({ viewport: { width: 1280, height: 900 } });

  const focused = (element: Locator) =>
    element.evaluate((element) => element === document.activeElement).catch(() => false);

  /** Presses Tab, or Shift and Tab, until an element has the focus. */
  async function reach(element: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    await element.waitFor({ state: 'attached' });
    for (let presses = 0; presses < 120; presses++) {
      if (await focused(element)) return;
      await built.page.keyboard.press(key);
    }
    throw new Error(`${key} does not lead to ${element}`);
  }

  const said = (text: RegExp) => built.page.locator('#announcements').filter({ hasText: text }).waitFor();
  const download = async () => {
    const [file] = await Promise.all([
      built.page.waitForEvent('download'),
      built.page.keyboard.press('Enter'),
    ]);
    return { name: file.suggestedFilename(), content: await readFile((await file.path())!) };
  };

  test('Segment: a sample, a backend, cancelling, a file, how it is shown, a pixel, saving', async () => {
    const { page } = built;
    const { keyboard } = page;
    const view = new SegmentView(built);
    const cancel = page.getByRole('button', { name: 'Cancel' });
    const backend = page.locator('input[name=backend]:checked');
    await view.open();
    await view.done('cpu');
    await reach(page.getByRole('button', { name: 'Northern Europe from above' }));
    await keyboard.press('Enter');
    await view.shows(/^sample-north\.png: land/);
    // a slow backend, last of the list
    await view.backend('webasm').and(page.locator(':enabled')).waitFor();
    await reach(backend);
    await keyboard.press('ArrowUp');
    await page.locator('.progress .part').filter({ hasText: '%' }).waitFor();
    await reach(cancel, 'Shift+Tab');
    await keyboard.press('Enter');
    await view.state.filter({ hasText: 'Cancelled' }).waitFor();
    // the focus stays where the next thing to do is
    expect(await focused(view.runAgain)).toBe(true);
    await keyboard.press('Enter');
    await page.locator('.progress .part').filter({ hasText: '%' }).waitFor();
    expect(await focused(cancel)).toBe(true);
    // a small picture overtakes it, and a faster backend that
    await reach(page.getByLabel('Open a picture…'));
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), keyboard.press('Space')]);
    await chooser.setFiles(crop);
    await reach(backend);
    await keyboard.press('ArrowUp');
    await view.done('gpu (webasm)');
    await view.shows(/^east-africa_256_rgb\.png: land/);
    const style = (name: 'opacity' | 'clipPath') =>
      view.overlay.evaluate((canvas, name) => getComputedStyle(canvas)[name], name);
    await reach(page.getByRole('slider', { name: 'Opacity' }));
    await keyboard.press('End');
    await keyboard.press('ArrowLeft');
    expect(await style('opacity')).toBe('0.99');
    await reach(page.getByRole('slider', { name: 'Compare from' }));
    await keyboard.press('ArrowRight');
    expect(await style('clipPath')).toBe('inset(0px 0px 0px 1%)');
    const { labels, classes, image } = await expected(crop);
    await reach(page.getByRole('application'), 'Shift+Tab');
    await keyboard.press('ArrowLeft');
    await keyboard.press('Shift+ArrowDown');
    await said(new RegExp(`^${classes[labels[138 * 256 + 128]!]!.name}, \\d+ percent; column 128, row 138$`));
    await reach(page.getByRole('button', { name: 'Save the mask' }));
    const { name, content } = await download();
    expect(name).toBe('east-africa_256_rgb-mask.png');
    const mask = PNG.sync.read(content);
    expect([mask.width, mask.height]).toEqual([256, 256]);
    const equal = mask.data.filter((value, i) => value === image.data[i]).length;
    expect(equal / mask.data.length).toBeGreaterThan(0.999);
  });

  test('Receptive field: a layer, an output, a figure', async () => {
    const { page } = built;
    const { keyboard } = page;
    await page.goto(`${built.server.address}#field`);
    const seen = page.locator('.magnifier [aria-live]');
    await seen.waitFor();
    // from rates 2, 2, 2 to 1, 2, 2
    await reach(page.getByLabel('Layer 1: dilation'));
    await keyboard.press('ArrowDown');
    await page.getByText('11 × 11', { exact: true }).first().waitFor();
    await reach(page.getByRole('button', { name: /^sample\.png, 800 × 800 pixels/ }));
    await keyboard.press('ArrowRight');
    await keyboard.press('Shift+ArrowUp');
    await seen
      .filter({ hasText: 'Output in column 401, row 390 of 800 × 800 reads 121 pixels: columns 396 to 406' })
      .waitFor();
    await reach(page.getByRole('spinbutton', { name: 'Column' }));
    await keyboard.press('Control+a');
    await keyboard.type('2');
    await keyboard.press('Enter');
    await seen.filter({ hasText: 'column 2, row 390' }).waitFor();
    await reach(page.getByRole('button', { name: 'Heat map', exact: true }));
    const { name, content } = await download();
    expect(name).toBe('receptive-field-coverage-a.svg');
    expect(content.toString()).toMatch(/^<svg [\s\S]*121 of 121 inputs read \(100 %\)[\s\S]*<\/svg>\s*$/);
    expect(page.url()).toMatch(/#field\?a=3d1%2C2%2C2&x=2&y=390$/);
  });
});
