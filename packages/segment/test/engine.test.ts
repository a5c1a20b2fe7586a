import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Backend,
  compile,
  cpu,
  DisposedError,
  ExecutionError,
  interpolate,
  MemoryError,
  OptionError,
  reference,
  tensor,
} from '@atrous/core';
import {
  knownModel,
  logitsOf,
  type ModelDescription,
  openModel,
  type Picture,
  pictureInput,
  prepare,
} from '@atrous/segment/models';
import { afterEach, describe, expect, test } from 'vitest';
import type { BackendChoice } from '../src/backends.js';
import { Engine } from '../src/engine/engine.js';
import { label, labelTarget } from '../src/engine/label.js';
import { paint, sharesOf } from '../src/engine/paint.js';
import { prepareResized } from '../src/engine/resample.js';
import type { SegmentProgress } from '../src/types.js';
import { fixture, largestDifference, networks, readPng, water, withoutNetworks } from './fixtures.js';

const { description } = knownModel('water');
const plain = { logits: false, tile: false } as const;

const noise = (width: number, height: number): Picture => ({
  width,
  height,
  data: Uint8Array.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : (i * 7919) % 251)),
});
const pixels = (picture: Picture) => ({ kind: 'pixels', picture }) as const;

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

/** The water network on one thread, and what was compiled. */
async function waterEngine(settings: { maxMemory?: number } = {}) {
  const compiled: string[] = [];
  const started: (BackendChoice | 'auto')[] = [];
  let lose: (reason: string) => void = () => undefined;
  const choose = async (choice: BackendChoice | 'auto'): Promise<Backend> => {
    if (choice !== 'auto' && choice.name === 'gpu') throw new OptionError('no gpu in this test');
    started.push(choice);
    const backend = await cpu({ threads: 1 });
    const lost = new Promise<{ reason: string }>((resolve) => {
      lose = (reason) => resolve({ reason });
    });
    return {
      ...backend,
      lost,
      async compile(graph, options) {
        compiled.push(graph.nodes[graph.inputs[0]!]!.shape.join('×'));
        return await backend.compile(graph, options);
      },
    };
  };
  const engine = new Engine(water(), description, { ...settings, choose });
  engines.push(engine);
  await engine.use('auto');
  return { engine, compiled, started, lose: (reason: string) => lose(reason) };
}

async function expected(picture: Picture, of: ModelDescription, model = water()): Promise<Float32Array> {
  const input = pictureInput(of);
  const x = tensor(prepare(picture, input), [1, input.mean.length, picture.height, picture.width]);
  const program = await compile(logitsOf(model, of), x, { backend: await cpu({ threads: 1 }) });
  return (await program.run(x)).dataSync() as Float32Array;
}

function labelsOf(logits: Float32Array, classes: number): Uint8Array {
  const labels = new Uint8Array(logits.length / classes);
  for (let i = 0; i < labels.length; i++)
    for (let c = 1; c < classes; c++)
      if (logits[c * labels.length + i]! > logits[labels[i]! * labels.length + i]!) labels[i] = c;
  return labels;
}

describe('a picture', () => {
  test('gets the labels, probabilities, shares and colours that the logits say', async () => {
    const { engine } = await waterEngine();
    const picture = readPng(fixture('east-africa_256_rgb.png'));
    const want = await expected(picture, description);
    const result = await engine.segment(pixels(picture), { logits: true, tile: false });
    expect(largestDifference(result.logits!, want)).toBeLessThan(1e-5);
    expect(Buffer.compare(result.labels, labelsOf(result.logits!, 2))).toBe(0);
    const count = result.labels.length;
    for (const at of [0, 777, 30_000, count - 1]) {
      const [land, sea] = [result.logits![at]!, result.logits![count + at]!];
      expect(result.confidence[at]).toBeCloseTo(1 / (1 + Math.exp(-Math.abs(land - sea))), 6);
      const { color } = description.classes[result.labels[at]!]!;
      expect([...result.pixels.subarray(4 * at, 4 * at + 4)]).toEqual([...color, 255]);
    }
    expect(result.shares[0]! + result.shares[1]!).toBeCloseTo(1, 12);
    expect(result.shares[1]).toBe(result.labels.filter((value) => value === 1).length / count);
    expect(result.stages.map(({ name }) => name)).toEqual(['decode', 'prepare', 'compile', 'run', 'label']);
    expect(result.steps.length).toBeGreaterThan(10);
    expect(result.steps.reduce((sum, { macs }) => sum + macs, 0)).toBe(result.macs);
    expect(result.memory).toBeGreaterThan(1e6);
    expect(result.backend).toMatchObject({ name: 'cpu', info: { threads: 1 } });
  });

  test('of the same size compiles nothing, of another size does', async () => {
    const { engine, compiled } = await waterEngine();
    for (const size of [32, 32, 32, 40, 40, 32]) await engine.segment(pixels(noise(size, 24)), plain);
    expect(compiled).toEqual(['1×1×24×32', '1×1×24×40', '1×1×24×32']);
  });

  test('in tiles has the result of the whole', async () => {
    const { engine } = await waterEngine();
    const picture = pixels(noise(203, 157));
    const whole = await engine.segment(picture, { logits: true, tile: false });
    const progress: SegmentProgress[] = [];
    const onProgress = (p: SegmentProgress) => progress.push(p);
    const tiled = await engine.segment(picture, { logits: true, tile: 64 }, { onProgress });
    expect(largestDifference(tiled.logits!, whole.logits!)).toBeLessThan(1e-4);
    expect(largestDifference(tiled.confidence, whole.confidence)).toBeLessThan(1e-4);
    expect(progress.at(-1)).toMatchObject({
      stage: 'run',
      fraction: 1,
      step: expect.stringMatching(/^tile \d+ of \d+$/),
    });
    expect(tiled.macs).toBeGreaterThan(0);
  });

  test.each([
    [pixels(noise(7, 20)), false, OptionError, /7×20 pixels; the network needs at least 8×8/],
    [pixels(noise(20, 20)), 0, OptionError, /tile must be a positive integer or true but is 0/],
    [{ kind: 'address', address: '/not/there.png' } as const, false, Error, /cannot open \/not\/there\.png/],
  ])('that does not fit is refused', async (picture, tile, type, message) => {
    const { engine } = await waterEngine();
    const result = engine.segment(picture, { logits: false, tile });
    await expect(result).rejects.toBeInstanceOf(type);
    await expect(result).rejects.toThrow(message);
  });

  test('that needs too much memory is refused in words for a person', async () => {
    const { engine } = await waterEngine({ maxMemory: 1e5 });
    const result = engine.segment(pixels(noise(64, 48)), plain);
    await expect(result).rejects.toBeInstanceOf(MemoryError);
    await expect(result).rejects.toThrow(
      /^a picture of 64×48 pixels takes 0\.00\d+ GB and 0\.000100 GB are allowed; make it smaller, or compute it in tiles \(option tile\)$/,
    );
  });
});

describe('calls', () => {
  test('are queued, report progress up to 1, and one that is cancelled leaves the others alone', async () => {
    const { engine } = await waterEngine();
    const cancel = new AbortController();
    const fractions: number[] = [];
    const order: number[] = [];
    const run = (n: number, events = {}) =>
      engine.segment(pixels(noise(64, 64)), plain, events).finally(() => order.push(n));
    const first = run(1, {
      onProgress: ({ stage, fraction = 0 }: SegmentProgress) => stage === 'run' && fractions.push(fraction),
    });
    const second = run(2, {
      signal: cancel.signal,
      onProgress: ({ stage, fraction = 0 }: SegmentProgress) =>
        stage === 'run' && fraction > 0.3 && cancel.abort(new Error('enough')),
    });
    const third = run(3);
    const stopped = new AbortController();
    stopped.abort(new Error('never began'));
    const fourth = run(4, { signal: stopped.signal });
    await expect(second).rejects.toThrow('enough');
    await expect(fourth).rejects.toThrow('never began');
    expect(Buffer.compare((await first).labels, (await third).labels)).toBe(0);
    expect(order).toEqual([1, 2, 3, 4]);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBeCloseTo(1, 9);
  });

  test('after dispose are refused', async () => {
    const { engine } = await waterEngine();
    await engine.dispose();
    await expect(engine.segment(pixels(noise(16, 16)), plain)).rejects.toBeInstanceOf(DisposedError);
  });
});

describe('backends', () => {
  test('change while the weights stay; one that does not start leaves the one before', async () => {
    const { engine, started } = await waterEngine();
    await expect(engine.use({ name: 'gpu' })).rejects.toThrow('no gpu in this test');
    await engine.segment(pixels(noise(16, 16)), plain);
    await engine.use({ name: 'cpu', threads: 1 });
    expect(started).toEqual(['auto', { name: 'cpu', threads: 1 }]);
  });

  test('that lost their device are started again at the next picture', async () => {
    const { engine, started, lose } = await waterEngine();
    const running = engine.segment(pixels(noise(64, 64)), plain, {
      onProgress({ stage, fraction = 0 }) {
        if (stage !== 'run' || fraction === 0) return;
        lose('unplugged');
        throw new Error('what a kernel says then');
      },
    });
    await expect(running).rejects.toBeInstanceOf(DisposedError);
    await expect(running).rejects.toThrow(/the device was lost while the picture was segmented: unplugged/);
    const { stages } = await engine.segment(pixels(noise(64, 64)), plain);
    expect(stages.map(({ name }) => name)).toContain('start backend');
    expect(started).toEqual(['auto', 'auto']);
  });

  test('agree', async () => {
    const picture = noise(48, 40);
    const { engine } = await waterEngine();
    const fast = await engine.segment(pixels(picture), { logits: true, tile: false });
    const exact = new Engine(water(), description, { choose: async () => reference() });
    engines.push(exact);
    await exact.use({ name: 'reference' });
    const slow = await exact.segment(pixels(picture), { logits: true, tile: false });
    expect(largestDifference(fast.logits!, slow.logits!)).toBeLessThan(1e-4);
  });
});

describe('labelling', () => {
  const target = (classes: number) => labelTarget({ width: 3, height: 1 }, classes, false);
  const box = { top: 0, left: 0, width: 3, height: 1 };

  test('takes the first of the largest logits and its softmax probability', async () => {
    const data = Float32Array.of(1, 2, 3, 3, 2, 1, 0, 500, 3);
    const result = target(3);
    await label({ data, classes: 3, height: 1, width: 3 }, result, box);
    expect([...result.labels]).toEqual([1, 2, 0]);
    expect(result.confidence[0]).toBeCloseTo(Math.E ** 3 / (Math.E + Math.E ** 3 + 1), 6);
    expect(result.confidence[1]).toBe(1);
  });

  test.each([0, 1, 2])('refuses a NaN in channel %i', async (channel) => {
    const data = new Float32Array(9);
    data[3 * channel + 1] = NaN;
    const work = label({ data, classes: 3, height: 1, width: 3 }, target(3), box);
    await expect(work).rejects.toBeInstanceOf(ExecutionError);
  });

  test('paints and counts', () => {
    const classes = [
      { name: 'a', color: [1, 2, 3] as const },
      { name: 'b', color: [4, 5, 6] as const },
    ];
    expect([...paint(Uint8Array.of(1, 0), classes)]).toEqual([4, 5, 6, 255, 1, 2, 3, 255]);
    expect(sharesOf(Uint8Array.of(0, 1, 1, 1), 3)).toEqual([0.25, 0.75, 0]);
  });
});

test.each([
  [37, 53, 21, 30],
  [21, 30, 37, 53],
  [16, 16, 16, 16],
  [1, 1, 5, 7],
])('pixels of %i×%i prepared at %i×%i are the prepared picture resized', async (height, width, h, w) => {
  const input = { ...pictureInput(knownModel('deeplabv3-mobilenetv2').description) };
  const picture = noise(width, height);
  const whole = tensor(prepare(picture, input), [1, 3, height, width]);
  const resized = interpolate(whole, { size: [h, w], mode: 'bilinear' });
  expect(largestDifference(prepareResized(picture, input, [h, w]), await resized.data())).toBeLessThan(2e-6);
});

describe.skipIf(withoutNetworks)(`DeepLab (skipped ${withoutNetworks ?? 'never'})`, () => {
  const deeplab = knownModel('deeplabv3-mobilenetv2').description;
  const open = (name: string) => openModel(readFileSync(join(networks, name)));

  async function deeplabEngine(file: string): Promise<Engine> {
    const engine = new Engine(await open(file), deeplab);
    engines.push(engine);
    await engine.use({ name: 'cpu', threads: 1 });
    return engine;
  }

  test.each([
    ['deeplabv3_257_mv_gpu.tflite', 'astronaut-257', 'person', 30_681],
    ['deeplabv3_257_mv_gpu.tflite', 'chelsea-257', 'cat', 64_033],
    ['deeplabv3-mnv2-257.onnx', 'astronaut-257', 'person', 30_681],
  ])('%s sees in %s a %s', async (file, photograph, name, count) => {
    const engine = await deeplabEngine(file);
    const picture = readPng(join(networks, 'golden', `${photograph}.png`));
    const { shares } = await engine.segment(pixels(picture), plain);
    const index = deeplab.classes.findIndex((one) => one.name === name);
    expect(Math.abs(shares[index]! * 257 * 257 - count)).toBeLessThanOrEqual(3);
  });

  test('labels a picture of another size as the graph with both resizes does, without compiling again', async () => {
    const engine = await deeplabEngine('deeplabv3-mnv2-257.onnx');
    const photograph = readPng(join(networks, 'golden', 'chelsea-257.png'));
    const rows = 200;
    const picture = { width: 257, height: rows, data: photograph.data.subarray(0, 4 * 257 * rows) };
    const result = await engine.segment(pixels(picture), { logits: true, tile: false });
    const want = await expected(picture, deeplab, await open('deeplabv3-mnv2-257.onnx'));
    expect(largestDifference(result.logits!, want)).toBeLessThan(2e-3);
    const differ = labelsOf(want, 21).filter((value, i) => value !== result.labels[i]).length;
    expect(differ).toBeLessThanOrEqual(3);
    const again = await engine.segment(pixels(photograph), plain);
    expect(again.stages.map(({ name }) => name)).not.toContain('compile');
    await expect(engine.segment(pixels(picture), { logits: false, tile: true })).rejects.toThrow(
      /sees every picture at 257×257, so there is nothing to cut/,
    );
  });
});
