import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpu, type Tensor } from '@atrous/core';
import { load } from '@atrous/onnx';
import { ArraySink, tiled } from '@atrous/tiling';
import { afterAll, describe, expect, test } from 'vitest';
import { readNpy } from '../../../packages/onnx/src/command/npy.js';
import { conform, readNifti, resampleLabels, volumeSource, writeNifti } from '../src/volume/index.js';
import { nifti } from './volume-files.js';

const networks = fileURLToPath(new URL('../../../../shared/models/networks/', import.meta.url));
const golden = (name: string) => readNpy(readFileSync(`${networks}golden/${name}.npy`), name);

const folder = mkdtempSync(join(tmpdir(), 'atrous-volume-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The middle that does not see the border of 128³: the network reaches 46 voxels far. */
const [first, middle, whole] = [46, 36, 128];

describe.skipIf(!existsSync(networks))('MeshNet (skipped without ../shared/models/networks)', () => {
  test('from a NIfTI file to a NIfTI file of labels, tiled within a bound of memory', async () => {
    // the crop as it would be stored: i contiguous, axes to the left, down and to the front
    const crop = golden('t1-crop128.u8').data;
    const values = new Uint8Array(crop.length);
    for (let n = 0; n < crop.length; n++)
      values[(n >> 14) + whole * (((n >> 7) & 127) + whole * (n & 127))] = crop[n]!;
    const sform = [
      [-1, 0, 0, 60],
      [0, 0, 1, -70],
      [0, -1, 0, 80],
    ];
    const path = join(folder, 't1.nii.gz');
    writeFileSync(path, nifti({ size: [whole, whole, whole], values, sform, gzip: true }));

    const input = await readNifti(path);
    const conformed = await conform(input, { size: whole });
    expect(conformed.affine).toEqual(sform);
    const source = await volumeSource(conformed, { normalisation: 'minimum-maximum' });
    expect(source.limits).toEqual({ low: 0, high: 255 });

    const model = await load(`${networks}meshnet-model5-gw.onnx`);
    const logits = (x: Tensor) => model({ volume: x }).logits!;
    const backend = await cpu();
    // in one piece it takes 257 MB
    const maxMemory = 200e6;
    const job = await tiled(logits, source, { backend, maxMemory, tile: 64, order: 'tiles' });
    expect(job.plan.memory).toBeLessThanOrEqual(maxMemory);
    expect(job.plan.tiles).toBe(8);
    const sink = new ArraySink();
    await job.run(sink);
    job.dispose();

    const wanted = golden('meshnet-model5-gw.t1-crop128-mid36.logits').data;
    const labels = golden('meshnet-model5-gw.t1-crop128-mid36.argmax').data;
    const found = sink.data!;
    const at = (c: number, i: number, j: number, k: number) => ((c * whole + i) * whole + j) * whole + k;
    const best = Uint8Array.from({ length: whole ** 3 }, (_, n) => {
      const scores = [0, 1, 2].map((c) => found[c * whole ** 3 + n]!);
      return scores.indexOf(Math.max(...scores));
    });
    const result = join(folder, 'labels.nii.gz');
    await writeNifti(result, await resampleLabels(best, conformed, input), input, {
      classes: ['background', 'White Matter', 'Grey Matter'],
    });
    const written = await readNifti(result);
    expect(written.affine).toEqual(input.affine);
    let [largest, wrong, near] = [0, 0, 0];
    for (let n = 0; n < middle ** 3; n++) {
      const [i, j, k] = [Math.floor(n / middle ** 2), Math.floor(n / middle) % middle, n % middle].map(
        (index) => index + first,
      ) as [number, number, number];
      const scores = [0, 1, 2].map((c) => wanted[c * middle ** 3 + n]!);
      for (const [c, score] of scores.entries())
        largest = Math.max(largest, Math.abs(found[at(c, i, j, k)]! - score));
      const [top, second] = scores.sort((a, b) => b - a) as [number, number];
      // of two classes that are equal but for rounding either may win
      if (top - second < 2e-3) near++;
      else if (written.data[i + whole * (j + whole * k)] !== labels[n]) wrong++;
    }
    expect(largest).toBeLessThan(1e-3);
    expect(wrong).toBe(0);
    expect(near).toBeLessThan(middle ** 3 / 100);
    await backend.dispose();
  }, 300_000);
});
