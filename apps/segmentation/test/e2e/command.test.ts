import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fixture } from '../fixtures.js';
import { command, stopped } from './command.js';

let folder: string;
const run = (...args: string[]) => command(args, { cwd: folder });
const at = (name: string) => join(folder, name);

/** The colours of land and water. */
const [land, water] = [
  [0xc8, 0xa2, 0x4a],
  [0x1f, 0x6f, 0xe0],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-seg-'));
  await writeFile(at('text.png'), 'no picture at all');
  await writeFile(at('empty.jpg'), '');
  await writeFile(at('picture.gif'), 'GIF89a\x02\0\x02\0\0\0\0', 'latin1');
  await writeFile(
    at('truncated.png'),
    (await readFile(fixture('east-africa_256_rgb.png'))).subarray(0, 40_000),
  );
  await writeFile(at('tiny.png'), PNG.sync.write(new PNG({ width: 7, height: 30 })));
  const crop = PNG.sync.read(await readFile(fixture('east-africa_256_rgb.png')));
  // a JPEG that calls itself PNG, of a size that no stride divides
  const odd = new PNG({ width: 157, height: 203 });
  PNG.bitblt(crop, odd, 20, 10, 157, 203, 0, 0);
  await writeFile(at('odd.png'), jpeg.encode(odd, 95).data);
  await writeFile(at('huge.png'), hugePng());
  await mkdir(at('many'));
  for (const name of ['b.png', 'a.png', 'c.jpg']) await copyFile(at('odd.png'), at(`many/${name}`));
});
beforeEach(() => rm(at('out'), { recursive: true, force: true }));
afterAll(() => rm(folder, { recursive: true }));

/** The beginning of a PNG of 400 megapixels. */
function hugePng(): Buffer {
  const bytes = PNG.sync.write(new PNG({ width: 8, height: 8 }));
  bytes.writeUInt32BE(20_000, 16);
  bytes.writeUInt32BE(20_000, 20);
  return bytes;
}

/** Share of water in a mask, and whether it holds the colours of the two classes only. */
async function waterIn(path: string) {
  const { width, height, data } = PNG.sync.read(await readFile(path));
  const pixels = Array.from({ length: width * height }, (_, i) => data.subarray(4 * i, 4 * i + 3).join());
  const known = new Set([land!.join(), water!.join()]);
  expect([...new Set(pixels)].filter((colour) => !known.has(colour))).toEqual([]);
  return { width, height, water: pixels.filter((colour) => colour === water!.join()).length / pixels.length };
}

describe('atrous-seg', () => {
  test('segments the sample', async () => {
    const { code, stdout, stderr } = await run();
    expect(stderr).toBe('model …\nstart backend …\nread …\nrun …\nwrite …\n');
    expect(code).toBe(0);
    expect(stdout).toContain('the sample that comes with the app, 800×800');
    expect(stdout).toMatch(/^network +Water on satellite pictures \(HDC and ASPP\), 95,762 parameters$/m);
    expect(stdout).toMatch(/^backend +cpu \(/m);
    expect(stdout).toMatch(/^mind +The network sees luminance only;/m);
    expect(stdout).toMatch(/^land +65\.5 % +0\.938$/m);
    expect(stdout).toMatch(/^water +34\.5 % +0\.890$/m);
    expect(stdout).toMatch(/^mean +0\.914$/m);
    expect(stdout).toMatch(/^ {2}203×203 through convolutions, coverage 100\.0 % \(no holes\)$/m);
    expect(stdout).toMatch(/the whole input through layers that average/);
    for (const stage of ['read', 'run', 'write'])
      expect(stdout).toMatch(new RegExp(`^  ${stage} +[\\d.]+ s$`, 'm'));
    expect(stdout).toMatch(/written\n {2}out\/sample-overlay\.png\n {2}out\/sample-mask\.png\n\n$/);
    expect((await readdir(at('out'))).sort()).toEqual(['sample-mask.png', 'sample-overlay.png']);
    const mask = await waterIn(at('out/sample-mask.png'));
    expect([mask.width, mask.height]).toEqual([800, 800]);
    expect(mask.water).toBeCloseTo(0.345, 3);
    const overlay = PNG.sync.read(await readFile(at('out/sample-overlay.png')));
    expect([overlay.width, overlay.height]).toEqual([800, 800]);
  });

  test('tells the algorithm, time and GFLOP/s of every step', async () => {
    const { code, stdout } = await run('odd.png', '--profile');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^steps, median of 9 runs after the first$/m);
    expect(stdout).toMatch(/^ {2}body\.2\.conv +\S.* \d+\.\d\d ms +\d+\.\d GFLOP\/s$/m);
    expect(stdout).toMatch(/^ {2}all +\d+\.\d\d ms/m);
  });

  test('reads a JPEG of odd size that calls itself PNG, writes where it is told', async () => {
    for (const flag of ['--out', '--output']) {
      const { code, stdout } = await run('--input', 'odd.png', flag, 'some/where');
      expect(code).toBe(0);
      expect(stdout).toContain('odd.png, 157×203');
      expect(stdout).toMatch(/^class +share$/m);
      const { width, height } = await waterIn(at('some/where/odd-mask.png'));
      expect([width, height]).toEqual([157, 203]);
    }
  });

  test('writes what it is told, under the name that it is told', async () => {
    await run('--mask', 'odd.png');
    expect(await readdir(at('out'))).toEqual(['odd-mask.png']);
    await run('--overlay', 'odd.png', '--out', 'only');
    expect(await readdir(at('only'))).toEqual(['odd-overlay.png']);
    const { code, stdout } = await run('odd.png', '--mask=named.tif', '--overlay');
    expect(code).toBe(0);
    expect(stdout).toMatch(/written\n {2}out\/odd-overlay\.png\n {2}named\.tif\n/);
    expect((await readFile(at('named.tif'))).subarray(0, 4)).toEqual(Buffer.from([0x49, 0x49, 42, 0]));
  });

  test('its own mask as reference gives 1, as PNG and as TIFF', async () => {
    for (const mask of ['mask.png', 'mask.tif']) {
      await run('odd.png', `--mask=${mask}`);
      const { code, stdout } = await run('odd.png', '--truth', mask);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^mean +1\.000$/m);
    }
  });

  test('every backend gives the same mask', async () => {
    const masks: Buffer[] = [];
    for (const args of [['cpu'], ['cpu', '--threads', '1'], ['reference'], ['gpu', '--gpu-mode', 'webasm']]) {
      const { code, stdout } = await run('odd.png', '--backend', ...args);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^backend +${args[0]}`, 'm'));
      masks.push(PNG.sync.read(await readFile(at('out/odd-mask.png'))).data);
    }
    const [first, ...others] = masks;
    for (const mask of others) {
      const different = mask.filter((value, i) => value !== first![i]).length / 3;
      expect(different).toBeLessThanOrEqual((157 * 203) / 1000);
    }
  });

  test('names and colours of classes', async () => {
    await writeFile(at('labels.txt'), 'dry #ff0000\nwet\n');
    const { stdout } = await run('odd.png', '--labels', 'labels.txt');
    expect(stdout).toMatch(/^dry +\d/m);
    expect(stdout).toMatch(/^wet +\d/m);
    const { data } = PNG.sync.read(await readFile(at('out/odd-mask.png')));
    const colours = new Set(
      Array.from({ length: 157 * 203 }, (_, i) => data.subarray(4 * i, 4 * i + 3).join()),
    );
    expect([...colours].sort()).toEqual(['230,159,0', '255,0,0']);
  });

  test('--json: a report for programs, progress stays on standard error', async () => {
    const { code, stdout, stderr } = await run('odd.png', '--json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^read …$/m);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ exitCode: 0, model: 'water', backend: { name: 'cpu' } });
    const [{ size, classes, files, plan, stages, field }] = report.inputs;
    expect(size).toEqual([157, 203]);
    expect(classes.map(({ name }: { name: string }) => name)).toEqual(['land', 'water']);
    expect(classes[0].count + classes[1].count).toBe(157 * 203);
    expect(files).toEqual(['out/odd-overlay.png', 'out/odd-mask.png']);
    expect(plan).toMatchObject({ tiles: 1, passes: 1 });
    expect(stages.map(({ name }: { name: string }) => name)).toEqual(['read', 'run', 'write']);
    expect(field).toEqual({ bounded: false, size: [203, 203], coverage: 1 });
  });

  test('--json when something is wrong', async () => {
    const { code, stdout } = await run('missing.png', '--json');
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ exitCode: 1, inputs: [{ input: 'missing.png' }] });
    expect(report.inputs[0].error).toMatch(/no such file/);
  });

  test('in a pipe there are no control characters, with --no-progress there is nothing', async () => {
    const { stdout, stderr } = await run('odd.png', '--tile', '64', '--progress');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    expect(await run('odd.png', '--no-progress')).toMatchObject({ code: 0, stderr: '' });
  });

  test('--help and --version', async () => {
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const flag of [
      ...['--input', '--out', '--mask', '--overlay', '--truth', '--model', '--description', '--labels'],
      ...['--backend', '--gpu-mode', '--threads', '--tile', '--max-memory', '--shard', '--merge'],
      ...['--resume', '--profile', '--json', '--progress', '--help', '--version'],
    ])
      expect(help.stdout).toMatch(new RegExp(`^  .*${flag}\\b`, 'm'));
    expect(await run('--version')).toEqual({ code: 0, stdout: 'atrous-seg 0.1.0\n', stderr: '' });
  });
});

describe('several inputs', () => {
  test('a pattern, in order', async () => {
    const { code, stdout, stderr } = await run('many/*.png', '--mask');
    expect(code).toBe(0);
    expect(stdout.match(/^picture .*$/gm)!.map((line) => line.split(/\s+/)[1])).toEqual([
      'many/a.png,',
      'many/b.png,',
    ]);
    expect(stderr).toMatch(/atrous-seg: 2 of 2 inputs done\n$/);
    expect((await readdir(at('out'))).sort()).toEqual(['a-mask.png', 'b-mask.png']);
  });

  test('what fails does not keep the others from being done', async () => {
    const { code, stdout, stderr } = await run('many/a.png', 'truncated.png', '-i', 'many/c.jpg', '--mask');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^atrous-seg: truncated\.png: damaged PNG \(.+\)$/m);
    expect(stderr).toMatch(/atrous-seg: 2 of 3 inputs done; failed: truncated\.png\n$/);
    expect(stdout.match(/^picture/gm)).toHaveLength(2);
    expect((await readdir(at('out'))).sort()).toEqual(['a-mask.png', 'c-mask.png']);
  });
});

describe('wrong input: one line, exit code 1', () => {
  test.each([
    [['missing.png'], 'missing.png: cannot open (there is no such file or folder)'],
    [['none/*.png'], 'none/*.png: no file matches this pattern'],
    [['.'], '.: is not a file'],
    [['text.png'], 'text.png: is no TIFF, PNG or JPEG file; convert it to one of them'],
    [['empty.jpg'], 'empty.jpg: is no TIFF, PNG or JPEG file; convert it to one of them'],
    [['picture.gif'], 'picture.gif: is no TIFF, PNG or JPEG file; convert it to one of them'],
    [
      ['a.nii.gz'],
      'a.nii.gz: is a volume, and the model water takes pictures; name a model for volumes with --model',
    ],
    [['tiny.png'], 'tiny.png: has 7×30 pixels, and the network needs at least 8×8'],
    [['odd.png', '--truth', 'missing.png'], 'missing.png: cannot open (there is no such file or folder)'],
    [
      ['odd.png', '--truth', 'tiny.png'],
      'tiny.png: the reference has 7×30 pixels but odd.png has 157×203; they must be equal',
    ],
    [['odd.png', '--out', 'text.png/inside'], 'text.png/inside: not a directory'],
    [['odd.png', '--out', 'text.png'], 'text.png: file already exists'],
    [['odd.png', '--mask=many.png'], 'many.png: cannot write (it is a folder)'],
    [['odd.png', '--mask=mask.jpg'], 'mask.jpg: the name of this result ends with .png or .tif'],
    [
      ['odd.png', '--merge'],
      'out/odd.unfinished: has no shards to merge; run --shard 0/n to n − 1/n with the same --out first',
    ],
    [
      ['odd.png', '--max-memory', '100MB'],
      '--max-memory 100 MB is too little: the program takes 130 MB; allow at least 154 MB',
    ],
    [['odd.png', '--model', 'nothing.onnx'], /nothing\.onnx/],
    [['odd.png', '--model', 'waters'], 'no model is called waters; known are water, deeplabv3-mobilenetv2'],
    [['odd.png', '--model', 'text.png'], /./],
    [
      ['odd.png', '--labels', 'text.png'],
      'text.png: has 1 classes and the model has 2; write one a line, in the order of its outputs',
    ],
    [['odd.png', '--description', 'text.png'], /^text\.png: is no JSON/],
  ])('%j', async (args, line) => {
    await mkdir(at('many.png'), { recursive: true });
    const { code, stdout, stderr } = await run(...args);
    const [last, ...others] = stderr.trimEnd().split('\n').reverse();
    expect(others.filter((text) => !text.endsWith('…'))).toEqual([]);
    expect(last).toMatch(/^atrous-seg: /);
    const said = last!.slice('atrous-seg: '.length);
    if (typeof line === 'string') expect(said).toBe(line);
    else expect(said).toMatch(line);
    expect(code).toBe(1);
    expect(stdout).not.toMatch(/^picture/m);
  });

  test('a picture that would not fit into memory', async () => {
    const { code, stderr } = await run('huge.png');
    expect(stderr).toMatch(
      /huge\.png: 20000 × 20000 pixels, and at most \d+ are decoded at once; convert it to a tiled TIFF/,
    );
    expect(code).toBe(1);
  });

  test('a mode that does not work here', async () => {
    const { code, stderr } = await run('odd.png', '--backend', 'gpu', '--gpu-mode', 'webgl2');
    expect(stderr).toMatch(/^model …\nstart backend …\natrous-seg: [^\n]*webgl2[^\n]*\n$/);
    expect(code).toBe(1);
  });

  test('a known model that cannot be downloaded: where to put it by hand', async () => {
    // as if there were no network
    const offline =
      '--import=data:text/javascript,globalThis.fetch=()=>Promise.reject(new(TypeError)(`offline`))';
    const env = { NODE_OPTIONS: offline, ATROUS_CACHE: at('cache') };
    const args = ['odd.png', '--model', 'deeplabv3-mobilenetv2'];
    const { code, stderr } = await command(args, { cwd: folder, env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^atrous-seg: deeplabv3-mobilenetv2 cannot be downloaded: https:\S+ fails \(.*offline\)\. .* by hand and put it at .*cache\/deeplabv3-mobilenetv2\.tflite\n$/m,
    );
  });
});

describe('wrong usage: one line and a hint, exit code 2', () => {
  test.each([
    [['--bogus'], "unknown option '--bogus'"],
    [['--resum'], "unknown option '--resum' (Did you mean --resume?)"],
    [['--input'], "option '-i, --input <file>' argument missing"],
    [['--input='], 'an input has an empty name'],
    [['--truth='], '--truth needs a value'],
    [['--backend', 'tpu'], '--backend is one of cpu, gpu, reference, not tpu'],
    [['--backend', 'gpu', '--gpu-mode', 'metal'], '--gpu-mode is one of webgpu, webgl2, webasm, not metal'],
    [['--gpu-mode', 'webasm'], '--gpu-mode is for --backend gpu, but the backend is cpu'],
    [['--backend', 'gpu', '--threads', '2'], '--threads is for --backend cpu, but the backend is gpu'],
    [['--threads', '0'], '--threads is a whole number from 1 on, not 0'],
    [['--tile', '1e3'], '--tile is a whole number from 1 on, not 1e3'],
    [['--max-memory', 'much'], '--max-memory is a size such as 300MB or 1GiB, not much'],
    [['--shard', '2/2'], '--shard is i/n with i from 0 to n − 1, such as 0/8, not 2/2'],
    [['--shard', '0/2', '--merge'], '--shard does a part and --merge joins all of them; give one of the two'],
    [
      ['odd.png', 'many/a.png', '--mask=one.png'],
      '2 inputs cannot all be written to one.png; give --mask and --overlay without a name',
    ],
    [['odd.png', 'many/a.png', '--truth', 'odd.png'], '--truth is for one input, and there are 2'],
    [
      ['many/a.png', 'a.tif'],
      'many/a.png and a.tif would both be written to out/a-…; run them one by one with different --out',
    ],
  ])('%j', async (args, line) => {
    expect(await run(...args)).toEqual({
      code: 2,
      stdout: '',
      stderr: `atrous-seg: ${line}\nSee atrous-seg --help.\n`,
    });
  });
});

test('Ctrl-C before anything is done ends it cleanly with exit code 130', async () => {
  const { code, stdout, stderr } = await stopped([], folder, 'SIGINT', /read …/);
  expect(stderr).toMatch(/\natrous-seg: cancelled\n$/);
  expect(code).toBe(130);
  expect(stdout).not.toMatch(/^picture/m);
});
