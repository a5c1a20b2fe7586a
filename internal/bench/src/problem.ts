import { aspp, initialize, loadParameters } from '@atrous/blocks';
import {
  conv1d,
  conv2d,
  conv3d,
  type Graph,
  input,
  reference,
  type Shape,
  type Tensor,
  tensor,
  trace,
} from '@atrous/core';
import { readSafetensors } from '@atrous/core/safetensors';
import { waterNet } from '@atrous/segment/models';
import { type ConvNode, isConv, windowsOf } from './conv-node.js';
import { noise } from './noise.js';
import { type FileWorkload, paddingOf, type Workload } from './workloads.js';

/** A workload with its data: what every contestant gets. */
export interface Problem {
  readonly workload: Workload;
  /** One input `[1, C, …]`, one output. */
  readonly graph: Graph;
  readonly x: Float32Array<ArrayBuffer>;
  /** Multiply-accumulates times two, padding taps included: what effective GFLOP/s count. */
  readonly operations: number;
  /** The same without taps in the padding. */
  readonly inside: number;
  /** The file that the graph was read from, and what it calls its ends. */
  readonly file?: { readonly bytes: Uint8Array; readonly input: string; readonly output: string };
  /** The whole result in float64, rounded once, where it is too entangled to be sampled. */
  readonly truth?: Float32Array;
  /** How long the reference backend took for it. */
  readonly truthMilliseconds?: number;
}

const convolutions = [conv1d, conv2d, conv3d] as const;

export const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** @param waterWeights the file of the water network's weights; pages have no disk */
export async function makeProblem(workload: Workload, waterWeights = waterWeightsOnDisk): Promise<Problem> {
  const shape = isFile(workload) ? workload.shape : [1, workload.inChannels, ...workload.size];
  const x = noise(product(shape), 1);
  const read = isFile(workload) ? await readNetwork(workload) : undefined;
  const { graph } = trace(
    isFile(workload) ? read!.run : await functionOf(workload, waterWeights),
    input(shape),
  );
  const convs = graph.nodes.filter(isConv);
  const sum = (count: (node: ConvNode, graph: Graph) => number) =>
    2 * convs.reduce((total, node) => total + count(node, graph), 0);
  const truth = read && { ...(await computeTruth(graph, x)), file: read.file };
  return { workload, graph, x, operations: sum(macs), inside: sum(insideMacs), ...truth };
}

async function computeTruth(graph: Graph, x: Float32Array) {
  const program = await reference().compile(graph);
  const start = performance.now();
  const [truth] = await program.run([x]);
  const truthMilliseconds = performance.now() - start;
  program.dispose();
  return { truth: truth as Float32Array, truthMilliseconds };
}

const isFile = (workload: Workload): workload is FileWorkload => 'file' in workload;

/** A network with one input and one output. */
export async function readNetwork({ file }: FileWorkload) {
  const { readFile } = await import('node:fs/promises');
  const { createRequire } = await import('node:module');
  const { load } = await import('@atrous/onnx');
  const [name, path] = file.split(':') as [string, string?];
  const root = new URL('../../../', import.meta.url);
  const place =
    path === undefined
      ? new URL(name, root)
      : createRequire(new URL('packages/onnx/package.json', root)).resolve(`${name}/${path}`);
  const bytes = new Uint8Array(await readFile(place));
  const model = await load(bytes);
  const [given] = model.inputs;
  const [wanted] = model.outputs;
  return {
    run: (x: Tensor) => model({ [given!.name]: x })[wanted!.name]!,
    file: { bytes, input: given!.name, output: wanted!.name },
    parameters: model.parameters,
  };
}

async function waterWeightsOnDisk(): Promise<Uint8Array> {
  const { readFile } = await import('node:fs/promises');
  // from dist and from src alike
  return readFile(new URL('../../../packages/segment/assets/water-net.safetensors', import.meta.url));
}

async function functionOf(
  workload: Exclude<Workload, FileWorkload>,
  waterWeights: () => Promise<Uint8Array>,
): Promise<(x: Tensor) => Tensor> {
  if ('network' in workload) {
    if (workload.network === 'water') {
      const weights = loadParameters(waterNet, readSafetensors(await waterWeights()).tensors);
      return (x) => waterNet.apply(weights, x);
    }
    const block = aspp({ inChannels: workload.inChannels });
    const weights = initialize(block);
    return (x) => block.apply(weights, x);
  }
  const { inChannels, outChannels, size, kernel, dilation, stride = 1, groups = 1 } = workload;
  const shape = [outChannels, inChannels / groups, ...size.map(() => kernel)];
  const weight = tensor(noise(product(shape), 2), shape);
  const conv = convolutions[size.length - 1]!;
  return (x) => conv(x, weight, { dilation, stride, groups, padding: paddingOf(workload) });
}

/** Multiply-accumulates of one convolution, padding taps included. */
export function macs(node: ConvNode, graph: Graph): number {
  const weight = graph.nodes[node.inputs[1]!]!.shape;
  return product(node.shape) * product(weight.slice(1));
}

/** Multiply-accumulates of one convolution whose tap lies inside the input. */
export function insideMacs(node: ConvNode, graph: Graph): number {
  const x = graph.nodes[node.inputs[0]!]!.shape;
  return windowsOf(node).reduce(
    (total, { kernel, stride, dilation, padBefore }, axis) => {
      const outputs = node.shape[axis + 2]!;
      let inside = 0;
      for (let o = 0; o < outputs; o++)
        for (let tap = 0; tap < kernel; tap++) {
          const position = o * stride - padBefore + tap * dilation;
          if (position >= 0 && position < x[axis + 2]!) inside++;
        }
      return (total * inside) / (outputs * kernel);
    },
    macs(node, graph),
  );
}
