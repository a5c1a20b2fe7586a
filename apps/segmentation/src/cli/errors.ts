import { getSystemErrorMap } from 'node:util';
import { AtrousError } from '@atrous/core';

/** The command was called in a way that makes no sense. */
export class UsageError extends AtrousError {
  override readonly name = 'UsageError';
}

/** A shard has done what it can until other shards have done their part. */
export class WaitingError extends AtrousError {
  override readonly name = 'WaitingError';
}

/** Somebody stopped the run; the message says how to go on. */
export class CancelledError extends AtrousError {
  override readonly name = 'CancelledError';
}

/** One line for what a person can mend; everything, stack included, for a bug. */
export function explain(error: unknown): string {
  if (error instanceof AtrousError) return error.message.replaceAll(/\s*\n\s*/g, '; ');
  if (isSystemError(error)) {
    const reason = getSystemErrorMap().get(error.errno)?.[1] ?? error.code;
    return error.path === undefined ? reason : `${error.path}: ${reason}`;
  }
  if (error instanceof RangeError && /allocation|array length/i.test(error.message))
    return `this machine has not enough memory (${error.message}); lower --max-memory or --tile`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

interface SystemError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly path?: string;
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number';
