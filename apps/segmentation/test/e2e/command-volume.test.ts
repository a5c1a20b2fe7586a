import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNpy } from '../../../../packages/onnx/src/command/npy.js';
import { readNifti } from '../../src/volume/index.js';
import { nifti } from '../volume-files.js';
import { command, stopped } from './command.js';

const networks = fileURLToPath(new URL('../../../../../shared/models/networks/', import.meta.url));
const golden = async (name: string) => readNpy(await readFile(`${networks}golden/${name}.npy`), name);

/** The middle that does not see the border of 128³: the network reaches 46 voxels far. */
const [first, middle, whole] = [46, 36, 128];

const description = {
  name: 'meshnet',
  title: 'MeshNet for grey and white matter',
  input: { kind: 'volume', conform: { size: whole, spacing: 1 }, normalisation: 'minimum-maximum' },
  classes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
};

describe.skipIf(!existsSync(networks))('volumes (skipped without ../shared/models/networks)', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const model = `${networks}meshnet-model5-gw.onnx`;
  const args = ['t1.nii.gz', '--model', model, '--description', 'meshnet.json', '--labels', 'tissue.txt'];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atrous-seg-'));
    // the crop as it would be stored: i contiguous, axes to the left, down and to the front
    const crop = (await golden('t1-crop128.u8')).data;
    const values = new Uint8Array(crop.length);
    for (let n = 0; n < crop.length; n++)
      values[(n >> 14) + whole * (((n >> 7) & 127) + whole * (n & 127))] = crop[n]!;
    const sform = [
      [-1, 0, 0, 60],
      [0, 0, 1, -70],
      [0, -1, 0, 80],
    ];
    const file = nifti({ size: [whole, whole, whole], values, sform, gzip: true });
    await writeFile(at('t1.nii.gz'), file);
    await writeFile(at('cut.nii.gz'), file.subarray(0, 100_000));
    await writeFile(at('meshnet.json'), JSON.stringify(description));
    await writeFile(at('tissue.txt'), 'background\nwhite matter\ngrey matter\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('a NIfTI file gives labels at the same place, those of the golden result; a stopped run goes on', async () => {
    const tiled = [...args, '--tile', '64', '--max-memory', '500MB', '--progress'];
    const killed = await stopped(tiled, folder, 'SIGKILL', /run \d+ % \(1 of/);
    expect(killed.stderr).toMatch(/^plan: \d+ /m);
    const { code, stdout, stderr } = await command([...tiled, '--resume'], { cwd: folder });
    expect(stderr).not.toMatch(/\(1 of/);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^volume +t1\.nii\.gz, 128×128×128$/m);
    expect(stdout).toMatch(
      /^note +Voxels of 1 × 1 × 1 mm, axes LIA; conformed to 128³ of 1 mm, axes LIA\.$/m,
    );
    expect(stdout).toMatch(/^white matter +\d+\.\d %$/m);
    expect(stdout).toMatch(/written\n {2}out\/t1-mask\.nii\.gz\n/);
    const written = await readNifti(at('out/t1-mask.nii.gz'));
    expect(written.affine).toEqual((await readNifti(at('t1.nii.gz'))).affine);
    const labels = (await golden('meshnet-model5-gw.t1-crop128-mid36.argmax')).data;
    let wrong = 0;
    for (let n = 0; n < middle ** 3; n++) {
      const [i, j, k] = [Math.floor(n / middle ** 2), Math.floor(n / middle) % middle, n % middle].map(
        (index) => index + first,
      ) as [number, number, number];
      if (written.data[i + whole * (j + whole * k)] !== labels[n]) wrong++;
    }
    // of two classes that are equal but for rounding either may win
    expect(wrong).toBeLessThan(5);
  });

  test.each([
    [['cut.nii.gz', '--model', model, '--description', 'meshnet.json'], /^cut\.nii\.gz: .*truncated/],
    [['meshnet.json', '--model', model, '--description', 'meshnet.json'], /^meshnet\.json: /],
    [[...args, '--max-memory', '140MB'], /^--max-memory 140 MB is too little: /],
  ])('wrong input: %j', async (wrong, message) => {
    const { code, stderr } = await command(wrong, { cwd: folder });
    expect(stderr.trimEnd().split('\n').at(-1)!.replace('atrous-seg: ', '')).toMatch(message);
    expect(code).toBe(1);
  });

  test('what is for pictures only is refused', async () => {
    const { code, stderr } = await command([...args, '--overlay'], { cwd: folder });
    expect(stderr).toMatch(
      /atrous-seg: --overlay and --truth are for pictures; of a volume the mask is written\n/,
    );
    expect(code).toBe(2);
  });
});
