import { type Scale, steps } from '@atrous/rf/figures';
import { html, nothing, type TemplateResult } from 'lit-html';
import type { Side } from './address.js';
import type { Analysis, Cells } from './analysis.js';
import type { Actions, Pane } from './state.js';

const count = (value: number): string => value.toLocaleString('en');
const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
const sizes = (values: readonly number[]): string =>
  values.map((value) => (value === Infinity ? '∞' : Number.isNaN(value) ? '–' : count(value))).join(' × ');

/** What the analysis of one schedule says. */
export function results(side: Side, pane: Pane, scale: Scale | undefined): TemplateResult {
  const { analysis, failure, busy } = pane;
  if (failure !== undefined)
    return html`<div class="results">
      <p class="verdict bad" role="alert"><strong>Not analysed.</strong> ${failure}</p>
    </div>`;
  if (!analysis) return html`<div class="results"><p role="status">Analysing …</p></div>`;
  return html`<div class="results" aria-busy=${busy ? 'true' : 'false'}>
    ${verdicts(analysis)} ${tiles(analysis)}
    <div class="maps">${heatMap(side, analysis, scale)} ${profile(side, analysis)}</div>
    ${findings(analysis)} ${details(analysis)}
  </div>`;
}

function verdicts({ report }: Analysis): TemplateResult {
  const { coverage, holes, rule } = report;
  const exact = holes ? 'the exact hole test of its layers' : 'counting every input';
  return html`<ul class="verdicts" aria-label="Verdicts">
    ${
      coverage
        ? verdict(
            coverage.holes === 0,
            coverage.holes ? 'Holes' : 'No holes',
            `${percent(coverage.fraction)} of the field is read, by ${exact}`,
          )
        : nothing
    }
    ${
      coverage && coverage.lattices > 1
        ? verdict(false, 'Gridding', `${count(coverage.lattices)} sets of outputs that share no input`)
        : nothing
    }
    ${
      rule
        ? verdict(
            rule.passes,
            `HDC rule ${rule.passes ? 'passes' : 'fails'}`,
            `${rule.rates.length > 1 ? 'M₂' : 'M₁'} = ${rule.distance}, at most ${rule.kernel} allowed; common factor ${rule.commonFactor}${rule.exact ? '' : '; not exact here'}`,
          )
        : nothing
    }
  </ul>`;
}

const verdict = (good: boolean, name: string, reason: string) =>
  html`<li class="verdict ${good ? 'good' : 'bad'}">
    <span aria-hidden="true">${good ? '✓' : '✗'}</span>
    <span><strong>${name}</strong> <span class="reason">${reason}</span></span>
  </li>`;

function tiles({ report, cost }: Analysis): TemplateResult {
  const { field, bounded, coverage, shared, effective } = report;
  const tile = (name: string, value: string, more: string = '') =>
    html`<div>
      <dt>${name}</dt>
      <dd>
        <b>${value}</b>
        ${more ? html`<span class="faint">${more}</span>` : nothing}
      </dd>
    </div>`;
  const correlation = shared && Math.max(...shared.map((one) => one.correlation));
  return html`<dl class="tiles">
    ${tile(
      'Field',
      sizes((report.unbounded ? bounded : field)?.size ?? field.size),
      report.unbounded ? 'besides global pooling, which sees everything' : 'inputs seen by one output',
    )}
    ${tile('Stride', sizes(field.stride), 'inputs from output to output')}
    ${
      coverage
        ? [
            tile(
              'Inputs read',
              percent(coverage.fraction),
              `${count(coverage.touched)} of ${count(coverage.area)}`,
            ),
            tile('Paths per input', range(coverage.paths), `evenness ${coverage.paths.evenness.toFixed(2)}`),
          ]
        : nothing
    }
    ${
      shared && correlation !== undefined
        ? tile(
            'Neighbours share',
            percent(Math.max(...shared.map(({ fraction }) => fraction))),
            `of their inputs, correlation ${correlation.toFixed(2)}`,
          )
        : nothing
    }
    ${
      effective
        ? tile(
            'Effective field',
            sizes(effective.map(({ size }) => size)),
            `95 % of the paths; σ ${effective[0]!.sigma.toFixed(1)}`,
          )
        : nothing
    }
    ${
      cost
        ? tile(
            'Multiplications',
            compact(cost.macs),
            `${compact(cost.parameters)} weights; 64 channels, ${field.ndim === 1 ? '256' : '256 × 256'} inputs`,
          )
        : nothing
    }
  </dl>`;
}

/** A large number with the prefix of its magnitude. */
function compact(value: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(value || 1) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${['', 'k', 'M', 'G', 'T'][power]}`.trim();
}

const large = (value: number): string =>
  value < 1e6 ? count(Number(value.toPrecision(4))) : value.toExponential(1).replace('e+', 'e');

const range = ({ min, max }: { readonly min: number; readonly max: number }): string =>
  min === max ? large(min) : `${large(min)} … ${large(max)}`;

/** What a heat map shows, in words. */
function describe({ report, cells }: Analysis): string {
  const { coverage } = report;
  if (!coverage || !cells) return '';
  const holes = coverage.holes ? `, ${count(coverage.holes)} holes` : ', no holes';
  return `Paths from one output to the inputs of its field, ${sizes(coverage.axes.map(({ size }) => size))}: ${range(coverage.paths)}${holes}`;
}

function heatMap(side: Side, analysis: Analysis, scale: Scale | undefined): TemplateResult {
  const { cells, report } = analysis;
  if (!cells || !scale)
    return html`<p class="faint">
      No heat map: the field is too large to count every input.
    </p>`;
  const varied = scale.max > scale.min;
  return html`<figure class="heat">
    <figcaption>Paths to each input</figcaption>
    <canvas
      data-draw="cells"
      data-side=${side}
      role="img"
      aria-label=${describe(analysis)}
      @pointermove=${(event: PointerEvent) => readOut(event, cells)}
      @pointerleave=${(event: PointerEvent) => readOut(event, undefined)}
    ></canvas>
    <p class="legend" aria-hidden="true">
      <span class="number">${large(scale.min)}</span>
      <span class="scale">
        ${Array.from({ length: varied ? steps : 1 }, (_, i) => html`<i class="heat-${varied ? i : steps - 2}"></i>`)}
      </span>
      ${varied ? html`<span class="number">${large(scale.max)}</span>` : nothing}
      <span>paths${scale.logarithmic ? ', logarithmic' : ''}</span>
      ${report.coverage?.holes ? html`<span class="hole"><i class="heat-hole"></i> never read</span>` : nothing}
    </p>
    <p class="faint readout">${hint}</p>
    ${cells.grain > 1 ? html`<p class="faint">Each cell stands for ${cells.grain} × ${cells.grain} inputs.</p>` : nothing}
  </figure>`;
}

const hint = 'Point at a cell for its paths.';

/** Writes below the heat map what the pointer is over. */
function readOut({ currentTarget, clientX, clientY }: PointerEvent, cells: Cells | undefined): void {
  const canvas = currentTarget as HTMLCanvasElement;
  const line = canvas.parentElement!.querySelector('.readout')!;
  line.textContent = hint;
  if (!cells) return;
  const box = canvas.getBoundingClientRect();
  const { rows, columns, grain, start, values } = cells;
  const column = Math.floor(((clientX - box.left) / box.width) * columns);
  const row = Math.floor(((clientY - box.top) / box.height) * rows);
  const value = values[row * columns + column];
  if (value === undefined || column < 0 || column >= columns) return;
  const place = (first: number, index: number) => `${first + index * grain}`.replace('-', '−');
  const at = `${rows > 1 ? `row ${place(start[0], row)}, ` : ''}column ${place(start[1], column)}`;
  const paths = `${large(value)} ${value === 1 ? 'path' : 'paths'}${grain > 1 ? ' on average' : ''}`;
  line.textContent = `${at}: ${value ? paths : 'never read'}`;
}

function profile(side: Side, { profile, report }: Analysis): TemplateResult | typeof nothing {
  if (!profile) return nothing;
  const { start, values } = profile;
  const last = start + values.length - 1;
  return html`<figure class="profile">
    <figcaption>Paths along one axis</figcaption>
    <canvas
      data-draw="profile"
      data-side=${side}
      role="img"
      aria-label="Bars of the paths to inputs ${start} to ${last} along one axis; the numbers are below"
    ></canvas>
    <details>
      <summary>As numbers</summary>
      <p class="numbers">
        Inputs ${start} … ${last}, for output 0: ${[...values].map(large).join(', ')}.
        ${report.coverage?.holes ? 'A zero is a hole.' : ''}
      </p>
    </details>
  </figure>`;
}

const findings = ({ report }: Analysis) => html`<ul class="findings">
  ${report.findings.map((finding) => html`<li>${finding}</li>`)}
  ${report.missing.map((part) => html`<li>Not computed: ${part}</li>`)}
</ul>`;

function details({ measures, report }: Analysis): TemplateResult {
  const [test] = report.holes ?? [];
  return html`
    ${
      test
        ? html`<details>
            <summary>The exact hole test, layer by layer</summary>
            <table>
              <thead>
                <tr>
                  <th scope="col">layer</th>
                  <th scope="col" class="number">taps apart</th>
                  <th scope="col" class="number">at most</th>
                  <th scope="col">leaves</th>
                </tr>
              </thead>
              <tbody>
                ${test.layers.map(
                  ({ name, spacing, allowed }) => html`<tr>
                    <th scope="row">${name}</th>
                    <td class="number">${count(spacing)}</td>
                    <td class="number">${count(allowed)}</td>
                    <td class="leaves">${spacing > allowed ? 'holes' : 'none'}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
            <p class="faint">
              Sorted by the distance of their taps in inputs. A layer leaves holes if its taps lie farther apart
              than the field of the layers before it in this list.
            </p>
          </details>`
        : nothing
    }
    <details>
      <summary>All measures</summary>
      <table>
        <tbody>
          ${measures.map(
            ([name, value]) => html`<tr>
              <th scope="row">${name}</th>
              <td>${value}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </details>
  `;
}

/** Other rates, with what can be done with them. */
export function suggestions(
  side: Side,
  { suggestions: found, schedule, busy }: Pane,
  actions: Actions,
): TemplateResult {
  const { list, note } = found ?? { list: [], note: busy ? 'Searching …' : '' };
  return html`<div class="suggestions" role="group" aria-labelledby="suggestions-${side}">
    <h3 id="suggestions-${side}">Suggestions from the search</h3>
    <ul>
      ${list.map(
        ({ title, layers, rates, field, evenness }) => html`<li>
          <span class="what">
            <span class="faint">${title}</span>
            <b>${rates.join(', ')}</b>
            <span class="faint">field ${count(field)}, evenness ${evenness.toFixed(2)}</span>
          </span>
          <span class="row">
            <button
              type="button"
              aria-label="Apply rates ${rates.join(', ')}"
              @click=${() => actions.setSchedule(side, { layers, axes: schedule.axes })}
            >
              Apply
            </button>
            ${
              side === 'a'
                ? html`<button
                    type="button"
                    aria-label="Compare with rates ${rates.join(', ')}"
                    @click=${() => actions.compare({ layers, axes: schedule.axes })}
                  >
                    Compare
                  </button>`
                : nothing
            }
          </span>
        </li>`,
      )}
    </ul>
    ${note ? html`<p class="faint">${note}</p>` : nothing}
  </div>`;
}
