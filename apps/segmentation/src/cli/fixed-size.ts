import { compile, input, interpolate, type Tensor, tensor } from '@atrous/core';
import { networkOf } from '@atrous/segment/models';
import { ArraySink, arraySource, type Source, type TilePlan, tiled } from '@atrous/tiling';
import type { Context, Stages } from './context.js';
import { runTiles, type TileJob } from './tiles.js';

/** Resizes to exactly this size, with half-pixel centres: a factor, so that tiles can be resized by it too. */
const resize = (from: readonly number[], to: readonly number[]) => (x: Tensor) =>
  interpolate(x, {
    // rounded down to the size; coordinates follow from the sizes
    scaleFactor: to.map((length, axis) => (length + 0.5) / from[axis]!),
    recomputeScaleFactor: true,
    mode: 'bilinear',
  });

/**
 * Runs a network that takes one size only: the picture is made as small, or as large, and the logits are brought back
 * to the picture's size, both tile by tile, so that large pictures stay within memory.
 */
export async function runFixed(
  { source, size, place, maxMemory }: Omit<TileJob, 'logits' | 'tile'> & { readonly size: readonly number[] },
  context: Context,
  stages: Stages,
): Promise<TilePlan> {
  const { backend, network, signal, progress } = context;
  const whole = source.shape.slice(2);
  const small = await stages.timed('resize', async () => {
    const job = await tiled(resize(whole, size), source, { backend, maxMemory, signal });
    const sink = new ArraySink();
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }) =>
      progress.update(done / total, `${done} of ${total} tiles`);
    await job.run(sink, { signal, onProgress }).finally(() => job.dispose());
    return tensor(sink.data as Float32Array<ArrayBuffer>, sink.shape!);
  });
  const logits = await stages.timed('network', async () => {
    const options = { backend, maxMemory, signal };
    const program = await compile(networkOf(network.model, network.description), input(small.shape), options);
    return await program.run(small, { signal }).finally(() => program.dispose());
  });
  const { shape } = logits;
  const map: Source = arraySource(logits.dataSync() as Float32Array, shape, 'float32');
  return await stages.timed('label', () =>
    runTiles(
      { source: map, logits: resize(shape.slice(2), whole), tile: undefined, place, maxMemory },
      context,
    ),
  );
}
