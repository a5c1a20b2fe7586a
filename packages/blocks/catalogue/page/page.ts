/** docs/blocks.md, written from the catalogue. */
import { type Description, describe } from '@atrous/blocks';
import { amount, bytes, coverageText, fieldText, percent, shapeText } from '../../src/describe-text.js';
import type { CatalogueEntry, CatalogueFamily } from '../entry.js';
import { figure } from './figure.js';

const heading = ({ name, variant }: CatalogueEntry): string =>
  variant === undefined ? name : `${name}, ${variant}`;

const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');

const shapes = (list: readonly (readonly number[])[]): string =>
  list.map((shape) => `\`${shapeText(shape)}\``).join(', ');

/** The share of taps on the map, where some are not. */
function tapsText({ taps }: Description): string | undefined {
  const shares = new Map(taps.map(({ dilation, fraction }) => [[...new Set(dilation)].join('×'), fraction]));
  return shares.size === 0
    ? undefined
    : [...shares].map(([rate, share]) => `rate ${rate}: ${percent(share)}`).join(', ');
}

function section(entry: CatalogueEntry): string {
  const { source, example, golden } = entry;
  const block = example.make();
  const all = describe(block, example.inputs);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['input', shapes(all.inputs)],
    ['output', shapes(all.outputs.map(({ shape }) => shape))],
    ['parameters', `${all.parameters.count.toLocaleString('en-US')} (${bytes(all.parameters.bytes)})`],
    ['multiply-accumulates', amount(all.macs)],
    ['receptive field', fieldText(all)],
    ['coverage', all.coverage && coverageText(all)],
    ['lattices', all.coverage && String(all.coverage.lattices)],
    ...example.inputs
      .slice(1)
      .map((_, i): readonly [string, string] => [
        `receptive field on input ${i + 2}`,
        fieldText(describe(block, example.inputs, { input: i + 1 })),
      ]),
    ['dilations', all.dilations.length > 0 ? all.dilations.join(', ') : undefined],
    ['taps on the map', tapsText(all)],
    ['memory', `activations ${bytes(all.memory.activations)}, weights ${bytes(all.memory.weights)}`],
    [
      'compared with PyTorch',
      'none' in golden ? `no: ${golden.none}` : golden.map((id) => `\`${id}\``).join(', '),
    ],
  ];
  const paper = source.link === undefined ? source.text : `[${source.text}](${source.link})`;
  return [
    `### ${heading(entry)}`,
    '',
    paper,
    '',
    '```ts',
    example.code,
    '```',
    '',
    '| | |',
    '|---|---|',
    ...rows.flatMap(([title, value]) => (value === undefined ? [] : [`| ${title} | ${value} |`])),
    '',
    '```mermaid',
    figure(block, example.inputs),
    '```',
  ].join('\n');
}

/** The whole page. */
export function page(families: readonly CatalogueFamily[]): string {
  const contents = families.map(
    ({ title, entries }) =>
      `- ${title}: ${entries.map((entry) => `[${heading(entry)}](#${anchor(heading(entry))})`).join(', ')}`,
  );
  return `${[
    '# Blocks',
    '',
    'Every block of `@atrous/blocks` at the sizes of its source. `npm run docs:blocks` writes this page from the code and',
    'from `packages/blocks/catalogue`; a test fails when it is out of date. The figures are what `describe(block, shape)`',
    'says: multiply-accumulates count taps on padding too; the receptive field and its coverage are those of one output on',
    'an endless map; lattices are sets of outputs that share no input; activations are the most that is held at once,',
    'inputs left out, after pointwise operations are fused. In the charts, boxes are children, by the names that their',
    'parameters begin with, and rounded boxes are operations.',
    '',
    ...contents,
    ...families.flatMap(({ title, entries }) => ['', `## ${title}`, '', entries.map(section).join('\n\n')]),
  ].join('\n')}\n`;
}
