import { createHash } from 'node:crypto';
import { readFile as readText } from 'node:fs/promises';
import { argmax, cast, input, type Tensor } from '@atrous/core';
import { type Model, readFile } from '@atrous/core/model';
import {
  describeModel,
  type KnownModel,
  knownModel,
  knownModelFile,
  knownModels,
  logitsOf,
  type ModelDescription,
  openModel,
  palette,
  parseDescription,
} from '@atrous/segment/models';
import { UsageError } from './errors.js';
import { parseLabels } from './labels.js';
import type { Options } from './options.js';
import type { Progress } from './progress.js';
import { bytesText } from './sizes.js';

/** A network that is ready to be compiled. */
export interface Network {
  readonly model: Model;
  readonly description: ModelDescription;
  /** From the prepared input `[1, C, …]` to logits of the same size. */
  readonly logits: (x: Tensor) => Tensor;
}

/** The class with the largest of the logits `[1, classes, …]`, the first of equal ones: uint8 `[1, 1, …]`. */
export const classesOf = (logits: Tensor): Tensor => cast(argmax(logits, 1, { keepDims: true }), 'uint8');

/**
 * Opens the model that was asked for, by name or file, with the description and the labels that were given.
 *
 * @throws what reading, downloading and describing throw
 */
export async function openNetwork(
  { model: wanted, description: file, labels }: Options,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Network> {
  const known = knownModels.find(({ description }) => description.name === wanted);
  const bytes = known
    ? await knownModelFile(wanted, {
        signal,
        onProgress: (read, total) =>
          progress.update(read / total, `${bytesText(read)} of ${bytesText(total)}`),
      })
    : await readModel(wanted, signal);
  const model = await openModel(bytes);
  const described =
    file !== undefined
      ? parseDescription(await readText(file, 'utf8'), file)
      : ((known ?? sameFile(bytes))?.description ?? describeVolumes(model) ?? describeModel(model));
  const description =
    labels === undefined
      ? described
      : {
          ...described,
          classes: parseLabels(await readText(labels, 'utf8'), described.classes.length, labels),
        };
  return { model, description, logits: logitsOf(model, description) };
}

async function readModel(path: string, signal: AbortSignal): Promise<Uint8Array> {
  // a name without an ending is more likely a wrong name than a missing file
  if (/^[a-z0-9-]+$/.test(path)) knownModel(path);
  if (/^https?:/i.test(path))
    throw new UsageError(`--model takes a file or a known name; download ${path} first`, { path });
  return await readFile(path, { signal });
}

/** A known model that somebody has as a file. */
function sameFile(bytes: Uint8Array): KnownModel | undefined {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return knownModels.find(({ file }) => file.sha256 === sha256);
}

/** What can be said of a network for volumes `[1, 1, D, H, W]` whose file says nothing itself; undefined for others. */
function describeVolumes(model: Model): ModelDescription | undefined {
  const [from, to] = [model.inputs[0], model.outputs[0]];
  if (model.inputs.length !== 1 || from?.shape?.length !== 5 || from.shape[1] !== 1 || !to) return undefined;
  if ('atrous.segmentation' in model.metadata) return undefined;
  const classes = model({ [from.name]: input([1, 1, 64, 64, 64]) })[to.name]!.shape[1]!;
  const names = namesIn(model.metadata.labels);
  return {
    name: 'volumes',
    title: model.metadata.name || 'A network for volumes',
    input: {
      kind: 'volume',
      name: from.name,
      conform: { size: 256, spacing: 1 },
      normalisation: 'minimum-maximum',
    },
    output: to.name,
    classes: Array.from({ length: classes }, (_, i) => ({
      name: names?.length === classes ? names[i]! : `class ${i}`,
      color: palette(i),
    })),
    notes: [
      'The file does not say how volumes become numbers; assumed are 256³ voxels of 1 mm and (x − min) / (max − min) of the whole volume.',
    ],
  };
}

function namesIn(labels: string | undefined): readonly string[] | undefined {
  try {
    const names: unknown = JSON.parse(labels ?? 'null');
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
  } catch {
    return undefined;
  }
}
