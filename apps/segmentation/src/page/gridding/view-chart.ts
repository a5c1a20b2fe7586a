import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { Measurement } from './measure.js';
import { type Plan, plans } from './plans.js';
import { neighbourBand, peakBand } from './spectrum.js';
import { complete, type State } from './state.js';
import { ratesText } from './text.js';

/** Decades that the chart shows below the largest power. */
const decades = 6;

/** Power along the axes of all networks in one chart, with the bands that the ratio compares; and as a table. */
export function chartCard(state: State): TemplateResult | typeof nothing {
  if (!complete(state)) return nothing;
  const profiles = plans.map((plan) => ({ plan, profile: state.measured[plan.id]!.profile }));
  const powers = profiles.flatMap(({ profile }) => [...profile]).filter((power) => power > 0);
  // maps that are the same everywhere have no power at all
  if (powers.length === 0) return nothing;
  const top = Math.ceil(Math.log10(Math.max(...powers)));
  return html`<section class="card chart" aria-labelledby="chart-title">
    <h2 id="chart-title">Power along the axes</h2>
    <p class="faint">
      Mean of the 32 spectra. A network without gridding has less and less power towards fine patterns; a rise at the
      right end, at 0.5, is a pattern that repeats every second cell.
    </p>
    <ul class="legend" aria-label="Legend">
      ${plans.map(
        (plan) => html`<li>
          <svg class="line ${plan.id}" viewBox="0 0 28 4" width="28" height="4" aria-hidden="true">
            <path d="M0 2H28" />
          </svg>
          rates ${ratesText(plan)}
        </li>`,
      )}
      <li><i class="peak-band"></i>period 2</li>
      <li><i class="neighbour-band"></i>its neighbourhood</li>
    </ul>
    <div class="plot" role="img" aria-label="Power by frequency; the table below has the numbers">
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        ${band('neighbour-band', neighbourBand)} ${band('peak-band', peakBand)}
        ${Array.from({ length: decades - 1 }, (_, i) => {
          const y = (100 * (i + 1)) / decades;
          return svg`<path class="grid" d="M0 ${y}H100" />`;
        })}
        ${profiles.map(({ plan, profile }) => svg`<path class="line ${plan.id}" d=${pathOf(profile, top)} />`)}
      </svg>
      ${Array.from(
        { length: decades + 1 },
        (_, i) => html`<span class="tick y" .style=${`top: ${(100 * i) / decades}%`} aria-hidden="true"
          >10<sup>${top - i}</sup></span
        >`,
      )}
      ${[0, 0.1, 0.2, 0.3, 0.4, 0.5].map(
        (f) => html`<span class="tick x" .style=${`left: ${200 * f}%`} aria-hidden="true">${f}</span>`,
      )}
    </div>
    <p class="faint axis">Frequency in periods per cell; power as part of the whole, on a logarithmic scale.</p>
    <details>
      <summary>As a table</summary>
      ${table(profiles)}
    </details>
  </section>`;
}

interface Profile {
  readonly plan: Plan;
  readonly profile: Measurement['profile'];
}

const band = (name: string, { from, to }: { readonly from: number; readonly to: number }) =>
  svg`<rect class=${name} x=${200 * from} y="0" width=${200 * (to - from)} height="100" />`;

function pathOf(profile: Measurement['profile'], top: number): string {
  const points = [...profile].flatMap((power, i) => {
    // steps without a frequency, and without any power
    if (!(power > 0)) return [];
    const x = (100 * (i + 0.5)) / profile.length;
    const y = Math.min(((top - Math.log10(power)) / decades) * 100, 100);
    return [`${x.toFixed(2)} ${y.toFixed(2)}`];
  });
  return `M${points.join('L')}`;
}

/** Steps of the profile that make a row. */
const stepsPerRow = 4;

function table(profiles: readonly Profile[]): TemplateResult {
  const { length } = profiles[0]!.profile;
  const rows = Array.from({ length: length / stepsPerRow }, (_, i) => i * stepsPerRow);
  return html`<table>
    <caption class="hidden">Mean power along the axes, by frequency</caption>
    <thead>
      <tr>
        <th scope="col">frequency</th>
        ${plans.map((plan) => html`<th scope="col" class="number">${ratesText(plan)}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map((row) => {
        const bound = (step: number) => ((0.5 * step) / length).toFixed(2);
        return html`<tr>
          <th scope="row">${bound(row)} to ${bound(row + stepsPerRow)}</th>
          ${profiles.map(({ profile }) => html`<td class="number">${meanOf(profile.subarray(row, row + stepsPerRow))}</td>`)}
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function meanOf(values: Measurement['profile']): string {
  const known = values.filter((value) => !Number.isNaN(value));
  return (known.reduce((sum, value) => sum + value, 0) / known.length).toExponential(1);
}
