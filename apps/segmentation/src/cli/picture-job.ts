import { mkdir } from 'node:fs/promises';
import type { PictureInput } from '@atrous/segment/models';
import type { TilePlan } from '@atrous/tiling';
import { openPictureFile, type PictureFile, preparedSource } from '../node/picture-file.js';
import { type Context, memoryLeft, Stages } from './context.js';
import { fieldOf } from './field.js';
import { runFixed } from './fixed-size.js';
import { type Input, truthOf } from './inputs.js';
import { Place } from './place.js';
import { profileSteps } from './profile.js';
import { type Facts, type InputReport, sharesOf } from './report.js';
import { checkResult, pictureEndings, ResultSink, resultPath } from './results.js';
import { runTiles } from './tiles.js';
import { openTruth, type Truth } from './truth.js';

/** While a PNG is written it takes so many bytes for each pixel. */
const encodingBytes = 12;

/**
 * Segments one picture: its classes tile by tile, then the results from them.
 *
 * @throws AtrousError and errors of the file system for what a person can mend
 */
export async function pictureJob(item: Input, format: PictureInput, context: Context): Promise<InputReport> {
  const { options, network } = context;
  const { classes } = network.description;
  const stages = new Stages(context);
  const maxMemory = memoryLeft(options, 0, '');
  const picture = await stages.timed('read', () => openPictureFile(item.path, { maxMemory }));
  let truth: Truth | undefined;
  try {
    const ending = picture.format === 'tiff' ? 'tif' : 'png';
    const mask = resultPath(options.mask, options, item, `mask.${ending}`);
    const overlay = resultPath(options.overlay, options, item, `overlay.${ending}`);
    for (const path of [mask, overlay]) await checkResult(path, pictureEndings);
    const reference = truthOf(options);
    truth = reference === undefined ? undefined : await openTruth(reference, { picture, classes, maxMemory });
    // before the long part: a folder that cannot be made should not cost a run
    await mkdir(options.out, { recursive: true });
    const left = memoryLeft(options, picture.memory, 'the picture');
    const place = new Place(item, options);
    const facts: Facts = {
      input: item.title,
      size: [picture.width, picture.height],
      stages: stages.list,
      notes: notesOn(picture),
      ...(!options.merge && (await run(picture, format, { place, maxMemory: left }, context, stages))),
    };
    if (options.shard) return { ...facts, files: [] };
    const maxPixels = Math.floor(left / encodingBytes);
    const results = new ResultSink({ picture, classes, mask, overlay, truth, maxPixels });
    const files = await stages.timed('write', () => written(place, results, context.signal));
    return {
      ...facts,
      classes: sharesOf(classes, results.counts),
      scores: results.confusion?.scores(),
      files,
    };
  } finally {
    await truth?.close();
    await picture.close();
  }
}

/** Computes the classes; tells of the plan, the network's field and the time of its steps. */
async function run(
  picture: PictureFile,
  format: PictureInput,
  into: { readonly place: Place; readonly maxMemory: number },
  context: Context,
  stages: Stages,
): Promise<Pick<Facts, 'plan' | 'field' | 'profile'>> {
  const { options, network } = context;
  const source = preparedSource(picture, format);
  const plan: TilePlan = format.size
    ? await runFixed({ source, size: format.size, ...into }, context, stages)
    : await stages.timed('run', () =>
        runTiles({ source, logits: network.logits, tile: options.tile, ...into }, context),
      );
  const shape = [...source.shape.slice(0, 2), ...(format.size ?? plan.window)];
  const profile = options.profile
    ? await stages.timed('profile', () => profileSteps(network, shape, into.maxMemory, context))
    : undefined;
  return { plan, field: fieldOf(network, shape), profile };
}

async function written(place: Place, results: ResultSink, signal: AbortSignal): Promise<string[]> {
  try {
    await place.join(results, signal);
    const files = await results.finish();
    await place.remove();
    return files;
  } catch (error) {
    await results.abandon();
    throw error;
  }
}

function notesOn({ format, bands, georeference }: PictureFile): string[] {
  return [
    ...(format === 'tiff' && bands > 3
      ? [`Of ${bands} bands the first three are taken as red, green and blue.`]
      : []),
    ...(georeference?.nodata !== undefined
      ? [
          `Pixels of ${georeference.nodata} have no data: they have no class (255 in the mask) and are not counted.`,
        ]
      : []),
  ];
}
