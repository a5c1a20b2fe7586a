import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { luminance } from '@atrous/segment/models';
import type { Worker } from 'playwright';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { asset, fixture } from '../fixtures.js';
import { useBuiltPage } from './built-page.js';
import {
  expectNoViolations,
  launch,
  newPage,
  notIsolated,
  pixelsOf,
  servePage,
  textOf,
} from './page-fixture.js';
import { agreement, crop, expected } from './segment-view.js';

/** The first picture of a page is its sample; a small one saves time where any picture will do. */
const small = { picture: crop, mask: fixture('east-africa_256_mask.png') };

const deeplabFile = fileURLToPath(
  new URL('../../../../../shared/models/networks/deeplabv3_257_mv_gpu.tflite', import.meta.url),
);

/** Shows a test picture, and is allowed. */
const camera = { args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] };

describe.skipIf(!chromium)('the view Segment of the built page in Chromium', () => {
  const built = useBuiltPage({}, camera);

  const overlay = () => built.page.locator('canvas.overlay');
  const viewer = () => built.page.getByRole('application');
  const progress = () => built.page.locator('.progress .state');
  const done = (backend: string) =>
    progress()
      .filter({ hasText: new RegExp(`^Done in [\\d.]+ s on ${backend}`) })
      .waitFor();
  const shows = (name: RegExp) => built.page.getByRole('application', { name }).waitFor();
  const alert = (text: string | RegExp) => built.page.getByRole('alert').filter({ hasText: text }).waitFor();
  const said = (text: RegExp) => built.page.locator('#announcements').filter({ hasText: text }).waitFor();
  const pictureInput = () => built.page.getByLabel('Open a picture…');
  const networkInput = () => built.page.getByLabel('Open a network…');

  async function open(sample: typeof small | null = small, hash = ''): Promise<void> {
    if (sample) {
      await built.page.route('**/sample-mask-*.png', (route) => route.fulfill({ path: sample.mask }));
      await built.page.route(/\/sample-(?!mask|north)[^/]*\.png$/, (route) =>
        route.fulfill({ path: sample.picture }),
      );
    }
    await built.page.goto(`${built.server.address}${hash}`);
  }

  /** Opens the page and waits for its first result. */
  async function start(sample: typeof small | null = small, hash = ''): Promise<void> {
    await open(sample, hash);
    await done('cpu');
  }

  /** Dispatches an event that carries a file, as dropping and pasting do. */
  async function give(type: 'drop' | 'paste', path: string, name: string): Promise<void> {
    const base64 = (await readFile(path)).toString('base64');
    await built.page.evaluate(
      ({ type, base64, name }) => {
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], name));
        const options = { bubbles: true, cancelable: true };
        document.body.dispatchEvent(
          type === 'drop'
            ? new DragEvent('drop', { ...options, dataTransfer: data })
            : new ClipboardEvent('paste', { ...options, clipboardData: data }),
        );
      },
      { type, base64, name },
    );
  }

  describe('pictures', () => {
    test('the sample: labels, shares, scores, times', async () => {
      await start(null);
      const { image } = await expected(asset('sample.png'));
      expect(agreement(await pixelsOf(overlay()), image.data)).toBeGreaterThanOrEqual(0.9999);
      const row = (name: string | RegExp) => built.page.getByRole('row', { name });
      expect(await textOf(row('land'))).toMatch(/65\.5 %\s+0\.938/);
      expect(await textOf(row('water'))).toMatch(/34\.5 %\s+0\.890/);
      await shows(/^sample\.png: land 65\.5 %, water 34\.5 %$/);
      for (const stage of ['decode', 'prepare', 'compile', 'run', 'label'])
        expect(await textOf(row(new RegExp(`^${stage} `)))).toMatch(/\d ms$/);
      await built.page.getByText(/^Layer by layer/).click();
      const layers = built.page.getByRole('region', { name: 'Time of each layer' }).getByRole('row');
      expect(await layers.count()).toBeGreaterThan(10);
      expect(await textOf(layers.nth(2))).toMatch(/[\d.]+ ms$/);
      await built.page.getByText('The network sees luminance only').waitFor();
    });

    test.each(['drop', 'paste'] as const)('by %s', async (how) => {
      await start();
      await give(how, crop, 'crop.png');
      await shows(/^crop\.png: land/);
      expect(agreement(await pixelsOf(overlay()), (await expected(crop)).image.data)).toBeGreaterThanOrEqual(
        0.9999,
      );
      // no reference mask is known for it
      expect(await built.page.getByRole('columnheader', { name: 'IoU' }).count()).toBe(0);
    });

    test('a file that is no picture, a damaged one and one that is too small are told, and the page goes on', async () => {
      await start();
      const before = await pixelsOf(overlay());
      const give = (name: string, buffer: Buffer) =>
        pictureInput().setInputFiles({ name, mimeType: 'image/png', buffer });
      await give('notes.txt', Buffer.from('hello'));
      await alert('notes.txt: is not a picture');
      expect((await pixelsOf(overlay())).equals(before)).toBe(true);
      await give('broken.png', (await readFile(crop)).fill(9, 20_000));
      await alert('broken.png: damaged');
      await built.page.getByRole('button', { name: 'Dismiss' }).click();
      expect(await built.page.getByRole('alert').count()).toBe(0);
      await give('tiny.png', PNG.sync.write(new PNG({ width: 7, height: 30 })));
      await alert('the picture is 7×30 pixels');
      await built.page.getByRole('button', { name: 'Dismiss' }).click();
      await pictureInput().setInputFiles(crop);
      await shows(/^east-africa_256_rgb\.png: land/);
      await built.page.getByRole('button', { name: 'Africa and Europe from above' }).click();
      await shows(/^sample\.png: land/);
    });

    test('masks are saved as PNG, alone and over the picture', async () => {
      await start();
      const save = async (name: string): Promise<PNG> => {
        const [download] = await Promise.all([
          built.page.waitForEvent('download'),
          built.page.getByRole('button', { name, exact: true }).click(),
        ]);
        return PNG.sync.read(await readFile((await download.path())!));
      };
      const { image } = await expected(crop);
      const mask = await save('Save the mask');
      expect([mask.width, mask.height]).toEqual([256, 256]);
      expect(agreement(mask.data, image.data)).toBeGreaterThanOrEqual(0.9999);
      await said(/sample-mask\.png saved/);
      await built.page.getByRole('slider', { name: 'Opacity' }).fill('50');
      const both = await save('Save picture and mask');
      const picture = PNG.sync.read(await readFile(crop)).data;
      const off = both.data.filter(
        (value, i) => i % 4 < 3 && Math.abs(value - (picture[i]! + mask.data[i]!) / 2) > 2,
      );
      expect(off.length).toBe(0);
    });
  });

  describe('what is shown', () => {
    test('pointing at a pixel shows its class and confidence', async () => {
      await start();
      const { labels, confidence, classes } = await expected(crop);
      const box = (await viewer().boundingBox())!;
      const [x, y] = [40, 200];
      await built.page.mouse.move(
        box.x + ((x + 0.5) / 256) * box.width,
        box.y + ((y + 0.5) / 256) * box.height,
      );
      const pointer = built.page.locator('.legend .pointer');
      await pointer.filter({ hasText: `at ${x}, ${y}` }).waitFor();
      const index = y * 256 + x;
      expect(await textOf(pointer)).toBe(
        `${classes[labels[index]!]!.name}, confidence ${(confidence[index]! * 100).toFixed(1)} % at ${x}, ${y}`,
      );
      await built.page.mouse.move(0, 0);
      await pointer.filter({ hasText: 'Point at the picture' }).waitFor();
    });

    test('keys move over the pixels and tell them', async () => {
      await start();
      const { labels, classes } = await expected(crop);
      await viewer().focus();
      await built.page.keyboard.press('ArrowRight');
      await said(
        new RegExp(`^${classes[labels[128 * 256 + 128]!]!.name}, \\d+ percent; column 128, row 128$`),
      );
      await built.page.keyboard.press('Shift+ArrowUp');
      await built.page.keyboard.press('ArrowLeft');
      await said(
        new RegExp(`^${classes[labels[118 * 256 + 127]!]!.name}, \\d+ percent; column 127, row 118$`),
      );
      await built.page.keyboard.press('Escape');
      await built.page.locator('.cursor').waitFor({ state: 'detached' });
    });

    test('opacity, comparison and what the network sees follow the keyboard', async () => {
      await start();
      const style = (name: 'opacity' | 'clipPath') =>
        overlay().evaluate((canvas, name) => getComputedStyle(canvas)[name], name);
      await built.page.getByRole('slider', { name: 'Opacity' }).focus();
      expect(await style('opacity')).toBe('0.55');
      await built.page.keyboard.press('Home');
      await built.page.keyboard.press('ArrowRight');
      expect(await style('opacity')).toBe('0.01');
      expect(await style('clipPath')).toBe('inset(0px 0px 0px 0%)');
      await built.page.getByRole('slider', { name: 'Compare from' }).focus();
      await built.page.keyboard.press('ArrowRight');
      expect(await style('clipPath')).toBe('inset(0px 0px 0px 1%)');
      const data = PNG.sync.read(await readFile(crop)).data;
      await built.page.getByRole('checkbox', { name: 'what the network sees' }).focus();
      await built.page.keyboard.press('Space');
      const gray = luminance({ width: 256, height: 256, data });
      await built.page.waitForFunction(
        () => document.querySelector<HTMLCanvasElement>('canvas.gray')!.width === 256,
      );
      const shown = await pixelsOf(built.page.locator('canvas.gray'));
      expect(Buffer.from(shown.filter((_, i) => i % 4 === 0)).equals(Buffer.from(gray))).toBe(true);
    });

    test('the line between picture and classes can be dragged', async () => {
      await start();
      const box = (await viewer().boundingBox())!;
      await built.page.mouse.move(box.x + 3, box.y + box.height / 2);
      await built.page.mouse.down();
      await built.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
      await built.page.mouse.up();
      expect(await built.page.getByRole('slider', { name: 'Compare from' }).inputValue()).toBe('50');
    });
  });

  describe('backends', () => {
    test.each(['webasm', 'webgl2', 'webgpu', 'reference'])('%s gives the labels of the CPU', async (name) => {
      await start();
      const before = await pixelsOf(overlay());
      await built.page.getByRole('radio', { name: new RegExp(`^${name}`) }).check();
      await done(name === 'reference' ? name : `gpu \\(${name}\\)`);
      expect(agreement(await pixelsOf(overlay()), before)).toBeGreaterThanOrEqual(0.999);
      expect(built.page.url()).toContain(`#segment?backend=${name}`);
    });

    test('says why a mode of gpu.js does not work', async () => {
      // browsers have no WebGPU on plain http
      const plain = await launch({ args: ['--host-resolver-rules=MAP plain.test 127.0.0.1'] });
      const host = await servePage({ headers: notIsolated });
      try {
        await built.page.context().close();
        built.page = await newPage(plain, built.complaints);
        await built.page.goto(host.address.replace('127.0.0.1', 'plain.test'));
        await done('cpu');
        await built.page
          .locator('label', { has: built.page.getByRole('radio', { name: /^webgpu/ }) })
          .filter({ hasText: 'webgpu not here: navigator.gpu is missing' })
          .waitFor();
        expect(await built.page.getByRole('radio', { name: /^webgpu/ }).isDisabled()).toBe(true);
        expect(await built.page.getByRole('radio', { name: /^webasm/ }).isEnabled()).toBe(true);
        // nor a camera
        await built.page.getByRole('button', { name: 'Camera' }).click();
        await alert('the camera cannot be opened: browsers give it to pages over https only');
      } finally {
        await plain.close();
        await host.close();
      }
    });

    test('after a device is lost the next run starts it anew', async () => {
      // the real way: the driver takes the context away
      const keepContexts = (worker: Worker) =>
        worker.evaluate(() => {
          const { prototype } = OffscreenCanvas;
          const original = prototype.getContext;
          const contexts: unknown[] = [];
          Object.assign(globalThis, { contexts });
          prototype.getContext = function (this: OffscreenCanvas, ...args: never[]) {
            const context = Reflect.apply(original, this, args);
            contexts.push(context);
            return context;
          } as typeof original;
        });
      await start();
      // the worker that asked what works here has ended
      await built.page.locator('input[value=webgl2]:enabled').waitFor();
      // threads of the CPU engine, made of text, sleep and would never answer
      const workers = () => built.page.workers().filter((worker) => !worker.url().startsWith('blob:'));
      await Promise.all(workers().map(keepContexts));
      await built.page.getByRole('radio', { name: /^webgl2/ }).check();
      await done('gpu \\(webgl2\\)');
      const lost = await Promise.all(
        workers().map((worker) =>
          worker.evaluate(() => {
            const { contexts = [] } = globalThis as { contexts?: WebGL2RenderingContext[] };
            const extensions = contexts.map((context) => context?.getExtension?.('WEBGL_lose_context'));
            for (const extension of extensions) extension?.loseContext();
            return extensions.filter(Boolean).length;
          }),
        ),
      );
      expect(lost.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
      // the browser itself warns
      const expectedWarnings = () => {
        built.complaints = built.complaints.filter((text) => !/CONTEXT_LOST|context.*lost/i.test(text));
      };
      await built.page.getByRole('button', { name: 'Run again' }).click();
      await Promise.race([done('gpu \\(webgl2\\)'), alert(/lost/)]);
      if ((await built.page.getByRole('alert').count()) > 0) {
        await built.page.getByRole('button', { name: 'Dismiss' }).click();
        await built.page.getByRole('button', { name: 'Run again' }).click();
      }
      await done('gpu \\(webgl2\\)');
      expect(agreement(await pixelsOf(overlay()), (await expected(crop)).image.data)).toBeGreaterThan(0.999);
      expectedWarnings();
    });

    test('a run can be cancelled, and one that is overtaken stops', async () => {
      await start(null);
      await built.page.getByRole('radio', { name: /^reference/ }).check();
      await built.page.locator('.progress .part').filter({ hasText: '%' }).waitFor();
      await built.page.getByRole('button', { name: 'Cancel' }).click();
      await progress().filter({ hasText: 'Cancelled' }).waitFor();
      await built.page.getByRole('button', { name: 'Run again' }).click();
      await built.page.locator('.progress .part').filter({ hasText: '%' }).waitFor();
      await give('drop', crop, 'crop.png');
      await built.page.getByRole('radio', { name: /^cpu/ }).check();
      await done('cpu');
      await shows(/^crop\.png: land/);
      expect(agreement(await pixelsOf(overlay()), (await expected(crop)).image.data)).toBeGreaterThanOrEqual(
        0.9999,
      );
    });

    test('tiles give the labels of the whole, and tell how many are done', async () => {
      await start(null);
      const before = await pixelsOf(overlay());
      await built.page.evaluate(() => {
        const seen: string[] = [];
        Object.assign(globalThis, { seen });
        const state = document.querySelector('.progress')!;
        new MutationObserver(() => seen.push(state.textContent!)).observe(state, {
          subtree: true,
          childList: true,
          characterData: true,
        });
      });
      await built.page.getByLabel('Compute the picture').selectOption('256');
      await done('cpu');
      expect((await pixelsOf(overlay())).equals(before)).toBe(true);
      const seen = await built.page.evaluate(() =>
        (globalThis as unknown as { seen: string[] }).seen.join('\n'),
      );
      expect(seen).toMatch(/tile \d+ of \d+/);
      expect(built.page.url()).toContain('tile=256');
    });
  });

  describe('networks', () => {
    test('a file that is none is told, and the shipped network still works', async () => {
      await start();
      await networkInput().setInputFiles({
        name: 'broken.onnx',
        mimeType: 'application/octet-stream',
        buffer: Buffer.from('this is no network'),
      });
      await built.page.getByRole('alert').waitFor();
      expect(await textOf(built.page.getByRole('alert'))).toMatch(/onnx|protobuf|model/i);
      await built.page.getByRole('radio', { name: /^Water on satellite pictures/ }).check();
      await done('cpu');
    });

    test('without a connection DeepLabV3 says what to do', async () => {
      await built.page.route('https://storage.googleapis.com/**', (route) => route.abort());
      await start();
      await built.page.getByRole('radio', { name: /^DeepLabV3/ }).check();
      await alert(/deeplabv3-mobilenetv2 cannot be downloaded: .*by hand/);
      await built.page.getByRole('radio', { name: /^Water on satellite pictures/ }).check();
      await done('cpu');
      built.complaints = built.complaints.filter((text) => !/ERR_FAILED|storage\.googleapis/.test(text));
    });

    test.skipIf(!existsSync(deeplabFile))('DeepLabV3 is fetched once, sees a cat, and is kept', async () => {
      let fetched = 0;
      await built.page.route('https://storage.googleapis.com/**', async (route) => {
        fetched++;
        await route.fulfill({ path: deeplabFile, headers: { 'access-control-allow-origin': '*' } });
      });
      await start();
      await built.page.getByRole('button', { name: 'A cat' }).click();
      await shows(/^photo-cat\.jpg: /);
      await built.page.getByText('This sample is meant for the other network.').waitFor();
      await built.page.getByRole('radio', { name: /^DeepLabV3/ }).check();
      await shows(/^photo-cat\.jpg: .*cat \d\d\.\d %/);
      await built.page.reload();
      await shows(/^photo-cat\.jpg: .*cat \d\d\.\d %/);
      expect(fetched).toBe(1);
    });

    test.skipIf(!existsSync(deeplabFile))('a TFLite file that is dropped is used', async () => {
      await start();
      await built.page.getByRole('button', { name: 'An astronaut' }).click();
      await shows(/^photo-astronaut\.jpg: /);
      await give('drop', deeplabFile, 'mine.tflite');
      await shows(/^photo-astronaut\.jpg: .*person \d\d\.\d %/);
      await built.page.getByRole('radio', { name: /^mine\.tflite/, checked: true }).waitFor();
    });
  });

  describe('the camera', () => {
    const count = () => built.page.locator('.progress').filter({ hasText: /[\d.]+ pictures per second/ });

    test('is segmented picture by picture, pauses while hidden, and stops', async () => {
      await start();
      await built.page.getByRole('button', { name: 'Camera', exact: true }).click();
      await count().waitFor();
      await shows(/^camera: land/);
      await built.page.getByRole('button', { name: 'Pause' }).click();
      await built.page.getByText('Paused', { exact: true }).waitFor();
      const still = await pixelsOf(built.page.locator('canvas.base'));
      await built.page.waitForTimeout(500);
      expect((await pixelsOf(built.page.locator('canvas.base'))).equals(still)).toBe(true);
      await built.page.getByRole('button', { name: 'Go on' }).click();
      await count().waitFor();
      const hide = (hidden: boolean) =>
        built.page.evaluate((hidden) => {
          Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }, hidden);
      await hide(true);
      await built.page.getByText('Paused while this page is hidden').waitFor();
      await hide(false);
      await count().waitFor();
      await expectNoViolations(built.page);
      await built.page.getByRole('button', { name: 'Stop the camera' }).click();
      await said(/^The camera is off/);
      await built.page.getByRole('button', { name: 'Africa and Europe from above' }).click();
      await shows(/^sample\.png: land/);
    });

    test('that is not allowed is explained', async () => {
      const strict = await launch({
        args: ['--use-fake-device-for-media-stream', '--deny-permission-prompts'],
      });
      try {
        await built.page.context().close();
        built.page = await newPage(strict, built.complaints);
        await start();
        await built.page.getByRole('button', { name: 'Camera', exact: true }).click();
        await alert('the camera cannot be opened: it was not allowed');
        expect(await built.page.getByRole('button', { name: 'Camera', exact: true }).isEnabled()).toBe(true);
      } finally {
        await strict.close();
      }
    });
  });

  test('everything can be done with the keyboard alone', async () => {
    await start();
    const focused = () =>
      built.page.evaluate(() => {
        const { activeElement: element } = document;
        return `${element?.getAttribute('aria-label') ?? ''} ${element?.closest('label')?.textContent ?? ''} ${element?.textContent ?? ''}`;
      });
    const reached: string[] = [];
    for (let i = 0; i < 40; i++) {
      await built.page.keyboard.press('Tab');
      reached.push(await focused());
    }
    for (const name of [
      'sample.png',
      'Run again',
      'Opacity',
      'Compare from',
      'what the network sees',
      'Save the mask',
      'Open a picture…',
      'Camera',
      'Water on satellite',
      'Open a network…',
      'Compute the picture',
      'cpu, or a real graphics card',
    ])
      expect(
        reached.some((text) => text.includes(name)),
        name,
      ).toBe(true);
  });
});
