/** Layouts of tfjs from row-major ones and back; none of this is timed. */

/** `[C, positions]` to `[positions, C]`. */
export function channelsLast(values: Float32Array, channels: number): Float32Array {
  return transpose(values, channels, values.length / channels);
}

/** `[positions, C]` to `[C, positions]`. */
export function channelsFirst(values: Float32Array, channels: number): Float32Array {
  return transpose(values, values.length / channels, channels);
}

/** A weight `[O, I, taps]` as `[taps, I, O]`. */
export function tapsFirst(weight: Float32Array, outputs: number, inputs: number): Float32Array {
  return transpose(transposeInner(weight, outputs, inputs), outputs, weight.length / outputs);
}

/** `[O, I, taps]` to `[O, taps, I]`. */
function transposeInner(weight: Float32Array, outputs: number, inputs: number): Float32Array {
  const out = new Float32Array(weight.length);
  const length = weight.length / outputs;
  for (let o = 0; o < outputs; o++)
    out.set(channelsLast(weight.subarray(o * length, (o + 1) * length), inputs), o * length);
  return out;
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = values[row * columns + column]!;
  return out;
}
