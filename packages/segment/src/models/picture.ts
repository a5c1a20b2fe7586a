/** RGBA with 8 bits per channel, row-major: what decoders give and a canvas takes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * Luminance of every pixel as the network was trained on: 0.299 R + 0.587 G + 0.114 B, rounded, halves to even.
 * Integer arithmetic, so that every machine gets the same bytes. Transparent pixels count as lying on black.
 */
export function luminance({ width, height, data }: Picture): Uint8Array {
  const out = new Uint8Array(width * height);
  // luminance × 1000 × 255: the weights are thousandths, and alpha has 255 steps
  const unit = 255_000;
  for (let i = 0, at = 0; i < out.length; i++, at += 4) {
    const scaled = (299 * data[at]! + 587 * data[at + 1]! + 114 * data[at + 2]!) * data[at + 3]!;
    const whole = Math.floor(scaled / unit);
    const twice = 2 * (scaled - whole * unit);
    out[i] = twice > unit || (twice === unit && whole % 2 === 1) ? whole + 1 : whole;
  }
  return out;
}
