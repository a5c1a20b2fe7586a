import { type FileHandle, open } from 'node:fs/promises';
import { AtrousError, FormatError } from '@atrous/core';

/** The system could not open, read or write a file: it is missing, forbidden, or the disk is full. */
export class FileError extends AtrousError {
  override readonly name = 'FileError';
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'access is not allowed',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full; make space, then go on from the journal',
  EDQUOT: 'the disk quota is used up; make space, then go on from the journal',
  EFBIG: 'the file system allows no file of this size',
};

/** Does something with a file; what the system reports becomes a FileError with the path. */
export async function onFile<T>(path: string, verb: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof AtrousError || !(cause instanceof Error)) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    throw Object.assign(
      new FileError(`${path}: cannot ${verb} (${hints[code] ?? cause.message})`, { path, code }),
      { cause },
    );
  }
}

/** A file that is read and written at any position, exactly or not at all. */
export class DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @param flags as of `fs.open`: `'r'`, `'r+'`, `'w+'` … */
  static async open(path: string, flags: string): Promise<DiskFile> {
    const file = new DiskFile(path, await onFile(path, 'open', () => open(path, flags)));
    const info = await file.#handle.stat();
    // a device or pipe has no size and no positions
    if (info.isFile()) return file;
    await file.close();
    throw new FormatError(`${path}: is not a file`, { path });
  }

  async size(): Promise<number> {
    return (await onFile(this.path, 'read', () => this.#handle.stat())).size;
  }

  /** @throws FormatError if the file ends before */
  async readInto(bytes: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await onFile(this.path, 'read', () =>
        this.#handle.read(bytes, done, bytes.length - done, position + done),
      );
      if (bytesRead === 0)
        throw new FormatError(
          `${this.path}: ends at byte ${position + done}, where ${bytes.length - done} more are expected; the file is truncated`,
          { path: this.path, position, length: bytes.length },
        );
      done += bytesRead;
    }
  }

  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    await this.readInto(bytes, position);
    return bytes;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await onFile(this.path, 'write', () =>
        this.#handle.write(bytes, done, bytes.length - done, position + done),
      );
      done += bytesWritten;
    }
  }

  /** Makes the file so long; what was never written reads as zeros. */
  async truncate(length: number): Promise<void> {
    await onFile(this.path, 'write', () => this.#handle.truncate(length));
  }

  /** Returns when everything written is on the disk. */
  async sync(): Promise<void> {
    await onFile(this.path, 'write', () => this.#handle.sync());
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Bytes of a typed array, not copied. */
export const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Runs one action after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(action: () => Promise<T>): Promise<T> {
    const taken = this.#last.then(action, action);
    this.#last = taken.catch(() => undefined);
    return taken;
  }
}
