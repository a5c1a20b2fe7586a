/** The view "Segment" as tests use it. */
import { load, type Segmentation } from '@atrous/segment';
import type { Locator } from 'playwright';
import { expect } from 'vitest';
import { fixture } from '../fixtures.js';
import type { BuiltPage } from './built-page.js';

/** A picture of 256 × 256 pixels. */
export const crop = fixture('east-africa_256_rgb.png');
const cropMask = fixture('east-africa_256_mask.png');

export class SegmentView {
  readonly #built: BuiltPage;

  constructor(built: BuiltPage) {
    this.#built = built;
  }

  /** Opens the page with a small picture in place of its first sample, which saves time. */
  async open(hash = ''): Promise<void> {
    const { page, server } = this.#built;
    await page.route('**/sample-mask-*.png', (route) => route.fulfill({ path: cropMask }));
    await page.route(/\/sample-(?!mask|north)[^/]*\.png$/, (route) => route.fulfill({ path: crop }));
    await page.goto(`${server.address}${hash}`);
  }

  get overlay(): Locator {
    return this.#built.page.locator('canvas.overlay');
  }

  get state(): Locator {
    return this.#built.page.locator('.progress .state');
  }

  get runAgain(): Locator {
    return this.#built.page.getByRole('button', { name: 'Run again' });
  }

  backend(name: string): Locator {
    return this.#built.page.getByRole('radio', { name: new RegExp(`^${name}`) });
  }

  /** Drops a file on the page. */
  async drop(name: string, content: Uint8Array): Promise<void> {
    await this.#built.page.evaluate(
      ({ name, base64 }) => {
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], name));
        const drop = new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer });
        document.body.dispatchEvent(drop);
      },
      { name, base64: Buffer.from(content).toString('base64') },
    );
  }

  /** Waits until a picture has been segmented. */
  done(backend: string): Promise<void> {
    return this.state
      .filter({
        hasText: new RegExp(`^Done in [\\d.]+ s on ${backend.replaceAll(/[()]/g, (sign) => `\\${sign}`)}`),
      })
      .waitFor();
  }

  /** Waits for a picture with what was found on it. */
  shows(name: RegExp): Promise<void> {
    return this.#built.page.getByRole('application', { name }).waitFor();
  }
}

/** A picture, segmented here in Node. */
export async function expected(path: string): Promise<Segmentation> {
  const segmenter = await load('water', { worker: false, backend: { name: 'cpu' } });
  try {
    return await segmenter.segment(path);
  } finally {
    await segmenter.dispose();
  }
}

/** The part of the pixels with equal colours. */
export function agreement(a: Uint8Array | Uint8ClampedArray, b: Uint8Array | Uint8ClampedArray): number {
  expect(a.length).toBe(b.length);
  let equal = 0;
  for (let i = 0; i < a.length; i += 4)
    if (a[i] === b[i] && a[i + 1] === b[i + 1] && a[i + 2] === b[i + 2]) equal++;
  return equal / (a.length / 4);
}
