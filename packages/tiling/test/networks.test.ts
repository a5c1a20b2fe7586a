/** Trained networks: the one that is shipped, and MeshNet on a volume. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { add, cast, compile, cpu, mul, type Tensor, tensor } from '@atrous/core';
import { load } from '@atrous/onnx';
import { knownModel, logitsOf, luminance, pictureInput, waterModel } from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';
import { openPicture } from '../src/files/index.js';
import { ArraySink, arraySource, type Source, type TiledOptions, tiled } from '../src/index.js';
import { copyRegion } from '../src/region.js';

const inRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

async function run(model: (x: Tensor) => Tensor, source: Source, options: TiledOptions) {
  const job = await tiled(model, source, options);
  const sink = new ArraySink();
  await job.run(sink);
  job.dispose();
  return { plan: job.plan, shape: sink.shape!, data: sink.data as Float32Array };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

describe('the shipped network on a picture 8 times larger than a tile', () => {
  const side = 800;
  const open = async () => {
    const { description } = knownModel('water');
    const weights = readFileSync(inRoot('packages/segment/assets/water-net.safetensors'));
    const logits = logitsOf(waterModel(new Uint8Array(weights)), description);
    const { scale, mean, std } = pictureInput(description);
    const model = (x: Tensor) => logits(mul(add(mul(cast(x, 'float32'), scale), -mean[0]!), 1 / std[0]!));
    const picture = await openPicture(inRoot('apps/segmentation/assets/sample.png'));
    const planes = await picture.read({ start: [0, 0], size: [side, side] }, {});
    const data = new Uint8Array(4 * side * side).fill(255);
    for (let i = 0; i < side * side; i++)
      for (let c = 0; c < 3; c++) data[4 * i + c] = planes[c * side * side + i]!;
    const source = arraySource(luminance({ width: side, height: side, data }), [1, 1, side, side], 'uint8');
    const backend = await cpu({ threads: 1 });
    const x = tensor(await source.read({ start: [0, 0], size: [side, side] }, {}), source.shape);
    const whole = (await (await compile(model, x, { backend })).run(x)).dataSync();
    return { model, source, backend, whole };
  };

  test('tiles and slabs give the logits and the classes of the whole', async () => {
    const { model, source, backend, whole } = await open();
    for (const order of ['tiles', 'slabs'] as const) {
      const { plan, data } = await run(model, source, { backend, tile: side / 8, order });
      expect(plan).toMatchObject({ order, passes: 2, counts: order === 'tiles' ? [8, 8] : [8, 1] });
      expect(largestDifference(data, whole)).toBeLessThan(2e-5);
      const pixels = side * side;
      let wrong = 0;
      for (let i = 0; i < pixels; i++) {
        const lead = whole[pixels + i]! - whole[i]!;
        if (Math.abs(lead) > 4e-5 && data[pixels + i]! > data[i]! !== lead > 0) wrong++;
      }
      expect(wrong).toBe(0);
    }
    await backend.dispose();
  }, 300_000);

  test('windows that each pool by themselves, or overlap by less than the halo, do not', async () => {
    const { model, source, backend, whole } = await open();
    const options = { backend, tile: side / 4, order: 'tiles' } as const;
    const pooled = await run(model, source, { ...options, pooling: 'window' });
    expect(pooled.plan.passes).toBe(1);
    expect(largestDifference(pooled.data, whole)).toBeGreaterThan(0.1);
    const near = await run(model, source, { ...options, halo: { overlap: 32, blend: 'gaussian' } });
    expect(largestDifference(near.data, whole)).toBeGreaterThan(0.1);
    // 103 samples is the halo of stem, body and pyramid
    const far = await run(model, source, { ...options, halo: { overlap: 104 } });
    expect(largestDifference(far.data, whole)).toBeLessThan(2e-5);
    await backend.dispose();
  }, 300_000);
});

const folder = inRoot('../shared/models/networks/');

/** The numbers of a little-endian .npy file, float32 or uint8. */
function readNpy(name: string): Float32Array | Uint8Array {
  const bytes = readFileSync(`${folder}golden/${name}`);
  const begin = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, begin);
  const data = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length);
  return header.includes("'<f4'") ? new Float32Array(data) : new Uint8Array(data);
}

describe.skipIf(!existsSync(folder))('MeshNet (skipped without ../shared/models/networks)', () => {
  test.each(['tiles', 'slabs'] as const)(
    'a crop of 128³ in %s of 64: the middle 36³, whose field lies inside, is that of the whole volume',
    async (order) => {
      const network = await load(`${folder}meshnet-model5-gw.onnx`);
      const [given, wanted] = [network.inputs[0]!.name, network.outputs[0]!.name];
      const model = (x: Tensor) => network({ [given]: mul(cast(x, 'float32'), 1 / 255) })[wanted]!;
      const shape = [1, 1, 128, 128, 128];
      const source = arraySource(readNpy('t1-crop128.u8.npy') as Uint8Array<ArrayBuffer>, shape, 'uint8');
      const backend = await cpu({ threads: 1 });
      const { plan, data } = await run(model, source, { backend, tile: 64, order });
      // field 93: 46 voxels on each side, of which a tile at the border has one side inside
      expect(plan).toMatchObject(
        order === 'tiles'
          ? { counts: [2, 2, 2], window: [110, 110, 110] }
          : { counts: [2, 1, 1], outputShape: [1, 3, 128, 128, 128] },
      );
      const middle = new Float32Array(3 * 36 ** 3);
      const size = [36, 36, 36];
      copyRegion(data, [128, 128, 128], [46, 46, 46], middle, size, [0, 0, 0], size, 3);
      const golden = readNpy('meshnet-model5-gw.t1-crop128-mid36.logits.npy');
      expect(largestDifference(middle, golden)).toBeLessThan(1e-3);
      const labels = readNpy('meshnet-model5-gw.t1-crop128-mid36.argmax.npy');
      const voxels = 36 ** 3;
      let wrong = 0;
      for (let i = 0; i < voxels; i++) {
        const logits = [0, 1, 2].map((c) => middle[c * voxels + i]!);
        const best = logits.indexOf(Math.max(...logits));
        const lead = logits[best]! - logits[labels[i]!]!;
        if (best !== labels[i] && lead > 2e-3) wrong++;
      }
      expect(wrong).toBe(0);
      await backend.dispose();
    },
    300_000,
  );
});
