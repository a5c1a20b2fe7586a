import { readFile } from 'node:fs/promises';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { asset } from '../fixtures.js';
import { useBuiltPage } from './built-page.js';
import { mainThreadTasks } from './long-tasks.js';
import { expectNoViolations, pixelsOf, textOf } from './page-fixture.js';

const small = asset('sample-north.png');

describe.skipIf(!chromium)('the view "Gridding" of the built page', () => {
  const built = useBuiltPage({ viewport: { width: 1280, height: 900 } });

  const open = (parameters = '?picture=sample-north.png') =>
    built.page.goto(`${built.server.address}#gridding${parameters}`);
  const plan = (rates: string) => built.page.getByRole('region', { name: `Rates ${rates}` });
  const ratio = async (rates: string) => Number(await plan(rates).locator('.ratio b').textContent());
  const message = (text: string | RegExp) =>
    built.page.locator('.source .progress p').filter({ hasText: text });
  const done = () =>
    message(/^Done\./)
      .waitFor({ timeout: 50_000 })
      .catch(async (error) => {
        const shown = await textOf(built.page.locator('.source .progress'));
        throw new Error(`not done, but: ${shown}; ${built.complaints.join('; ')}`, { cause: error });
      });
  const fileInput = () => built.page.getByLabel('Open a picture…');
  const zoom = (rates: string) => plan(rates).locator('canvas[data-draw="zoom"]');

  /** The mean difference of a canvas's neighbouring cells from the mean of both sides, relative to its spread. */
  async function roughness(rates: string): Promise<number> {
    const data = await pixelsOf(zoom(rates));
    const side = Math.sqrt(data.length / 4);
    const at = (x: number, y: number) => data[4 * (y * side + x)]!;
    let [rough, count] = [0, 0];
    for (let y = 1; y < side - 1; y++)
      for (let x = 1; x < side - 1; x++) {
        rough += Math.abs(at(x - 1, y) - 2 * at(x, y) + at(x + 1, y));
        rough += Math.abs(at(x, y - 1) - 2 * at(x, y) + at(x, y + 1));
        count += 2;
      }
    return rough / count;
  }

  test('shows the published ratios on the test area, and that the scores do not differ', async () => {
    await open('');
    await done();
    // as published: .347, 2.597 and .439
    expect([await ratio('1, 1, 1'), await ratio('2, 2, 2'), await ratio('1, 2, 3')]).toEqual([
      0.35, 2.6, 0.44,
    ]);
    const row = (name: string) => textOf(built.page.getByRole('row', { name }));
    expect(await row('1, 1, 1, 1, 1, 1')).toMatch(/13 × 13 100 % 0\.35 0\.35 \.857$/);
    expect(await row('2, 2, 2, 2, 2, 2')).toMatch(/25 × 25 27 % 2\.60 2\.60 and 2\.39 \.876 and \.854$/);
    expect(await row('1, 2, 3, 1, 2, 3')).toMatch(/25 × 25 100 % 0\.44 0\.44 and 0\.50 \.868 and \.856$/);
    await built.page.getByText('The scores do not differ.').waitFor();
    // the pattern is seen, and only there
    expect(await roughness('2, 2, 2')).toBeGreaterThan(2 * (await roughness('1, 2, 3')));
    expect(await roughness('2, 2, 2')).toBeGreaterThan(2 * (await roughness('1, 1, 1')));
  });

  test('channels and the enlarged part can be chosen with the keyboard', async () => {
    await open();
    await done();
    const before = await pixelsOf(zoom('2, 2, 2'));
    const label = () => zoom('2, 2, 2').getAttribute('aria-label');
    await plan('2, 2, 2').getByRole('combobox', { name: 'Channel' }).focus();
    await built.page.keyboard.press('ArrowDown');
    expect(await label()).toMatch(/^Channel 1 enlarged/);
    expect((await pixelsOf(zoom('2, 2, 2'))).equals(before)).toBe(false);
    const other = await pixelsOf(zoom('1, 2, 3'));
    await built.page.getByRole('slider', { name: 'Column' }).focus();
    await built.page.keyboard.press('End');
    expect(await label()).toMatch(/from column 40,/);
    expect(await zoom('1, 2, 3').getAttribute('aria-label')).toMatch(/from column 40,/);
    await built.page.getByRole('slider', { name: 'Row' }).focus();
    await built.page.keyboard.press('Home');
    expect(await label()).toMatch(/row 0;/);
    expect((await pixelsOf(zoom('1, 2, 3'))).equals(other)).toBe(false);
    await built.page.getByRole('button', { name: 'Where 2, 2, 2 shows most' }).press('Enter');
    expect((await pixelsOf(zoom('1, 2, 3'))).equals(other)).toBe(true);
    // and with the pointer
    await plan('1, 1, 1')
      .locator('.map .frame')
      .click({ position: { x: 3, y: 3 } });
    expect(await label()).toMatch(/from column 0, row 0;/);
  });

  test('takes a picture of the person, and another sample', async () => {
    await open();
    await done();
    await fileInput().setInputFiles(asset('photo-cat.jpg'));
    await built.page.getByRole('img', { name: 'The picture: photo-cat.jpg' }).waitFor();
    await done();
    expect(await ratio('2, 2, 2')).toBeGreaterThan(1.2);
    expect(await ratio('1, 2, 3')).toBeLessThan(1);
    expect(built.page.url()).toMatch(/#gridding$/);
    await built.page.getByRole('combobox', { name: 'Sample' }).selectOption('Northern Europe from above');
    await built.page.getByRole('img', { name: 'The picture: sample-north.png' }).waitFor();
    await done();
    expect(built.page.url()).toMatch(/#gridding\?picture=sample-north\.png$/);
  });

  test('says so when a file is no picture, damaged or too small, and goes on', async () => {
    await open();
    await done();
    const before = await ratio('2, 2, 2');
    const give = (name: string, buffer: Buffer) =>
      fileInput().setInputFiles({ name, mimeType: 'image/png', buffer });
    const alert = (text: string) => built.page.getByRole('alert').filter({ hasText: text }).waitFor();
    await give('notes.txt', Buffer.from('hello'));
    await alert('notes.txt: is not a picture');
    await give('broken.png', (await readFile(small)).fill(9, 20_000));
    await alert('broken.png: damaged');
    await give('tiny.png', PNG.sync.write(new PNG({ width: 159, height: 300 })));
    await alert('tiny.png: 159×300 pixels are too few');
    expect(await ratio('2, 2, 2')).toBe(before);
    await built.page.getByRole('button', { name: 'Dismiss' }).click();
    // all black: every map inside is the same everywhere
    await give('black.png', PNG.sync.write(new PNG({ width: 200, height: 200 })));
    await built.page.getByRole('img', { name: 'The picture: black.png' }).waitFor();
    await done();
    await give('sample-north.png', await readFile(small));
    await built.page.getByRole('img', { name: 'The picture: sample-north.png' }).waitFor();
    await done();
    expect(await ratio('2, 2, 2')).toBe(before);
  });

  test('measuring can be cancelled and done again', async () => {
    await open('?picture=sample.png');
    await built.page.locator('.stage').filter({ hasText: 'Rates' }).waitFor();
    await built.page.getByRole('button', { name: 'Cancel' }).press('Enter');
    await message('Cancelled.').waitFor();
    await built.page.getByRole('button', { name: 'Measure again' }).press('Enter');
    await done();
    expect(await ratio('2, 2, 2')).toBeGreaterThan(4);
    // weights that were on their way when it was cancelled
    built.complaints = built.complaints.filter((complaint) => !/failed: .*plan-/.test(complaint));
  });

  test('weights that do not come are reported, and can be asked for again', async () => {
    await built.page.context().route('**/plan-same2*', (route) => route.fulfill({ status: 404 }));
    await open();
    await built.page.getByRole('alert').filter({ hasText: '404' }).waitFor();
    built.complaints = built.complaints.filter((complaint) => !/404|plan-same2/.test(complaint));
    await built.page.context().unroute('**/plan-same2*');
    await built.page.getByRole('button', { name: 'Measure again' }).click();
    await done();
  });

  test.each(['light', 'dark'] as const)(
    'breaks no rule of accessibility and fits a narrow screen, %s',
    async (colorScheme) => {
      await built.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await open();
      await done();
      await built.page.locator('summary').click();
      await expectNoViolations(built.page);
      await built.page.setViewportSize({ width: 360, height: 740 });
      expect(await built.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await expectNoViolations(built.page);
    },
  );

  test('no task blocks the page for 50 ms', async () => {
    await open();
    await done();
    const tasks = await mainThreadTasks(built.browser, built.page, async () => {
      await built.page.getByRole('combobox', { name: 'Sample' }).selectOption('Africa and Europe from above');
      await built.page.getByRole('img', { name: 'The picture: sample.png' }).waitFor();
      await done();
      await built.page.getByRole('slider', { name: 'Column' }).press('ArrowRight');
      await plan('1, 2, 3').getByRole('combobox', { name: 'Channel' }).selectOption('3');
    });
    expect(tasks.length).toBeGreaterThan(10);
    expect(tasks[0]).toBeLessThan(50);
  });
});
