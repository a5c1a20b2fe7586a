/** Where downloaded models are kept: a folder in Node, the Cache API in browsers. */
import type { KnownModel } from './description.js';

/** The place of one file. */
export interface Store {
  /** The kept bytes, whatever their state; undefined if there are none. */
  get(): Promise<Uint8Array | undefined>;
  put(bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
  /** Where a file can be put by hand. */
  readonly path?: string;
}

const defaultName = 'atrous-models';

/**
 * @param cache a folder in Node, the name of a cache in browsers; true for the default
 * @returns undefined where nothing can be kept: a page without a secure context has no caches
 */
export function storeOf({ description, file }: KnownModel, cache: string | true): Store | undefined {
  const name = `${description.name}.${file.format}`;
  const fs = globalThis.process?.getBuiltinModule?.('node:fs/promises');
  if (fs) return folderStore(fs, cache === true ? cacheFolder() : cache, name);
  if (globalThis.caches === undefined) return undefined;
  const key = new URL(file.urls[0]!);
  key.searchParams.set('sha256', file.sha256);
  return cacheStore(cache === true ? defaultName : cache, key.href);
}

/** `$ATROUS_CACHE`, or `atrous` in the folder where the platform keeps caches. */
function cacheFolder(): string {
  const { env, platform } = globalThis.process;
  if (env.ATROUS_CACHE) return env.ATROUS_CACHE;
  const home = globalThis.process.getBuiltinModule('node:os').homedir();
  const { join } = globalThis.process.getBuiltinModule('node:path');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'atrous');
  if (platform === 'win32')
    return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'atrous', 'Cache');
  return join(env.XDG_CACHE_HOME || join(home, '.cache'), 'atrous');
}

function folderStore(fs: typeof import('node:fs/promises'), folder: string, name: string): Store {
  const path = globalThis.process.getBuiltinModule('node:path').resolve(folder, name);
  return {
    path,
    async get() {
      try {
        return new Uint8Array(await fs.readFile(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async put(bytes) {
      await fs.mkdir(folder, { recursive: true });
      // another process may read or write the same file: it appears whole, or not at all
      const part = `${path}.${crypto.randomUUID()}.part`;
      try {
        await fs.writeFile(part, bytes, { flush: true });
        await fs.rename(part, path);
      } catch (error) {
        await fs.rm(part, { force: true });
        throw error;
      }
    },
    remove: () => fs.rm(path, { force: true }),
  };
}

const cacheStore = (name: string, key: string): Store => ({
  async get() {
    const response = await (await caches.open(name)).match(key);
    return response && new Uint8Array(await response.arrayBuffer());
  },
  async put(bytes) {
    const response = new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': 'application/octet-stream' },
    });
    await (await caches.open(name)).put(key, response);
  },
  async remove() {
    await (await caches.open(name)).delete(key);
  },
});
