import { describe, expect, test } from 'vitest';
import { evaluate } from '../src/report/targets.js';
import { measurement, session } from './records.js';

const verdictsOf = (measurements: Parameters<typeof evaluate>[1], change = {}) =>
  evaluate(session(change), measurements);
const find = (verdicts: ReturnType<typeof evaluate>, title: string, against: string) =>
  verdicts.find((verdict) => verdict.title === title && verdict.against.includes(against));

describe('targets', () => {
  const dense = [
    measurement('C 64² 64→64 rate 1', 'atrous', 'atrous', 10),
    measurement('C 64² 64→64 rate 1', 'tfjs-wasm', 'wasm', 80),
    measurement('C 64² 64→64 rate 1', 'onnxruntime-web', 'wasm', 40),
    measurement('C 64² 64→64 rate 1', 'onnxruntime-node', 'native', 9),
    measurement('C 64² 64→64 rate 2', 'atrous', 'atrous', 5),
    measurement('C 64² 64→64 rate 2', 'tfjs-wasm', 'wasm', 45),
  ];

  test('ratios are taken against the best WebAssembly peer of each workload, their mean is geometric', () => {
    const verdict = find(verdictsOf(dense), 'A–E, 3×3', 'WebAssembly');
    expect(verdict).toMatchObject({ wanted: '≥ 4.00×', mean: '6.00×', worst: '4.00×', met: true });
  });

  test('a target for each looks at the worst', () => {
    const slow = [...dense, measurement('A 33² 2048→256 rate 6', 'atrous', 'atrous', 10)];
    const verdict = find(
      verdictsOf([...slow, measurement('A 33² 2048→256 rate 6', 'tfjs-wasm', 'wasm', 29)]),
      'A–E, 3×3: each',
      'WebAssembly',
    );
    expect(verdict).toMatchObject({ worst: '2.90×', met: false });
  });

  test('native code is a target of its own', () => {
    expect(find(verdictsOf(dense), 'C', 'onnxruntime-node')).toMatchObject({ mean: '0.90×', met: false });
  });

  test('older versions of Node must reach 85 % of each', () => {
    const older = verdictsOf(dense, { node: 'v20.20.2' });
    expect(find(older, 'C', 'onnxruntime-node')).toMatchObject({ wanted: '≥ 0.85×', met: true });
  });

  test('dilation is compared with rate 1 of the same shape', () => {
    expect(find(verdictsOf(dense), 'C, E: rate r', 'rate 1')).toMatchObject({ mean: '0.50×', met: true });
  });

  test('1×1 is not among the 3×3', () => {
    const pointwise = [
      measurement('B 33² 320→256 1×1', 'atrous', 'atrous', 10),
      measurement('B 33² 320→256 1×1', 'tfjs-wasm', 'wasm', 14),
    ];
    expect(verdictsOf(pointwise)).toEqual([
      expect.objectContaining({ title: '1×1', mean: '1.40×', met: true }),
    ]);
  });

  test('the overhead is the whole call', () => {
    const tiny = [measurement('tiny 4² 4→4 1×1', 'atrous', 'atrous', 0.001, { callMilliseconds: 0.04 })];
    expect(verdictsOf(tiny)).toEqual([expect.objectContaining({ mean: '40.00 µs', met: false })]);
  });

  test('threads are compared with one thread of the same session, and nothing else is judged there', () => {
    const two = [
      measurement('D 41² 512→1024 rate 12', 'atrous', 'atrous', 18),
      measurement('D 41² 512→1024 rate 12', 'atrous', 'atrous', 10, { threads: 2 }),
      measurement('D 41² 512→1024 rate 12', 'onnxruntime-web', 'wasm', 11, { threads: 2 }),
    ];
    expect(verdictsOf(two, { threads: 2 })).toEqual([
      expect.objectContaining({ title: 'A, D, E', mean: '1.80×', met: true }),
    ]);
  });

  test('without measurements there is no verdict', () => {
    expect(verdictsOf([])).toEqual([]);
  });
});
