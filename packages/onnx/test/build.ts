import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProtoSchema } from '../src/schema/onnx_pb.js';

type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
type GraphInit = NonNullable<Extract<ModelInit, { graph?: unknown }>['graph']>;
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
export type NodeInit = NonNullable<Extract<GraphInit, { node?: unknown }>['node']>[number];

/** TensorProto.DataType */
export const types = { float: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, double: 11 };

type Size = number | string | undefined;

export const valueInfo = (name: string, shape?: readonly Size[], elemType = types.float) => ({
  name,
  type: {
    tensorType: {
      elemType,
      ...(shape && {
        shape: {
          dim: shape.map((size) =>
            typeof size === 'number'
              ? { dimValue: BigInt(size) }
              : size === undefined
                ? {}
                : { dimParam: size },
          ),
        },
      }),
    },
  },
});

/** A weight of floats. */
export const weight = (name: string, dims: readonly number[], values: readonly number[]): TensorInit => ({
  name,
  dims: dims.map(BigInt),
  dataType: types.float,
  rawData: new Uint8Array(Float32Array.from(values).buffer),
});

export const int64s = (name: string, values: readonly number[]): TensorInit => ({
  name,
  dims: [BigInt(values.length)],
  dataType: types.int64,
  rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});

export const node = (
  opType: string,
  input: string[],
  output: string[],
  attributes: Readonly<Record<string, number | number[] | string>> = {},
  more: { name?: string; domain?: string } = {},
): NodeInit => ({
  opType,
  input,
  output,
  attribute: Object.entries(attributes).map(([name, value]) =>
    typeof value === 'number'
      ? { name, type: 2, i: BigInt(value) }
      : typeof value === 'string'
        ? { name, type: 3, s: new TextEncoder().encode(value) }
        : { name, type: 7, ints: value.map(BigInt) },
  ),
  ...more,
});

export function modelBytes(graph: GraphInit, { opset = 17, ...more }: ModelInit & { opset?: number } = {}) {
  const init = { irVersion: 8n, opsetImport: [{ domain: '', version: BigInt(opset) }], graph, ...more };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, init as ModelInit));
}

/** A small network with everything that real ones have: dilation, shape arithmetic, a skip, resizing, a flat head. */
export function smallNetwork(): Uint8Array {
  const wave = (length: number) => Array.from({ length }, (_, i) => Math.sin(i + 1));
  return modelBytes(
    {
      name: 'small',
      input: [valueInfo('image', ['batch', 2, 8, 8])],
      output: [valueInfo('logits', ['batch', 3, 8, 8]), valueInfo('flat')],
      initializer: [
        weight('w1', [3, 2, 3, 3], wave(54)),
        weight('b1', [3], wave(3)),
        weight('w2', [3, 3, 3, 3], wave(81)),
        weight('scale', [1, 3, 1, 1], wave(3)),
        int64s('start', [2]),
        int64s('end', [2 ** 40]),
        int64s('minus', [-1]),
        int64s('zero', [0]),
      ],
      node: [
        node(
          'Conv',
          ['image', 'w1', 'b1'],
          ['c1'],
          { pads: [1, 1, 1, 1], strides: [2, 2] },
          { name: 'first' },
        ),
        node('Relu', ['c1'], ['r1']),
        node('Conv', ['r1', 'w2'], ['c2'], { pads: [2, 2, 2, 2], dilations: [2, 2] }, { name: 'dilated' }),
        node('Mul', ['c2', 'scale'], ['m']),
        node('Add', ['m', 'r1'], ['sum']),
        node('Shape', ['image'], ['shape']),
        node('Slice', ['shape', 'start', 'end'], ['size']),
        node('Shape', ['sum'], ['shape2']),
        node('Slice', ['shape2', 'zero', 'start'], ['planes']),
        node('Concat', ['planes', 'size'], ['sizes'], { axis: 0 }),
        node('Resize', ['sum', '', '', 'sizes'], ['logits'], {
          mode: 'linear',
          coordinate_transformation_mode: 'align_corners',
        }),
        node('Slice', ['shape', 'zero', 'start', 'zero'], ['two']),
        node('Slice', ['two', 'zero', 'zero'], ['nothing']),
        node('Concat', ['minus', 'nothing'], ['all'], { axis: 0 }),
        node('Reshape', ['sum', 'all'], ['flat']),
      ],
    },
    { producerName: 'test', metadataProps: [{ key: 'labels', value: 'a, b, c' }] },
  );
}
