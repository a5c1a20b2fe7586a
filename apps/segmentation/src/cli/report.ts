import type { SegmentationClass } from '@atrous/segment/models';
import type { TilePlan } from '@atrous/tiling';
import type { Scores } from '../scores.js';
import type { Stage } from './context.js';
import type { FieldReport } from './field.js';
import type { Network } from './network.js';
import { profileLines, type StepProfile } from './profile.js';
import { bytesText, durationText, percentText } from './sizes.js';

/** A class with the pixels or voxels that have it. */
export interface ClassShare extends SegmentationClass {
  readonly count: number;
  /** Part of those that have a class. */
  readonly share: number;
}

/** What is known of an input before its results are written. */
export interface Facts {
  readonly input: string;
  /** Width and height, or voxels along i, j, k. */
  readonly size: readonly number[];
  /** What one must know of this input, a sentence each. */
  readonly notes: readonly string[];
  readonly stages: readonly Stage[];
  /** Only where tiles were computed. */
  readonly plan?: TilePlan | undefined;
  readonly field?: FieldReport | undefined;
  /** Only where it was asked for. */
  readonly profile?: readonly StepProfile[] | undefined;
}

/** Everything that a run found out about one input. */
export interface InputReport extends Facts {
  /** Nothing for a shard, which does only a part. */
  readonly classes?: readonly ClassShare[] | undefined;
  readonly scores?: Scores | undefined;
  readonly files: readonly string[];
}

export function sharesOf(classes: readonly SegmentationClass[], counts: Float64Array): ClassShare[] {
  const total = counts.reduce((a, b) => a + b, 0);
  return classes.map(({ name, color }, i) => ({
    name,
    color,
    count: counts[i]!,
    share: total > 0 ? counts[i]! / total : 0,
  }));
}

const ratio = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(3));
const row = (label: string, value: string) => `${label.padEnd(12)}${value}`;
const rows = (label: string, values: readonly string[]) =>
  values.map((value, i) => row(i === 0 ? label : '', value));

/** What holds for all inputs, for a person. */
export const headText = ({ model, description }: Network, backend: string): string =>
  [
    row('network', `${description.title}, ${model.parameters.toLocaleString('en')} parameters`),
    row('backend', backend),
    ...rows('mind', description.notes),
    '',
  ].join('\n');

/** The report on one input, for a person. */
export function reportText(report: InputReport): string {
  const { input, size, notes, plan, field, stages, profile, files } = report;
  const sections = [
    [row(size.length === 2 ? 'picture' : 'volume', `${input}, ${size.join('×')}`), ...rows('note', notes)],
    report.classes ? classTable(report.classes, report.scores) : [],
    plan ? ['tiles', ...planLines(plan)] : [],
    field ? ['receptive field of one output', ...fieldLines(field)] : [],
    [
      'time',
      ...stages.map(
        ({ name, milliseconds }) => `  ${name.padEnd(16)}${durationText(milliseconds).padStart(12)}`,
      ),
    ],
    profile ? profileLines(profile) : [],
    files.length > 0 ? ['written', ...files.map((file) => `  ${file}`)] : [],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** Classes that occur, the largest first; of few classes all, in their own order. */
function classTable(classes: readonly ClassShare[], scores: Scores | undefined): string[] {
  const few = classes.length <= 8;
  const shown = classes
    .map((one, index) => ({ ...one, iou: scores ? scores.iou[index]! : Number.NaN }))
    .filter(({ count, iou }) => few || count > 0 || !Number.isNaN(iou));
  if (!few) shown.sort((a, b) => b.count - a.count);
  const width = Math.max(12, ...shown.map(({ name }) => name.length + 2));
  const cells = (label: string, share: string, iou: string) =>
    `${label.padEnd(width)}${share.padStart(8)}${scores ? iou.padStart(8) : ''}`;
  const mean = scores && [
    cells('mean', '', ratio(scores.meanIou)),
    cells('accuracy', '', ratio(scores.accuracy)),
  ];
  const absent = classes.length - shown.length;
  return [
    cells('class', 'share', 'IoU'),
    ...shown.map(({ name, share, iou }) => cells(name, percentText(share), ratio(iou))),
    ...(absent > 0 ? [`and ${absent} classes that do not occur`] : []),
    ...(mean ?? []),
  ];
}

function planLines({ order, tiles, window, recompute, passes, memory }: TilePlan): string[] {
  const each = order === 'slabs' ? `slabs of ${window[0]} rows` : `of ${window.join('×')} with their halo`;
  return [
    tiles === 1
      ? `  1, the whole: ${bytesText(memory)} while running`
      : `  ${tiles} ${each}, ${passes} ${passes === 1 ? 'pass' : 'passes'}, ${recompute.toFixed(2)} times the work, ${bytesText(memory)} while running`,
  ];
}

function fieldLines({ bounded, size, coverage }: FieldReport): string[] {
  const holes = coverage === 1 ? ' (no holes)' : '';
  return [
    `  ${size.join('×')} through convolutions, coverage ${percentText(coverage)}${holes}`,
    ...(bounded ? [] : ['  and the whole input through layers that average over all of it']),
  ];
}
