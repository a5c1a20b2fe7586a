import { type Entry, type Prepared, timed, Unsupported } from '../contestant.js';
import { type ConvNode, constantAt, isConv, windowsOf } from '../conv-node.js';
import { loadPeer, notInstalled } from '../load-peer.js';
import type { Problem } from '../problem.js';

type Kernel = ((x: unknown, weight: unknown) => unknown) & { destroy(): void };

interface GpuJs {
  readonly GPU: new (settings: {
    readonly mode: string;
  }) => {
    createKernel(source: string, settings: Readonly<Record<string, unknown>>): Kernel;
    destroy(): Promise<void>;
  };
  readonly input: (data: Float32Array, size: readonly number[]) => unknown;
}

type Planes = readonly (readonly Float32Array[])[];

/**
 * gpu.js in its WebAssembly mode, with a convolution as its README has one write it: the sum of one output as loops
 * over channels and taps. Threads come with its asynchronous contract.
 */
export const gpuJs: Entry = {
  name: 'gpu.js',
  role: 'plain',
  async make(threads) {
    const library = loadPeer<GpuJs>('gpu.js');
    if (library === undefined) return new Unsupported(notInstalled);
    const gpu = new library.GPU({ mode: 'webasm' });
    return {
      async prepare({ graph, x }: Problem): Promise<Prepared | Unsupported> {
        const node = graph.nodes.at(-1)!;
        if (!isConv(node) || node.inputs[0] !== graph.inputs[0])
          return new Unsupported('one convolution only');
        if (windowsOf(node).length > 2) return new Unsupported('written for one and two axes');
        const [width = 1, height = 1] = node.shape.slice(2).reverse();
        const outputs = node.shape[1]!;
        const { data, shape } = constantAt(graph, node.inputs[1]!);
        const kernel = gpu.createKernel(sourceOf(node), {
          output: [width, height, outputs],
          constants: constantsOf(node, graph.nodes[graph.inputs[0]!]!.shape, shape),
          precision: 'single',
          loopMaxIterations: 2 ** 20,
          ...(threads > 1 && { asyncMode: true, poolSize: threads }),
        });
        const [inWidth = 1, inHeight = 1] = graph.nodes[graph.inputs[0]!]!.shape.slice(2).reverse();
        const values = library.input(x, [inWidth, inHeight, x.length / (inWidth * inHeight)]);
        const taps = data.length / (shape[0]! * shape[1]!);
        const weight = library.input(data, [taps, shape[1]!, shape[0]!]);
        let out: Planes = [];
        return {
          run: () =>
            timed(async () => {
              out = (await kernel(values, weight)) as Planes;
            }),
          async output() {
            const flat = new Float32Array(outputs * height * width);
            out.forEach((plane, o) => {
              plane.forEach((row, y) => {
                flat.set(row, (o * height + y) * width);
              });
            });
            return flat;
          },
          dispose: () => kernel.destroy(),
        };
      },
      dispose: async () => gpu.destroy(),
    };
  },
};

/** From text, because a bundler may rewrite a function's source, which gpu.js reads. */
const sourceOf = (node: ConvNode): string => `function (x, weight) {
  const o = this.thread.z;
  let sum = 0;
  for (let i = 0; i < this.constants.inputs; i++) {
    for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
      const y = this.thread.y * this.constants.strideY - this.constants.padTop + ky * this.constants.dilationY;
      if (y >= 0 && y < this.constants.height) {
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const px = this.thread.x * this.constants.strideX - this.constants.padLeft + kx * this.constants.dilationX;
          if (px >= 0 && px < this.constants.width) {
            sum += x[${node.groups > 1 ? 'Math.floor(o / this.constants.perGroup) * this.constants.inputs + i' : 'i'}][y][px]
              * weight[o][i][ky * this.constants.kernelWidth + kx];
          }
        }
      }
    }
  }
  return sum;
}`;

function constantsOf(
  node: ConvNode,
  x: readonly number[],
  weight: readonly number[],
): Readonly<Record<string, number>> {
  const one = { kernel: 1, stride: 1, dilation: 1, padBefore: 0 };
  const windows = windowsOf(node);
  const [vertical, horizontal] = windows.length === 1 ? [one, windows[0]!] : [windows[0]!, windows[1]!];
  const [width = 1, height = 1] = x.slice(2).reverse();
  return {
    inputs: weight[1]!,
    perGroup: weight[0]! / node.groups,
    width,
    height,
    kernelHeight: vertical.kernel,
    kernelWidth: horizontal.kernel,
    strideY: vertical.stride,
    strideX: horizontal.stride,
    dilationY: vertical.dilation,
    dilationX: horizontal.dilation,
    padTop: vertical.padBefore,
    padLeft: horizontal.padBefore,
  };
}
