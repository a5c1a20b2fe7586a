import { readFileSync } from 'node:fs';

export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/** Reads NumPy's .npy, version 1, C order, float32 or uint8: what the fixtures are. */
export function readNpy(path: string): NpyArray {
  const file = readFileSync(path);
  const start = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, start);
  const descr = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)?.[1]
    ?.split(',')
    .filter((n) => n.trim())
    .map(Number);
  if (!shape || (descr !== '<f4' && descr !== '|u1')) throw new Error(`${path}: cannot read ${header}`);
  const bytes = Uint8Array.from(file.subarray(start));
  return { shape, data: descr === '|u1' ? bytes : new Float32Array(bytes.buffer) };
}
