import { AtrousError } from '@atrous/core';
import { type FileSource, type ReadOptions, readFile } from '@atrous/core/model';
import { DownloadError } from './errors.js';

/**
 * The bytes of a file, as `readFile` reads them.
 *
 * @throws what `readFile` throws; DownloadError where no connection comes about, which `fetch` leaves without a type
 */
export async function readSource(source: FileSource, options: ReadOptions): Promise<Uint8Array> {
  try {
    return await readFile(source, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof AtrousError) throw error;
    const [name, advice] =
      typeof source === 'string'
        ? [source, '; is there a connection, and does the server allow pages of other origins (CORS)?']
        : ['the file', ''];
    const reason = error instanceof Error ? error.message : String(error);
    throw new DownloadError(`${name} cannot be read: ${reason}${advice}`, {
      attempts: [{ url: name, reason }],
    });
  }
}
