import { html, nothing, type TemplateResult } from 'lit-html';
import type { Actions, State } from './state.js';
import { backendCard } from './view-backend.js';
import { modelCard } from './view-model.js';
import { pictureCard } from './view-picture.js';
import { legend } from './view-result.js';
import { stage } from './view-stage.js';
import { timing } from './view-timing.js';

/** The whole view for a state. */
export const view = (state: State, actions: Actions): TemplateResult => html`<div class="segment">
  <p class="intro">
    What is where on a picture, pixel by pixel. The network runs in your browser; nothing is uploaded.
  </p>
  <div class="left">
    ${stage(state, actions)}
    <div class="facts">${legend(state)} ${timing(state)}</div>
  </div>
  <div class="side">
    ${pictureCard(state, actions)} ${modelCard(state, actions)} ${backendCard(state, actions)}
  </div>
  ${
    state.dragging
      ? html`<div class="drop" aria-hidden="true"><p>Drop a picture, or an ONNX or TFLite file, anywhere</p></div>`
      : nothing
  }
</div>`;
