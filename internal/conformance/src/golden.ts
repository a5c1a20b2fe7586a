/** Reading golden data: results of another program (PyTorch), in the format that golden/README.md describes. */
import { type Tensor, tensor } from '@atrous/core';
import { readSafetensors } from '@atrous/core/safetensors';

export interface GoldenTensor {
  readonly name: string;
  readonly role: 'input' | 'output';
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly byteOffset: number;
  /** Outputs only. */
  readonly rtol?: number;
  readonly atol?: number;
}

export interface GoldenCase {
  readonly id: string;
  readonly op: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  readonly rtol: number;
  readonly atol: number;
  /** A `.safetensors` file beside the index. */
  readonly weights?: string;
  readonly note?: string;
  readonly tensors: readonly GoldenTensor[];
}

export interface GoldenSuite {
  readonly name: string;
  readonly cases: readonly GoldenCase[];
  /** Every tensor of a case by name; read-only views. */
  tensors(goldenCase: GoldenCase, role: 'input' | 'output'): Record<string, Tensor>;
  /** State-dict names to tensors of a module case. */
  weights(goldenCase: GoldenCase): Promise<Readonly<Record<string, Tensor>>>;
}

/** Gives the bytes of a file of the suite's folder. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

const format = 'dilated-conv-golden/1';

/**
 * Opens a suite through any reader: a folder in Node, `fetch` in a browser.
 *
 * @throws Error if the index is of another format
 */
export async function openSuite(read: ReadFile): Promise<GoldenSuite> {
  const json = async (path: string) => JSON.parse(new TextDecoder().decode(await read(path)));
  const index = await json('cases.json');
  if (index.format !== format)
    throw new Error(`openSuite: cases.json has format ${JSON.stringify(index.format)}, expected '${format}'`);
  // A copy with its own buffer, so that offsets stay aligned.
  const { buffer } = (await read(index.dataFile)).slice();
  const viewOf = ({ dtype, shape, byteOffset, name }: GoldenTensor) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return tensor(
      dtype === 'int32'
        ? new Int32Array(buffer, byteOffset, count)
        : new Float32Array(buffer, byteOffset, count),
      shape,
      dtype,
      name,
    );
  };
  return {
    name: index.suite,
    cases: index.cases,
    tensors: (goldenCase, role) =>
      Object.fromEntries(goldenCase.tensors.filter((t) => t.role === role).map((t) => [t.name, viewOf(t)])),
    weights: async (goldenCase) =>
      goldenCase.weights === undefined ? {} : readSafetensors(await read(goldenCase.weights)).tensors,
  };
}

/** Opens the suite of a folder that a server has, in a browser or in Node. */
export function openUrl(folder: URL): Promise<GoldenSuite> {
  return openSuite(async (path) => {
    const response = await fetch(new URL(path, folder));
    if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  });
}

/** The largest `|got - want| / (atol + rtol * |want|)`: within tolerance at 1 or less. Infinite where NaN or infinity is missed. */
export function errorRatio(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  atol: number,
  rtol: number,
): number {
  if (got.length !== want.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue;
    const ratio = Math.abs(got[i]! - want[i]!) / (atol + rtol * Math.abs(want[i]!));
    // NaN must not pass for small
    if (!(ratio <= worst)) worst = Number.isNaN(ratio) ? Infinity : ratio;
  }
  return worst;
}
