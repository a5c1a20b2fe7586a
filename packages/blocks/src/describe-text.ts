import type { Description } from './describe.js';

const decimal = (value: number, digits = 3): string =>
  value.toLocaleString('en-US', { maximumSignificantDigits: digits });

/** A number that people compare at a glance: `15.5 M`, `1.02 G`. */
export function amount(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T', ' P'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${decimal(value / 1000 ** step)}${units[step]}`;
}

/** Bytes in powers of 1000: `61.8 MB`. */
export const bytes = (value: number): string => {
  const text = amount(value);
  return text.includes(' ') ? `${text}B` : `${text} B`;
};

export const percent = (share: number): string => `${decimal(100 * share)} %`;

/** Sizes per axis: `37 × 37`; ∞ where unbounded. */
export const across = (sizes: readonly number[]): string =>
  sizes
    .map((size) =>
      size === Infinity ? '∞' : Number.isNaN(size) ? 'no single size' : decimal(size, size < 100 ? 5 : 15),
    )
    .join(' × ');

export const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** The receptive field in words, with what global layers hide. */
export function fieldText({
  field,
  bounded,
  unbounded,
}: Pick<Description, 'field' | 'bounded' | 'unbounded'>): string {
  if (field === undefined) return 'unknown';
  if (!unbounded) return across(field.size);
  return bounded === undefined
    ? 'the whole map'
    : `the whole map; ${across(bounded.size)} without global layers`;
}

/** Coverage in words. */
export const coverageText = ({ coverage }: Pick<Description, 'coverage'>): string =>
  coverage === undefined
    ? 'unknown'
    : `${percent(coverage.fraction)}, ${coverage.touched.toLocaleString('en-US')} of ${coverage.area.toLocaleString('en-US')} read, ${coverage.holes.toLocaleString('en-US')} holes`;

/** One line for all layers whose taps fare alike. */
function tapLines(taps: Description['taps']): readonly string[] {
  const layers = new Map<string, string[]>();
  for (const { name, dilation, size, fraction, effective } of taps) {
    const rate = [...new Set(dilation)].join('×');
    const fate = `rate ${rate} on ${size.join('×')}: ${percent(fraction)}, ${effective.join('×')} remain`;
    layers.set(fate, [...(layers.get(fate) ?? []), name]);
  }
  return [...layers].map(
    ([fate, [first, ...rest]]) => `${fate} (${first}${rest.length > 0 ? ` and ${rest.length} more` : ''})`,
  );
}

/** A description as lines of text. */
export function descriptionText(description: Omit<Description, 'toString'>): string {
  const { inputs, outputs, parameters, macs, dilations, taps, bounded, coverage, memory, missing } =
    description;
  const rows: [string, string][] = [
    ['input', inputs.map(shapeText).join(', ')],
    [
      'output',
      outputs
        .map(({ name, shape }) => (outputs.length > 1 ? `${name} ${shapeText(shape)}` : shapeText(shape)))
        .join(', '),
    ],
    ['parameters', `${parameters.count.toLocaleString('en-US')} (${bytes(parameters.bytes)})`],
    ['multiply-accumulates', amount(macs)],
    ['receptive field', fieldText(description)],
  ];
  if (bounded !== undefined) rows.push(['stride', across(bounded.stride)]);
  rows.push(['coverage', coverageText(description)]);
  if (coverage !== undefined) rows.push(['lattices', String(coverage.lattices)]);
  if (dilations.length > 0) rows.push(['dilations', dilations.join(', ')]);
  for (const line of tapLines(taps)) rows.push(['taps on the map', line]);
  rows.push([
    'memory',
    `${bytes(memory.total)}: activations ${bytes(memory.activations)}, weights ${bytes(memory.weights)}`,
  ]);
  for (const reason of missing) rows.push(['missing', reason]);
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}`).join('\n');
}
