import { html, type TemplateResult } from 'lit-html';
import { fileButton } from '../file-button.js';
import { samples } from './samples.js';
import type { Actions, State } from './state.js';

/** Which picture is shown, and where others come from. */
export const pictureCard = (
  { picture, camera }: State,
  { open, openSample, startCamera }: Actions,
): TemplateResult => html`<section class="card" aria-labelledby="picture-title">
  <h2 id="picture-title">Picture</h2>
  <p class="name">
    ${picture ? html`${picture.name} <span class="faint">${picture.width} × ${picture.height}</span>` : '…'}
  </p>
  <div class="row">
    ${fileButton('Open a picture…', 'image/*', open)}
    <button type="button" ?disabled=${camera !== undefined} @click=${startCamera}>Camera</button>
  </div>
  <div class="samples" role="group" aria-label="Samples">
    ${samples.map(
      (sample) => html`<button
        type="button"
        title=${sample.title}
        aria-pressed=${picture?.sample === sample}
        @click=${() => openSample(sample)}
      >
        <img src=${sample.url.href} alt=${sample.title} width="52" height="52" loading="lazy" decoding="async" />
      </button>`,
    )}
  </div>
  <p class="faint">Or drop one anywhere, or paste one.</p>
</section>`;
