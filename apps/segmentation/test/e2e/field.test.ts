import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { coverage, receptiveField } from '@atrous/rf';
import { parseLayers } from '@atrous/rf/report';
import { AxeBuilder } from '@axe-core/playwright';
import {
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
  chromium as playwright,
} from 'playwright';
import { PNG } from 'pngjs';
import { type PreviewServer, preview } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chromium, chromiumArgs } from '../../../../scripts/chromium.js';

describe.skipIf(!chromium)('the view "Receptive field" of the built page', () => {
  let server: PreviewServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    server = await preview({
      root,
      base: '/some/path/',
      logLevel: 'error',
      preview: { host: '127.0.0.1', allowedHosts: true },
    });
    browser = await playwright.launch({ ...(chromium && { executablePath: chromium }), args: chromiumArgs });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  beforeEach(async () => {
    complaints = [];
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  }, 60_000);
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });

  const soon = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 30_000 });
  const address = (parameters: string) => `${server.resolvedUrls!.local[0]!}#field${parameters}`;

  /** Opens the view with a link and waits for its analyses. */
  async function open(parameters = ''): Promise<void> {
    await page.goto(address(parameters));
    await analysed();
  }

  const pane = (side: 'A' | 'B' | '' = '') =>
    page.getByRole('region', { name: side ? `Schedule ${side}` : /^Schedule/ });
  const tile = (name: string, side: 'A' | 'B' | '' = '') =>
    pane(side)
      .locator('.tiles > div', { has: page.getByText(name, { exact: true }) })
      .locator('b');
  const verdicts = (side: 'A' | 'B' | '' = '') =>
    pane(side).getByRole('list', { name: 'Verdicts' }).locator('strong').allTextContents();
  const notation = (side: 'A' | 'B' | '' = '') => pane(side).getByLabel('Notation');
  const analysed = () =>
    page.waitForFunction(() => {
      const results = [...document.querySelectorAll('.results')];
      return results.length && results.every((one) => one.getAttribute('aria-busy') === 'false');
    });
  const parameters = () => new URLSearchParams(new URL(page.url()).hash.replace(/^#field\??/, ''));
  const seen = () => page.locator('.magnifier [aria-live]');

  /** Violations of accessibility rules that axe finds on the whole page, in short. */
  async function violations(): Promise<string[]> {
    const found = await new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      .analyze();
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  }

  /** A grey picture, so that every tint on it can be told. */
  async function openGrey(width: number, height: number): Promise<void> {
    const png = new PNG({ width, height });
    png.data.fill(128).forEach((_, i) => {
      if (i % 4 === 3) png.data[i] = 255;
    });
    await page
      .getByLabel('Open a picture…')
      .setInputFiles({ name: 'grey.png', mimeType: 'image/png', buffer: PNG.sync.write(png) });
    await page.getByRole('button', { name: `grey.png, ${width} × ${height} pixels` }).waitFor();
  }

  /** What a canvas shows. */
  async function pixelsOf(canvas: Locator): Promise<PNG> {
    const url = await canvas.evaluate((element) => (element as HTMLCanvasElement).toDataURL());
    return PNG.sync.read(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
  }

  /** Which pixels of its picture a magnifier shows as read, and by which of the two outputs. */
  async function readIn(
    frame: { readonly left: number; readonly top: number; readonly size: number },
    index = 0,
  ): Promise<{ amber: string[]; blue: string[] }> {
    const { data, width } = await pixelsOf(page.locator('.magnifier canvas').nth(index));
    const colours = Array.from({ length: frame.size ** 2 }, (_, i) => {
      const [x, y] = [i % frame.size, Math.floor(i / frame.size)].map((at) =>
        Math.floor(((at + 0.5) * width) / frame.size),
      );
      return [...data.subarray(4 * (y! * width + x!), 4 * (y! * width + x!) + 3)];
    });
    const cells = (tinted: (colour: readonly number[]) => boolean) =>
      colours.flatMap((colour, i) =>
        tinted(colour) ? [`${frame.top + Math.floor(i / frame.size)},${frame.left + (i % frame.size)}`] : [],
      );
    return {
      amber: cells(([red, , blue]) => red! > blue! + 30),
      blue: cells(([red, , blue]) => blue! > red! + 30),
    };
  }

  test('shows the field, holes and verdicts of rates 2, 2, 2', async () => {
    await open();
    expect(await notation().inputValue()).toBe('3d2 x3');
    expect(await tile('Field').textContent()).toBe('13 × 13');
    expect(await tile('Inputs read').textContent()).toBe('29 %');
    expect(await tile('Neighbours share').textContent()).toBe('0 %');
    expect(await verdicts()).toEqual(['Holes', 'Gridding', 'HDC rule fails']);
    expect(await pane().locator('.heat canvas').getAttribute('aria-label')).toBe(
      'Paths from one output to the inputs of its field, 13 × 13: 1 … 49, 120 holes',
    );
    await pane().getByText('As numbers').click();
    expect(await pane().locator('.numbers').textContent()).toContain('1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1');
    await pane().getByText('The exact hole test, layer by layer').click();
    expect(await pane().getByRole('row', { name: 'layer 1 2 1 holes' }).count()).toBe(1);
    // a cell under the pointer
    const canvas = pane().locator('.heat canvas');
    const box = (await canvas.boundingBox())!;
    await canvas.hover({ position: { x: box.width * (0.5 / 13), y: box.height * (2.5 / 13) } });
    expect(await pane().locator('.readout').textContent()).toBe('row −4, column −6: 3 paths');
    await canvas.hover({ position: { x: box.width * (1.5 / 13), y: box.height * (2.5 / 13) } });
    expect(await pane().locator('.readout').textContent()).toBe('row −4, column −5: never read');
  });

  test('a stack is edited with the keyboard alone', async () => {
    await open();
    const dilation = page.getByLabel('Layer 1: dilation');
    await dilation.focus();
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => location.hash.includes('a=3d1%2C2%2C2'));
    await page.keyboard.press('Control+a');
    await page.keyboard.type('5');
    expect(await notation().inputValue()).toBe('3d5,2,2');
    // the focus follows the layer
    await page.getByRole('button', { name: 'Layer 1: move down' }).focus();
    await page.keyboard.press('Enter');
    expect(await notation().inputValue()).toBe('3d2,5,2');
    await page.keyboard.press('Enter');
    expect(await notation().inputValue()).toBe('3d2,2,5');
    expect(await page.evaluate(() => document.activeElement!.getAttribute('aria-label'))).toBe(
      'Layer 3: move up',
    );
    await page.getByRole('button', { name: 'Layer 1: remove' }).press('Space');
    await page.getByRole('button', { name: 'Add a layer' }).press('Enter');
    await page.getByLabel('Layer 3: kind').selectOption('transposed convolution');
    await page.getByLabel('Layer 2: stride').fill('2');
    await page.getByLabel('Layer 1: kernel').fill('7');
    expect(await notation().inputValue()).toBe('7d2 3s2d5 transposed3s2');
    const [size] = receptiveField(parseLayers('7d2 3s2d5 transposed3s2')).size;
    await soon(() => tile('Field').textContent()).toBe(`${size} × ${size}`);
    await analysed();
    expect(parameters().get('a')).toBe('7d2 3s2d5 transposed3s2');
    // what is no kernel is not taken, and the number that counts comes back
    await page.getByLabel('Layer 1: kernel').fill('99');
    await page.keyboard.press('Tab');
    expect(await page.getByLabel('Layer 1: kernel').inputValue()).toBe('7');
    await notation().fill('3 3y2');
    await notation().press('Enter');
    await pane().getByRole('alert').filter({ hasText: 'cannot read "3y2"' }).waitFor();
    expect(await notation().getAttribute('aria-invalid')).toBe('true');
    // an analysis that ends meanwhile leaves alone what is being typed
    await page.getByLabel('Layer 1: kernel').fill('9');
    await notation().fill('5 max2');
    await soon(() => pane().locator('.grown').first().textContent()).toBe('17×17');
    expect(await notation().inputValue()).toBe('5 max2');
    await notation().press('Enter');
    expect(await pane().getByRole('alert').count()).toBe(0);
    await soon(() => tile('Field').textContent()).toBe('6 × 6');
  });

  test('branches unfold and are edited', async () => {
    await open();
    await page.getByLabel('Network').selectOption('DeepLabV3’s ASPP 6, 12, 18');
    await soon(() => tile('Field').textContent()).toBe('37 × 37');
    await page.locator('summary', { hasText: '[ 1 | 3d6' }).click();
    await page.getByLabel('Layer 1.4.1: dilation').fill('24');
    expect(await notation().inputValue()).toBe('[ 1 | 3d6 | 3d12 | 3d24 | global 1 ]');
    await soon(() => tile('Field').textContent()).toBe('49 × 49');
    await page.getByRole('button', { name: 'Remove branch 1.5' }).click();
    await page.getByRole('button', { name: 'Add a layer to branch 1.1' }).click();
    expect(await notation().inputValue()).toBe('[ 1 1 | 3d6 | 3d12 | 3d24 ]');
    await analysed();
    expect(await violations()).toEqual([]);
  });

  test('suggestions are applied and compared', async () => {
    await open();
    await page.getByRole('button', { name: 'Compare with rates 1, 2, 3' }).click();
    await pane('B').getByText('No holes:').waitFor();
    expect(await verdicts('B')).toEqual(['No holes', 'HDC rule passes']);
    expect([...parameters()]).toEqual([
      ['a', '3d2 x3'],
      ['b', '3d1,2,3'],
      ['x', '400'],
      ['y', '400'],
    ]);
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Close B' }).click();
    expect(parameters().has('b')).toBe(false);
    await page.getByRole('button', { name: 'Apply rates 1, 2, 3' }).click();
    await pane().getByText('No holes:').waitFor();
    expect(await notation().inputValue()).toBe('3d1,2,3');
  });

  test.each(['light', 'dark'] as const)('accessible, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await open('?a=3d2+x3&b=3d1,2,5');
    await seen().nth(1).waitFor();
    expect(await violations()).toEqual([]);
    // nothing moves by itself
    const moving = await page.evaluate(() => document.getAnimations().length);
    expect(moving).toBe(0);
  });

  test('the heat map follows the theme', async () => {
    await open();
    const corner = async () => [...(await pixelsOf(pane().locator('.heat canvas'))).data.subarray(0, 4)];
    expect(await corner()).toEqual([0xbc, 0xd6, 0xec, 255]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await soon(corner).toEqual([0x1d, 0x46, 0x70, 255]);
  });

  test.each([360, 320])('fits a screen of %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 700 });
    await open(`?${new URLSearchParams({ a: '3d2 [ 1x7 | 3d12 | [ 3 | ] ] x2 max2', b: '3d100,1,2' })}`);
    for (const summary of await page.locator('.branches > summary').all()) await summary.click();
    await page.getByLabel('Layer 2.1.1: kernel').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(await violations()).toEqual([]);
  });

  test('shows which pixels an output reads, and its neighbour', async () => {
    await open('?a=3d2+x3&b=3d1,2,3');
    await openGrey(64, 48);
    await expect
      .poll(() => seen().allTextContents())
      .toEqual([
        'Output in column 32, row 24 of 64 × 48 reads 49 of 169 pixels: columns 26 to 38, rows 18 to 30.',
        'Output in column 32, row 24 of 64 × 48 reads 169 pixels: columns 26 to 38, rows 18 to 30.',
      ]);
    await page.getByLabel('Show what the output to the right reads').check();
    await page.getByText('The output to its right reads none of them').waitFor();
    await page.getByText('It shares 156 of them').waitFor();
    const { axes } = coverage(parseLayers('3d2,2,2'), { inputSize: [48, 64], at: [24, 32] });
    const rows = [...axes[0]!.pattern].flatMap((mark, i) => (mark === '1' ? [axes[0]!.first + i] : []));
    const columns = [...axes[1]!.pattern].flatMap((mark, i) => (mark === '1' ? [axes[1]!.first + i] : []));
    const expected = rows.flatMap((row) => columns.map((column) => `${row},${column}`));
    await expect
      .poll(() => readIn({ left: 24, top: 16, size: 17 }))
      .toMatchObject({
        amber: expected,
        blue: rows.flatMap((row) => columns.map((column) => `${row},${column + 1}`)),
      });
    // at a corner, the rest of the field is padding
    await page.getByRole('spinbutton', { name: 'Column' }).fill('0');
    await page.keyboard.press('Enter');
    await page.getByRole('spinbutton', { name: 'Row' }).fill('0');
    await page.keyboard.press('Enter');
    await soon(() => seen().first().textContent()).toContain('reads 16 of 49 pixels: columns 0 to 6');
    expect([parameters().get('x'), parameters().get('y')]).toEqual(['0', '0']);
  });

  test('an output is chosen with pointer or arrow keys', async () => {
    await open();
    const overview = page.getByRole('button', { name: /^sample\.png, 800 × 800 pixels/ });
    const picture = overview.locator('canvas');
    const box = (await picture.boundingBox())!;
    await picture.click({ position: { x: (box.width * 100.5) / 800, y: (box.height * 200.5) / 800 } });
    // clicks come in whole pixels of the screen
    await soon(() => seen().textContent()).toMatch(/^Output in column (99|100), row (199|200) /);
    const [x, y] = ['x', 'y'].map((name) => Number(parameters().get(name)));
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    await soon(() => seen().textContent()).toContain(`Output in column ${x! + 1}, row ${y! - 10} `);
    await page.keyboard.press('Enter');
    expect(await page.getByRole('spinbutton', { name: 'Column' }).inputValue()).toBe(`${x! + 1}`);
    // the magnifier, too, takes clicks: 17 pixels, of which the output is the ninth
    const canvas = page.locator('.magnifier canvas');
    const large = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: (large.width * 10.5) / 17, y: (large.height * 8.5) / 17 } });
    await soon(() => seen().textContent()).toContain(`Output in column ${x! + 3}, row ${y! - 10} `);
  });

  test('says what is no picture, and goes on', async () => {
    await open();
    await page
      .getByLabel('Open a picture…')
      .setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await page.getByRole('alert').filter({ hasText: 'notes.txt: is not a picture' }).waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await openGrey(20, 20);
    await notation().fill('7p0d9');
    await notation().press('Enter');
    await page.locator('.on-picture').getByRole('alert').filter({ hasText: 'not on this picture' }).waitFor();
    await notation().fill('3');
    await notation().press('Enter');
    await soon(() => seen().textContent()).toContain('reads 9 pixels');
  });

  test('a link shows the same again', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await open();
    await page.getByLabel('Network').selectOption('Its water network');
    await soon(() => tile('Field').textContent()).toBe('203 × 203');
    await page.getByRole('button', { name: 'Compare with another' }).click();
    await pane('B').getByLabel('Network').selectOption('WaveNet: 1, 2, 4 … 512, signals');
    await page.getByRole('spinbutton', { name: 'Column' }).fill('700');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('status').filter({ hasText: 'Link copied' }).waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    await page.goto('about:blank');
    await page.goto(link);
    await analysed();
    expect(await tile('Field', 'A').textContent()).toBe('203 × 203');
    expect(await tile('Field', 'B').textContent()).toBe('1,024');
    await soon(() => seen().nth(1).textContent()).toContain('Output 700 of 800');
    expect(await page.getByLabel('Network').nth(1).inputValue()).toContain('WaveNet');
  });

  test.each([
    ['a=<script>', 'schedule A of this link cannot be read: cannot read "<script>"'],
    ['a=[ 3 x9999 ] x9999', 'x repeats'],
    [`a=3 ${'d1,2 '.repeat(60)}`, 'at most 10000 layers'],
    ['a=3 x5000', 'at most 128 layers'],
    [`a=${'3 '.repeat(2000)}`, 'at most 1000 characters'],
    ['a=3d999999', 'dilation is at most 1024'],
    ['b=', 'schedule B of this link cannot be read: there are no layers'],
    ['x=-1&y=nowhere', 'the position in this link is no pixel'],
  ])('a link with %s says so and shows rates 2, 2, 2', async (query, message) => {
    await open(`?${new URLSearchParams(query)}`);
    await page.getByRole('alert').filter({ hasText: message }).waitFor();
    expect(await notation().inputValue()).toBe('3d2 x3');
    expect(await verdicts()).toContain('Holes');
  });

  test('an analysis that takes too long ends, and the page stays usable', async () => {
    await page.clock.install();
    await page.goto(address(`?${new URLSearchParams({ a: '[ 3d5 | 3d7 | 3d11 ] x30' })}`));
    await pane().getByRole('status').filter({ hasText: 'Analysing' }).waitFor();
    await page.waitForTimeout(1000);
    await page.clock.fastForward(10_000);
    await pane().getByRole('alert').filter({ hasText: 'took more than 10 s and was stopped' }).waitFor();
    await notation().fill('3d1,2');
    await notation().press('Enter');
    await pane().getByText('No holes:').waitFor();
  });

  test('says so when the worker cannot be loaded', async () => {
    await page.route('**/analysis-worker-*.js', (route) => route.abort());
    await page.goto(address(''));
    await pane().getByRole('alert').filter({ hasText: 'its worker does not start' }).waitFor();
    complaints = complaints.filter((complaint) => !complaint.includes('ERR_FAILED'));
  });

  test('figures are saved as SVG', async () => {
    await open('?a=3d2+x3&b=3d1,2,3');
    const save = async (group: string, name: string) => {
      const download = page.waitForEvent('download');
      await page.getByRole('group', { name: group }).getByRole('button', { name, exact: true }).click();
      const file = await download;
      return { name: file.suggestedFilename(), svg: await readFile((await file.path())!, 'utf8') };
    };
    const heat = await save('Save figures of schedule A', 'Heat map');
    expect(heat.name).toBe('receptive-field-coverage-a.svg');
    expect(heat.svg).toMatch(/^<svg [\s\S]*49 of 169 inputs read \(29 %\)[\s\S]*<\/svg>\s*$/);
    const growth = await save('Save figures of schedule B', 'Growth from layer to layer');
    expect(growth.name).toBe('receptive-field-growth-b.svg');
    const both = await save('Save figures of both', 'Heat maps');
    expect(both.svg).toContain('3d2 x3');
    expect(both.svg).toContain('169 of 169 inputs read (100 %)');
  });

  // other work on the machine slows down every task
  test('no task occupies the page for 50 ms', { retry: 2 }, async () => {
    await open();
    await seen().waitFor();
    await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
    for (const [name, field] of [
      ['U-Net, four poolings', '204 × 204'],
      ['DeepLabV3 with ResNet-50, stride 8', '1,027 × 1,027'],
      ['WaveNet: 1, 2, 4 … 512, signals', '1,024'],
    ] as const) {
      await page.getByLabel('Network').selectOption(name);
      await soon(() => tile('Field').textContent()).toContain(field);
      await page.getByLabel('Layer 1: kernel').press('ArrowUp');
      await soon(() => tile('Field').textContent()).not.toContain(field);
      await analysed();
      await page.getByRole('button', { name: /^sample\.png/ }).press('ArrowDown');
    }
    await analysed();
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Event[] };
    const threads = new Set(
      traceEvents
        .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
        .map(({ pid, tid }) => `${pid} ${tid}`),
    );
    const onPage = traceEvents.filter(({ pid, tid }) => threads.has(`${pid} ${tid}`));
    // scripts that Playwright brings along
    const brought = onPage.filter(({ name }) => name === 'EvaluateScript');
    const tasks = onPage.filter(
      (task) =>
        task.name.endsWith('RunTask') &&
        !brought.some(({ ts, pid }) => pid === task.pid && ts >= task.ts && ts <= task.ts + (task.dur ?? 0)),
    );
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks.map(({ tdur = 0 }) => tdur / 1000).filter((milliseconds) => milliseconds > 50)).toEqual([]);
  });
});

/** Of a trace: what one thread did, when and how long, and its time on the processor, all in microseconds. */
interface Event {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}
