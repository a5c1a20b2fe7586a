import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Backend, compile, cpu, input, reference, tensor, trace } from '@atrous/core';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { readNpy } from '../src/command/npy.js';
import { load } from '../src/index.js';

const folder = fileURLToPath(new URL('../../../../shared/models/networks/', import.meta.url));
const file = (name: string) => `${folder}${name}`;
const golden = (name: string) => readNpy(readFileSync(file(`golden/${name}`)), name);

const backends: Record<string, () => Promise<Backend>> = {
  reference: async () => reference(),
  cpu: () => cpu({ threads: 1 }),
};

/** RGB from −1 to 1, planes first. */
function photograph(name: string) {
  const { width, height, data } = PNG.sync.read(readFileSync(file(`golden/${name}-257.png`)));
  const planes = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 3; c++) planes[c * width * height + i] = data[4 * i + c]! / 127.5 - 1;
  return tensor(planes, [1, 3, height, width]);
}

const volume = (name: string) => {
  const { data, shape } = golden(`${name}.u8.npy`);
  return tensor(
    Float32Array.from(data, (value) => value / 255),
    [1, 1, ...shape.slice(-3)],
  );
};

/** Every `step`-th element along the last `axes` axes. */
function subsample(data: ArrayLike<number>, shape: readonly number[], step: number, axes: number) {
  const spatial = shape.slice(-axes);
  const planes = shape.slice(0, -axes).reduce((a, b) => a * b, 1);
  const taken: number[] = [];
  const visit = (axis: number, at: number) => {
    if (axis === axes) taken.push(data[at]!);
    else for (let i = 0; i < spatial[axis]!; i += step) visit(axis + 1, at * spatial[axis]! + i);
  };
  for (let plane = 0; plane < planes; plane++) visit(0, plane);
  return taken;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** The classes with the largest logits, and by how much they lead. */
function argMax(logits: ArrayLike<number>, classes: number) {
  const size = logits.length / classes;
  const lead = new Float32Array(size);
  const best = Uint8Array.from({ length: size }, (_, i) => {
    let [top, second, found] = [-Infinity, -Infinity, 0];
    for (let c = 0; c < classes; c++) {
      const value = logits[c * size + i]!;
      if (value > top) [top, second, found] = [value, top, c];
      else if (value > second) second = value;
    }
    lead[i] = top - second;
    return found;
  });
  return { best, lead };
}

/** Labels agree wherever the two best classes are not as near as rounding. */
function expectLabels(logits: ArrayLike<number>, classes: number, wanted: ArrayLike<number>, margin: number) {
  const { best, lead } = argMax(logits, classes);
  expect(best.length).toBe(wanted.length);
  const wrong = best.filter((label, i) => label !== wanted[i] && lead[i]! > margin).length;
  expect(wrong).toBe(0);
  return best;
}

describe.skipIf(!existsSync(folder))('trained networks (skipped without ../shared/models/networks)', () => {
  describe.each(Object.keys(backends))('%s', (name) => {
    test.each([
      ['astronaut', 15, 30_681],
      ['chelsea', 8, 64_033],
    ])(
      'DeepLabV3-MobileNetV2 on %s: class %d in %d pixels',
      async (photo, label, pixels) => {
        const backend = await backends[name]!();
        const model = await load(file('deeplabv3-mnv2-257.onnx'));
        const given = { [model.inputs[0]!.name]: photograph(photo) };
        const program = await compile(model, given, { backend });
        const out = (await program.run(given))[model.outputs[0]!.name]!;
        expect(out.shape).toEqual([1, 21, 257, 257]);
        const logits = out.dataSync();
        const best = expectLabels(logits, 21, golden(`deeplabv3-mnv2-257.${photo}.argmax.npy`).data, 4e-4);
        expect(best.filter((found) => found === label).length).toBe(pixels);
        // the map of 33×33 is enlarged with its corners aligned: every eighth pixel is one of it
        const small = golden(`deeplabv3-mnv2-257.${photo}.logits33.npy`).data;
        expect(largestDifference(subsample(logits, out.shape, 8, 2), small)).toBeLessThan(2e-4);
        if (photo === 'astronaut') {
          const half = golden('deeplabv3-mnv2-257.astronaut.logits-s2.npy').data;
          expect(largestDifference(subsample(logits, out.shape, 2, 2), half)).toBeLessThan(2e-4);
        }
        await backend.dispose();
      },
      300_000,
    );

    test.each(['meshnet-model5-gw', 'meshnet-model11-gw'])(
      '%s on a crop of 64³',
      async (network) => {
        const backend = await backends[name]!();
        const model = await load(file(`${network}.onnx`));
        const given = { [model.inputs[0]!.name]: volume('t1-crop64') };
        const program = await compile(model, given, { backend });
        const out = (await program.run(given))[model.outputs[0]!.name]!;
        expect(out.shape).toEqual([1, 3, 64, 64, 64]);
        const third = golden(`${network}.t1-crop64.logits-s3.npy`).data;
        expect(largestDifference(subsample(out.dataSync(), out.shape, 3, 3), third)).toBeLessThan(1e-3);
        expectLabels(out.dataSync(), 3, golden(`${network}.t1-crop64.argmax.npy`).data, 2e-3);
        await backend.dispose();
      },
      300_000,
    );
  });

  test('traced for two sizes, a network keeps its weights', async () => {
    const model = await load(file('meshnet-model5-gw.onnx'));
    const constants = (size: number) =>
      trace(model, { [model.inputs[0]!.name]: input([1, 1, size, size, size]) }).graph.nodes.flatMap(
        (node) => (node.kind === 'constant' ? [node.value] : []),
      );
    const [small, large] = [constants(16), constants(24)];
    expect(small.length).toBeGreaterThan(10);
    expect(large.length).toBe(small.length);
    for (const [i, constant] of small.entries()) expect(large[i]).toBe(constant);
  });
});
