import { metadataKey } from '@atrous/segment/models';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { modelBytes, node, valueInfo, weight } from '../../../../packages/onnx/test/build.js';
import { chromium } from '../../../../scripts/chromium.js';
import { useBuiltPage } from './built-page.js';
import { pixelsOf, textOf } from './page-fixture.js';
import { SegmentView } from './segment-view.js';

const classes = [
  { name: 'reddish', color: [200, 30, 20] },
  { name: 'greenish', color: [20, 180, 40] },
  { name: 'bluish', color: [30, 60, 210] },
] as const;
const rate = 3;

/** Tells which colour is strongest, but `rate` pixels further to the left: only the left tap of a dilated kernel counts. */
function network(): Uint8Array {
  const taps = Array.from({ length: 3 * 3 * 9 }, (_, i) => {
    const [to, from, tap] = [Math.floor(i / 27), Math.floor(i / 9) % 3, i % 9];
    return to === from && tap === 3 ? 20 : 0;
  });
  return modelBytes(
    {
      name: 'colours',
      input: [valueInfo('picture', [1, 3, 'height', 'width'])],
      output: [valueInfo('logits', [1, 3, 'height', 'width'])],
      initializer: [weight('taps', [3, 3, 3, 3], taps)],
      node: [
        node('Conv', ['picture', 'taps'], ['logits'], {
          dilations: [rate, rate],
          pads: [rate, rate, rate, rate],
        }),
      ],
    },
    {
      metadataProps: [
        {
          key: metadataKey,
          value: JSON.stringify({
            name: 'colours',
            title: 'Which colour is strongest',
            input: { kind: 'picture', channels: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
            classes,
            notes: ['Made for a test.'],
          }),
        },
      ],
    },
  );
}

/** Three stripes of 24 columns: red, green, blue. */
function stripes(): PNG {
  const png = new PNG({ width: 72, height: 48 });
  for (let i = 0; i < 72 * 48; i++) {
    const colour = [0, 0, 0];
    colour[Math.floor((i % 72) / 24)] = 255;
    png.data.set([...colour, 255], 4 * i);
  }
  return png;
}

describe.skipIf(!chromium)('an ONNX file that is dropped on the built page', () => {
  const built = useBuiltPage();
  const view = new SegmentView(built);

  test('is used with the classes that it describes', async () => {
    const { page } = built;
    await view.open();
    await view.done('cpu');
    await view.drop('stripes.png', PNG.sync.write(stripes()));
    await view.shows(/^stripes\.png: (land|water)/);
    await view.drop('colours.onnx', network());
    // where the tap reads padding, all classes are equal, and the first counts
    await view.shows(/^stripes\.png: reddish 37\.5 %, greenish 33\.3 %, bluish 29\.2 %$/);
    await view.done('cpu');
    const shown = await pixelsOf(view.overlay);
    const { data } = stripes();
    const expected = data.map((_, i) => {
      const [pixel, channel] = [i >> 2, i % 4];
      const read = Math.max(0, (pixel % 72) - rate);
      return channel === 3 ? 255 : classes[Math.floor(read / 24)]!.color[channel]!;
    });
    expect(shown.equals(expected)).toBe(true);
    await page.getByRole('radio', { name: /^colours\.onnx/, checked: true }).waitFor();
    await page.getByText('Made for a test.').waitFor();
    // in the middle of the picture
    await page.getByRole('application').press('ArrowRight');
    const pointer = page.locator('.legend .pointer').filter({ hasText: 'at 36, 24' });
    await pointer.waitFor();
    expect(await textOf(pointer)).toBe('greenish, confidence 100.0 % at 36, 24');
  });
});
