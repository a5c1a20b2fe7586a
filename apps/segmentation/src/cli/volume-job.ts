import { mkdir } from 'node:fs/promises';
import type { VolumeInput } from '@atrous/segment/models';
import { ArraySink } from '@atrous/tiling';
import {
  conform,
  type NiftiVolume,
  orientationOf,
  readNifti,
  resampleLabels,
  volumeSource,
  voxelSize,
  writeNifti,
} from '../volume/index.js';
import { type Context, memoryLeft, Stages } from './context.js';
import { UsageError } from './errors.js';
import { fieldOf } from './field.js';
import type { Input } from './inputs.js';
import { Place } from './place.js';
import { profileSteps } from './profile.js';
import { type Facts, type InputReport, sharesOf } from './report.js';
import { checkResult, resultPath } from './results.js';
import { runTiles } from './tiles.js';

/**
 * Segments one NIfTI volume: conformed as the network states it, classes tile by tile, labels brought back to the
 * volume's own grid.
 *
 * @throws AtrousError and errors of the file system for what a person can mend
 */
export async function volumeJob(item: Input, format: VolumeInput, context: Context): Promise<InputReport> {
  const { options, network, signal } = context;
  const { classes } = network.description;
  if (typeof options.overlay === 'string' || options.truth !== undefined || !options.mask)
    throw new UsageError('--overlay and --truth are for pictures; of a volume the mask is written');
  const stages = new Stages(context);
  const mask = resultPath(options.mask, options, item, 'mask.nii.gz')!;
  await checkResult(mask, [/\.nii(\.gz)?$/i, '.nii or .nii.gz']);
  const { volume, conformed, notes } = await conformedVolume(item.path, format, context, stages);
  await mkdir(options.out, { recursive: true });
  const side = format.conform.size;
  const left = memoryLeft(options, 3 * side ** 3 + volume.size.reduce((a, b) => a * b, 1), 'the volume');
  const place = new Place(item, options);
  const facts: Facts = { input: item.title, size: volume.size, stages: stages.list, notes };
  let run: Pick<Facts, 'plan' | 'field' | 'profile'> = {};
  if (!options.merge) {
    const { normalisation } = format;
    const source = await volumeSource(conformed, { normalisation, signal });
    const plan = await stages.timed('run', () =>
      runTiles({ source, logits: network.logits, tile: options.tile, place, maxMemory: left }, context),
    );
    const shape = [1, 1, ...plan.window];
    const profile = options.profile
      ? await stages.timed('profile', () => profileSteps(network, shape, left, context))
      : undefined;
    run = { plan, field: fieldOf(network, shape), profile };
  }
  if (options.shard) return { ...facts, ...run, files: [] };
  return await stages.timed('write', async () => {
    const sink = new ArraySink();
    await place.join(sink, signal);
    const labels = await resampleLabels(sink.data as Uint8Array, conformed, volume, { signal });
    await writeNifti(mask, labels, volume, { classes: classes.map(({ name }) => name), signal });
    await place.remove();
    const counts = new Float64Array(classes.length);
    for (const label of labels) counts[label]!++;
    return { ...facts, ...run, classes: sharesOf(classes, counts), files: [mask] };
  });
}

/** Reads and conforms a volume; the voxels of the file itself can be forgotten then. */
async function conformedVolume(
  path: string,
  { conform: { size, spacing } }: VolumeInput,
  { options, signal }: Context,
  stages: Stages,
) {
  const maxMemory = memoryLeft(options, 2 * size ** 3, 'the conformed volume');
  const read = await stages.timed('read', () => readNifti(path, { maxMemory, signal }));
  const conformed = await stages.timed('conform', () => conform(read, { size, spacing, signal }));
  const volume: Pick<NiftiVolume, 'size' | 'affine' | 'header'> = {
    size: read.size,
    affine: read.affine,
    header: read.header,
  };
  const millimetres = voxelSize(read.affine).map((length) => Number(length.toFixed(3)));
  const notes = [
    `Voxels of ${millimetres.join(' × ')} mm, axes ${orientationOf(read.affine)}; conformed to ${size}³ of ${spacing} mm, axes ${orientationOf(conformed.affine)}.`,
    ...(conformed.whole
      ? []
      : [`The volume is larger than ${size}³ voxels of ${spacing} mm: what sticks out is class 0.`]),
    ...(read.nonFinite > 0 ? [`${read.nonFinite} voxels were NaN or infinite and count as 0.`] : []),
  ];
  return { volume, conformed, notes };
}
