/** Errors across the border of a worker: the same class, message and details on the other side. */
import * as core from '@atrous/core';
import { DownloadError } from '../errors.js';

/** An error as plain data. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Of an AtrousError. */
  readonly details?: core.ErrorDetails | undefined;
  readonly path?: string | undefined;
}

const classes: Readonly<
  Record<string, new (message: string, details?: core.ErrorDetails) => core.AtrousError>
> = {
  ShapeError: core.ShapeError,
  OptionError: core.OptionError,
  UnsupportedError: core.UnsupportedError,
  MemoryError: core.MemoryError,
  ExecutionError: core.ExecutionError,
  FormatError: core.FormatError,
  DisposedError: core.DisposedError,
  DownloadError,
};

export function errorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  if (!(error instanceof core.AtrousError)) return { name, message, stack };
  return { name, message, stack, details: cloneable(error.details), path: error.path };
}

/** Errors of other packages become an AtrousError with their name; what is none of atrous an Error with its name. */
export function errorOf({ name, message, stack, details, path }: ErrorData): Error {
  const error =
    details === undefined ? new Error(message) : new (classes[name] ?? core.AtrousError)(message, details);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true });
  if (path !== undefined) (error as core.AtrousError).path = path;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Details may hold anything; what cannot travel goes as text. */
function cloneable(details: core.ErrorDetails): core.ErrorDetails {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => {
      try {
        structuredClone(value);
        return [key, value];
      } catch {
        return [key, String(value)];
      }
    }),
  );
}
