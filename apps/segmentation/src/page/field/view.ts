import { html, nothing, type TemplateResult } from 'lit-html';
import { type Side, sides } from './address.js';
import type { FigureKind } from './analysis.js';
import { commonScale } from './draw.js';
import type { Actions, Pane, State } from './state.js';
import { editor } from './view-editor.js';
import { pictureCard } from './view-picture.js';
import { results, suggestions } from './view-results.js';

/** The whole view for a state. */
export function view(state: State, actions: Actions): TemplateResult {
  const { panes } = state;
  // one scale for both, so that colours can be compared
  const scale = commonScale(sides.map((side) => panes[side]?.analysis?.cells));
  return html`<div class="field-view">
    <p class="intro">
      Which inputs does one output of a network read? Build a stack of layers, or pick a known network, and see its
      receptive field: how large it is, what it leaves out, and over how many paths it reads the rest.
    </p>
    <div class="panes ${panes.b ? 'two' : 'one'}">
      ${sides.map((side) => {
        const pane = panes[side];
        return pane ? schedule(side, pane, Boolean(panes.b), actions, results(side, pane, scale)) : nothing;
      })}
    </div>
    ${pictureCard(state, actions)} ${sharing(state, actions)}
  </div>`;
}

function schedule(
  side: Side,
  pane: Pane,
  two: boolean,
  actions: Actions,
  analysis: TemplateResult,
): TemplateResult {
  return html`<section class="card pane" aria-labelledby="schedule-${side}">
    <div class="head">
      <h2 id="schedule-${side}" class="side-${side}">Schedule${two ? ` ${side.toUpperCase()}` : ''}</h2>
      ${
        two
          ? side === 'b'
            ? html`<button type="button" @click=${actions.closeComparison}>Close B</button>`
            : nothing
          : html`<button type="button" @click=${() => actions.compare()}>Compare with another</button>`
      }
    </div>
    ${
      two
        ? [editor(side, pane, actions), analysis, suggestions(side, pane, actions)]
        : html`<div class="halves">
            <div class="half">${editor(side, pane, actions)} ${suggestions(side, pane, actions)}</div>
            ${analysis}
          </div>`
    }
  </section>`;
}

const figureNames: Readonly<Record<FigureKind, string>> = {
  coverage: 'Heat map',
  paths: 'Paths along one axis',
  growth: 'Growth from layer to layer',
};

function sharing({ panes, link }: State, actions: Actions): TemplateResult {
  const both = panes.b && panes.a.schedule.axes === panes.b.schedule.axes;
  const save = (kind: FigureKind, which: readonly Side[], name: string) =>
    html`<button type="button" @click=${() => actions.save(kind, which)}>${name}</button>`;
  return html`<section class="card sharing" aria-labelledby="sharing">
    <h2 id="sharing">Share and save</h2>
    <div class="link">
      <label>
        <span>Link to what is shown</span>
        <input
          type="text"
          readonly
          .value=${link}
          @focus=${({ target }: Event) => (target as HTMLInputElement).select()}
        />
      </label>
      <button type="button" @click=${actions.copyLink}>Copy link</button>
    </div>
    <div class="figures">
      ${sides.map((side) =>
        panes[side]
          ? html`<div class="row" role="group" aria-label="Save figures of schedule ${side.toUpperCase()} as SVG">
              <span>SVG${panes.b ? ` of ${side.toUpperCase()}` : ''}:</span>
              ${Object.entries(figureNames).map(([kind, name]) => save(kind as FigureKind, [side], name))}
            </div>`
          : nothing,
      )}
      ${
        both
          ? html`<div class="row" role="group" aria-label="Save figures of both schedules as SVG">
              <span>SVG of both:</span>
              ${save('coverage', sides, 'Heat maps')} ${save('paths', sides, 'Paths along one axis')}
            </div>`
          : nothing
      }
    </div>
    <p class="faint">
      The notation is that of the command <code>rf</code> and of <code>parseLayers</code> in
      <code>@atrous/rf/report</code>: <code>3d1,2,5</code> is three 3×3 layers, <code>7s2</code> has stride 2,
      <code>max2</code> pools, <code>[ 1 | 3d6 | global 1 ]</code> branches, <code>( … ) x3</code> repeats.
    </p>
  </section>`;
}
