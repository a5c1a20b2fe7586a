/** What onnxruntime-web and onnxruntime-node have in common: the API of onnxruntime-common, as far as it is used. */
import type { Shape } from '@atrous/core';
import { type Engine, type Prepared, timed } from '../contestant.js';
import { inputName, onnxModel, outputName } from '../onnx/model.js';
import type { Problem } from '../problem.js';

/** The packages register their backends there under the same names: each must have its own. */
export const common = 'onnxruntime-common';

interface OrtTensor {
  readonly data: Float32Array<ArrayBuffer>;
}

interface OrtSession {
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    fetches?: Readonly<Record<string, OrtTensor>>,
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

export interface Ort {
  readonly env: { readonly wasm: { numThreads?: number }; logLevel?: string };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: Shape) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
}

export interface OrtOptions {
  readonly session: Readonly<Record<string, unknown>>;
  /** Whether a run can write into an array that it is given, so that nothing is allocated. */
  readonly intoGiven: boolean;
  /** Milliseconds that a call spends on copies of the input and the output. */
  readonly copies: (x: Float32Array, y: Float32Array) => number;
}

export function onnxruntime(ort: Ort, { session: options, intoGiven, copies }: OrtOptions): Engine {
  return {
    async prepare({ graph, x, file }: Problem): Promise<Prepared> {
      const { bytes, input, output } = file ?? {
        bytes: onnxModel(graph),
        input: inputName,
        output: outputName,
      };
      const session = await ort.InferenceSession.create(bytes, {
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
        ...options,
      });
      const feeds = { [input]: new ort.Tensor('float32', x, graph.nodes[graph.inputs[0]!]!.shape) };
      const { shape } = graph.nodes[graph.outputs[0]!]!;
      let out = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const copying = copies(x, out);
      const fetches = intoGiven ? { [output]: new ort.Tensor('float32', out, shape) } : undefined;
      return {
        async run() {
          const milliseconds = await timed(async () => {
            const results = await (fetches ? session.run(feeds, fetches) : session.run(feeds));
            if (!fetches) out = results[output]!.data;
          });
          // an estimate must not eat a time
          return Math.max(milliseconds - copying, milliseconds / 2);
        },
        output: async () => out,
        dispose: () => session.release(),
      };
    },
    dispose: async () => undefined,
  };
}
