/** Trained networks on every mode: what they compute is what they computed where they come from. */
import { type Backend, compile, reference, tensor } from '@atrous/core';
import { gpu, type Mode } from '@atrous/gpu';
import { load } from '@atrous/onnx';
import { waterModel } from '@atrous/segment/models';
import { describe, expect, test } from 'vitest';
import { readNpy } from '../../onnx/src/command/npy.js';
import { noise } from './behaviour.js';

/** Files and pictures, wherever the tests run. */
export interface Surroundings {
  readonly modes: readonly Mode[];
  /** The weights that ship with the app. */
  waterWeights(): Promise<Uint8Array>;
  /** A file of ../shared/models/networks; undefined where that folder is not there. */
  readonly shared: ((name: string) => Promise<Uint8Array>) | undefined;
  /** The red, green, blue and alpha bytes of a PNG file. */
  decode(png: Uint8Array): Promise<ArrayLike<number>>;
}

/**
 * How far logits, which reach 51, may lie from LiteRT's: what the CPU is allowed. 3.1e-5 were measured in each of the
 * three modes (webgl2 and webgpu on SwiftShader); a GPU whose multiplications and additions round otherwise has room.
 */
const tolerance = 2e-4;

const size = 257;

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** Every `step`-th pixel of `[1, C, size, size]`. */
const everyPixel = (logits: Float32Array, step: number) =>
  logits.filter((_, i) => (i % size) % step === 0 && (Math.floor(i / size) % size) % step === 0);

/** The class with the largest logit in every pixel, and by how much it leads. */
function classesOf(logits: Float32Array, classes: number) {
  const pixels = logits.length / classes;
  return Array.from({ length: pixels }, (_, i) => {
    const values = Array.from({ length: classes }, (__, c) => logits[c * pixels + i]!);
    const [first, second] = [...values].sort((a, b) => b - a);
    return { label: values.indexOf(first!), lead: first! - second! };
  });
}

async function photograph({ shared, decode }: Surroundings, name: string) {
  const rgba = await decode(await shared!(`golden/${name}-${size}.png`));
  const pixels = size * size;
  expect(rgba.length).toBe(4 * pixels);
  const planes = Float32Array.from(
    { length: 3 * pixels },
    (_, i) => rgba[4 * (i % pixels) + Math.floor(i / pixels)]! / 127.5 - 1,
  );
  return tensor(planes, [1, 3, size, size]);
}

export function trainedNetworks(surroundings: Surroundings): void {
  const { modes, shared, waterWeights } = surroundings;
  const on = async (mode: Mode, use: (backend: Backend) => Promise<void>) => {
    const backend = await gpu({ mode });
    try {
      expect(backend.info.mode).toBe(mode);
      await use(backend);
    } finally {
      await backend.dispose();
    }
  };

  test.each(modes)('the water network is what it is on the reference: %s', { timeout: 120_000 }, (mode) =>
    on(mode, async (backend) => {
      const water = waterModel(await waterWeights());
      const x = tensor(noise(72 * 61, 5), [1, 1, 72, 61]);
      const network = (image: typeof x) => water({ image }).logits!;
      const program = await compile(network, x, { backend });
      const got = await (await program.run(x)).data();
      const want = await (await (await compile(network, x, { backend: reference() })).run(x)).data();
      expect(largestDifference(got, want)).toBeLessThan(1e-4);
      expect(program.program.steps.filter(({ algorithm }) => algorithm === 'copy')).toEqual([]);
    }),
  );

  describe.skipIf(shared === undefined)('DeepLabV3 (skipped without ../shared/models/networks)', () => {
    test.each(
      modes.flatMap((mode) => [
        [mode, 'astronaut', 15, 30_681] as const,
        [mode, 'chelsea', 8, 64_033] as const,
      ]),
    )('has the logits it has in LiteRT: %s, %s', { timeout: 300_000 }, (mode, name, label, pixels) =>
      on(mode, async (backend) => {
        const golden = async (part: string) => {
          const file = `golden/deeplabv3-mnv2-${size}.${name}.${part}.npy`;
          return readNpy(await shared!(file), file).data as ArrayLike<number>;
        };
        const model = await load(await shared!(`deeplabv3-mnv2-${size}.onnx`));
        const inputs = { [model.inputs[0]!.name]: await photograph(surroundings, name) };
        const program = await compile(model, inputs, { backend });
        const out = (await program.run(inputs))[model.outputs[0]!.name]!;
        expect(out.shape).toEqual([1, 21, size, size]);
        const logits = (await out.data()) as Float32Array;
        // The map of 33×33 is enlarged with its corners aligned: every eighth pixel is one of it.
        const errors = [largestDifference(everyPixel(logits, 8), await golden('logits33'))];
        if (name === 'astronaut')
          errors.push(largestDifference(everyPixel(logits, 2), await golden('logits-s2')));
        console.log(
          `DeepLabV3, ${name}, gpu (${mode}): logits within ${Math.max(...errors).toExponential(1)}`,
        );
        for (const error of errors) expect(error).toBeLessThan(tolerance);
        const classes = classesOf(logits, 21);
        const wanted = await golden('argmax');
        expect(classes.filter((found, i) => found.label !== wanted[i] && found.lead > 2 * tolerance)).toEqual(
          [],
        );
        expect(classes.filter((found) => found.label === label)).toHaveLength(pixels);
      }),
    );
  });

  describe.skipIf(shared === undefined)('MeshNet (skipped without ../shared/models/networks)', () => {
    test.each(
      modes.flatMap((mode) => [[mode, 'meshnet-model5-gw'] as const, [mode, 'meshnet-model11-gw'] as const]),
    )('has the logits it has in PyTorch on a volume: %s, %s', { timeout: 300_000 }, (mode, network) =>
      on(mode, async (backend) => {
        const golden = async (name: string) => readNpy(await shared!(`golden/${name}.npy`), name);
        const model = await load(await shared!(`${network}.onnx`));
        const bytes = await golden('t1-crop64.u8');
        const volume = tensor(
          Float32Array.from(bytes.data, (byte) => byte / 255),
          [1, 1, ...bytes.shape.slice(-3)],
        );
        const inputs = { [model.inputs[0]!.name]: volume };
        const program = await compile(model, inputs, { backend });
        const out = (await program.run(inputs))[model.outputs[0]!.name]!;
        const logits = (await out.data()) as Float32Array;
        const side = out.shape[2]!;
        const third = (i: number) => [1, side, side ** 2].every((d) => (Math.floor(i / d) % side) % 3 === 0);
        const some = logits.filter((_, i) => third(i));
        const error = largestDifference(some, (await golden(`${network}.t1-crop64.logits-s3`)).data);
        console.log(`${network}, gpu (${mode}): logits within ${error.toExponential(1)}`);
        expect(error).toBeLessThan(1e-3);
        const wanted = (await golden(`${network}.t1-crop64.argmax`)).data;
        const found = classesOf(logits, 3);
        expect(found.length).toBe(wanted.length);
        expect(found.filter(({ label, lead }, i) => label !== wanted[i] && lead > 2e-3)).toEqual([]);
      }),
    );
  });
}
