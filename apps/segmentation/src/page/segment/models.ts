/** The networks that the view offers, and files that people give. */
import { type FileSource, readFile } from '@atrous/core/model';
import type { ModelSource } from '@atrous/segment';
import { type KnownModel, knownModels, type ModelDescription } from '@atrous/segment/models';

export type ModelChoice =
  | { readonly kind: 'known'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string; readonly file: File };

export const shippedModel: ModelChoice = { kind: 'known', name: knownModels[0]!.description.name };

export const sameModel = (a: ModelChoice, b: ModelChoice): boolean =>
  a.kind === 'file' ? b.kind === 'file' && a.file === b.file : b.kind === 'known' && a.name === b.name;

/** What is known of a model before it is loaded. */
export const descriptionOf = (model: ModelChoice): ModelDescription | undefined =>
  model.kind === 'known'
    ? knownModels.find(({ description }) => description.name === model.name)?.description
    : undefined;

/** Whether a file that was dropped or chosen is meant as a network. */
export const isModelFile = ({ name }: File): boolean => /\.(onnx|tflite)$/i.test(name);

/** What `load` takes. A file that is that of a known model gets its description. */
export async function sourceOf(model: ModelChoice, signal: AbortSignal): Promise<string | ModelSource> {
  if (model.kind === 'known') return model.name;
  const { file } = model;
  const candidates = knownModels.filter((known) => known.file.bytes === file.size);
  for (const known of candidates)
    if (await isFileOf(known, file, signal)) return { file, description: known.description };
  return { file };
}

async function isFileOf(known: KnownModel, file: FileSource, signal: AbortSignal): Promise<boolean> {
  // pages have it over https and on localhost only; without it the file is taken as any other
  if (!globalThis.crypto?.subtle) return false;
  const bytes = await readFile(file, { signal, maxBytes: known.file.bytes });
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex === known.file.sha256;
}
