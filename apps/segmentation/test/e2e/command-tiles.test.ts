import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tiffSink, tiffSource } from '@atrous/tiling/files';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asset } from '../fixtures.js';
import { command, stopped } from './command.js';

let folder: string;
const run = (...args: string[]) => command(args, { cwd: folder });
const at = (name: string) => join(folder, name);
const [width, height] = [460, 330];
// 11 slabs, twice: the network takes a mean over the whole picture first
const tiling = ['--tile', '32', '--progress'];

/** Files of the uninterrupted run of a picture, by name. */
const whole = new Map<string, Buffer>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-seg-'));
  const sample = PNG.sync.read(await readFile(asset('sample.png')));
  const crop = new PNG({ width, height });
  PNG.bitblt(sample, crop, 200, 250, width, height, 0, 0);
  await writeFile(at('scene.png'), PNG.sync.write(crop));
  const planes = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const band = Math.floor(i / (width * height));
    return crop.data[4 * (i % (width * height)) + band]!;
  });
  // nothing is known of the first twenty rows
  for (let band = 0; band < 3; band++) planes.fill(7, band * width * height, (band * height + 20) * width);
  const sink = tiffSink(at('scene.tif'), {
    georeference: {
      height,
      width,
      pixelScale: [0.1, 0.1, 0],
      tiepoints: [0, 0, 0, 10, 50, 0],
      keys: [1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326],
      nodata: 7,
    },
  });
  const result = { shape: [1, 3, height, width], dtype: 'uint8' } as const;
  await sink.write({ start: [0, 0], size: [height, width] }, planes, result);
  await sink.close();
  for (const name of ['scene.png', 'scene.tif']) {
    const { code, stderr } = await run(name, '--out', 'whole', ...tiling);
    if (code !== 0) throw new Error(stderr);
  }
  for (const name of await readdir(at('whole'))) whole.set(name, await readFile(at(`whole/${name}`)));
}, 240_000);
afterAll(() => rm(folder, { recursive: true }));

/** Whether a folder holds the very results of the uninterrupted run, and nothing else. */
async function expectSame(out: string, ending: string): Promise<void> {
  const names = [`scene-mask.${ending}`, `scene-overlay.${ending}`];
  expect((await readdir(at(out))).sort()).toEqual(names);
  for (const name of names)
    expect((await readFile(at(`${out}/${name}`))).equals(whole.get(name)!)).toBe(true);
}

test('the plan is told before the first tile, and tiles equal the whole', async () => {
  const { stdout, stderr } = await run('scene.png', '--out', 'plan', ...tiling);
  expect(stderr).toMatch(
    /run …\nplan: 11 slabs of \d+ rows, each computed once, 2 passes, \d+ MB, about [^\n]+\nrun 4 % \(1 of 22 tiles, pass 1 of 2, [^\n]+ left\)\n/,
  );
  expect(stdout).toMatch(/^tiles\n {2}11 slabs of \d+ rows, 2 passes, /m);
  await run('scene.png', '--out', 'one');
  const [one, tiled] = await Promise.all(
    ['one', 'plan'].map(async (out) => PNG.sync.read(await readFile(at(`${out}/scene-mask.png`))).data),
  );
  const different = one!.filter((value, i) => value !== tiled![i]).length / 3;
  // of two classes that are equal but for rounding either may win
  expect(different).toBeLessThan(5);
});

test('a GeoTIFF keeps its place; where it has no data there is no class', async () => {
  const mask = await tiffSource(at('whole/scene-mask.tif'));
  expect(mask.georeference).toMatchObject({ pixelScale: [0.1, 0.1, 0], nodata: 255 });
  expect(mask.georeference!.keys).toEqual([1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326]);
  const labels = await mask.read({ start: [0, 0], size: [height, width] }, {});
  await mask.close();
  expect(new Set(labels.subarray(0, 20 * width))).toEqual(new Set([255]));
  expect(new Set(labels.subarray(20 * width))).toEqual(new Set([0, 1]));
  const overlay = await tiffSource(at('whole/scene-overlay.tif'));
  expect(overlay.shape).toEqual([1, 3, height, width]);
  await overlay.close();
});

describe.each(['png', 'tif'])('a run of a %s that is stopped', (ending) => {
  const scene = `scene.${ending}`;

  test.each([
    ['SIGINT', 130, /5 of 22 tiles/],
    ['SIGTERM', 143, /14 of 22 tiles, pass 2/],
  ] as const)('by %s goes on with --resume, to the same bytes', async (signal, expected, when) => {
    const out = `${ending}-${signal}`;
    const args = [scene, '--out', out, ...tiling];
    const { code, stdout, stderr } = await stopped(args, folder, signal, when);
    expect(code).toBe(expected);
    expect(stderr).toMatch(
      /atrous-seg: cancelled after \d+ of 22 tiles, pass \d of 2; run it again with --resume to go on\n$/,
    );
    expect(stdout).not.toMatch(/^picture/m);
    expect(await readdir(at(out))).toEqual(['scene.unfinished']);
    const done = Number(/cancelled after (\d+)/.exec(stderr)![1]);
    const resumed = await run(...args, '--resume');
    expect(resumed.code).toBe(0);
    expect(Number(/\((\d+) of 22 tiles/.exec(resumed.stderr)![1])).toBe(done + 1);
    await expectSame(out, ending);
  });

  test('by SIGKILL goes on with --resume, to the same bytes', async () => {
    const out = `${ending}-SIGKILL`;
    const args = [scene, '--out', out, ...tiling];
    expect((await stopped(args, folder, 'SIGKILL', /14 of 22 tiles/)).code).toBe(null);
    const resumed = await run(...args, '--resume');
    expect(resumed.code).toBe(0);
    expect(Number(/\((\d+) of 22 tiles/.exec(resumed.stderr)![1])).toBeGreaterThan(14);
    await expectSame(out, ending);
  });
});

test('--resume with another cut says so; without --resume the run begins again', async () => {
  const args = ['scene.png', '--out', 'cut', '--progress'];
  await stopped([...args, '--tile', '32'], folder, 'SIGINT', /4 of 22 tiles/);
  const other = await run(...args, '--tile', '48', '--resume');
  expect(other.stderr).toMatch(
    /atrous-seg: cut\/scene\.unfinished is of a run with another picture, network, --tile or --max-memory; give the same ones, or remove the folder to start again\n$/,
  );
  expect(other.code).toBe(1);
  const again = await run(...args, '--tile', '32');
  expect(again.code).toBe(0);
  expect(again.stderr).toMatch(/\(1 of 22 tiles/);
  await expectSame('cut', 'png');
});

test('two shards merged equal one run', async () => {
  const shard = (part: string) => run('scene.tif', '--out', 'shards', ...tiling, '--shard', part);
  const merge = () => run('scene.tif', '--out', 'shards', '--merge');
  const first = await shard('0/2');
  expect(first.stderr).toMatch(
    /atrous-seg: shard 0 of 2 has done its part of pass 1 of 2; the next pass needs what the other shards have yet to do: run it again when they have\n$/,
  );
  expect(first.code).toBe(75);
  const early = await merge();
  expect(early.stderr).toMatch(/atrous-seg: merge: shards? 1 of 2 (is|are) missing\n$/);
  expect(early.code).toBe(1);
  expect((await shard('1/2')).code).toBe(0);
  const unfinished = await merge();
  expect(unfinished.stderr).toMatch(/tiles 0–4 of 11 are missing; run shards 0 of 2 again/);
  expect(unfinished.code).toBe(1);
  const last = await shard('0/2');
  expect(last.code).toBe(0);
  expect(last.stdout).not.toMatch(/^class/m);
  const merged = await merge();
  expect(merged.stderr).not.toMatch(/atrous-seg:/);
  expect(merged.code).toBe(0);
  await expectSame('shards', 'tif');
});

/** A file system of some bytes; false where nothing may be mounted. */
function mounted(path: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk: what is done stays, and --resume goes on', async ({ skip }) => {
  await mkdir(at('disk'));
  if (!mounted(at('disk'), 'size=120k')) skip('no tmpfs can be mounted here');
  try {
    const args = ['scene.tif', '--out', 'disk', ...tiling];
    const { code, stderr } = await run(...args);
    expect(stderr).toMatch(
      /\natrous-seg: disk\/scene\.unfinished\/0-of-1\.part: cannot write \(the disk is full; make space, then go on from the journal\)\n$/,
    );
    expect(code).toBe(1);
    mounted(at('disk'), 'remount,size=8m');
    const resumed = await run(...args, '--resume');
    expect(resumed.code).toBe(0);
    await expectSame('disk', 'tif');
  } finally {
    execFileSync('umount', [at('disk')]);
  }
});
