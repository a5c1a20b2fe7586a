import { ExecutionError } from '@atrous/core';
import { Breather } from '@atrous/core/backend';
import { resizedRow, tapsOf } from './resample.js';

/** A map of logits `[classes, height, width]`. */
export interface LogitMap {
  readonly data: Float32Array;
  readonly classes: number;
  readonly height: number;
  readonly width: number;
}

/** Where labels go: a picture, of which a map covers a part. */
export interface LabelTarget {
  readonly width: number;
  readonly height: number;
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly confidence: Float32Array<ArrayBuffer>;
  /** `[classes, height, width]`, if wanted. */
  readonly logits?: Float32Array<ArrayBuffer> | undefined;
}

export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

export const labelTarget = (
  { width, height }: { readonly width: number; readonly height: number },
  classes: number,
  withLogits: boolean,
): LabelTarget => ({
  width,
  height,
  labels: new Uint8Array(width * height),
  confidence: new Float32Array(width * height),
  logits: withLogits ? new Float32Array(classes * width * height) : undefined,
});

/** Below this difference of logits a class adds nothing to a sum of float32 probabilities. */
const negligible = -20;

/**
 * Writes the class of every pixel of a box, the first of the largest logits, and its softmax probability. A map of another
 * size than the box is resized row by row, so that large pictures take no memory for logits.
 *
 * @throws ExecutionError if a logit is not a number; the signal's reason
 */
export async function label(
  map: LogitMap,
  target: LabelTarget,
  box: Box,
  signal?: AbortSignal,
  onRow?: (fraction: number) => void,
): Promise<void> {
  const { data, classes } = map;
  const { width } = box;
  const resized = map.height !== box.height || map.width !== width;
  const rows = tapsOf(map.height, box.height);
  const columns = tapsOf(map.width, width);
  const each: Float32Array[] = Array.from({ length: classes }, () => new Float32Array(width));
  const breather = new Breather(signal);
  for (let y = 0; y < box.height; y++) {
    for (let c = 0; c < classes; c++) {
      const plane = c * map.height * map.width;
      if (resized) resizedRow(data, plane, map.width, rows, columns, y, each[c]!);
      else each[c] = data.subarray(plane + y * width, plane + (y + 1) * width);
    }
    labelRow(each, target, (box.top + y) * target.width + box.left);
    if (breather.due) {
      onRow?.((y + 1) / box.height);
      await breather.pause();
    }
  }
}

function labelRow(
  each: readonly Float32Array[],
  { labels, confidence, logits }: LabelTarget,
  at: number,
): void {
  const classes = each.length;
  for (let x = 0; x < each[0]!.length; x++) {
    let best = 0;
    let most = each[0]![x]!;
    for (let c = 1; c < classes; c++) {
      const value = each[c]![x]!;
      if (value > most) {
        best = c;
        most = value;
      }
    }
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const less = each[c]![x]! - most;
      // written so that a NaN is added, too
      if (!(less < negligible)) sum += Math.exp(less);
    }
    if (Number.isNaN(sum))
      throw new ExecutionError(
        'the network gives logits that are no numbers; try another backend, or check the preprocessing',
        { pixel: at + x },
      );
    labels[at + x] = best;
    confidence[at + x] = 1 / sum;
  }
  for (let c = 0; logits && c < classes; c++) logits.set(each[c]!, c * labels.length + at);
}
