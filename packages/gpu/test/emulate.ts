/** Runs launches as the JavaScript that their text is, one thread after the other, without gpu.js. */
import { type Launch, type Operand, resultCount, type View } from '../src/kernel.js';

type Nested = readonly (readonly ArrayLike<number>[])[];

/** A flat array in a view, as the nested arrays that kernels index. */
function nested(values: ArrayLike<number>, [depth, height, width]: View): Nested {
  if (values.length !== depth * height * width)
    throw new Error(`${values.length} values do not fit ${depth}×${height}×${width}`);
  const flat = Array.from(values);
  return Array.from({ length: depth }, (_, z) =>
    Array.from({ length: height }, (_, y) =>
      flat.slice((z * height + y) * width, (z * height + y + 1) * width),
    ),
  );
}

/** The result of the last launch. Reads outside an array give undefined, and so NaN, which tests see. */
export function emulate(launches: readonly Launch[], inputs: readonly ArrayLike<number>[]): Float32Array {
  const results: Float32Array[] = [];
  const valuesOf = (operand: Operand): ArrayLike<number> => {
    if ('input' in operand) return inputs[operand.input]!;
    return 'launch' in operand ? results[operand.launch]! : operand.table;
  };
  for (const { kernel, operands, scalars } of launches) {
    const fn = new Function(`return (${kernel.source});`)() as (
      ...args: unknown[]
    ) => number | readonly number[];
    const args = [...operands.map((operand, i) => nested(valuesOf(operand), kernel.arrays[i]!)), ...scalars];
    const result = new Float32Array(resultCount(kernel));
    const [depth, height, width] = kernel.output;
    let at = 0;
    for (let z = 0; z < depth; z++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const values = [fn.apply({ thread: { x, y, z } }, args)].flat();
          if (values.length !== kernel.components)
            throw new Error(`${values.length} values, not ${kernel.components}`);
          result.set(values, at);
          at += values.length;
        }
    results.push(result);
  }
  return results.at(-1)!;
}
