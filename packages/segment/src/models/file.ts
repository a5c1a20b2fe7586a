import { MemoryError, UnsupportedError } from '@atrous/core';
import { readFile } from '@atrous/core/model';
import { DownloadError } from '../errors.js';
import type { KnownModel, ModelFile } from './description.js';
import { knownModel } from './known.js';
import { type Store, storeOf } from './store.js';

export interface ModelFileOptions {
  /**
   * Whether the file is kept for the next time, and where: in Node a folder, by default `$ATROUS_CACHE` or `atrous` in the
   * platform's folder for caches; in browsers the name of a cache of the Cache API, by default `atrous-models`. Default
   * true. What cannot be kept is a warning, no error.
   */
  readonly cache?: boolean | string | undefined;
  /** Addresses that are tried before those of the model; what they send must be the same file. */
  readonly urls?: readonly (string | URL)[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that have come, and all of them. A kept file comes at once. */
  readonly onProgress?: ((read: number, total: number) => void) | undefined;
}

/** A sender that is silent for so long will not go on. */
const stallMilliseconds = 30_000;

/**
 * The bytes of a known model's file: kept ones, or downloaded and kept. Their size and SHA-256 are those that the model
 * states; a kept file that is damaged is fetched again.
 *
 * ```ts
 * const bytes = await knownModelFile('deeplabv3-mobilenetv2', { onProgress: (read, total) => show(read / total) });
 * ```
 *
 * @throws OptionError for an unknown name; DownloadError if no address sends the file, telling where to put it by hand;
 * UnsupportedError where SHA-256 cannot be computed; `signal.reason` when cancelled
 */
export async function knownModelFile(name: string, options?: ModelFileOptions): Promise<Uint8Array> {
  return await modelFile(knownModel(name), options);
}

/** The same for a model that is described elsewhere. */
export async function modelFile(
  known: KnownModel,
  { cache = true, urls = [], signal, onProgress }: ModelFileOptions = {},
): Promise<Uint8Array> {
  const { description, file } = known;
  const { name } = description;
  const report = (read: number) => onProgress?.(read, file.bytes);
  signal?.throwIfAborted();
  // it came with the code that reads it, and is as good
  if (file.shipped && urls.length === 0)
    return await readFile(file.urls[0]!, { signal, onProgress: (read) => report(read) });
  checkDigest(name);
  const store = cache === false ? undefined : storeOf(known, cache);
  const kept = await keptFile(store, file);
  if (kept) {
    report(kept.length);
    return kept;
  }
  const attempts: { readonly url: string; readonly reason: string }[] = [];
  for (const url of [...urls, ...file.urls]) {
    try {
      const bytes = await download(url, file, signal, report);
      const problem = await damage(bytes, file);
      if (problem === undefined) {
        await store?.put(bytes).catch((error) => warn(`${name} cannot be kept for the next time`, error));
        return bytes;
      }
      attempts.push({ url: String(url), reason: `sends another file: ${problem}` });
    } catch (error) {
      signal?.throwIfAborted();
      attempts.push({ url: String(url), reason: reasonOf(error, file) });
    }
  }
  throw new DownloadError(
    `${name} cannot be downloaded: ${attempts.map(({ url, reason }) => `${url} ${reason}`).join('; ')}. ${byHand(file, store)}`,
    { name, attempts, path: store?.path },
  );
}

function byHand({ urls, bytes, sha256 }: ModelFile, store: Store | undefined): string {
  const what = `fetch ${urls[0]} (${bytes} bytes, SHA-256 ${sha256}) by hand`;
  return store?.path === undefined
    ? `Without a connection, ${what}, serve it beside the page and name its address in urls`
    : `Without a connection, ${what} and put it at ${store.path}`;
}

/** What was kept, if it is whole; otherwise it is removed. */
async function keptFile(store: Store | undefined, file: ModelFile): Promise<Uint8Array | undefined> {
  try {
    const bytes = await store?.get();
    if (bytes === undefined || (await damage(bytes, file)) === undefined) return bytes;
    await store?.remove();
  } catch (error) {
    warn('kept models cannot be read', error);
  }
  return undefined;
}

async function download(
  url: string | URL,
  file: ModelFile,
  signal: AbortSignal | undefined,
  report: (read: number) => void,
): Promise<Uint8Array> {
  const stalled = new AbortController();
  const stall = () => stalled.abort(new Error(`sends nothing for ${stallMilliseconds / 1000} seconds`));
  let timer = setTimeout(stall, stallMilliseconds);
  try {
    return await readFile(url, {
      maxBytes: file.bytes,
      signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
      onProgress(read) {
        clearTimeout(timer);
        timer = setTimeout(stall, stallMilliseconds);
        report(read);
      },
    });
  } finally {
    clearTimeout(timer);
  }
}

/** What is wrong with a file, or undefined. */
async function damage(bytes: Uint8Array, file: ModelFile): Promise<string | undefined> {
  if (bytes.length !== file.bytes) return `${bytes.length} bytes instead of ${file.bytes}`;
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return sha256 === file.sha256 ? undefined : `its SHA-256 is ${sha256} instead of ${file.sha256}`;
}

function checkDigest(name: string): void {
  if (globalThis.crypto?.subtle !== undefined) return;
  throw new UnsupportedError(
    `${name}: the SHA-256 of a download cannot be checked here, because crypto.subtle is missing: pages have it over https and on localhost; serve the page so, or read the file yourself and give its bytes`,
    { name },
  );
}

function reasonOf(error: unknown, { bytes }: ModelFile): string {
  if (error instanceof MemoryError) return `sends another file: more than ${bytes} bytes`;
  const { message, cause } = error as Error;
  const detail = cause instanceof Error ? `: ${cause.message || (cause as NodeJS.ErrnoException).code}` : '';
  return `fails (${message}${detail})`;
}

function warn(what: string, error: unknown): void {
  console.warn(`atrous: ${what}: ${error instanceof Error ? error.message : String(error)}`);
}
