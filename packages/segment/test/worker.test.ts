import { readFileSync } from 'node:fs';
import {
  AtrousError,
  DisposedError,
  ExecutionError,
  FormatError,
  OptionError,
  UnsupportedError,
} from '@atrous/core';
import { DownloadError, load, type Segmenter } from '@atrous/segment';
import { knownModel } from '@atrous/segment/models';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { serve } from '../src/worker/api.js';
import { fixture } from './fixtures.js';

/** A worker that is none: the other end of the same messages, in this thread. */
class Stand extends EventTarget {
  readonly #here = new EventTarget();
  terminated = false;

  constructor() {
    super();
    serve(this.#here as unknown as MessagePort);
  }

  postMessage(message: unknown, transfer: never): void {
    const data = structuredClone(message, { transfer });
    this.#here.dispatchEvent(new MessageEvent('message', { data }));
  }

  terminate(): void {
    this.terminated = true;
  }

  die(message: string): void {
    this.dispatchEvent(Object.assign(new Event('error'), { message }));
  }
}

const picture = (side = 64) => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: 4 * side * side }, (_, i) => (i * 7919) % 251),
});
const backend = { name: 'cpu', threads: 1 } as const;

let open: Segmenter | undefined;
afterEach(async () => {
  await open?.dispose();
  open = undefined;
});

async function loaded(model: Parameters<typeof load>[0] = 'water') {
  const worker = new Stand();
  open = await load(model, { worker: () => worker, backend });
  return { worker, segmenter: open };
}

describe('a network behind messages', () => {
  test('loads with its stages and segments', async () => {
    const stages: string[] = [];
    const worker = new Stand();
    open = await load('water', {
      worker: () => worker,
      backend,
      onProgress: ({ stage }) => stages.push(stage),
    });
    expect(stages.filter((stage, i) => stage !== stages[i - 1])).toEqual([
      'start worker',
      'download',
      'read',
      'start backend',
    ]);
    const seen = new Set<string>();
    const result = await open.segment(fixture('east-africa_256_rgb.png'), {
      onProgress: ({ stage }) => seen.add(stage),
    });
    expect([...seen]).toEqual(['wait', 'decode', 'prepare', 'compile', 'run', 'label']);
    expect(result).toMatchObject({ width: 256, height: 256, backend: { name: 'cpu' }, logits: undefined });
    expect(result.image).toMatchObject({ width: 256, height: 256, colorSpace: 'srgb' });
    expect(result.image.data.length).toBe(4 * 256 * 256);
    expect(result.classes).toBe(open.description.classes);
    expect(result.shares[1]).toBeCloseTo(0.7095, 3);
  });

  test('gives what it gives without them', async () => {
    const { segmenter } = await loaded();
    const here = await load('water', { worker: false, backend });
    const [a, b] = [await segmenter.segment(picture()), await here.segment(picture())];
    expect(Buffer.compare(a.labels, b.labels)).toBe(0);
    await here.dispose();
  });

  test('throws errors of this package as the same class', async () => {
    const { segmenter } = await loaded();
    await expect(segmenter.segment(new URL('http://127.0.0.1:1/a.png'))).rejects.toBeInstanceOf(
      DownloadError,
    );
  });

  test('changes its backend, and says what runs', async () => {
    const { segmenter } = await loaded();
    expect(segmenter.backend.name).toBe('cpu');
    expect(await segmenter.use({ name: 'reference' })).toMatchObject({ name: 'reference' });
    expect((await segmenter.segment(picture(16))).backend.name).toBe('reference');
    await expect(segmenter.use({ name: 'gpu', gpuMode: 'webgl2' })).rejects.toBeInstanceOf(UnsupportedError);
    expect(segmenter.backend.name).toBe('reference');
  });

  test('is cancelled with the reason, at once, and goes on', async () => {
    const { segmenter } = await loaded();
    const cancel = new AbortController();
    const reason = new Error('enough');
    const result = segmenter.segment(picture(256), {
      signal: cancel.signal,
      onProgress: ({ stage }) => stage === 'run' && cancel.abort(reason),
    });
    await expect(result).rejects.toBe(reason);
    expect((await segmenter.segment(picture(16))).width).toBe(16);
    await expect(segmenter.segment(picture(), { signal: cancel.signal })).rejects.toBe(reason);
  });

  test('throws the typed errors of the other side', async () => {
    const { segmenter } = await loaded();
    const error = await segmenter.segment(picture(4)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ name: 'OptionError', details: { width: 4, height: 4, minimum: 8 } });
    await expect(segmenter.segment('/not/there.png')).rejects.toBeInstanceOf(FormatError);
  });

  test('that dies rejects everything, and says so from then on', async () => {
    const { segmenter, worker } = await loaded();
    const running = [segmenter.segment(picture(128)), segmenter.segment(picture(128))];
    worker.die('out of memory');
    for (const call of [...running, segmenter.segment(picture())]) {
      await expect(call).rejects.toBeInstanceOf(ExecutionError);
      await expect(call).rejects.toThrow('the worker died: out of memory; load the network again');
    }
    expect(worker.terminated).toBe(true);
  });

  test('that is disposed ends its worker and rejects what still runs', async () => {
    const { segmenter, worker } = await loaded();
    const running = segmenter.segment(picture(128));
    // what is not sent yet is not running
    await new Promise((resolve) => setTimeout(resolve, 5));
    await segmenter.dispose();
    await expect(running).rejects.toBeInstanceOf(DisposedError);
    await expect(segmenter.segment(picture())).rejects.toBeInstanceOf(DisposedError);
    expect(worker.terminated).toBe(true);
  });

  test('takes bytes and a description; a damaged file ends the worker', async () => {
    const bytes = readFileSync(knownModel('water').file.urls[0]!);
    const { description } = knownModel('water');
    const { segmenter } = await loaded({ file: new Uint8Array(bytes), description });
    expect(segmenter.description.title).toBe(description.title);
    const worker = new Stand();
    const file = new Uint8Array(bytes.subarray(0, 5000));
    await expect(load({ file, description }, { worker: () => worker })).rejects.toBeInstanceOf(FormatError);
    expect(worker.terminated).toBe(true);
  });

  test.each([
    ['an unknown name', 'deeplabv9', /known are water/],
    ['no file', {}, /give the name of a known model, or \{ file \}/],
    [
      'a description that does not fit',
      { file: new Uint8Array(), description: { name: 'x' } },
      /onnx|description|bytes/i,
    ],
  ])('is not loaded for %s', async (_, model, message) => {
    const work = load(model as string, { worker: () => new Stand(), backend });
    await expect(work).rejects.toBeInstanceOf(AtrousError);
    await expect(work).rejects.toThrow(message);
  });
});

test('a worker that cannot be started says what to do', async () => {
  const worker = () => {
    throw new Error('blocked by the content security policy');
  };
  await expect(load('water', { worker })).rejects.toBeInstanceOf(UnsupportedError);
  await expect(load('water', { worker })).rejects.toThrow(/blocked by .*must allow worker-src/);
});

test('a worker that does not answer is given up', async () => {
  vi.useFakeTimers();
  try {
    const silent = Object.assign(new EventTarget(), { postMessage() {}, terminate() {} });
    const work = load('water', { worker: () => silent });
    const refused = expect(work).rejects.toThrow(/^the worker died: it did not answer when it was started/);
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
  } finally {
    vi.useRealTimers();
  }
});
