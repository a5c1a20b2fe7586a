import type { Mode } from '@atrous/gpu';
import { short, table } from '../report/markdown.js';
import { geometricMean } from '../statistics.js';
import type { Family, GpuMeasurement, GpuRecord, GpuSession, GpuSkip } from './records.js';

const modes: readonly Mode[] = ['webgpu', 'webgl2', 'webasm'];

const versions: Readonly<Partial<Record<Family, string>>> = {
  tfjs: 'tfjs',
  'onnxruntime-web': 'onnxruntime-web',
  'gpu.js': 'plain gpu.js',
};

/** The records of one place as a heading, its adapters, and a table of ratios. */
export function gpuMarkdown(records: readonly GpuRecord[]): string {
  const session = records.find((record): record is GpuSession => record.kind === 'session');
  if (session === undefined) throw new Error('no session was recorded');
  const results = records.filter((record) => record.kind !== 'session');
  const families = (Object.keys(versions) as Family[]).filter((family) =>
    results.some((record) => record.family === family),
  );
  const notes: string[] = [];
  const note = (text: string) => {
    if (!notes.includes(text)) notes.push(text);
    return `[${notes.indexOf(text) + 1}]`;
  };
  const find = (workload: string, family: Family, mode: GpuMeasurement['mode']) =>
    results.find((r) => r.workload === workload && r.family === family && r.mode === mode);
  const rows = [...new Set(results.map(({ workload }) => workload))].flatMap((workload) =>
    modes.flatMap((mode) => {
      const own = find(workload, 'atrous', mode);
      if (own === undefined) return [];
      if (own.kind === 'skip')
        return [[workload, mode, `– ${note(whatOf(own))}`, '–', ...families.map(() => ''), '']];
      const against = (other: GpuMeasurement | GpuSkip | undefined) =>
        other === undefined ? '' : other.kind === 'skip' ? `– ${note(whatOf(other))}` : ratios(other, own);
      return [
        [
          workload,
          mode,
          short(own.first),
          short(own.warm),
          ...families.map((family) => against(find(workload, family, mode))),
          against(find(workload, 'cpu', 'cpu')),
        ],
      ];
    }),
  );
  const head = ['workload', 'mode', 'first, ms', 'warm, ms', ...families.map((f) => versions[f]!), 'cpu()'];
  return [
    `### ${session.place}`,
    circumstances(session),
    table(head, rows),
    ...target(results),
    ...(notes.length > 0 ? [notes.map((text, i) => `[${i + 1}] ${text}`).join('  \n')] : []),
  ].join('\n\n');
}

function circumstances({ model, cores, quick, adapters }: GpuSession): string {
  const names = adapters.map(
    ({ mode, adapter, software }) => `${mode}: ${adapter}${software ? ' (software)' : ''}`,
  );
  const software = adapters.some((one) => one.software)
    ? ' **What is marked as software computes on the processor: its times say nothing about a GPU.**'
    : '';
  return `${model}, ${cores} cores${quick ? '; quick run' : ''}. ${names.join('; ')}.${software}`;
}

const whatOf = ({ family, mode, reason }: GpuSkip) => `${family}, ${mode}: ${reason}`;

/** First and warm time of another as multiples of ours: above 1 we are faster. */
const ratios = (other: GpuMeasurement, own: GpuMeasurement) =>
  `${times(other.first / own.first)} / ${times(other.warm / own.warm)}`;

const times = (ratio: number) => `${ratio >= 0.01 ? ratio.toFixed(2) : Number(ratio.toPrecision(1))}×`;

/** How much faster than plain gpu.js the mode webasm has to be. */
const wanted = 2;

/** The target against plain gpu.js; nothing where that was not measured. */
function target(results: readonly (GpuMeasurement | GpuSkip)[]): string[] {
  const measured = results.filter((result) => result.kind === 'measurement');
  const speedUps = measured
    .filter(({ family }) => family === 'gpu.js')
    .flatMap(({ workload, mode, warm }) =>
      measured
        .filter((own) => own.family === 'atrous' && own.workload === workload && own.mode === mode)
        .map((own) => warm / own.warm),
    );
  if (speedUps.length === 0) return [];
  const worst = Math.min(...speedUps);
  return [
    `Wanted against plain gpu.js, warm, ≥ ${times(wanted)}: ${times(geometricMean(speedUps))} in the geometric mean, ${times(worst)} at worst: ${worst >= wanted ? 'met' : '**missed**'}.`,
  ];
}
