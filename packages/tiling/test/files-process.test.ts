import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPicture, tiffSink } from '../src/files/index.js';
import type { ChildOptions } from './support/child.js';
import { scratch } from './support/folder.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const at = scratch();

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'error',
    root: here('..'),
    resolve: {
      alias: {
        '@atrous/core/backend': here('../../core/src/backend/index.ts'),
        '@atrous/core': here('../../core/src/index.ts'),
        '@atrous/rf': here('../../rf/src/index.ts'),
        '@atrous/tiling/files': here('../src/files/index.ts'),
        '@atrous/tiling': here('../src/index.ts'),
      },
    },
    ssr: { noExternal: true },
    build: {
      ssr: here('support/child.ts'),
      outDir: at('build'),
      minify: false,
      rollupOptions: { output: { entryFileNames: 'child.mjs' } },
    },
  });
}, 120_000);

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly error: string;
}

/** Runs the child, and kills it without warning after some tiles. */
function run(options: ChildOptions, killAfter = Infinity): Promise<Ended> {
  const child = spawn(process.execPath, [at('build/child.mjs'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let [rest, error] = ['', ''];
  child.stdout.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    if (lines.length >= killAfter) child.kill('SIGKILL');
  });
  child.stderr.on('data', (chunk) => {
    error += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, lines, error }));
  });
}

/** A one-band uint8 picture, written in bands of rows so that it never stands in memory. */
async function picture(path: string, size: number): Promise<void> {
  const sink = tiffSink(path);
  const shape = [1, 1, size, size];
  for (let y = 0; y < size; y += 512) {
    const rows = Math.min(512, size - y);
    const values = new Uint8Array(rows * size);
    for (let i = 0; i < values.length; i++) values[i] = Math.imul(i + y * size, 0x9e3779b1) >>> 24;
    await sink.write({ start: [y, 0], size: [rows, size] }, values, { shape, dtype: 'uint8' });
  }
  await sink.close();
}

describe('a process that is killed', () => {
  test.each([
    ['tiles', 100, 49],
    ['slabs', 16, 44],
  ] as const)(
    'goes on with %s from its journal: the same file, and nothing twice',
    async (order, tile, count) => {
      await picture(at('in.tif'), 700);
      for (const name of ['straight', 'broken'])
        for (const kind of ['tif', 'jsonl']) rmSync(at(`${name}.${kind}`), { force: true });
      const options = { input: at('in.tif'), model: 'convolution', tile, order } as const;
      const straight = await run({ ...options, output: at('straight.tif'), journal: at('straight.jsonl') });
      expect(straight).toMatchObject({ code: 0, error: '' });
      const broken = { ...options, output: at('broken.tif'), journal: at('broken.jsonl') };
      for (const killAfter of [1, 7, 16])
        expect(await run(broken, killAfter)).toMatchObject({ code: null, signal: 'SIGKILL' });
      expect(await run(broken)).toMatchObject({ code: 0, error: '' });
      expect(readFileSync(at('broken.tif')).equals(readFileSync(at('straight.tif')))).toBe(true);
      const tiles = readFileSync(at('broken.jsonl'), 'utf8').trimEnd().split('\n').slice(1);
      expect(tiles.map((line) => JSON.parse(line).tile)).toEqual(Array.from({ length: count }, (_, i) => i));
    },
  );
});

const mountable = process.platform === 'linux' && process.getuid?.() === 0 && tryMount();
function tryMount(): boolean {
  const place = at('try');
  mkdirSync(place);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]).status !== 0) return false;
  return spawnSync('umount', [place]).status === 0;
}

describe.skipIf(!mountable)(`a full disk${mountable ? '' : ' (needs leave to mount a tmpfs)'}`, () => {
  const disk = (name = '') => at(`disk/${name}`);
  beforeAll(() => {
    mkdirSync(disk());
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk()]);
  });
  afterAll(() => void spawnSync('umount', [disk()]));

  test('is told as such, and the job goes on when there is room again', async () => {
    await picture(at('room.tif'), 700);
    const options = { input: at('room.tif'), model: 'convolution', tile: 100 } as const;
    expect((await run({ ...options, output: at('roomy.tif') })).code).toBe(0);
    writeFileSync(disk('ballast'), new Uint8Array(2 ** 21));
    const full = { ...options, output: disk('out.tif'), journal: disk('journal.jsonl') };
    const failed = await run(full);
    expect(failed.code).toBe(1);
    expect(failed.error).toMatch(/^FileError: .*the disk is full; make space, then go on from the journal/);
    expect(failed.lines.length).toBeGreaterThan(0);
    rmSync(disk('ballast'));
    spawnSync('mount', ['-o', 'remount,size=8m', disk()]);
    const resumed = await run(full);
    expect(resumed).toMatchObject({ code: 0, error: '' });
    expect(readFileSync(disk('out.tif')).equals(readFileSync(at('roomy.tif')))).toBe(true);
    expect(resumed.lines.length + failed.lines.length).toBe(50);
  });
});

const measurable = existsSync('/proc/self/status');
describe.skipIf(!measurable)(`memory${measurable ? '' : ' (needs /proc)'}`, () => {
  // TILING_SIZE=20000 is the full size
  const size = Number(process.env.TILING_SIZE ?? 8000);

  test(`${size} × ${size} pixels go in and out of GeoTIFF files within 1 GB`, {
    timeout: 600_000,
  }, async () => {
    await picture(at('big.tif'), size);
    const started = performance.now();
    const ended = await run({
      input: at('big.tif'),
      output: at('big-out.tif'),
      journal: at('big.jsonl'),
      model: 'pool',
      tile: 2048,
    });
    const seconds = (performance.now() - started) / 1e3;
    expect(ended).toMatchObject({ code: 0, error: '' });
    const peak = Number(/^peak (\d+)$/.exec(ended.lines.at(-1)!)![1]) / 1e6;
    console.log(`${size}²: ${seconds.toFixed(1)} s, at most ${peak.toFixed(2)} GB of memory`);
    expect(peak).toBeLessThan(1);
    const [before, after] = [await openPicture(at('big.tif')), await openPicture(at('big-out.tif'))];
    for (const start of [
      [2040, 2040],
      [0, 0],
      [size - 20, size - 20],
    ]) {
      const region = { start, size: [20, 20] };
      const [x, y] = [await before.read(region, {}), await after.read(region, {})];
      for (let row = 1; row < 19; row++)
        for (let column = 1; column < 19; column++) {
          const around = [-21, -20, -19, -1, 0, 1, 19, 20, 21].map((step) => x[row * 20 + column + step]!);
          expect(y[row * 20 + column]).toBe(Math.max(...around));
        }
    }
    await before.close();
    await after.close();
  });
});
