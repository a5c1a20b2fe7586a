import { FormatError, MemoryError, type Shape, type Tensor, tensor, UnsupportedError } from '@atrous/core';
import { halfToFloat } from '@atrous/core/model';
import { Source, type Table } from './bytes.js';
import { customCode, fields, operatorName, type TensorType, tensorTypes } from './schema.js';

/** A tensor as the file describes it. */
export interface FileTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Sizes for which the file was made. */
  readonly shape: Shape;
  /** With −1 where any size fits. */
  readonly signature: Shape;
  readonly quantized: boolean;
  /** Its values, if it is a constant. */
  readonly constant?: Tensor;
}

export interface FileOperator {
  readonly index: number;
  /** The format's name, `CONV_2D`. */
  readonly name: string;
  /** Indices of tensors; −1 where an optional input is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Absent: all options have their defaults. */
  readonly options: Table | undefined;
}

export interface FileContent {
  readonly tensors: readonly FileTensor[];
  readonly operators: readonly FileOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly metadata: Readonly<Record<string, string>>;
}

const identifier = 'TFL3';

/**
 * The tables of a TensorFlow Lite file, every reference checked. Weights are views of `bytes` where they are aligned.
 *
 * @throws FormatError for what is damaged, UnsupportedError for what is valid and not read
 */
export function readContent(bytes: Uint8Array): FileContent {
  const magic = String.fromCharCode(...bytes.subarray(4, 8));
  if (magic !== identifier)
    throw new FormatError(
      `tflite: the file has ${JSON.stringify(magic)} at byte 4 where TensorFlow Lite files have '${identifier}'; give a .tflite file`,
      { magic },
    );
  const source = new Source(bytes);
  const model = source.root();
  const version = model.uint32(fields.model.version);
  if (version !== 3)
    throw new UnsupportedError(
      `tflite: the file has format version ${version}; version 3 is read. Convert it again`,
      { version },
    );
  const subgraphs = model.tables(fields.model.subgraphs, 'subgraph');
  const [graph] = subgraphs;
  if (graph === undefined) throw new FormatError('tflite: the file has no subgraph');
  if (subgraphs.length > 1)
    throw new UnsupportedError(
      `tflite: the file has ${subgraphs.length} subgraphs (control flow); export a network without conditions and loops`,
      { subgraphs: subgraphs.length },
    );
  const codes = model.tables(fields.model.operatorCodes, 'operator code').map(nameOfCode);
  const constants = new Constants(model.tables(fields.model.buffers, 'buffer'), bytes);
  const tensors = graph
    .tables(fields.subgraph.tensors, 'tensor')
    .map((table) => readTensor(table, constants));
  const operators = graph.tables(fields.subgraph.operators, 'operator').map((table, index): FileOperator => {
    const code = table.uint32(fields.operator.code);
    const name = codes[code];
    if (name === undefined)
      throw new FormatError(
        `tflite: operator ${index} has code ${code} of a list of ${codes.length}; the file is damaged`,
        { index, code },
      );
    return {
      index,
      name,
      inputs: table.ints(fields.operator.inputs),
      outputs: table.ints(fields.operator.outputs),
      options: table.table(fields.operator.options, `options of operator ${index} ${name}`),
    };
  });
  const inputs = graph.ints(fields.subgraph.inputs);
  const outputs = graph.ints(fields.subgraph.outputs);
  checkOrder(tensors, operators, inputs, outputs);
  const description = model.string(fields.model.description);
  const name = graph.string(fields.subgraph.name);
  return {
    tensors,
    operators,
    inputs,
    outputs,
    metadata: { ...(description && { description }), ...(name && { name }), formatVersion: '3' },
  };
}

function nameOfCode(table: Table): string {
  // builtin_code replaced a byte that ran out of numbers; writers fill both, old ones only the byte
  const code = Math.max(table.int8(fields.operatorCode.oldCode), table.int32(fields.operatorCode.code));
  return code === customCode
    ? `CUSTOM '${table.string(fields.operatorCode.customName) ?? ''}'`
    : operatorName(code);
}

function readTensor(table: Table, constants: Constants): FileTensor {
  const shape = table.ints(fields.tensor.shape);
  const name = table.string(fields.tensor.name) ?? table.what;
  const number = table.int8(fields.tensor.type);
  const type = tensorTypes[number];
  if (type === undefined)
    throw new UnsupportedError(
      `tflite: ${table.what} '${name}' has type number ${number}; read are ${tensorTypes.join(', ')}`,
      { name, type: number },
    );
  if (shape.length > 8 || shape.some((size) => size < 0))
    throw new FormatError(`tflite: ${table.what} '${name}' has shape [${shape.join(', ')}]`, { name, shape });
  const signature = table.ints(fields.tensor.signature);
  const quantization = table.table(fields.tensor.quantization, `quantization of ${table.what}`);
  const constant = table.has(fields.tensor.sparsity)
    ? undefined
    : constants.read(table.uint32(fields.tensor.buffer), name, type, shape);
  return {
    name,
    type,
    shape,
    signature: signature.length === shape.length ? signature : shape,
    quantized: (quantization?.length(fields.quantization.scale) ?? 0) > 0,
    ...(constant && { constant }),
  };
}

/** How values of each type are read: bytes of one in the file, and the array made of them. */
const readers: Partial<
  Record<
    TensorType,
    { readonly bytes: number; make(data: Uint8Array): Float32Array | Int32Array | Uint8Array }
  >
> = {
  float32: { bytes: 4, make: (data) => new Float32Array(...aligned(data, 4)) },
  float16: {
    bytes: 2,
    make: (data) => Float32Array.from(new Uint16Array(...aligned(data, 2)), halfToFloat),
  },
  float64: { bytes: 8, make: (data) => Float32Array.from(new Float64Array(...aligned(data, 8))) },
  int32: { bytes: 4, make: (data) => new Int32Array(...aligned(data, 4)) },
  int64: {
    bytes: 8,
    make: (data) =>
      Int32Array.from(new BigInt64Array(...aligned(data, 8)), (value) =>
        Math.min(Math.max(Number(value), -(2 ** 31)), 2 ** 31 - 1),
      ),
  },
  uint8: { bytes: 1, make: (data) => data },
  bool: { bytes: 1, make: (data) => data },
};

/** A view if the bytes are aligned, a copy otherwise. */
function aligned(data: Uint8Array, bytes: number): [ArrayBuffer, number, number] {
  const view = data.byteOffset % bytes === 0 ? data : data.slice();
  return [view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / bytes];
}

class Constants {
  #bytes = 0;
  constructor(
    readonly buffers: readonly Table[],
    readonly file: Uint8Array,
  ) {}

  read(index: number, name: string, type: TensorType, shape: Shape): Tensor | undefined {
    const buffer = this.buffers[index];
    if (buffer === undefined && index !== 0)
      throw new FormatError(
        `tflite: tensor '${name}' has buffer ${index} of ${this.buffers.length}; the file is damaged`,
        { name, index },
      );
    const data = buffer && this.#data(buffer);
    const reader = readers[type];
    const count = shape.reduce((a, b) => a * b, 1);
    // the first buffer is the empty one of values that are computed; others may hold a list of no elements
    const empty = index !== 0 && count === 0 && shape.length > 0;
    if (reader === undefined || !(data?.byteLength || empty)) return undefined;
    const held = data ?? new Uint8Array(0);
    if (count * reader.bytes !== held.byteLength)
      throw new FormatError(
        `tflite: tensor '${name}' ${type} [${shape.join(', ')}] needs ${count * reader.bytes} bytes but its buffer has ${held.byteLength}`,
        { name, shape, bytes: held.byteLength },
      );
    this.#bytes += 4 * count;
    if (this.#bytes > 16 * this.file.byteLength)
      throw new MemoryError(
        `tflite: the constants share bytes so often that they would take more than 16 times the file's ${this.file.byteLength} bytes`,
        { bytes: this.#bytes },
      );
    return tensor(reader.make(held) as Float32Array, shape, undefined, name);
  }

  #data(buffer: Table): Uint8Array | undefined {
    // large files keep the data behind the tables
    const offset = buffer.uint64(fields.buffer.offset);
    if (offset <= 1) return buffer.bytes(fields.buffer.data);
    const size = buffer.uint64(fields.buffer.size);
    buffer.source.within(buffer.what, offset, size);
    return this.file.subarray(offset, offset + size);
  }
}

/** Operators stand in the order of their work: each tensor is made once, before it is used. So there are no cycles. */
function checkOrder(
  tensors: readonly FileTensor[],
  operators: readonly FileOperator[],
  inputs: readonly number[],
  outputs: readonly number[],
): void {
  const made = new Set<number>();
  tensors.forEach((entry, index) => {
    if (entry.constant) made.add(index);
  });
  const exists = (index: number, user: string): void => {
    if (tensors[index] === undefined)
      throw new FormatError(
        `tflite: ${user} names tensor ${index} of ${tensors.length}; the file is damaged`,
        {
          index,
          tensors: tensors.length,
        },
      );
  };
  const make = (index: number, user: string): void => {
    exists(index, user);
    if (made.has(index))
      throw new FormatError(
        `tflite: ${user} makes tensor ${index} '${tensors[index]!.name}', which has a value already`,
        { index },
      );
    made.add(index);
  };
  const use = (index: number, user: string): void => {
    exists(index, user);
    // quantised and sparse constants have no value here; they are reported as unsupported
    if (!made.has(index) && readers[tensors[index]!.type] !== undefined)
      throw new FormatError(
        `tflite: ${user} uses tensor ${index} '${tensors[index]!.name}' before an operator makes it (cyclic or out of order)`,
        { index },
      );
  };
  for (const index of inputs) make(index, 'the list of inputs');
  for (const { index, name, inputs: used, outputs: results } of operators) {
    for (const tensorIndex of used) if (tensorIndex !== -1) use(tensorIndex, `operator ${index} ${name}`);
    for (const tensorIndex of results) make(tensorIndex, `operator ${index} ${name}`);
  }
  for (const index of outputs) use(index, 'the list of outputs');
  if (outputs.length === 0) throw new FormatError('tflite: the network has no outputs');
}
