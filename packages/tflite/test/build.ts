/** Builds TensorFlow Lite files for the tests. */
import { Builder } from 'flatbuffers';
import { operatorCodes, type TensorType, tensorTypes } from '../src/schema.js';

export interface BuiltTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type?: TensorType;
  /** Present: a constant. */
  readonly data?: ArrayBufferView;
  /** Present: a quantised tensor. */
  readonly scale?: number;
}

/** An option: its field number and how it is stored. */
export type Option =
  | { readonly field: number; readonly byte: number }
  | { readonly field: number; readonly int: number }
  | { readonly field: number; readonly float: number }
  | { readonly field: number; readonly ints: readonly number[] };

export interface BuiltOperator {
  readonly name: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options?: readonly Option[];
}

export interface BuiltModel {
  readonly tensors: readonly BuiltTensor[];
  readonly operators: readonly BuiltOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly version?: number;
}

export function build(model: BuiltModel): Uint8Array {
  const b = new Builder(1024);
  const ints = (values: readonly number[]) => {
    b.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) b.addInt32(value);
    return b.endVector();
  };
  const offsets = (values: readonly number[]) => {
    b.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) b.addOffset(value);
    return b.endVector();
  };
  const table = (count: number, fill: () => void) => {
    b.startObject(count);
    fill();
    return b.endObject();
  };
  const data = (view: ArrayBufferView) => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    b.startVector(1, bytes.length, 16);
    for (let i = bytes.length - 1; i >= 0; i--) b.addInt8(bytes[i]!);
    return b.endVector();
  };
  const buffers = [table(1, () => {})];
  const tensors = model.tensors.map(({ name, shape, type = 'float32', data: values, scale }) => {
    const vector = values && data(values);
    const quantization =
      scale === undefined
        ? undefined
        : (() => {
            b.startVector(4, 1, 4);
            b.addFloat32(scale);
            const scales = b.endVector();
            return table(3, () => b.addFieldOffset(2, scales, 0));
          })();
    if (vector !== undefined) buffers.push(table(1, () => b.addFieldOffset(0, vector, 0)));
    const buffer = vector === undefined ? 0 : buffers.length - 1;
    const label = b.createString(name);
    const sizes = ints(shape);
    return table(6, () => {
      b.addFieldOffset(0, sizes, 0);
      b.addFieldInt8(1, tensorTypes.indexOf(type), 0);
      b.addFieldInt32(2, buffer, 0);
      b.addFieldOffset(3, label, 0);
      if (quantization !== undefined) b.addFieldOffset(4, quantization, 0);
    });
  });
  const names = [...new Set(model.operators.map(({ name }) => name))];
  const codes = names.map((name) => {
    const custom = operatorCodes[name] === undefined ? b.createString(name) : undefined;
    const code = operatorCodes[name] ?? 32;
    return table(4, () => {
      b.addFieldInt8(0, Math.min(code, 127), 0);
      if (custom !== undefined) b.addFieldOffset(1, custom, 0);
      b.addFieldInt32(3, code, 0);
    });
  });
  const operators = model.operators.map(({ name, inputs, outputs, options = [] }) => {
    const lists = options.map((option) => ('ints' in option ? ints(option.ints) : 0));
    const made = table(8, () => {
      for (const [i, option] of options.entries()) {
        if ('ints' in option) b.addFieldOffset(option.field, lists[i]!, 0);
        else if ('byte' in option) b.addFieldInt8(option.field, option.byte, -128);
        else if ('int' in option) b.addFieldInt32(option.field, option.int, -1e9);
        else b.addFieldFloat32(option.field, option.float, -1e30);
      }
    });
    const used = ints(inputs);
    const results = ints(outputs);
    return table(5, () => {
      b.addFieldInt32(0, names.indexOf(name), -1);
      b.addFieldOffset(1, used, 0);
      b.addFieldOffset(2, results, 0);
      b.addFieldInt8(3, 1, 0);
      b.addFieldOffset(4, made, 0);
    });
  });
  const vectors = [offsets(tensors), ints(model.inputs), ints(model.outputs), offsets(operators)];
  const graph = table(5, () => {
    for (const [field, vector] of vectors.entries()) b.addFieldOffset(field, vector, 0);
  });
  const lists = [offsets(codes), offsets([graph]), offsets(buffers)] as const;
  const root = table(8, () => {
    b.addFieldInt32(0, model.version ?? 3, 0);
    b.addFieldOffset(1, lists[0], 0);
    b.addFieldOffset(2, lists[1], 0);
    b.addFieldOffset(4, lists[2], 0);
  });
  b.finish(root, 'TFL3');
  return b.asUint8Array().slice();
}

export type Given = Omit<BuiltTensor, 'name'>;

/** A network of one operator: `x` is its input (number `at`), the others are constants. */
export function single(
  name: string,
  x: Given,
  constants: readonly Given[] = [],
  options: readonly Option[] = [],
  { at = 0, outputs = 1 } = {},
): BuiltModel {
  const results = Array.from({ length: outputs }, (_, i) => constants.length + 1 + i);
  const used = constants.map((_, i) => i + 1);
  used.splice(at, 0, 0);
  return {
    tensors: [
      { name: 'x', ...x },
      ...constants.map((constant, i) => ({ name: `c${i}`, ...constant })),
      ...results.map((_, i) => ({ name: `y${i}`, shape: [] })),
    ],
    operators: [{ name, inputs: used, outputs: results, options }],
    inputs: [0],
    outputs: results,
  };
}

export const f32 = (shape: readonly number[], values: ArrayLike<number>): Given => ({
  shape,
  data: Float32Array.from(values),
});
export const i32 = (...values: number[]): Given => ({
  shape: [values.length],
  type: 'int32',
  data: Int32Array.from(values),
});
