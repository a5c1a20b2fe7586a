import { FormatError, MemoryError, OptionError } from '../errors.js';

/** Where a file comes from: its bytes, a Blob (a File too), an address, or a path: of the disk in Node, of the page in a browser. */
export type FileSource = Uint8Array | ArrayBuffer | Blob | URL | string;

export interface ReadOptions {
  /** Most bytes that are read; checked before they are. Default 2 GiB − 1. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes read so far, and all of them where the sender says so; for addresses only. */
  readonly onProgress?: ((read: number, total: number | undefined) => void) | undefined;
}

const defaultMaxBytes = 2 ** 31 - 1;

/**
 * The bytes of a file; not copied where they are in memory already.
 *
 * @throws MemoryError above `maxBytes`, FormatError where the server answers with an error or the file is not there
 */
export async function readFile(
  source: FileSource,
  { maxBytes = defaultMaxBytes, signal, onProgress }: ReadOptions = {},
): Promise<Uint8Array> {
  const within = (bytes: number) => {
    if (bytes > maxBytes)
      throw new MemoryError(`read: the file has ${bytes} bytes but maxBytes is ${maxBytes}; raise maxBytes`, {
        bytes,
        maxBytes,
      });
  };
  signal?.throwIfAborted();
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    within(source.byteLength);
    return source instanceof Uint8Array ? source : new Uint8Array(source);
  }
  if (source instanceof Blob) {
    within(source.size);
    return new Uint8Array(await source.arrayBuffer());
  }
  const address = addressOf(source);
  const fs = globalThis.process?.getBuiltinModule?.('node:fs/promises');
  if (fs && (typeof address === 'string' || address.protocol === 'file:')) {
    const handle = await fs.open(address, 'r').catch((error: Error) => {
      throw new FormatError(`read: cannot open ${String(source)}: ${error.message}`, {
        source: String(source),
      });
    });
    try {
      const info = await handle.stat();
      if (!info.isFile())
        throw new FormatError(`read: ${String(source)} is not a file`, { source: String(source) });
      within(info.size);
      return new Uint8Array(await handle.readFile({ signal }));
    } finally {
      await handle.close();
    }
  }
  return await download(address, within, signal, onProgress);
}

/** A path stays text; whatever names a protocol becomes a URL. */
function addressOf(source: URL | string): URL | string {
  if (source instanceof URL) return source;
  if (typeof source !== 'string')
    throw new OptionError('read: give bytes, a Blob, a URL or a path', { source });
  return /^(https?|file|data|blob):/i.test(source) ? new URL(source) : source;
}

async function download(
  address: URL | string,
  within: (bytes: number) => void,
  signal: AbortSignal | undefined,
  onProgress: ReadOptions['onProgress'],
): Promise<Uint8Array> {
  const response = await fetch(address, signal ? { signal } : {});
  if (!response.ok || !response.body)
    throw new FormatError(`read: ${String(address)} answers ${response.status} ${response.statusText}`, {
      address: String(address),
      status: response.status,
    });
  // a compressed answer is longer than it says, so the total is a hint and the sum is what counts
  const total = Number(response.headers.get('content-length')) || undefined;
  if (total !== undefined) within(total);
  const chunks: Uint8Array[] = [];
  let read = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    read += value.byteLength;
    try {
      within(read);
    } catch (error) {
      await reader.cancel();
      throw error;
    }
    chunks.push(value);
    onProgress?.(read, total);
  }
  const bytes = new Uint8Array(read);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
