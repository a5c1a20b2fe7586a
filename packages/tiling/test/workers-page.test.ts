import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium as browsers } from 'playwright';
import { build, preview } from 'vite';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundled } from '../../../scripts/bundled.ts';
import { chromium, chromiumArgs } from '../../../scripts/chromium.ts';
import { scratch } from './support/folder.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const at = scratch();
const alias = {
  '@atrous/core/backend': here('../../core/src/backend/index.ts'),
  '@atrous/core': here('../../core/src/index.ts'),
  '@atrous/rf': here('../../rf/src/index.ts'),
  '@atrous/tiling/workers': here('../src/workers/index.ts'),
  '@atrous/tiling': here('../src/index.ts'),
};

describe.skipIf(!chromium)(`workers in a page${chromium ? '' : ' (needs Chromium)'}`, () => {
  beforeAll(async () => {
    writeFileSync(at('index.html'), `<script type="module" src="${here('support/page.ts')}"></script>`);
    await build({
      configFile: false,
      logLevel: 'error',
      root: at('.'),
      resolve: { alias },
      plugins: [bundled(alias)],
      build: { outDir: at('page'), target: 'es2022' },
    });
  }, 120_000);

  test.each([
    ['isolated: weights in shared memory', true],
    ['not isolated: weights copied', false],
  ] as const)('%s, the same bits', async (_, isolated) => {
    const server = await preview({
      configFile: false,
      logLevel: 'error',
      root: at('.'),
      build: { outDir: at('page') },
      preview: {
        port: 0,
        headers: isolated
          ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
          : {},
      },
    });
    const browser = await browsers.launch({ executablePath: chromium!, args: chromiumArgs });
    try {
      const page = await browser.newPage();
      await page.goto(server.resolvedUrls!.local[0]!);
      const result = await page.evaluate(
        () => (globalThis as unknown as { result: Promise<unknown> }).result,
      );
      expect(result).toEqual({
        isolated,
        info: expect.objectContaining({ threads: 1, worker: true }),
        count: 6000,
        same: true,
      });
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
