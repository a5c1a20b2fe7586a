import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { bundled } from './scripts/bundled.ts';
import { chromium, chromiumArgs } from './scripts/chromium.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// tests run from source: nothing has to be built first; longer names come first
const alias = {
  '@atrous/core/safetensors': here('packages/core/src/safetensors.ts'),
  '@atrous/core/backend': here('packages/core/src/backend/index.ts'),
  '@atrous/core/model': here('packages/core/src/model/index.ts'),
  '@atrous/core': here('packages/core/src/index.ts'),
  '@atrous/rf/influence': here('packages/rf/src/influence.ts'),
  '@atrous/rf/design': here('packages/rf/src/design.ts'),
  '@atrous/rf/report': here('packages/rf/src/report.ts'),
  '@atrous/rf/figures': here('packages/rf/src/figures.ts'),
  '@atrous/rf': here('packages/rf/src/index.ts'),
  '@atrous/blocks': here('packages/blocks/src/index.ts'),
  '@atrous/onnx': here('packages/onnx/src/index.ts'),
  '@atrous/tflite': here('packages/tflite/src/index.ts'),
  '@atrous/segment/models': here('packages/segment/src/models/index.ts'),
  '@atrous/segment': here('packages/segment/src/index.ts'),
  '@atrous/tiling/workers': here('packages/tiling/src/workers/index.ts'),
  '@atrous/tiling/files': here('packages/tiling/src/files/index.ts'),
  '@atrous/tiling': here('packages/tiling/src/index.ts'),
  '@atrous/gpu': here('packages/gpu/src/index.ts'),
  '@atrous/conformance/node': here('internal/conformance/src/node.ts'),
  '@atrous/conformance': here('internal/conformance/src/index.ts'),
};

const browserTests = [
  'packages/gpu/test/browser',
  'packages/core/test/browser',
  'packages/segment/test/browser',
  'internal/conformance/test/browser',
  'examples/test/browser',
];

function node(name: string, folder: string, more: TestProjectInlineConfiguration['test'] = {}) {
  return {
    plugins: [bundled(alias)],
    resolve: { alias },
    test: {
      name,
      include: [`${folder}/test/**/*.test.ts`],
      exclude: [`${folder}/test/{browser,e2e}/**`],
      environment: 'node',
      testTimeout: 60_000,
      setupFiles: ['scripts/seed.ts'],
      ...more,
    },
  } satisfies TestProjectInlineConfiguration;
}

/** The tests of `folder/test/browser` in Chromium. */
function browser(name: string, folder: string, { isolated }: { isolated: boolean }) {
  return {
    // what a package alone installs resolves from its own folder
    root: here(folder),
    resolve: { alias },
    server: {
      // networks too large for the repository lie beside it
      fs: { allow: [here('.'), here('../shared/models/networks')] },
      // an isolated page has SharedArrayBuffer
      headers: isolated
        ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
        : {},
    },
    test: {
      name,
      include: ['test/browser/**/*.test.ts'],
      testTimeout: 60_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({
          launchOptions: { ...(chromium && { executablePath: chromium }), args: chromiumArgs },
        }),
        instances: [{ browser: 'chromium' }],
      },
    },
  } satisfies TestProjectInlineConfiguration;
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    passWithNoTests: true,
    reporters: ['default', ['./scripts/closing-reporter.ts', { skipped: chromium ? [] : browserTests }]],
    projects: [
      node('core', 'packages/core'),
      node('rf', 'packages/rf'),
      node('blocks', 'packages/blocks'),
      node('gpu', 'packages/gpu'),
      node('onnx', 'packages/onnx'),
      node('tflite', 'packages/tflite'),
      node('tiling', 'packages/tiling'),
      node('segment', 'packages/segment'),
      // plain float64 loops over whole heads
      node('conformance', 'internal/conformance', { testTimeout: 300_000 }),
      node('bench', 'internal/bench'),
      node('examples', 'examples'),
      node('segmentation', 'apps/segmentation'),
      // runs what users run, the built app, and builds it first
      node('segmentation-e2e', 'apps/segmentation', {
        include: ['apps/segmentation/test/e2e/**/*.test.ts'],
        exclude: [],
        globalSetup: ['scripts/e2e/build.ts'],
        setupFiles: ['scripts/e2e/built.ts'],
        testTimeout: 120_000,
      }),
      // what npm installs: workers, pages without a bundler, an application bundled by Vite
      node('segment-e2e', 'packages/segment', {
        include: ['packages/segment/test/e2e/**/*.test.ts'],
        exclude: [],
        globalSetup: ['scripts/e2e/build-segment.ts'],
        setupFiles: ['scripts/e2e/built.ts'],
        testTimeout: 120_000,
      }),
      ...(chromium
        ? [
            {
              ...browser('gpu-browser', 'packages/gpu', { isolated: true }),
              optimizeDeps: { include: ['gpu.js'] },
            },
            {
              ...browser('segment-browser', 'packages/segment', { isolated: true }),
              optimizeDeps: { include: ['@atrous/gpu > gpu.js', 'comlink', 'image-size', 'valibot'] },
            },
            browser('examples-browser', 'examples', { isolated: false }),
            browser('conformance-browser', 'internal/conformance', { isolated: true }),
            browser('core-browser', 'packages/core', { isolated: false }),
            browser('core-browser-isolated', 'packages/core', { isolated: true }),
          ]
        : []),
    ],
  },
});
