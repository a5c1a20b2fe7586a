import type { Worker } from 'playwright';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../../scripts/chromium.js';
import { useBuiltPage } from './built-page.js';
import { pixelsOf, textOf } from './page-fixture.js';
import { agreement, crop, expected, SegmentView } from './segment-view.js';

type Method = (...args: never) => unknown;

/** The methods that a worker's device gets its work and hands out its results with. */
const methods = {
  webgl2: {
    step: ['WebGL2RenderingContext', 'drawArrays'],
    result: ['WebGL2RenderingContext', 'clientWaitSync'],
  },
  webgpu: { step: ['GPUQueue', 'submit'], result: ['GPUBuffer', 'mapAsync'] },
} as const;

/** Makes a worker lose its device at the `count`th call of a method; returns at once. */
const loseDevice = (
  worker: Worker,
  mode: 'webgl2' | 'webgpu',
  [owner, method]: readonly string[],
  count: number,
) =>
  worker.evaluate(
    ({ mode, owner, method, count }) => {
      const classes = globalThis as unknown as Record<string, { prototype: Record<string, Method> }>;
      const { prototype } = classes[owner!]!;
      const original = prototype[method!]!;
      const devices = (globalThis as unknown as { devices: Set<{ destroy(): void }> }).devices;
      let calls = 0;
      prototype[method!] = function (this: WebGL2RenderingContext, ...args: unknown[]) {
        if (++calls === count) {
          prototype[method!] = original;
          if (mode === 'webgl2') this.getExtension('WEBGL_lose_context')!.loseContext();
          else for (const device of devices) device.destroy();
        }
        return Reflect.apply(original, this, args);
      };
    },
    { mode, owner, method, count },
  );

/** Keeps the devices that a worker opens. */
const keepDevices = (worker: Worker) =>
  worker.evaluate(() => {
    const devices = new Set<unknown>();
    Object.assign(globalThis, { devices });
    const { prototype } = (globalThis as unknown as { GPUAdapter: { prototype: { requestDevice: Method } } })
      .GPUAdapter;
    const original = prototype.requestDevice;
    prototype.requestDevice = async function (this: unknown, ...args: unknown[]) {
      const device = await Reflect.apply(original, this, args);
      devices.add(device);
      return device;
    };
  });

describe.skipIf(!chromium)('a device that is lost while the built page segments', () => {
  const built = useBuiltPage();
  const view = new SegmentView(built);

  test.each(['webgl2', 'webgpu'] as const)('%s: says so, and later runs work again', async (mode) => {
    const { page } = built;
    await view.open();
    await view.done('cpu');
    const [worker] = page.workers().filter((worker) => /\/worker-[^/]*\.js$/.test(worker.url()));
    await keepDevices(worker!);
    await view.backend(mode).check();
    await view.done(`gpu (${mode})`);
    const { image } = await expected(crop);

    const segmentAndLose = async (moment: 'step' | 'result', count: number) => {
      await loseDevice(worker!, mode, methods[mode][moment], count);
      await page.getByLabel('Open a picture…').setInputFiles(crop);
      const alert = page.getByRole('alert');
      await alert.waitFor();
      expect(await textOf(alert)).toMatch(
        /the device was lost while the picture was segmented: the Web(GL context|GPU device) was lost.*; segment it again/,
      );
      expect(await textOf(view.state)).toBe('Failed');
      // nothing is shown as a result: no classes, no colours
      await view.shows(/^east-africa_256_rgb\.png$/);
      expect((await pixelsOf(view.overlay)).every((value) => value === 0)).toBe(true);
      expect(await page.getByRole('button', { name: 'Save the mask' }).isDisabled()).toBe(true);
      await page.getByRole('button', { name: 'Dismiss' }).click();
    };
    const worksAgain = async (backend: string) => {
      await view.done(backend);
      expect(agreement(await pixelsOf(view.overlay), image.data)).toBeGreaterThan(0.999);
      expect(await page.getByRole('alert').count()).toBe(0);
    };

    await segmentAndLose('result', 1);
    await view.runAgain.click();
    await worksAgain(`gpu (${mode})`);
    await segmentAndLose('step', 10);
    await view.backend('cpu').check();
    await worksAgain('cpu');
    // the browser itself warns
    built.complaints = built.complaints.filter((text) => !/CONTEXT_LOST|context.*lost/i.test(text));
  });
});
