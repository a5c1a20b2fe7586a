/**
 * Largest difference of logits that passes. Backends add up to 288 products in float32, in orders of their own, layer after
 * layer; the water network's logits lie within about ±7, and differences are near 1e-5. Graphics cards that multiply and
 * add in one step, or divide less exactly, get some more; a wrong tap or padding changes logits by far more.
 */
export const tolerance = 1e-3;

export interface Agreement {
  /** Largest absolute difference of two logits. */
  readonly largestDifference: number;
  /** Share of the pixels that get the same class. */
  readonly sameLabels: number;
  readonly passed: boolean;
}

/** What a network gave for a picture: logits `[classes, height, width]` and the class of every pixel. */
export interface Output {
  readonly logits: Float32Array;
  readonly labels: Uint8Array;
}

/** Compares two outputs for the same picture. */
export function agreementOf(output: Output, judge: Output): Agreement {
  let largestDifference = 0;
  for (let i = 0; i < judge.logits.length; i++) {
    // a NaN stays
    largestDifference = Math.max(largestDifference, Math.abs(output.logits[i]! - judge.logits[i]!));
  }
  const same = judge.labels.reduce((count, label, i) => count + Number(label === output.labels[i]), 0);
  return {
    largestDifference,
    sameLabels: same / judge.labels.length,
    passed: largestDifference <= tolerance && output.logits.length === judge.logits.length,
  };
}

/** @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
