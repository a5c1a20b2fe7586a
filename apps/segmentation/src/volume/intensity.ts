import { FormatError } from '@atrous/core';
import { inParts, type Volume } from './volume.js';

/** Values that are looked at before events get their turn. */
const part = 2 ** 20;

export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** The smallest and the largest value of a volume. @throws FormatError if they do not fit into a double */
export async function limits({ name, data, slope, inter }: Volume, signal?: AbortSignal): Promise<Limits> {
  let [least, most] = [Infinity, -Infinity];
  await inParts(data.length, part, signal, (from, to) => {
    for (let n = from; n < to; n++) {
      const element = data[n]!;
      if (element < least) least = element;
      if (element > most) most = element;
    }
  });
  const ends = [slope * least + inter, slope * most + inter] as const;
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  if (!Number.isFinite(high - low))
    throw new FormatError(
      `${name}: its values reach from ${low} to ${high}, which is more than a volume can have`,
      {
        low,
        high,
      },
    );
  return { low, high };
}

/**
 * The value at `rank` (0 is the smallest) if all were sorted: exact, and nothing is sorted or copied. Every pass counts
 * the values between `low` and `high` in bins and goes on inside the bin that has the rank.
 */
export async function ranked(
  { data, slope, inter }: Volume,
  rank: number,
  { low, high }: Limits,
  signal?: AbortSignal,
): Promise<number> {
  const bins = 2 ** 16;
  const [counts, least, most] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
  let before = 0;
  while (low < high) {
    counts.fill(0);
    least.fill(Infinity);
    most.fill(-Infinity);
    await inParts(data.length, part, signal, (from, to) => {
      for (let n = from; n < to; n++) {
        const value = slope * data[n]! + inter;
        if (value < low || value > high) continue;
        const bin = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
        counts[bin]! += 1;
        if (value < least[bin]!) least[bin] = value;
        if (value > most[bin]!) most[bin] = value;
      }
    });
    let bin = 0;
    while (before + counts[bin]! <= rank) before += counts[bin++]!;
    [low, high] = [least[bin]!, most[bin]!];
  }
  return low;
}

/**
 * How `mri_convert --conform` makes bytes of a volume's values: byte = (value − `low`) · `scale`, from 0 to 255, so that
 * the smallest value becomes 0 and only the largest tenth of a percent of the voxels that are not zero is clipped,
 * counted in 1000 bins. A volume of unscaled bytes stays as it is.
 *
 * Source: FreeSurfer, `MRIchangeType` with fractions 0 and 0.999, as `getscale` of FastSurfer's `conform.py` states it.
 * Where that rule would clip even the first bin (nearly all voxels equal, and few far away), the first bin is kept.
 */
export async function byteScale(
  volume: Volume,
  signal?: AbortSignal,
): Promise<{ readonly low: number; readonly scale: number }> {
  const { data, slope, inter } = volume;
  if (data instanceof Uint8Array && slope === 1 && inter === 0) return { low: 0, scale: 1 };
  const { low, high } = await limits(volume, signal);
  if (low === high) return { low, scale: 1 };
  const bins = 1000;
  const counts = new Float64Array(bins);
  let nonzero = 0;
  await inParts(data.length, part, signal, (from, to) => {
    for (let n = from; n < to; n++) {
      const value = slope * data[n]! + inter;
      counts[Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))]! += 1;
      if (Math.abs(value) >= 1e-15) nonzero++;
    }
  });
  const kept = data.length - Math.floor((1 - 0.999) * nonzero);
  let edge = 0;
  for (let counted = 0; counted < kept; edge++) counted += counts[edge]!;
  const top = low + (Math.max(edge - 2, 1) * (high - low)) / bins;
  return { low, scale: 255 / (top - low) };
}
