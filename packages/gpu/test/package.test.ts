/** What a user gets: the packed packages, installed without the network into an empty folder. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);
const names = ['core', 'gpu'] as const;

let folder: string;
let user: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-gpu-package-'));
  user = join(folder, 'user');
  await writeFile(join(folder, 'pnpm-workspace.yaml'), "packages: ['core', 'gpu']\n");
  // Built and packed in a copy: other tests may be using the packages' own dist.
  await Promise.all(names.map(stage));
  await mkdir(join(folder, 'gpu/node_modules/@atrous'), { recursive: true });
  await symlink(join(folder, 'core'), join(folder, 'gpu/node_modules/@atrous/core'), 'junction');
  // As it is published: pnpm puts versions in the place of `workspace:`.
  for (const name of names)
    await run(process.execPath, [here('../../../scripts/pnpm.mjs'), 'pack', '--pack-destination', folder], {
      cwd: join(folder, name),
    });
  await mkdir(user);
  await writeFile(join(user, 'package.json'), '{ "private": true, "type": "module" }');
  const tarballs = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  await run(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', ...tarballs.map((file) => join(folder, file))],
    { cwd: user, shell: process.platform === 'win32' },
  );
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What goes into the package, built by its own build. */
async function stage(name: (typeof names)[number]): Promise<void> {
  const source = here(`../../${name}`);
  const target = join(folder, name);
  await mkdir(target);
  for (const file of await readdir(source))
    if (!['dist', 'node_modules', 'src', 'test', '.turbo'].includes(file))
      await cp(join(source, file), join(target, file), { recursive: true });
  const tsup = here('../../../node_modules/tsup/dist/cli-default.js');
  await run(process.execPath, [tsup, '--no-dts', '--out-dir', join(target, 'dist')], { cwd: source });
}

test('installing the package brings core and nothing else: no gpu.js, nothing native, no optional peer', async () => {
  const visible = async (path: string) =>
    (await readdir(join(user, path))).filter((name) => !name.startsWith('.')).sort();
  expect(await visible('node_modules')).toEqual(['@atrous']);
  expect(await visible('node_modules/@atrous')).toEqual(['core', 'gpu']);
  expect(await visible('node_modules/@atrous/gpu')).toEqual([
    'LICENSE',
    'README.md',
    'THIRD-PARTY-NOTICES',
    'dist',
    'package.json',
  ]);
  const manifest = JSON.parse(await readFile(join(user, 'node_modules/@atrous/gpu/package.json'), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['@atrous/core']);
  expect(manifest.dependencies['@atrous/core']).toMatch(/^\^\d/);
  expect(manifest.peerDependencies).toEqual({ webgpu: expect.stringMatching(/^>=\d/) });
  expect(manifest.peerDependenciesMeta).toEqual({ webgpu: { optional: true } });
  const lock = JSON.parse(await readFile(join(user, 'package-lock.json'), 'utf8'));
  const locked = Object.keys(lock.packages).filter((path) => path !== '');
  expect(locked.sort()).toEqual(['node_modules/@atrous/core', 'node_modules/@atrous/gpu']);
});

test('what is installed runs on webasm', async () => {
  await writeFile(
    join(user, 'use.js'),
    `import { compile, conv2d, input, ones } from '@atrous/core';
import { auto, gpu } from '@atrous/gpu';
const fn = (x) => conv2d(x, ones([1, 1, 3, 3]), { dilation: 2, padding: 'same' });
const backend = await gpu({ mode: 'webasm' });
const program = await compile(fn, input([1, 1, 3, 3]), { backend });
const result = await program.run(ones([1, 1, 3, 3]));
console.log(JSON.stringify([backend.info.mode, ...(await result.data())]));
await backend.dispose();
const chosen = await auto(fn, input([1, 1, 3, 3]));
console.log(JSON.stringify(chosen.trials.map(({ name, milliseconds }) => [name, milliseconds >= 0])));
await chosen.backend.dispose();
`,
  );
  const { stdout } = await run(process.execPath, ['use.js'], { cwd: user });
  const [result, trials] = stdout.trim().split('\n');
  expect(JSON.parse(result!)).toEqual(['webasm', 4, 2, 4, 2, 1, 2, 4, 2, 4]);
  expect(JSON.parse(trials!)).toEqual([
    ['cpu', true],
    ['webgpu', false],
    ['webgl2', false],
    ['webasm', true],
  ]);
});
