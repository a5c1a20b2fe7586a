import { existsSync, readFileSync } from 'node:fs';
import { type Backend, compile, cpu, input, reference, type Tensor, tensor, trace } from '@atrous/core';
import { receptiveField } from '@atrous/rf';
import { load } from '@atrous/tflite';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';

const folder = new URL('../../../../shared/models/networks/', import.meta.url);
const file = (name: string) => new URL(name, folder);
const original = file('deeplabv3_257_mv_gpu.tflite');

/** The numbers of a .npy file. */
function golden(name: string): Float32Array | Uint8Array {
  const bytes = readFileSync(file(`golden/deeplabv3-mnv2-257.${name}.npy`));
  const start = 10 + bytes.readUInt16LE(8);
  const data = bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.byteLength);
  return bytes.toString('latin1', 10, start).includes("'<f4'")
    ? new Float32Array(data)
    : new Uint8Array(data);
}

function photograph(name: string): Tensor {
  const { width, height, data } = PNG.sync.read(readFileSync(file(`golden/${name}-257.png`)));
  const values = Float32Array.from(
    { length: 3 * width * height },
    (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]! / 127.5 - 1,
  );
  return tensor(values, [1, height, width, 3]);
}

const side = 257;
const classes = 21;

/** Every step-th element of `[1, 257, 257, 21]`, planes first as the stored logits are. */
function sampled(logits: ArrayLike<number>, step: number): number[] {
  const values: number[] = [];
  for (let c = 0; c < classes; c++)
    for (let y = 0; y < side; y += step)
      for (let x = 0; x < side; x += step) values.push(logits[(y * side + x) * classes + c]!);
  return values;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

const backends: Record<string, () => Backend | Promise<Backend>> = {
  reference: () => reference(),
  cpu: () => cpu({ threads: 1 }),
};

describe.skipIf(!existsSync(original))(
  'the original deeplabv3_257_mv_gpu.tflite (skipped without ../shared/models/networks)',
  () => {
    test.each(Object.keys(backends))(
      'photographs have the stored logits and classes on %s',
      async (name) => {
        const backend = await backends[name]!();
        const model = await load(readFileSync(original));
        const key = model.inputs[0]!.name;
        const program = await compile(model, { [key]: input([1, side, side, 3]) }, { backend });
        for (const [photo, label, pixels] of [
          ['astronaut', 15, 30_681],
          ['chelsea', 8, 64_033],
        ] as const) {
          const [out] = Object.values(await program.run({ [key]: photograph(photo) }));
          expect(out!.shape).toEqual([1, side, side, classes]);
          const logits = out!.dataSync();
          const wanted = golden(`${photo}.argmax`);
          const best = Array.from({ length: side * side }, (_, i) => {
            const row = logits.subarray(i * classes, (i + 1) * classes);
            return row.indexOf(Math.max(...row));
          });
          expect(best.filter((found, i) => found !== wanted[i]).length).toBeLessThan(3);
          expect(Math.abs(best.filter((found) => found === label).length - pixels)).toBeLessThan(3);
          // corners aligned: every eighth pixel is one of the map of 33×33
          expect(largestDifference(sampled(logits, 8), golden(`${photo}.logits33`))).toBeLessThan(2e-4);
          if (photo === 'astronaut')
            expect(largestDifference(sampled(logits, 2), golden('astronaut.logits-s2'))).toBeLessThan(2e-4);
        }
        await backend.dispose();
      },
      300_000,
    );

    test('the graph has rates 2 and 4, no transposes but at the border, and the field of the ONNX form', async () => {
      const model = await load(readFileSync(original));
      const { name } = model.inputs[0]!;
      const { graph } = trace(model, { [name]: input([1, side, side, 3]) });
      const kinds = graph.nodes.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'transpose')).toHaveLength(2);
      expect(kinds.filter((kind) => kind === 'depthToSpace' || kind === 'spaceToDepth')).toEqual([]);
      const rates = graph.nodes.flatMap(({ reach }) =>
        reach?.type === 'window' ? reach.axes.map(({ dilation }) => dilation) : [],
      );
      expect([...new Set(rates)].sort()).toEqual([1, 2, 4]);

      const stated = JSON.parse(readFileSync(file('deeplabv3-mnv2-257.layers.json'), 'utf8'));
      expect(model.parameters).toBe(stated.params);
    });

    test('channels first there is no transpose at all, and the field is that of the ONNX form', async () => {
      const model = await load(readFileSync(original), { layout: 'channelsFirst' });
      const stated = JSON.parse(readFileSync(file('deeplabv3-mnv2-257.layers.json'), 'utf8'));
      expect(model.inputs[0]!.shape).toEqual([1, 3, side, side]);
      expect(model.outputs[0]!.shape).toEqual([1, classes, side, side]);
      const { graph } = trace(model, { [model.inputs[0]!.name]: input([1, 3, side, side]) });
      const kinds = graph.nodes.map(({ kind }) => kind);
      expect(kinds).not.toContain('transpose');
      // of the convolutions, before the branch that pools everything joins them
      const [pooled, features] = graph.nodes[kinds.indexOf('concat')]!.inputs;
      const field = (output: number) => receptiveField({ ...graph, outputs: [output] }).size;
      expect(field(features!)).toEqual([stated.receptiveField, stated.receptiveField]);
      expect(field(pooled!)[0]).toBeGreaterThan(stated.receptiveField);
      await expect(load(readFileSync(original), { layout: 'NCHW' as 'channelsFirst' })).rejects.toThrow(
        /layout must be 'channelsLast' or 'channelsFirst' but is "NCHW"/,
      );
    });

    test('weights keep their identity when traced for another size', async () => {
      const model = await load(readFileSync(original));
      const { name } = model.inputs[0]!;
      const constants = (size: number) =>
        trace(model, { [name]: input([1, size, size, 3]) })
          .graph.nodes.filter((node) => node.kind === 'constant')
          .map((node) => (node as unknown as { value: unknown }).value);
      const first = new Set(constants(side));
      const again = constants(side);
      const shared = again.filter((value) => first.has(value));
      expect(shared.length).toBe(again.length);
      // the first pool and the resizes are made for 257: another size is refused by name
      expect(() => trace(model, { [name]: input([1, 129, 129, 3]) })).toThrow(/operator \d+ [A-Z_0-9]+: /);
    });
  },
);
