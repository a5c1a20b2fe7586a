import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OptionError, UnsupportedError } from '@atrous/core';
import {
  DownloadError,
  type KnownModel,
  knownModel,
  knownModelFile,
  modelFile,
} from '@atrous/segment/models';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251);

const isContent = (bytes: Uint8Array): boolean => Buffer.compare(bytes, content) === 0;

let folder: string;
let close: (() => void) | undefined;
let requests = 0;
let answer: RequestListener;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atrous-cache-'));
  requests = 0;
  answer = (_, response) => response.end(content);
});
afterEach(async () => {
  close?.();
  close = undefined;
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** A model whose file a server of this machine sends. */
async function served(): Promise<KnownModel> {
  const server = createServer((request, response) => {
    requests++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const { port } = server.address() as AddressInfo;
  return {
    description: { ...knownModel('water').description, name: 'test-model' },
    file: {
      format: 'onnx',
      urls: [new URL(`http://127.0.0.1:${port}/weights.onnx`)],
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      shipped: false,
    },
  };
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable('it resolved'),
    (error: Error) => error,
  );

describe('a download', () => {
  test('comes whole, with progress up to its size, and is kept', async () => {
    const model = await served();
    const read: number[] = [];
    const bytes = await modelFile(model, { cache: folder, onProgress: (n, total) => read.push(n / total) });
    expect(isContent(bytes)).toBe(true);
    expect(read).toEqual([...read].sort((a, b) => a - b));
    expect(read.at(-1)).toBe(1);
    expect(await readdir(folder)).toEqual(['test-model.onnx']);
    expect(isContent(await modelFile(model, { cache: folder }))).toBe(true);
    expect(requests).toBe(1);
  });

  test('is not kept where cache is false', async () => {
    const model = await served();
    await modelFile(model, { cache: false });
    await modelFile(model, { cache: false });
    expect(requests).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });

  test('goes to $ATROUS_CACHE by default', async () => {
    const before = process.env.ATROUS_CACHE;
    process.env.ATROUS_CACHE = join(folder, 'made', 'when', 'needed');
    try {
      await modelFile(await served());
      expect(await readdir(process.env.ATROUS_CACHE)).toEqual(['test-model.onnx']);
    } finally {
      if (before === undefined) delete process.env.ATROUS_CACHE;
      else process.env.ATROUS_CACHE = before;
    }
  });

  test('tries addresses in order', async () => {
    const model = await served();
    const missing = new URL('/missing', model.file.urls[0]);
    answer = ({ url }, response) =>
      response.writeHead(url === '/missing' ? 404 : 200).end(url === '/missing' ? '' : content);
    expect(isContent(await modelFile(model, { cache: folder, urls: [missing] }))).toBe(true);
    expect(requests).toBe(2);
  });

  test('is fetched again where the kept file is damaged', async () => {
    const model = await served();
    const path = join(folder, 'test-model.onnx');
    for (const damaged of [
      content.subarray(0, 1000),
      content.map((byte, i) => (i === 777 ? byte ^ 1 : byte)),
    ]) {
      await writeFile(path, damaged);
      expect(isContent(await modelFile(model, { cache: folder }))).toBe(true);
      expect(isContent(await readFile(path))).toBe(true);
    }
    expect(requests).toBe(2);
  });

  test('is used, with a warning, where it cannot be kept', async () => {
    const model = await served();
    const blocked = join(folder, 'a file');
    await writeFile(blocked, '');
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(isContent(await modelFile(model, { cache: join(blocked, 'folder') }))).toBe(true);
    expect(warn.mock.calls.flat().join()).toMatch(/test-model cannot be kept for the next time/);
  });
});

describe('a download that fails', () => {
  test.each([
    [
      'other bytes',
      () => content.map((byte) => byte ^ 1),
      /sends another file: its SHA-256 is \w{64} instead of \w{64}/,
    ],
    ['too few bytes', () => content.subarray(1), /sends another file: 199999 bytes instead of 200000/],
    ['too many bytes', () => new Uint8Array(200_001), /sends another file: more than 200000 bytes/],
  ])('because of %s, keeps nothing', async (_, bytes, message) => {
    answer = (_, response) => response.end(bytes());
    const error = await failure(modelFile(await served(), { cache: folder }));
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toMatch(message);
    expect(await readdir(folder)).toEqual([]);
  });

  test('because the connection breaks, says so', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000), () => response.destroy());
    };
    const error = await failure(modelFile(await served(), { cache: folder }));
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toMatch(/weights\.onnx fails \(terminated/);
    expect(await readdir(folder)).toEqual([]);
  });

  test('without a connection, tells the address and where to put the file', async () => {
    const model = await served();
    close?.();
    const error = (await failure(modelFile(model, { cache: folder }))) as DownloadError;
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toContain(String(model.file.urls[0]));
    expect(error.message).toMatch(/by hand and put it at .*test-model\.onnx$/);
    expect(error.details).toMatchObject({ name: 'test-model', path: join(folder, 'test-model.onnx') });
    // which is then enough
    await writeFile(join(folder, 'test-model.onnx'), content);
    expect(isContent(await modelFile(model, { cache: folder }))).toBe(true);
  });

  test('because it is cancelled, rejects with the reason', async () => {
    answer = (_, response) => {
      response.write(content.subarray(0, 50_000));
    };
    const cancel = new AbortController();
    const reason = new Error('enough');
    const promise = modelFile(await served(), {
      cache: folder,
      signal: cancel.signal,
      onProgress: () => cancel.abort(reason),
    });
    expect(await failure(promise)).toBe(reason);
    expect(await readdir(folder)).toEqual([]);
  });
});

test('where SHA-256 cannot be computed nothing is downloaded, and the reason is told', async () => {
  const model = await served();
  vi.stubGlobal('crypto', {});
  try {
    const error = await failure(modelFile(model, { cache: folder }));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toMatch(/crypto\.subtle is missing: pages have it over https and on localhost/);
    expect(requests).toBe(0);
    expect((await knownModelFile('water')).length).toBe(knownModel('water').file.bytes);
  } finally {
    vi.unstubAllGlobals();
  }
});

test('the shipped network needs no connection', async () => {
  const { file } = knownModel('water');
  const bytes = await knownModelFile('water', { cache: folder });
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
  expect(bytes.length).toBe(file.bytes);
});

test('an unknown name is refused, with those that there are', async () => {
  const error = await failure(knownModelFile('deeplabv9'));
  expect(error).toBeInstanceOf(OptionError);
  expect(error.message).toMatch(/water, deeplabv3-mobilenetv2/);
});
