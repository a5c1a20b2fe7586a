import { reference } from '@atrous/core';
import { describe, expect, test } from 'vitest';
import { checkAgreement, expect as expected } from '../src/agreement.js';
import { Unsupported } from '../src/contestant.js';
import { atrous } from '../src/contestants/atrous.js';
import { isConv } from '../src/conv-node.js';
import { insideMacs, makeProblem } from '../src/problem.js';
import { parseWorkloads, workloads } from '../src/workloads.js';

const small = [
  { id: 'dense', inChannels: 3, outChannels: 5, size: [9, 11], kernel: 3, dilation: 2, stride: 2 },
  { id: 'grouped', inChannels: 6, outChannels: 4, groups: 2, size: [9, 9], kernel: 3, dilation: 3 },
  {
    id: 'causal',
    inChannels: 4,
    outChannels: 4,
    size: [40],
    kernel: 2,
    dilation: 8,
    padding: 'causal' as const,
  },
  { id: 'three axes', inChannels: 2, outChannels: 3, size: [6, 7, 8], kernel: 3, dilation: 2 },
  { id: 'ASPP', network: 'aspp' as const, inChannels: 8, size: [7, 7] },
  { id: 'water', network: 'water' as const, inChannels: 1, size: [32, 40] },
];

describe('the float64 check', () => {
  test.each(small)('$id: accepts the reference backend', async (workload) => {
    const problem = await makeProblem(workload);
    const program = await reference().compile(problem.graph);
    const [result] = (await program.run([problem.x])) as Float32Array[];
    expect(checkAgreement(expected(problem), result!)).toBeLessThan(1e-6);
  });

  test('refuses one wrong value at a border', async () => {
    const problem = await makeProblem(small[0]!);
    const program = await reference().compile(problem.graph);
    const [result] = (await program.run([problem.x])) as Float32Array[];
    result![0]! += 0.01;
    expect(() => checkAgreement(expected(problem), result!)).toThrow(/differs from float64/);
  });

  test('refuses NaN and results of another length', async () => {
    const problem = await makeProblem(small[0]!);
    const values = new Float32Array(5 * 5 * 6).fill(Number.NaN);
    expect(() => checkAgreement(expected(problem), values)).toThrow(/differs/);
    expect(() => checkAgreement(expected(problem), values.subarray(1))).toThrow(/values where/);
  });
});

test('the engine computes what it is measured on', async () => {
  const engine = await atrous.make(1);
  if (engine instanceof Unsupported) throw new Error(engine.reason);
  for (const workload of small) {
    const problem = await makeProblem(workload);
    const prepared = await engine.prepare(problem);
    if (prepared instanceof Unsupported) throw new Error(prepared.reason);
    expect(await prepared.run()).toBeGreaterThan(0);
    expect(checkAgreement(expected(problem), await prepared.output())).toBeLessThan(1e-5);
    prepared.dispose();
  }
  await engine.dispose();
});

describe('workloads', () => {
  test('operations inside leave out taps in the padding', async () => {
    const problem = await makeProblem({
      id: '',
      inChannels: 1,
      outChannels: 1,
      size: [4],
      kernel: 3,
      dilation: 1,
    });
    expect(problem.operations).toBe(2 * 12);
    expect(problem.inside).toBe(2 * 10);
  });

  test('at 33² with rate 18 some 40 % of the taps touch the picture', async () => {
    const { graph } = await makeProblem({
      id: '',
      inChannels: 1,
      outChannels: 1,
      size: [33, 33],
      kernel: 3,
      dilation: 18,
    });
    expect(insideMacs(graph.nodes.find(isConv)!, graph) / (9 * 33 * 33)).toBeCloseTo(0.4, 1);
  });

  test('the list is one that --workloads would accept, and ids are unique', () => {
    expect(parseWorkloads(JSON.stringify(workloads))).toEqual(workloads);
    expect(new Set(workloads.map(({ id }) => id)).size).toBe(workloads.length);
  });

  test('an entry without what it needs is named', () => {
    expect(() => parseWorkloads('[{"id":"odd","size":[3],"inChannels":2}]')).toThrow(/entry 0 \(odd\)/);
  });
});
