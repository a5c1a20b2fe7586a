import { html, nothing, type TemplateResult } from 'lit-html';
import { tolerance } from './agreement.js';
import { type Measured, type Outcome, rounds } from './comparison.js';
import { type Contestant, contestants, reportOf } from './contestants.js';
import { type Actions, type State, sides } from './state.js';
import { time } from './text.js';

/** The whole view for a state. */
export const view = (state: State, actions: Actions): TemplateResult => html`<div class="compare-view">
  <p class="intro">
    The water network, with the same picture, on every backend that works on this machine: how long it takes, and
    whether the outputs agree.
  </p>
  ${controls(state, actions)} ${results(state)} ${method(state)}
</div>`;

function controls(
  { side, work, message, reports }: State,
  { run, cancel, setSide }: Actions,
): TemplateResult {
  return html`<section class="card controls" aria-label="Run">
    <div class="row">
      <label class="side">
        Picture
        <select
          ?disabled=${work !== undefined}
          @change=${({ target }: Event) => {
            const { value } = target as HTMLSelectElement;
            setSide(sides.find((one) => String(one) === value)!);
          }}
        >
          ${sides.map((one) => html`<option value=${one} ?selected=${one === side}>${one} × ${one} pixels</option>`)}
        </select>
      </label>
      <button
        type="button"
        class=${work ? 'go' : 'go primary'}
        ?disabled=${!work && !reports}
        @click=${work ? cancel : run}
      >
        ${work ? 'Cancel' : 'Compare backends'}
      </button>
    </div>
    ${
      work
        ? html`<div class="progress">
            <progress aria-label="Progress" max="1" value=${work.fraction}></progress>
            <span class="number">${Math.round(100 * work.fraction)} %</span>
            <p class="stage">${work.stage} …</p>
          </div>`
        : html`<p class="message">${message || (reports ? 'Takes from a few seconds to a minute.' : 'Trying what works here …')}</p>`
    }
  </section>`;
}

function results(state: State): TemplateResult {
  const { outcomes, measuredSide } = state;
  const measured = Object.values(outcomes).filter((outcome) => outcome.kind === 'measured');
  const scale = scaleOf(measured);
  return html`<section class="card results" aria-labelledby="results-title">
    <h2 id="results-title">
      ${measuredSide && measured.length > 0 ? `Results on ${measuredSide} × ${measuredSide} pixels` : 'Backends'}
    </h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Times and agreement">
      <table role="table">
        <thead>
          <tr>
            <th scope="col">backend</th>
            <th scope="col" class="number">first run</th>
            <th scope="col" class="number">median</th>
            <th scope="col"><span class="hidden">bar</span></th>
            <th scope="col" class="number">largest difference</th>
            <th scope="col" class="number">equal labels</th>
            <th scope="col">agrees</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${contestants.map((contestant) => row(contestant, state, scale))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function row(contestant: Contestant, state: State, scale: (milliseconds: number) => number): TemplateResult {
  const { title, note } = contestant;
  const outcome = outcomeOf(contestant, state);
  const running = state.work?.stage.startsWith(`${title}:`);
  return html`<tr role="row" class=${running ? 'running' : ''}>
    <th scope="row" role="rowheader">
      <b>${title}</b>
      <span class="faint">${outcome?.kind === 'measured' ? whatRan(outcome, note) : note}</span>
    </th>
    ${outcome?.kind === 'measured' ? cells(outcome, scale) : html`<td role="cell" colspan="6" class="reason">${reasonOf(outcome, state)}</td>`}
  </tr>`;
}

/** What is known of a contestant: from its runs, or else from what was tried. */
function outcomeOf(contestant: Contestant, { outcomes, reports }: State): Outcome | undefined {
  const report = reports && reportOf(contestant, reports);
  return (
    outcomes[contestant.id] ??
    (report && !report.available ? { kind: 'unavailable', reason: report.reason ?? '' } : undefined)
  );
}

function whatRan({ backend: { info } }: Measured, note: string): string {
  const threads = Number(info.threads) > 1 ? `${info.threads} threads, ` : '';
  const software = info.software === true ? ', emulated in software here' : '';
  const adapter =
    info.adapter === undefined || note.includes(String(info.adapter)) ? '' : `, ${info.adapter}`;
  return `${threads}${note}${adapter}${software}`;
}

function reasonOf(
  outcome: Exclude<Outcome, Measured> | undefined,
  { reports }: State,
): string | TemplateResult {
  switch (outcome?.kind) {
    case 'failed':
      return html`<strong class="bad"><span aria-hidden="true">✕</span> failed:</strong> ${outcome.reason}`;
    case 'unavailable':
      return html`<span class="faint">not here: ${outcome.reason}</span>`;
    case 'waiting':
      return html`<span class="faint">waiting …</span>`;
    default:
      return html`<span class="faint">${reports ? 'not measured yet' : 'being tried …'}</span>`;
  }
}

const cells = (
  { firstRun, warm, warmRuns, agreement }: Measured,
  scale: (milliseconds: number) => number,
) => html`
  <td role="cell" class="number" data-label="first run">${time(firstRun)} ms</td>
  <td role="cell" class="number" data-label="median">
    ${warm === undefined ? '…' : html`${time(warm)} ms <span class="faint">of ${warmRuns.length}</span>`}
  </td>
  <td role="cell" class="bar">${warm === undefined ? nothing : html`<span .style=${`--part: ${scale(warm)}`}></span>`}</td>
  ${
    agreement
      ? html`<td role="cell" class="number" data-label="largest difference">${agreement.largestDifference.toExponential(1)}</td>
          <td role="cell" class="number" data-label="equal labels">${share(agreement.sameLabels)}</td>
          <td role="cell">
            ${
              agreement.passed
                ? html`<strong class="good"><span aria-hidden="true">✓</span> passes</strong>`
                : html`<strong class="bad"><span aria-hidden="true">✕</span> fails</strong>`
            }
          </td>`
      : html`<td role="cell" colspan="3" class="judge faint">the others are compared with this one</td>`
  }
`;

/** 100 % only if all are equal. */
const share = (part: number): string =>
  part === 1 ? '100 %' : `${(Math.min(Math.floor(part * 1e5) / 1e5, 0.99999) * 100).toFixed(3)} %`;

/** Bars on a logarithmic scale, from a tenth of the fastest to the slowest. */
function scaleOf(measured: readonly Measured[]): (milliseconds: number) => number {
  const times = measured.flatMap(({ warm }) => (warm ? [warm] : []));
  const least = Math.min(...times) / 10;
  const decades = Math.log10(Math.max(...times) / least);
  return (milliseconds) => Math.log10(milliseconds / least) / decades;
}

const method = ({
  side,
}: State): TemplateResult => html`<section class="card method" aria-labelledby="method-title">
  <h2 id="method-title">What is measured</h2>
  <ul>
    <li>
      Every backend runs in a worker of its own, loaded with <code>load('water', { backend })</code> of
      <code>@atrous/segment</code>. The picture is a sample, ${side} × ${side} pixels.
    </li>
    <li>
      First run: compiling the network and running it once; what an engine does once, such as compiling shaders, is in
      it. Median: of up to ${rounds} later runs, without compiling; fewer where runs take long. Backends take turns, so
      that what slows the machine for a while slows all of them. Times are of the network alone, without reading and
      painting the picture.
    </li>
    <li>Bars have a logarithmic scale: equal steps are equal factors.</li>
    <li>
      Outputs pass if no logit differs by more than ${tolerance} from that of the first backend that ran: the reference,
      which computes in float64 and rounds once. Others add in float32, in orders of their own. Labels may differ only
      where both classes are as good as equal.
    </li>
  </ul>
</section>`;
