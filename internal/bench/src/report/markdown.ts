import { peers } from '../contestants/index.js';
import type { Measurement, SessionRecord, Skip } from '../records.js';
import { ratio, rowsOf } from './ratios.js';
import { evaluate } from './targets.js';

/** What one process measured. */
export interface SessionResult {
  readonly session: SessionRecord;
  readonly measurements: readonly Measurement[];
  readonly skips: readonly Skip[];
}

type Cells = readonly string[];

export const table = (head: Cells, rows: readonly Cells[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Three significant digits, without an exponent. */
export const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();

const times = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(2)}×`);

/** Everything about one session: circumstances, times, targets. */
export function sessionMarkdown(result: SessionResult): string {
  const { session, measurements } = result;
  const { node, threads, model, cores, peak, bandwidth, fma, quick } = session;
  const plural = threads === 1 ? 'one thread' : `${threads} threads`;
  return [
    `### Node ${node.slice(1)}, ${plural}`,
    `${model}, ${cores} cores; ${quick ? 'quick run; ' : ''}WebAssembly peak ${short(peak)} GFLOP/s a thread (${fma ? 'fused multiply-add' : 'multiply and add'}), copies ${short(bandwidth)} GB/s. Times are medians in milliseconds.${disturbance(measurements)}`,
    timesTable(result),
    targetsTable(result),
  ].join('\n\n');
}

/** How far the guard had to give in. */
function disturbance(measurements: readonly Measurement[]): string {
  const sum = (key: 'disturbed' | 'samples') => measurements.reduce((total, m) => total + m[key], 0);
  return sum('disturbed') === 0
    ? ''
    : ` **${sum('disturbed')} of ${sum('samples')} samples were taken beside a slow or busy core.**`;
}

function timesTable({ session: { threads }, measurements, skips }: SessionResult): string {
  const records = [...measurements, ...skips];
  const names = (role: Measurement['role']) =>
    Object.values(peers)
      .filter((peer) => peer.role === role && records.some(({ contestant }) => contestant === peer.name))
      .map(({ name }) => name);
  const wasm = names('wasm');
  const native = names('native');
  const plain = names('plain');
  const notes: string[] = [];
  const rows = rowsOf(measurements, threads).map(
    ({ workload, atrous, single, wasm: best, native: fastest }) => {
      const cell = (contestant: string) => {
        const is = (record: Measurement | Skip) =>
          record.workload === workload && record.contestant === contestant;
        const found = measurements.find((m) => is(m) && m.threads === threads);
        return found ? short(found.milliseconds) : noted(skips.find(is), notes);
      };
      return [
        workload,
        atrous ? short(atrous.milliseconds) : cell('atrous'),
        atrous ? short(atrous.callMilliseconds) : '',
        atrous ? short(atrous.gflops) : '',
        atrous ? `${Math.round((100 * atrous.boundMilliseconds) / atrous.milliseconds)} %` : '',
        ...(threads > 1 ? [times(ratio(atrous, single))] : []),
        ...wasm.map(cell),
        times(ratio(atrous, best)),
        ...native.map(cell),
        times(ratio(atrous, fastest)),
        ...plain.map(cell),
        atrous?.algorithm ?? '',
      ];
    },
  );
  const head = [
    'workload',
    'atrous',
    'whole call',
    'GFLOP/s',
    'of roofline',
    ...(threads > 1 ? ['against one thread'] : []),
    ...wasm,
    'against the best',
    ...native,
    'against native',
    ...plain,
    'algorithm',
  ];
  const footnotes = notes.map((reason, i) => `${mark(i)} ${reason}`).join('  \n');
  return footnotes === '' ? table(head, rows) : `${table(head, rows)}\n\n${footnotes}`;
}

const mark = (index: number) => `[${index + 1}]`;

/** A dash with the number of its reason. */
function noted(skip: Skip | undefined, notes: string[]): string {
  if (skip === undefined) return '';
  const reason = `${skip.contestant}: ${skip.reason}`;
  if (!notes.includes(reason)) notes.push(reason);
  return `– ${mark(notes.indexOf(reason))}`;
}

function targetsTable({ session, measurements }: SessionResult): string {
  const verdicts = evaluate(session, measurements);
  if (verdicts.length === 0) return 'No target applies to what was measured.';
  return table(
    ['target', 'what', 'wanted', 'geometric mean', 'worst', ''],
    verdicts.map(({ title, against, wanted, mean, worst, met }) => [
      title,
      against,
      wanted,
      mean,
      worst,
      met ? 'met' : '**missed**',
    ]),
  );
}
