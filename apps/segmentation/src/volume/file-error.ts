import { AtrousError } from '@atrous/core';
import { FileError } from '@atrous/tiling/files';

/** What the system reported, with the path. */
export function fileError(path: string, verb: string, cause: Error): FileError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return Object.assign(new FileError(`${path}: cannot ${verb} (${cause.message})`, { path, code }), {
    cause,
  });
}

/** Does something with a file; what the system reports becomes a FileError. */
export async function onFile<T>(path: string, verb: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof AtrousError || !(error instanceof Error)) throw error;
    throw fileError(path, verb, error);
  }
}
