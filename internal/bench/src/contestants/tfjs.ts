/** What the backends of tfjs have in common: the graph in the functions of tfjs-core, NHWC. */
import type { Graph, Node, Shape } from '@atrous/core';
import { fuse } from '@atrous/core/backend';
import { type Engine, type Prepared, timed, Unsupported } from '../contestant.js';
import { type ConvNode, formOf, isConv, windowsOf } from '../conv-node.js';
import { fold } from '../folded.js';
import { isHalfPixelResize, isSpatialMean } from '../onnx/model.js';
import type { Problem } from '../problem.js';
import { channelsFirst, channelsLast, tapsFirst } from './channels-last.js';

interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface ConvOptions {
  readonly x: TfTensor;
  readonly filter: TfTensor;
  readonly strides: readonly number[];
  readonly pad: readonly (readonly number[])[];
  readonly dataFormat: 'NHWC';
  readonly dilations: readonly number[];
  readonly bias?: TfTensor;
  readonly activation: 'linear' | 'relu';
}

export interface Tf {
  /** Leaves out checks that are for development. */
  enableProdMode(): void;
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  removeBackend(name: string): void;
  tensor(data: Float32Array, shape: Shape): TfTensor;
  tidy<T>(work: () => T): T;
  keep<T extends TfTensor>(tensor: T): T;
  readonly fused: {
    conv2d(options: ConvOptions): TfTensor;
    depthwiseConv2d(options: ConvOptions): TfTensor;
  };
  mean(x: TfTensor, axes: readonly number[], keepDims: boolean): TfTensor;
  broadcastTo(x: TfTensor, shape: Shape): TfTensor;
  concat(tensors: readonly TfTensor[], axis: number): TfTensor;
  readonly image: {
    resizeBilinear(x: TfTensor, size: Shape, alignCorners: boolean, halfPixelCenters: boolean): TfTensor;
  };
}

type Step = (values: readonly TfTensor[]) => TfTensor;

/** `[1, H, W, C]`; one axis becomes a row, as tfjs-core's own conv1d does it. */
const nhwc = ([batch, channels, ...spatial]: Shape): number[] => [
  batch!,
  ...(spatial.length === 1 ? [1] : []),
  ...spatial,
  channels!,
];

export function tfjs(tf: Tf, backend: 'wasm' | 'cpu' | 'webgl' | 'webgpu'): Engine {
  tf.enableProdMode();
  return {
    async prepare({ graph, x, file }: Problem): Promise<Prepared | Unsupported> {
      if (file) return new Unsupported('reads no ONNX file');
      const fused = fuse(graph);
      const obstacle = obstacleIn(fused);
      if (obstacle !== undefined) return new Unsupported(obstacle);
      await select(tf, backend);
      const held: TfTensor[] = [];
      const hold = (data: Float32Array, shape: Shape) => {
        const tensor = tf.keep(tf.tensor(data, shape));
        held.push(tensor);
        return tensor;
      };
      const shape = fused.nodes[fused.inputs[0]!]!.shape;
      const source = hold(channelsLast(x, shape[1]!), nhwc(shape));
      const steps = fused.nodes.map((node) => stepOf(tf, node, fused, hold));
      let result: TfTensor | undefined;
      return {
        async run() {
          await select(tf, backend);
          return timed(() => {
            result?.dispose();
            result = tf.tidy(() => {
              const values: TfTensor[] = [];
              steps.forEach((step, i) => {
                values[i] = step === undefined ? source : step(fused.nodes[i]!.inputs.map((j) => values[j]!));
              });
              return values[fused.outputs[0]!]!;
            });
          });
        },
        settle: () => result!.data(),
        output: async () => channelsFirst(await result!.data(), fused.nodes[fused.outputs[0]!]!.shape[1]!),
        dispose() {
          result?.dispose();
          for (const tensor of held) tensor.dispose();
        },
      };
    },
    dispose: async () => tf.removeBackend(backend),
  };
}

/** The backends of tfjs share one engine, which has one current backend. */
async function select(tf: Tf, backend: string): Promise<void> {
  if (tf.getBackend() !== backend) await tf.setBackend(backend);
}

/** Why tfjs cannot run a graph. */
function obstacleIn(graph: Graph): string | undefined {
  for (const node of graph.nodes) {
    if (!isConv(node)) continue;
    const axes = windowsOf(node);
    if (axes.length > 2) return 'its WebAssembly backend has no three-dimensional convolution';
    if (axes.some(({ stride }) => stride > 1) && axes.some(({ dilation }) => dilation > 1))
      return 'refuses stride together with dilation';
    if (formOf(node, graph) === 'grouped') return 'has no grouped convolution';
  }
  return undefined;
}

/** Undefined for the input and for constants. */
function stepOf(
  tf: Tf,
  node: Node,
  graph: Graph,
  hold: (data: Float32Array, shape: Shape) => TfTensor,
): Step | undefined {
  if (node.kind === 'input' || node.kind === 'constant') return undefined;
  if (isConv(node)) return convolution(tf, node, graph, hold);
  if (isSpatialMean(node)) return ([x]) => tf.mean(x!, [1, 2], true);
  if (isHalfPixelResize(node, graph))
    return ([x]) => tf.image.resizeBilinear(x!, node.shape.slice(2), false, true);
  if (node.kind === 'broadcast') return ([x]) => tf.broadcastTo(x!, nhwc(node.shape));
  if (node.kind === 'concat') return (parts) => tf.concat(parts, 3);
  throw new Error(`tfjs: ${node.kind} is not written`);
}

function convolution(
  tf: Tf,
  node: ConvNode,
  graph: Graph,
  hold: (data: Float32Array, shape: Shape) => TfTensor,
): Step {
  const { weight, bias, relu } = fold(node, graph);
  const [outputs, inputs, ...kernel] = graph.nodes[node.inputs[1]!]!.shape as [number, number, ...number[]];
  const depthwise = formOf(node, graph) === 'depthwise';
  const rows = windowsOf(node);
  const one = { stride: 1, dilation: 1, padBefore: 0, padAfter: 0 };
  const axes = rows.length === 1 ? [one, ...rows] : rows;
  const taps = kernel.length === 1 ? [1, ...kernel] : kernel;
  // depthwise [kh, kw, C, multiplier] is the same memory as [kh, kw, 1, C · multiplier]
  const filter = hold(
    tapsFirst(weight, outputs, inputs),
    depthwise ? [...taps, node.groups, outputs / node.groups] : [...taps, inputs, outputs],
  );
  const options = {
    filter,
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pad: [[0, 0], ...axes.map(({ padBefore, padAfter }) => [padBefore, padAfter]), [0, 0]],
    dataFormat: 'NHWC' as const,
    activation: relu ? ('relu' as const) : ('linear' as const),
    ...(bias && { bias: hold(bias, [bias.length]) }),
  };
  return ([x]) =>
    depthwise ? tf.fused.depthwiseConv2d({ ...options, x: x! }) : tf.fused.conv2d({ ...options, x: x! });
}
