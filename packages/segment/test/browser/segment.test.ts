import {
  AtrousError,
  DisposedError,
  ExecutionError,
  FormatError,
  MemoryError,
  OptionError,
  UnsupportedError,
} from '@atrous/core';
import {
  DownloadError,
  describeBackends,
  load,
  type PictureSource,
  type Segmentation,
  type Segmenter,
} from '@atrous/segment';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const address = new URL('../fixtures/east-africa_256_rgb.png', import.meta.url);
const side = 256;

let segmenter: Segmenter;
let blob: Blob;
let expected: Segmentation;

beforeAll(async () => {
  segmenter = await load('water', { backend: { name: 'cpu' } });
  blob = await (await fetch(address)).blob();
  expected = await segmenter.segment(blob);
});
afterAll(() => segmenter?.dispose());

async function canvasWith<C extends HTMLCanvasElement | OffscreenCanvas>(canvas: C): Promise<C> {
  canvas.width = canvas.height = side;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  context.drawImage(await createImageBitmap(blob), 0, 0);
  return canvas;
}

const equal = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);

const failure = (promise: Promise<unknown>): Promise<AtrousError> =>
  promise.then(
    () => expect.unreachable('it resolved'),
    (error) => error,
  );

test('runs in a worker, on as many threads as an isolated page has', () => {
  expect(segmenter.backend).toMatchObject({ name: 'cpu', info: { threads: expect.any(Number) } });
  expect(expected.image).toBeInstanceOf(ImageData);
  expect(expected).toMatchObject({ width: side, height: side });
  expect(expected.shares[1]).toBeCloseTo(0.7095, 3);
  expect(expected.stages.map(({ name }) => name)).toEqual(['decode', 'prepare', 'compile', 'run', 'label']);
});

describe('a picture', () => {
  const kinds: Record<string, () => Promise<PictureSource> | PictureSource> = {
    'an address': () => address.href,
    'a relative address': () => new URL(address).pathname,
    'a URL': () => address,
    'an ImageBitmap': () => createImageBitmap(blob),
    'a canvas': () => canvasWith(document.createElement('canvas')),
    'an OffscreenCanvas': () => canvasWith(new OffscreenCanvas(side, side)),
    'an ImageData': async () =>
      (await canvasWith(new OffscreenCanvas(side, side))).getContext('2d')!.getImageData(0, 0, side, side),
    'an image element that still loads': () => Object.assign(new Image(), { src: address.href }),
    'a File': () => new File([blob], 'photo.png'),
  };
  test.each(Object.entries(kinds))('may be %s', async (_, make) => {
    const { labels } = await segmenter.segment(await make());
    expect(equal(labels, expected.labels)).toBe(true);
  });

  test('stays usable unless it is handed over', async () => {
    const bitmap = await createImageBitmap(blob);
    await segmenter.segment(bitmap);
    expect(bitmap.width).toBe(side);
    await segmenter.segment(bitmap, { transfer: true });
    expect(bitmap.width).toBe(0);
    const pixels = new ImageData(16, 16);
    await segmenter.segment(pixels);
    expect(pixels.data.length).toBe(1024);
    await segmenter.segment(pixels, { transfer: true });
    expect(pixels.data.length).toBe(0);
  });

  const bad: [string, () => PictureSource, new (...args: never[]) => AtrousError, RegExp][] = [
    ['text', () => new Blob(['no picture']), FormatError, /^the picture: is not a picture$/],
    ['half a file', () => new File([blob.slice(0, 9000)], 'half.png'), FormatError, /^half\.png: damaged/],
    ['one that is not there', () => '/nowhere.png', AtrousError, /nowhere\.png/],
    [
      'on a server that is not there',
      () => 'https://nowhere.invalid/a.png',
      DownloadError,
      /nowhere\.invalid\/a\.png cannot be read/,
    ],
    [
      'a broken image element',
      () => Object.assign(new Image(), { src: 'data:image/png,no' }),
      FormatError,
      /the image element has no picture/,
    ],
    [
      'a video without data',
      () => document.createElement('video'),
      OptionError,
      /the video has no picture yet/,
    ],
    [
      'a canvas without size',
      () => Object.assign(document.createElement('canvas'), { width: 0 }),
      OptionError,
      /no picture can be taken/,
    ],
    [
      'one that is too small',
      () => new ImageData(7, 9),
      OptionError,
      /7×9 pixels; the network needs at least 8×8/,
    ],
  ];
  test.each(bad)('is refused if it is %s', async (_, make, type, message) => {
    const error = await failure(segmenter.segment(make()));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(message);
  });
});

test('a video is segmented frame by frame without compiling again', async () => {
  const { video, stop } = await film();
  const stages: string[][] = [];
  for (let frame = 0; frame < 4; frame++)
    stages.push((await segmenter.segment(video)).stages.map(({ name }) => name));
  expect(stages[0]).toContain('compile');
  for (const later of stages.slice(1)) expect(later).toEqual(['decode', 'prepare', 'run', 'label']);
  stop();
});

/** A video of what is drawn on a canvas; `stop` ends it. */
async function film(): Promise<{ readonly video: HTMLVideoElement; stop(): void }> {
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
  const context = canvas.getContext('2d')!;
  const video = Object.assign(document.createElement('video'), { muted: true });
  video.srcObject = canvas.captureStream(30);
  let frame = 0;
  const timer = setInterval(() => {
    context.fillStyle = `rgb(${(frame++ * 20) % 255} 90 40)`;
    context.fillRect(0, 0, 64, 48);
  }, 30);
  await video.play();
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  return { video, stop: () => clearInterval(timer) };
}

describe('a call', () => {
  test('is cancelled at once with the reason; the next one runs', async () => {
    const cancel = new AbortController();
    const reason = new Error('enough');
    const result = segmenter.segment(new ImageData(512, 512), {
      signal: cancel.signal,
      onProgress: ({ stage, fraction = 0 }) => stage === 'run' && fraction > 0 && cancel.abort(reason),
    });
    expect(await failure(result)).toBe(reason);
    expect(equal((await segmenter.segment(blob)).labels, expected.labels)).toBe(true);
  });

  test('leaves the page free while it runs', async () => {
    const ticksDuring = async (one: Segmenter) => {
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      await one.segment(new ImageData(768, 768));
      clearInterval(timer);
      return ticks;
    };
    const here = await load('water', { backend: { name: 'cpu', threads: 1 }, worker: false });
    // In the page it gives events a turn now and then only. How many depends on what else the machine does, for both.
    expect(await ticksDuring(segmenter)).toBeGreaterThan(2 * (await ticksDuring(here)));
    await here.dispose();
  });

  test('above maxMemory is refused before anything is allocated', async () => {
    const small = await load('water', { backend: { name: 'cpu', threads: 1 }, maxMemory: 2e6 });
    const error = await failure(small.segment(new ImageData(600, 600)));
    expect(error).toBeInstanceOf(MemoryError);
    expect(error.message).toMatch(/^a picture of 600×600 pixels takes/);
    const { labels } = await small.segment(new ImageData(64, 64));
    expect(labels.length).toBe(4096);
    await small.dispose();
  });
});

describe('backends', () => {
  test('are described with what works in the worker and why the others do not', async () => {
    const reports = await describeBackends();
    const names = reports.map(({ choice: { name, gpuMode } }) => gpuMode ?? name);
    expect(names).toEqual(['cpu', 'webgpu', 'webgl2', 'webasm', 'reference']);
    for (const { available, reason, adapter } of reports)
      if (available) expect(adapter).toBeTruthy();
      else expect(reason).toBeTruthy();
    expect(reports[0]!.available).toBe(true);
  });

  test('agree, and change by one line', async () => {
    const other = await load('water', { backend: { name: 'gpu', gpuMode: 'webgl2' } });
    expect(other.backend).toMatchObject({ name: 'gpu', info: { mode: 'webgl2' } });
    for (const choice of [
      undefined,
      { name: 'gpu', gpuMode: 'webasm' },
      { name: 'cpu', threads: 1 },
    ] as const) {
      if (choice) await other.use(choice);
      const { labels } = await other.segment(blob);
      const differing = labels.filter((value, i) => value !== expected.labels[i]).length;
      expect(differing).toBeLessThanOrEqual(2);
    }
    await other.dispose();
  });

  test('by themselves are cpu where there is no graphics card', async () => {
    const auto = await load('water');
    expect(auto.backend.name).toBe('cpu');
    await auto.dispose();
  });
});

describe('the worker', () => {
  test('that cannot be loaded, or dies, is a typed error', async () => {
    const missing = await failure(
      load('water', { worker: () => new Worker('/no-such-worker.js', { type: 'module' }) }),
    );
    expect(missing).toBeInstanceOf(ExecutionError);
    expect(missing.message).toMatch(/^the worker died: /);
    const refused = await failure(
      load('water', { worker: () => new Worker('https://other.invalid/worker.js') }),
    );
    expect(refused).toBeInstanceOf(UnsupportedError);
    expect(refused.message).toMatch(/worker-src/);
  });

  test('is not needed: everything runs in the page where that is wished', async () => {
    const here = await load('water', { worker: false, backend: { name: 'cpu', threads: 1 } });
    expect(equal((await here.segment(blob)).labels, expected.labels)).toBe(true);
    await here.dispose();
    expect(await failure(here.segment(blob))).toBeInstanceOf(DisposedError);
  });
});

describe('kept models', () => {
  const bytes = crypto.getRandomValues(new Uint8Array(1000));

  test('lie in the Cache API, and damaged ones are fetched again', async () => {
    const { modelFile } = await import('@atrous/segment/models');
    const { knownModel } = await import('@atrous/segment/models');
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const source = new URL(URL.createObjectURL(new Blob([bytes])));
    const model = {
      description: { ...knownModel('water').description, name: 'kept' },
      file: {
        format: 'onnx',
        urls: [new URL('https://models.invalid/kept.onnx')],
        bytes: 1000,
        sha256,
        shipped: false,
      },
    } as const;
    const cache = `test-${crypto.randomUUID()}`;
    expect(equal(await modelFile(model, { cache, urls: [source] }), bytes)).toBe(true);
    // the official address answers nothing: what comes now was kept
    expect(equal(await modelFile(model, { cache }), bytes)).toBe(true);
    const store = await caches.open(cache);
    const [key] = await store.keys();
    await store.put(key!, new Response(bytes.slice(1)));
    expect(equal(await modelFile(model, { cache, urls: [source] }), bytes)).toBe(true);
    await store.put(key!, new Response(bytes.slice(1)));
    const error = await failure(modelFile(model, { cache }));
    expect(error.name).toBe('DownloadError');
    expect(error.message).toMatch(
      /models\.invalid\/kept\.onnx.*serve it beside the page and name its address in urls/,
    );
    await caches.delete(cache);
  });
});
