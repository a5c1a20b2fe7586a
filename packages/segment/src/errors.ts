import { AtrousError } from '@atrous/core';

/** A file could not be fetched from any of its addresses. `details.attempts` tells what each of them answered. */
export class DownloadError extends AtrousError {
  override readonly name = 'DownloadError';
}
