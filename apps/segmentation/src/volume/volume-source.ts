import { FormatError, OptionError } from '@atrous/core';
import type { Region, Source } from '@atrous/tiling';
import { type Limits, limits, ranked } from './intensity.js';
import { type Volume, voxels } from './volume.js';

/** Shares of the voxels, from 0 to 1, below the values that become 0 and 1. */
export interface Quantiles {
  readonly lower: number;
  readonly upper: number;
  /** Whether what lies beyond becomes 0 and 1 too. Default false. */
  readonly clip?: boolean | undefined;
}

/**
 * How values become the network's input, by limits of the whole volume: x = (value − low) / (high − low).
 *
 * - `'minimum-maximum'`: the smallest and the largest value. MeshNet for grey and white matter takes it.
 * - `'quantiles'`: the 2 % and 98 % quantiles, clipped.
 * - `{ lower, upper, clip }`: others. niivue-brainchop's larger networks take `{ lower: 0.05, upper: 0.95 }`.
 */
export type Normalisation = 'minimum-maximum' | 'quantiles' | Quantiles;

export interface VolumeSourceOptions {
  readonly normalisation: Normalisation;
  readonly signal?: AbortSignal | undefined;
}

/** A volume as the input of a network. */
export interface VolumeSource extends Source {
  /** The values that become 0 and 1. */
  readonly limits: Limits;
}

/**
 * A volume as a source of `@atrous/tiling`: float32 `[1, 1, D, H, W]` = (i, j, k). Only the regions that are read are
 * ever float32; the limits are those of the whole volume.
 *
 * Quantiles are values of the volume: of n sorted values those at ⌊n · lower⌋ and ⌈n · upper⌉ − 1, as in brainchop.
 *
 * @throws FormatError if the limits are equal, so that nothing can be divided by their distance; OptionError for
 * unusable options
 */
export async function volumeSource(
  volume: Volume,
  { normalisation, signal }: VolumeSourceOptions,
): Promise<VolumeSource> {
  const found = await limitsFor(volume, normalisation, signal);
  const { low, high } = found;
  if (!(high > low))
    throw new FormatError(
      `${volume.name}: cannot be normalised, because ${normalisation === 'minimum-maximum' ? 'all voxels are' : 'both quantiles are'} ${low}`,
      { low, high },
    );
  const { data, strides, slope, inter, size } = volume;
  const [sx, sy, sz] = strides;
  const clip = clips(normalisation);
  return {
    shape: [1, 1, ...size],
    dtype: 'float32',
    limits: found,
    read({ start, size: [depth, height, width] }: Region) {
      const values = new Float32Array(depth! * height! * width!);
      let to = 0;
      for (let i = 0; i < depth!; i++)
        for (let j = 0; j < height!; j++) {
          let from = (start[0]! + i) * sx + (start[1]! + j) * sy + start[2]! * sz;
          for (let k = 0; k < width!; k++, from += sz)
            values[to++] = (slope * data[from]! + inter - low) / (high - low);
        }
      if (clip) for (let n = 0; n < values.length; n++) values[n] = Math.min(Math.max(values[n]!, 0), 1);
      return values;
    },
  };
}

const clips = (normalisation: Normalisation) =>
  normalisation === 'quantiles' || (typeof normalisation === 'object' && normalisation.clip === true);

async function limitsFor(
  volume: Volume,
  normalisation: Normalisation,
  signal?: AbortSignal,
): Promise<Limits> {
  const whole = () => limits(volume, signal);
  if (normalisation === 'minimum-maximum') return whole();
  const { lower, upper } =
    normalisation === 'quantiles' ? { lower: 0.02, upper: 0.98 } : (normalisation ?? {});
  if (!(lower >= 0 && lower < upper && upper <= 1))
    throw new OptionError(
      `volumeSource: normalisation must be 'minimum-maximum', 'quantiles' or { lower, upper } with 0 ≤ lower < upper ≤ 1 but is ${JSON.stringify(normalisation)}`,
      { normalisation },
    );
  const count = voxels(volume.size);
  const ends = await whole();
  const at = (rank: number) => ranked(volume, Math.min(Math.max(rank, 0), count - 1), ends, signal);
  return { low: await at(Math.floor(count * lower)), high: await at(Math.ceil(count * upper) - 1) };
}
