import * as core from '@atrous/core';

/** An error as plain data. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  /** Of an AtrousError. */
  readonly details?: core.ErrorDetails | undefined;
  readonly path?: string | undefined;
}

/** Errors travel as values: comlink would keep only their message. */
export type Reply<T> = { readonly value: T } | { readonly error: ErrorData };

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
};

export function errorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  if (!(error instanceof core.AtrousError)) return { name, message };
  const details = Object.entries(error.details).filter(([, value]) => isCloneable(value));
  return { name, message, details: Object.fromEntries(details), path: error.path };
}

/** The same error again; what is none of atrous becomes an ExecutionError that names it. */
export function errorOf({ name, message, details, path }: ErrorData): core.AtrousError {
  if (details === undefined) return new core.ExecutionError(`worker: ${name}: ${message}`, { name, message });
  const error = new (classes[name] ?? core.AtrousError)(message, details);
  if (path !== undefined) error.path = path;
  return error;
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
