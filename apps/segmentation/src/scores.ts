import { ShapeError } from '@atrous/core';

export interface Scores {
  /** Intersection over union per class; NaN for a class that is in neither picture. */
  readonly iou: readonly number[];
  /** Mean over the classes that are in either picture. */
  readonly meanIou: number;
  /** Part of the pixels that have the right class. */
  readonly accuracy: number;
}

/** Pixels by class in the reference and class that was found: `[truth * classes + found]`. */
export class Confusion {
  readonly counts: Float64Array;

  constructor(readonly classes: number) {
    this.counts = new Float64Array(classes * classes);
  }

  /**
   * Counts some more pixels; those whose label is no class are left out.
   *
   * @throws ShapeError if labels and reference differ in length
   */
  add(labels: Uint8Array, truth: Uint8Array): void {
    if (labels.length !== truth.length)
      throw new ShapeError(`score: ${labels.length} labels but ${truth.length} in the reference`, {
        labels: labels.length,
        truth: truth.length,
      });
    for (let i = 0; i < labels.length; i++)
      if (labels[i]! < this.classes) this.counts[truth[i]! * this.classes + labels[i]!]!++;
  }

  scores(): Scores {
    const { classes } = this;
    const at = (t: number, p: number) => this.counts[t * classes + p]!;
    const every = Array.from({ length: classes }, (_, index) => index);
    const hits = every.map((c) => at(c, c));
    const iou = every.map((c) => {
      const union = every.reduce((sum, other) => sum + at(c, other) + at(other, c), 0) - hits[c]!;
      return hits[c]! / union;
    });
    const known = iou.filter((value) => !Number.isNaN(value));
    const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
    return { iou, meanIou: sum(known) / known.length, accuracy: sum(hits) / sum(this.counts) };
  }
}

/**
 * Compares labels with a reference of the same size.
 *
 * @throws ShapeError if they differ in length
 */
export function score(labels: Uint8Array, truth: Uint8Array, classCount: number): Scores {
  const confusion = new Confusion(classCount);
  confusion.add(labels, truth);
  return confusion.scores();
}
