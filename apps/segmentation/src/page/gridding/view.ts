import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { fileButton } from '../file-button.js';
import { plans } from './plans.js';
import { samples } from './samples.js';
import { type Actions, complete, placeOf, type State } from './state.js';
import { chartCard } from './view-chart.js';
import { planCard } from './view-plan.js';
import { scoresCard } from './view-scores.js';

/** The whole view for a state. */
export const view = (state: State, actions: Actions): TemplateResult => html`<div class="gridding-view">
  <p class="intro">
    One network, trained three times with other dilation rates and nothing else changed. With rate 2 in all six layers,
    neighbouring outputs are computed from inputs that have nothing in common, and a checker pattern shows in the
    feature maps. Rates 1, 2, 3 see as far and read every input: no pattern.
  </p>
  ${pictureCard(state, actions)} ${windowCard(state, actions)}
  <div class="plans">${plans.map((plan) => planCard(state, plan, actions))}</div>
  ${chartCard(state)} ${scoresCard(state)}
  ${state.dragging ? html`<div class="drop" aria-hidden="true"><p>Drop a picture anywhere</p></div>` : nothing}
</div>`;

function pictureCard(state: State, actions: Actions): TemplateResult {
  const { picture, sample } = state;
  return html`<section class="card source" aria-labelledby="source-title">
    <div class="seen">
      ${
        picture
          ? html`<canvas data-draw="picture" role="img" aria-label="The picture: ${picture.name}"></canvas>`
          : nothing
      }
    </div>
    <div class="about">
      <h2 id="source-title">Picture</h2>
      <p class="name">
        ${picture?.name ?? '…'}
        ${picture ? html`<span class="faint">${picture.width} × ${picture.height} pixels as measured</span>` : nothing}
      </p>
      <div class="row">
        <label class="sample">
          <span class="hidden">Sample</span>
          <select
            @change=${({ target }: Event) => actions.openSample((target as HTMLSelectElement).value)}
          >
            ${sample === undefined ? html`<option value="" selected disabled>Your picture</option>` : nothing}
            ${samples.map(
              ({ name, title }) => html`<option value=${name} ?selected=${name === sample}>${title}</option>`,
            )}
          </select>
        </label>
        ${fileButton('Open a picture…', 'image/*', (file) => actions.open(file, file.name))}
      </div>
      <p class="faint">
        Or drop or paste one. The networks see luminance; they learned to find water at 25 km per pixel, but gridding
        shows on any picture. Longer sides than 1024 pixels are made smaller.
      </p>
      ${progress(state, actions)}
    </div>
  </section>`;
}

function progress(state: State, { cancel, measureAgain }: Actions): TemplateResult {
  const { work, message, picture } = state;
  if (!work)
    return html`<div class="progress">
      <p class="grow">${message}</p>
      ${picture && !complete(state) ? html`<button type="button" @click=${measureAgain}>Measure again</button>` : nothing}
    </div>`;
  return html`<div class="progress">
    <progress aria-label="Progress" max="1" value=${work.fraction}></progress>
    <span class="number">${Math.round(100 * work.fraction)} %</span>
    <button type="button" @click=${cancel}>Cancel</button>
    <p class="stage">${work.stage} …</p>
  </div>`;
}

/** Where the enlarged window lies: the same cells of every network. */
function windowCard(state: State, { setPlace }: Actions): TemplateResult | typeof nothing {
  const place = placeOf(state);
  const size = plans.map(({ id }) => state.measured[id]).find((one) => one !== undefined);
  if (!size) return nothing;
  const { x, y } = place ?? { x: size.width / 2, y: size.height / 2 };
  const slider = (name: string, value: number, most: number, set: (value: number) => void) => html`<label>
    ${name}
    <input
      type="range"
      min="0"
      max=${most}
      .value=${live(String(Math.round(value)))}
      @input=${({ target }: Event) => set(Number((target as HTMLInputElement).value))}
    />
  </label>`;
  return html`<fieldset class="card window-place">
    <legend class="hidden">Enlarged part, the same in all networks</legend>
    <span aria-hidden="true">Enlarged part</span>
    ${slider('Column', x, size.width - 1, (value) => setPlace({ x: value, y }))}
    ${slider('Row', y, size.height - 1, (value) => setPlace({ x, y: value }))}
    <button type="button" ?disabled=${state.place === undefined} @click=${() => setPlace(undefined)}>
      Where 2, 2, 2 shows most
    </button>
  </fieldset>`;
}
