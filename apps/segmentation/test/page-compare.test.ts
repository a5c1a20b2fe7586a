import { type BackendReport, load, type Segmenter } from '@atrous/segment';
import { describe, expect, test, vi } from 'vitest';
import { agreementOf, median, tolerance } from '../src/page/compare/agreement.js';
import { type ComparisonOptions, compare, type Outcome, rounds } from '../src/page/compare/comparison.js';
import { type Contestant, contestants } from '../src/page/compare/contestants.js';

const picture = {
  width: 40,
  height: 32,
  data: Uint8Array.from({ length: 4 * 40 * 32 }, (_, i) => (i % 4 === 3 ? 255 : (i * i * 7) % 256)),
};
const named = (...ids: string[]): Contestant[] =>
  ids.map((id) => contestants.find((contestant) => contestant.id === id)!);
const loadHere: ComparisonOptions['load'] = (options) => load('water', { ...options, worker: false });

async function outcomesOf(options: Partial<ComparisonOptions>): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  await compare({
    contestants: named('reference', 'cpu-1'),
    reports: [],
    picture,
    signal: new AbortController().signal,
    load: loadHere,
    onProgress: () => undefined,
    ...options,
    onOutcome: (id, outcome) => {
      outcomes.set(id, outcome);
      options.onOutcome?.(id, outcome);
    },
  });
  return outcomes;
}

describe('agreement', () => {
  const output = (logits: number[], labels: number[]) => ({
    logits: Float32Array.from(logits),
    labels: Uint8Array.from(labels),
  });
  const judge = output([1, 2, 3, 4], [0, 1]);

  test('counts labels and finds the largest difference', () => {
    const { largestDifference, sameLabels, passed } = agreementOf(output([1, 2, 3.5, 4], [1, 1]), judge);
    expect([largestDifference, sameLabels, passed]).toEqual([0.5, 0.5, false]);
  });

  test('passes up to the tolerance, and never with a NaN or another size', () => {
    const off = (by: number) => agreementOf(output([1, 2, 3, 4 + by], [0, 1]), judge).passed;
    expect(off(tolerance / 2)).toBe(true);
    expect(off(-2 * tolerance)).toBe(false);
    expect(off(Number.NaN)).toBe(false);
    expect(agreementOf(output([1, 2, Number.NaN, 4], [0, 1]), judge).passed).toBe(false);
    expect(agreementOf(output([1, 2], [0]), judge).passed).toBe(false);
  });

  test('the median is the middle, or the mean of both middles', () => {
    expect(median([5])).toBe(5);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 4])).toBe(3);
  });
});

describe('a comparison', () => {
  test('runs the network everywhere, and outputs agree', async () => {
    const fractions: number[] = [];
    const outcomes = await outcomesOf({ onProgress: (_, fraction) => fractions.push(fraction) });
    const [reference, cpu] = [outcomes.get('reference')!, outcomes.get('cpu-1')!];
    if (reference.kind !== 'measured' || cpu.kind !== 'measured') throw new Error('both must run');
    expect(reference.backend.name).toBe('reference');
    expect(reference.agreement).toBeUndefined();
    expect(cpu.backend).toMatchObject({ name: 'cpu', info: { threads: 1 } });
    expect(cpu.agreement).toMatchObject({ passed: true, sameLabels: 1 });
    expect(cpu.agreement!.largestDifference).toBeGreaterThan(0);
    expect(cpu.warmRuns).toHaveLength(rounds);
    expect(cpu.warm).toBe(median(cpu.warmRuns));
    expect(cpu.firstRun).toBeGreaterThan(0);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });

  test('takes turns', async () => {
    const order: string[] = [];
    await outcomesOf({ onOutcome: (id) => order.push(id) });
    // first runs, then rounds, until one has run enough
    expect(order.slice(0, 4)).toEqual(['reference', 'cpu-1', 'reference', 'cpu-1']);
  });

  test('an output that differs fails', async () => {
    const wrong: ComparisonOptions['load'] = async (options) => {
      const segmenter = await loadHere(options);
      if (segmenter.backend.name !== 'cpu') return segmenter;
      const segment: Segmenter['segment'] = async (...call) => {
        const result = await segmenter.segment(...call);
        result.logits![100]! += 0.01;
        return result;
      };
      return Object.assign(Object.create(segmenter) as Segmenter, { segment });
    };
    const outcome = (await outcomesOf({ load: wrong })).get('cpu-1')!;
    expect(outcome).toMatchObject({ kind: 'measured', agreement: { passed: false, sameLabels: 1 } });
  });

  test('says why a backend does not work, and goes on', async () => {
    const reports: BackendReport[] = [
      { choice: { name: 'gpu', gpuMode: 'webgpu' }, available: false, reason: 'navigator.gpu is missing' },
    ];
    const outcomes = await outcomesOf({ contestants: named('webgpu', 'webgl2', 'cpu-1'), reports });
    expect(outcomes.get('webgpu')).toEqual({ kind: 'unavailable', reason: 'navigator.gpu is missing' });
    // not in the reports: tried, and it says itself what is missing in Node
    expect(outcomes.get('webgl2')).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/webgl2/i),
    });
    // the first that runs is the judge
    expect(outcomes.get('cpu-1')).toMatchObject({ kind: 'measured', agreement: undefined });
  });

  test('threads that cannot be had are not measured twice', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    try {
      const outcomes = await outcomesOf({ contestants: named('cpu') });
      expect(outcomes.get('cpu')).toEqual({
        kind: 'unavailable',
        reason: expect.stringContaining('not cross-origin isolated'),
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('a run that fails later is reported, and frees everything', async () => {
    const disposed: string[] = [];
    const failing: ComparisonOptions['load'] = async (options) => {
      const segmenter = await loadHere(options);
      let runs = 0;
      return Object.assign(Object.create(segmenter) as Segmenter, {
        segment: ((...call) => {
          if (segmenter.backend.name === 'cpu' && ++runs === 3) throw new Error('the device was lost');
          return segmenter.segment(...call);
        }) satisfies Segmenter['segment'],
        dispose: async () => {
          disposed.push(segmenter.backend.name);
          await segmenter.dispose();
        },
      });
    };
    const outcomes = await outcomesOf({ load: failing });
    expect(outcomes.get('cpu-1')).toEqual({ kind: 'failed', reason: 'the device was lost' });
    expect(outcomes.get('reference')).toMatchObject({ kind: 'measured' });
    expect(disposed).toEqual(['reference', 'cpu']);
  });

  test('can be cancelled between runs and within', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const work = outcomesOf({
      signal: controller.signal,
      onProgress: (stage) => stage.startsWith('cpu') && controller.abort(reason),
    });
    await expect(work).rejects.toBe(reason);
  });
});
