import { compile, input, OptionError, type Tensor, tensor } from '@atrous/core';
import { type Source, type TilePlan, type TileProgress, tiled } from '@atrous/tiling';
import type { Context } from './context.js';
import { CancelledError, WaitingError } from './errors.js';
import { classesOf } from './network.js';
import type { Place } from './place.js';
import { bytesText, durationText } from './sizes.js';

export interface TileJob {
  readonly source: Source;
  /** From the source to logits of the same size, or of the size that the result has. */
  readonly logits: (x: Tensor) => Tensor;
  /** Samples of the source per side; undefined: as many as memory allows. */
  readonly tile: number | undefined;
  readonly place: Place;
  /** Bytes that tiles may take. */
  readonly maxMemory: number;
}

/**
 * Computes the class of every pixel or voxel, tile by tile, into the files of `place`. A picture that fits into memory is
 * one tile.
 *
 * @throws CancelledError that says how to go on; WaitingError if other shards must do their part first; what `tiled`
 * throws
 */
export async function runTiles(
  { source, logits, tile, place, maxMemory }: TileJob,
  { options, backend, progress, signal }: Context,
): Promise<TilePlan> {
  const { shard } = options;
  const job = await tiled((x) => classesOf(logits(x)), source, { backend, tile, maxMemory, signal });
  const { plan } = job;
  let last: TileProgress | undefined;
  try {
    if (plan.tiles > 1) {
      const milliseconds = await estimate(logits, source, plan, { backend, maxMemory, signal });
      progress.note(planText(plan, source, tile, milliseconds));
    }
    const [sink, journal] = [place.sink, place.journal];
    try {
      await place.prepare();
      await job.run(sink, {
        signal,
        journal,
        shard: shard && { ...shard, journals: place.journals },
        onProgress(now) {
          last = now;
          if (plan.tiles > 1) progress.update(now.done / now.total, tilesText(now));
        },
      });
    } finally {
      await sink.close();
      await journal.close();
    }
  } catch (error) {
    if (signal.aborted)
      throw new CancelledError(
        last && plan.tiles > 1
          ? `cancelled after ${tilesText(last, false)}; run it again with --resume to go on`
          : 'cancelled',
      );
    throw explained(error, place, shard);
  } finally {
    job.dispose();
  }
  return plan;
}

function tilesText({ pass, passes, done, total, remainingMs }: TileProgress, left = true): string {
  const count = `${done} of ${total} tiles`;
  const which = passes > 1 ? `, pass ${pass + 1} of ${passes}` : '';
  return `${count}${which}${left ? `, ${durationText(remainingMs)} left` : ''}`;
}

/** The errors of journals, in words of the command. */
function explained(error: unknown, place: Place, shard: Context['options']['shard']): unknown {
  if (!(error instanceof OptionError)) return error;
  const { details } = error;
  if (shard && 'missing' in details && 'pass' in details)
    return new WaitingError(
      `shard ${shard.index} of ${shard.count} has done its part of pass ${Number(details.pass) + 1} of ${details.passes}; the next pass needs what the other shards have yet to do: run it again when they have`,
      details,
    );
  if ('recorded' in details)
    return new OptionError(
      `${place.folder} is of a run with another picture, network, --tile or --max-memory; give the same ones, or remove the folder to start again`,
      details,
    );
  return error;
}

/** What is about to happen, in one line. */
function planText(
  { order, counts, tiles, window, recompute, passes, memory }: TilePlan,
  source: Source,
  tile: number | undefined,
  milliseconds: number,
): string {
  const halo = source.shape.slice(2).map((length, axis) => {
    const count = counts[axis]!;
    const beside = window[axis]! - (tile ?? Math.ceil(length / count));
    // of two tiles each has a neighbour on one side only
    return count === 1 ? 0 : Math.ceil(count === 2 ? beside : beside / 2);
  });
  const facts = [
    order === 'slabs'
      ? `${tiles} slabs of ${window[0]} rows, each computed once`
      : `${tiles} tiles (${counts.join(' × ')}), windows of ${window.join('×')} with a halo of ${Math.max(...halo)}, ${recompute.toFixed(2)} times the work`,
    ...(passes > 1 ? [`${passes} passes`] : []),
    bytesText(memory),
    `about ${durationText(milliseconds)}`,
  ];
  return `plan: ${facts.join(', ')}`;
}

/** Largest piece on which the speed is measured, by spatial axes. */
const samples = [0, 65_536, 512, 64];

/** How long all tiles will take, from a piece that is read and computed twice; the first time is slower than all others. */
async function estimate(
  logits: (x: Tensor) => Tensor,
  source: Source,
  { window, recompute, passes }: TilePlan,
  options: Pick<Context, 'backend' | 'signal'> & { readonly maxMemory: number },
): Promise<number> {
  const [batch, channels, ...whole] = source.shape as [number, number, ...number[]];
  const size = window.map((length) => Math.min(length, samples[whole.length]!));
  const shape = [batch, channels, ...size];
  const program = await compile(logits, input(shape), options);
  let milliseconds = 0;
  for (let run = 0; run < 2; run++) {
    const start = performance.now();
    const values = await source.read({ start: size.map(() => 0), size }, { signal: options.signal });
    await program.run(tensor(values as Float32Array<ArrayBuffer>, shape), { signal: options.signal });
    milliseconds = performance.now() - start;
  }
  program.dispose();
  const pieces = whole.reduce((product, length, axis) => (product * length) / size[axis]!, 1);
  return milliseconds * pieces * recompute * passes;
}
