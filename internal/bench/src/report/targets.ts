/** The targets of the engine as data, and whether measurements meet them. */
import type { Measurement, SessionRecord } from '../records.js';
import { geometricMean } from '../statistics.js';
import { type Row, ratio, rowsOf } from './ratios.js';

interface Target {
  readonly title: string;
  /** Which workloads, by id. */
  readonly workloads: RegExp;
  readonly measure: Measure;
  /** Of all, or of the geometric mean. */
  readonly of: 'each' | 'mean';
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Sessions with this number of threads. */
  readonly threads: number;
}

type Measure = 'wasm' | 'native' | 'threads' | 'dilation' | 'overhead';

const dense = /^[A-E] (?!.*1×1)/;
const networks = /^(DeepLab|MeshNet)/;
const one = { threads: 1 };

export const targets: readonly Target[] = [
  { title: 'A–E, 3×3: each', workloads: dense, measure: 'wasm', of: 'each', atLeast: 3, ...one },
  { title: 'A–E, 3×3', workloads: dense, measure: 'wasm', of: 'mean', atLeast: 4, ...one },
  { title: 'A–E, 3×3', workloads: dense, measure: 'native', of: 'mean', atLeast: 0.6, ...one },
  { title: 'C', workloads: /^C /, measure: 'native', of: 'mean', atLeast: 1, ...one },
  { title: '1×1', workloads: /^B .*1×1/, measure: 'wasm', of: 'mean', atLeast: 1.35, ...one },
  { title: 'F depthwise', workloads: /^F /, measure: 'wasm', of: 'mean', atLeast: 2.2, ...one },
  { title: 'F depthwise', workloads: /^F /, measure: 'native', of: 'mean', atLeast: 1.9, ...one },
  { title: 'G, H', workloads: /^[GH] /, measure: 'wasm', of: 'mean', atLeast: 1.5, ...one },
  { title: 'ASPP', workloads: /^ASPP/, measure: 'wasm', of: 'mean', atLeast: 3.5, ...one },
  { title: 'ASPP', workloads: /^ASPP/, measure: 'native', of: 'mean', atLeast: 0.6, ...one },
  { title: 'C, E: rate r', workloads: /^[CE] /, measure: 'dilation', of: 'mean', atMost: 1, ...one },
  { title: 'networks in ONNX files', workloads: networks, measure: 'wasm', of: 'each', atLeast: 2, ...one },
  {
    title: 'networks in ONNX files',
    workloads: networks,
    measure: 'native',
    of: 'each',
    atLeast: 0.6,
    ...one,
  },
  { title: 'tiny network', workloads: /^tiny/, measure: 'overhead', of: 'mean', atMost: 30, ...one },
  { title: 'A, D, E', workloads: /^[ADE] /, measure: 'threads', of: 'mean', atLeast: 1.7, threads: 2 },
];

const wordings: Readonly<Record<Measure, { readonly against: string; readonly unit: string }>> = {
  wasm: { against: 'speed against the best WebAssembly peer', unit: '×' },
  native: { against: 'speed against onnxruntime-node', unit: '×' },
  threads: { against: 'speed of two threads against one', unit: '×' },
  dilation: { against: 'time against rate 1', unit: '×' },
  overhead: { against: 'whole call', unit: ' µs' },
};

export interface Verdict {
  readonly title: string;
  readonly against: string;
  readonly wanted: string;
  /** The geometric mean. */
  readonly mean: string;
  readonly worst: string;
  readonly met: boolean;
}

/** Node 20 lacks fused multiply-add in WebAssembly; the targets ask for this part of each there. */
const olderShare = 0.85;

/** What can be said about the targets from one session; targets without measurements are left out. */
export function evaluate(session: SessionRecord, measurements: readonly Measurement[]): Verdict[] {
  const rows = rowsOf(measurements, session.threads);
  const share = Number(/^v(\d+)/.exec(session.node)?.[1]) < 26 ? olderShare : 1;
  return targets.flatMap((target) => {
    if (target.threads !== session.threads) return [];
    const values = valuesOf(
      target.measure,
      rows.filter(({ workload }) => target.workloads.test(workload)),
    );
    return values.length === 0 ? [] : [judge(target, values, share)];
  });
}

function judge(
  { title, measure, of, atLeast, atMost }: Target,
  values: readonly number[],
  share: number,
): Verdict {
  const { against, unit } = wordings[measure];
  const text = (value: number) => `${value.toFixed(2)}${unit}`;
  const mean = geometricMean(values);
  const worst = atMost === undefined ? Math.min(...values) : Math.max(...values);
  const value = of === 'each' ? worst : mean;
  const least = atLeast === undefined ? -Infinity : atLeast * share;
  const most = atMost === undefined ? Infinity : atMost / share;
  return {
    title,
    against,
    wanted: atLeast === undefined ? `≤ ${text(most)}` : `≥ ${text(least)}`,
    mean: text(mean),
    worst: text(worst),
    met: value >= least && value <= most,
  };
}

function valuesOf(measure: Measure, rows: readonly Row[]): number[] {
  const defined = (values: readonly (number | undefined)[]) => values.filter((v) => v !== undefined);
  switch (measure) {
    case 'wasm':
      return defined(rows.map(({ atrous, wasm }) => ratio(atrous, wasm)));
    case 'native':
      return defined(rows.map(({ atrous, native }) => ratio(atrous, native)));
    case 'threads':
      return defined(rows.map(({ atrous, single }) => ratio(atrous, single)));
    case 'overhead':
      return defined(rows.map(({ atrous }) => atrous && atrous.callMilliseconds * 1000));
    case 'dilation':
      return defined(
        rows.map(({ workload, atrous }) => {
          const base = workload.replace(/rate \d+$/, 'rate 1');
          if (base === workload) return undefined;
          return ratio(rows.find((row) => row.workload === base)?.atrous, atrous);
        }),
      );
  }
}
