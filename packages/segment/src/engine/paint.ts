import type { SegmentationClass } from '../models/index.js';

/** Labels in the colours of their classes, RGBA, opaque. */
export function paint(
  labels: Uint8Array,
  classes: readonly SegmentationClass[],
): Uint8ClampedArray<ArrayBuffer> {
  const table = new Uint32Array(Uint8Array.from(classes.flatMap(({ color }) => [...color, 255])).buffer);
  const pixels = Uint32Array.from(labels, (label) => table[label]!);
  return new Uint8ClampedArray(pixels.buffer);
}

/** The part of the pixels that each class has. */
export function sharesOf(labels: Uint8Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts.map((count) => count / labels.length);
}
