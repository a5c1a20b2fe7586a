import type { FileSource } from '@atrous/core/model';
import type { BackendChoice } from '../backends.js';
import {
  describeModel,
  knownModel,
  knownModelFile,
  type ModelDescription,
  openModel,
  parseDescription,
} from '../models/index.js';
import { readSource } from '../read-source.js';
import type { LoadProgress } from '../types.js';
import { Engine } from './engine.js';

/** What to open, as it travels: addresses are complete, and text. */
export interface OpenRequest {
  readonly model:
    | { readonly known: string; readonly urls: readonly string[]; readonly cache: boolean | string }
    | { readonly file: Exclude<FileSource, URL>; readonly description?: ModelDescription | undefined };
  readonly backend: 'auto' | BackendChoice;
  readonly maxMemory?: number | undefined;
}

export interface OpenEvents {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/**
 * Reads a network and starts its backend, in this thread.
 *
 * @throws what reading, describing and starting throw
 */
export async function openEngine(
  { model: source, backend, maxMemory }: OpenRequest,
  { signal, onProgress }: OpenEvents = {},
): Promise<Engine> {
  onProgress?.({ stage: 'download' });
  const share = (read: number, total: number | undefined) =>
    onProgress?.({ stage: 'download', fraction: total && Math.min(read / total, 1) });
  const bytes =
    'known' in source
      ? await knownModelFile(source.known, { ...source, signal, onProgress: share })
      : await readSource(source.file, { signal, onProgress: share });
  onProgress?.({ stage: 'read' });
  const model = await openModel(bytes);
  const given = 'known' in source ? knownModel(source.known).description : source.description;
  const engine = new Engine(model, given ? parseDescription(given) : describeModel(model), { maxMemory });
  onProgress?.({ stage: 'start backend' });
  await engine.use(backend, signal);
  return engine;
}
