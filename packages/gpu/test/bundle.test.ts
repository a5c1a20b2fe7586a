/** What is published: gpu.js in a part of its own, which runs in plain Node, and which an application bundles again. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Options } from 'tsup';
import { build as bundle } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import config from '../tsup.config.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-gpu-'));
  const entry = { index: here('../src/index.ts') };
  // What package.json names as a dependency, which tsup reads where it is started.
  const external = [/^@atrous\//];
  await build({
    ...(config as Options),
    entry,
    external,
    config: false,
    dts: false,
    outDir: join(folder, 'gpu'),
  });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const use = `
const backend = await gpu();
const { graph } = trace((x) => conv2d(x, ones([1, 1, 3, 3]), { dilation: 2, padding: 'same' }), input([1, 1, 3, 3]));
const [result] = await (await backend.compile(graph)).run([new Float32Array(9).fill(1)]);
console.log(JSON.stringify([backend.info.mode, ...result]));
await backend.dispose();
`;
const want = ['webasm', 4, 2, 4, 2, 1, 2, 4, 2, 4];

test('the package holds gpu.js, asks for nothing but core, and runs in plain Node', {
  timeout: 60_000,
}, async () => {
  const files = (await readdir(join(folder, 'gpu'))).filter((name) => name.endsWith('.js'));
  const imported = (await Promise.all(files.map(importsOf))).flat().filter((from) => !from.startsWith('.'));
  expect(new Set(imported)).toEqual(new Set(['@atrous/core', '@atrous/core/backend']));
  await bundleAndRun({ minify: false, platform: 'node' });
});

test('what asks for the modes only does not load gpu.js', async () => {
  const loaded = new Set(['index.js']);
  for (const name of loaded)
    for (const from of await importsOf(name)) if (from.startsWith('./')) loaded.add(from.slice(2));
  const texts = await Promise.all([...loaded].map((name) => readFile(join(folder, 'gpu', name), 'utf8')));
  expect(texts.join('')).toContain('availableModes');
  expect(texts.join('').length).toBeLessThan(50_000);
});

test('an application bundles and minifies it for browsers', { timeout: 60_000 }, async () => {
  await bundleAndRun({ minify: true, platform: 'browser' });
});

/** What a file of the package imports before it runs. */
async function importsOf(name: string): Promise<string[]> {
  const text = await readFile(join(folder, 'gpu', name), 'utf8');
  return [...text.matchAll(/^(?:import|export)\s[^;]*?from ["'](.+?)["'];$/gm)].map(([, from]) => from!);
}

/** Bundles a script that uses the built package, core from its source, and runs it in a Node process of its own. */
async function bundleAndRun({ minify, platform }: { minify: boolean; platform: string }): Promise<void> {
  const entry = join(folder, `${platform}.mjs`);
  await writeFile(
    entry,
    `import { conv2d, input, ones, trace } from '@atrous/core';\nimport { gpu } from './gpu/index.js';${use}`,
  );
  await bundle({
    configFile: false,
    logLevel: 'error',
    root: folder,
    resolve: {
      alias: {
        '@atrous/core/backend': here('../../core/src/backend/index.ts'),
        '@atrous/core': here('../../core/src/index.ts'),
      },
    },
    build: {
      target: 'es2022',
      minify,
      outDir: `${platform}-out`,
      lib: { entry, formats: ['es'], fileName: () => 'use.mjs' },
    },
  });
  const { stdout } = await run(process.execPath, [join(folder, `${platform}-out/use.mjs`)]);
  expect(JSON.parse(stdout)).toEqual(want);
}
