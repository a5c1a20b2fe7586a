import { dirname } from 'node:path';
import { FormatError } from '@atrous/core';
import type { Journal, JournalEntry } from '../job.js';
import { bytesOf, DiskFile, onFile, Turns } from './disk-file.js';

/** A journal in a file: one JSON object per line. */
export interface FileJournal extends Journal {
  readonly path: string;
  close(): Promise<void>;
}

const newline = 10;
const encoder = new TextEncoder();

// partial sums as the bytes of their numbers: JSON has no infinities, and every bit counts
function encode(entry: JournalEntry): Uint8Array {
  const stored =
    entry.type === 'tile'
      ? {
          ...entry,
          partials: entry.partials.map((partial) =>
            Buffer.from(bytesOf(Float64Array.from(partial))).toString('base64'),
          ),
        }
      : entry;
  return encoder.encode(`${JSON.stringify(stored)}\n`);
}

function decode(line: string): JournalEntry {
  const entry = JSON.parse(line);
  const index = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const named = typeof entry.plan === 'string' && typeof entry.network === 'string';
  const isPlan = entry.type === 'plan' && named && Array.isArray(entry.outputShape);
  if (isPlan && index(entry.tiles) && index(entry.passes)) return entry;
  if (entry.type !== 'tile' || !index(entry.pass) || !index(entry.tile) || !Array.isArray(entry.partials))
    throw new Error('no entry of a journal');
  const partials = entry.partials.map((text: unknown) => {
    const bytes = Buffer.from(String(text), 'base64');
    if (bytes.toString('base64') !== text || bytes.length % 8 !== 0) throw new Error('damaged partial sums');
    return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(i * 8));
  });
  return { type: 'tile', pass: entry.pass, tile: entry.tile, partials };
}

/**
 * What a run has done, in a file that only ever grows. Every entry is on the disk before `append` returns; a last line
 * that was cut short by a crash is dropped. The file is made with the first entry.
 *
 * @throws FormatError naming the line, if the file is no journal; FileError if it cannot be read or written
 */
export function fileJournal(path: string): FileJournal {
  const turns = new Turns();
  let file: DiskFile | undefined;
  let end = 0;

  /** Opens the file, makes it if wanted, and finds the end of its last whole line. */
  const open = async (make: boolean): Promise<Uint8Array> => {
    file = await DiskFile.open(path, 'r+').catch(async (error) => {
      if (error?.details?.code !== 'ENOENT') throw error;
      if (!make) return undefined;
      const made = await DiskFile.open(path, 'wx+');
      await syncFolder(path);
      return made;
    });
    const bytes = file ? await file.read(0, await file.size()) : new Uint8Array(0);
    end = bytes.lastIndexOf(newline) + 1;
    return bytes.subarray(0, end);
  };

  const close = async () => {
    await file?.close();
    file = undefined;
  };

  return {
    path,
    read: () =>
      turns.take(async () => {
        await close();
        const bytes = await open(false);
        // reading alone leaves nothing open
        await close();
        const entries: JournalEntry[] = [];
        for (let at = 0; at < end; ) {
          const next = bytes.indexOf(newline, at);
          try {
            entries.push(decode(new TextDecoder().decode(bytes.subarray(at, next))));
          } catch (cause) {
            throw new FormatError(
              `${path}: is no journal, or damaged (line ${entries.length + 1}: ${(cause as Error).message}); start with another file`,
              { line: entries.length + 1 },
            );
          }
          at = next + 1;
        }
        return entries;
      }),
    append: (entry) =>
      turns.take(async () => {
        if (!file) await open(true);
        const line = encode(entry);
        // what a crash or a full disk left behind the last whole line goes
        await file!.truncate(end);
        await file!.write(end, line);
        await file!.sync();
        end += line.length;
      }),
    close: () => turns.take(close),
  };
}

/** Makes the name of a new file survive a power failure; folders cannot be synced everywhere. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { open } = await import('node:fs/promises');
  await onFile(path, 'write', async () => {
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  });
}
