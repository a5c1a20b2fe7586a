/** Pictures that are too large for one piece, tile by tile, by `@atrous/tiling`. */
import { type Backend, input, OptionError, trace } from '@atrous/core';
import { macsOf } from '@atrous/core/backend';
import type { Model } from '@atrous/core/model';
import { type Region, type Source, tiled } from '@atrous/tiling';
import {
  channelsOf,
  logitsOf,
  type ModelDescription,
  type Picture,
  pictureInput,
  prepare,
} from '../models/index.js';
import type { EngineEvents, EngineResult } from './engine.js';
import { type LabelTarget, label } from './label.js';

export interface TileOptions extends EngineEvents {
  readonly backend: Backend;
  /** Pixels per side; default: the largest that `maxMemory` allows. */
  readonly tile?: number | undefined;
  readonly maxMemory?: number | undefined;
}

/** Computes and labels every tile; the logits of the whole stand in memory only if the target wants them. */
export async function labelInTiles(
  model: Model,
  description: ModelDescription,
  picture: Picture,
  target: LabelTarget,
  { backend, tile, maxMemory, signal, onProgress }: TileOptions,
): Promise<Pick<EngineResult, 'steps' | 'macs' | 'memory'>> {
  if (tile !== undefined && !(Number.isInteger(tile) && tile > 0))
    throw new OptionError(`tile must be a positive integer or true but is ${tile}`, { tile });
  const network = logitsOf(model, description);
  const source = preparedSource(picture, description);
  const job = await tiled(network, source, { backend, tile, maxMemory, signal });
  try {
    const { plan } = job;
    const classes = description.classes.length;
    await job.run(
      {
        async write({ start, size }, values) {
          const [top, left] = start as [number, number];
          const [height, width] = size as [number, number];
          const map = { data: values as Float32Array, classes, height, width };
          await label(map, target, { top, left, height, width }, signal);
        },
      },
      {
        signal,
        onProgress: ({ done, total }) =>
          onProgress?.({ stage: 'run', fraction: done / total, step: `tile ${done} of ${total}` }),
      },
    );
    const { graph } = trace(network, input(source.shape));
    const macs = graph.nodes.reduce((sum, node) => sum + macsOf(graph, node), 0);
    return { steps: [], macs: Math.round(macs * plan.recompute), memory: plan.memory };
  } finally {
    job.dispose();
  }
}

/** The network's input `[1, C, H, W]`, prepared window by window. */
function preparedSource(picture: Picture, description: ModelDescription): Source {
  const format = pictureInput(description);
  return {
    shape: [1, channelsOf(format), picture.height, picture.width],
    dtype: 'float32',
    read: (region) => prepare(cut(picture, region), format),
  };
}

function cut({ width: whole, data }: Picture, { start, size }: Region): Picture {
  const [top, left] = start as [number, number];
  const [height, width] = size as [number, number];
  const pixels = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((top + y) * whole + left);
    pixels.set(data.subarray(from, from + 4 * width), 4 * y * width);
  }
  return { width, height, data: pixels };
}
