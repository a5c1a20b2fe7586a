import { html, nothing, type TemplateResult } from 'lit-html';
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

/** A button that opens files. */
export const fileButton = (
  text: string,
  accept: string,
  take: (file: File) => void,
  quiet = false,
): TemplateResult => html`<label class="button ${quiet ? 'quiet' : ''}">
  ${text}
  <input
    class="hidden"
    type="file"
    accept=${accept || nothing}
    @change=${({ target }: Event) => {
      const input = target as HTMLInputElement;
      const file = input.files?.[0];
      // the same file again should be an event again
      input.value = '';
      if (file) take(file);
    }}
  />
</label>`;
