import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Layer } from '../src/index.js';

export interface GoldenField {
  id: string;
  dims: number;
  inputSize: number[];
  outputSize: number[];
  outputIndex: number[];
  clipped: boolean;
  stack: GoldenLayer[];
  min: number[];
  max: number[];
  size: number[];
  stride?: number[];
  start?: number[];
  offsets: string[];
  separable: boolean;
  nonzero: number;
  area: number;
  coverage: number;
}

type GoldenLayer =
  | {
      op: 'conv' | 'max_pool' | 'avg_pool';
      kernel: number[];
      stride: number[];
      dilation: number[];
      padBegin: number[];
      padEnd: number[];
    }
  | { op: 'parallel'; branches: GoldenLayer[][] }
  | { op: 'global_avg_pool' };

const folder = [
  process.env.CONFORMANCE_DATA,
  fileURLToPath(new URL('../../../internal/conformance/golden', import.meta.url)),
].find((path) => path && existsSync(`${path}/receptive_field.json`));

/** Fields that were measured by gradients of a real network; empty where the data is not at hand. */
export const goldenFields: readonly GoldenField[] = folder
  ? (JSON.parse(readFileSync(`${folder}/receptive_field.json`, 'utf8')) as { cases: GoldenField[] }).cases
  : [];

const types = { conv: 'conv', max_pool: 'maxPool', avg_pool: 'avgPool' } as const;

export const layersOf = (stack: readonly GoldenLayer[]): Layer[] =>
  stack.map((layer): Layer => {
    if (layer.op === 'global_avg_pool') return { type: 'globalPool' };
    if (layer.op === 'parallel') return { parallel: layer.branches.map(layersOf) };
    const { op, kernel, stride, dilation, padBegin, padEnd } = layer;
    const padding = padBegin.map((before, axis) => [before, padEnd[axis]!] as const);
    return { type: types[op], kernel, stride, dilation, padding };
  });
