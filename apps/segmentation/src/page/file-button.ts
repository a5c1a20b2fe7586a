import { html, nothing, type TemplateResult } from 'lit-html';

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
