import { OptionError } from '@atrous/core';
import type { ModelDescription, PictureInput } from './description.js';
import { luminance, type Picture } from './picture.js';

/** The description of a model for pictures. @throws OptionError for one that takes volumes */
export function pictureInput({ name, input }: ModelDescription): PictureInput {
  if (input.kind === 'picture') return input;
  throw new OptionError(`${name} takes volumes, not pictures; give it a NIfTI file`, { name });
}

/** What the network reads of every byte, per channel. */
const tables = new WeakMap<PictureInput, readonly Float32Array[]>();

function tablesOf(input: PictureInput): readonly Float32Array[] {
  let found = tables.get(input);
  if (!found) {
    const { scale, mean, std } = input;
    found = mean.map((m, channel) =>
      Float32Array.from({ length: 256 }, (_, byte) => (byte * scale - m) / std[channel]!),
    );
    tables.set(input, found);
  }
  return found;
}

/** Channels that the network reads. */
export const channelsOf = ({ channels }: PictureInput): number => (channels === 'rgb' ? 3 : 1);

/**
 * A picture, or a part of one, as the network's input `[1, C, H, W]`, C = 3 or 1: (byte · scale − mean) / std. Transparent
 * pixels count as lying on black.
 */
export function prepare(picture: Picture, input: PictureInput): Float32Array {
  const { data } = picture;
  const each = tablesOf(input);
  const pixels = picture.width * picture.height;
  if (input.channels === 'luminance') {
    const table = each[0]!;
    return Float32Array.from(luminance(picture), (byte) => table[byte]!);
  }
  const out = new Float32Array(3 * pixels);
  for (let channel = 0; channel < 3; channel++) {
    const table = each[channel]!;
    for (let i = 0, at = channel * pixels; i < pixels; i++, at++) {
      const alpha = data[4 * i + 3]!;
      const byte = data[4 * i + channel]!;
      out[at] = table[alpha === 255 ? byte : Math.round((byte * alpha) / 255)]!;
    }
  }
  return out;
}
