import { html, nothing, type TemplateResult } from 'lit-html';
import type { Theme } from './theme.js';
import { type ViewEntry, views } from './views.js';

export interface FrameState {
  readonly view: ViewEntry;
  readonly theme: Theme;
  /** Messages of failures that have not been dismissed. */
  readonly failures: readonly string[];
  /** The view's module is on its way. */
  readonly loading: boolean;
}

export interface FrameActions {
  dismiss(): void;
  setTheme(theme: Theme): void;
}

/** Header, navigation, failures and an empty element for the view. */
export const frame = (state: FrameState, actions: FrameActions): TemplateResult => html`
  <a class="skip" href="#content" @click=${skip}>Skip to the content</a>
  <header class="page-header">
    <a class="brand" href="#${views[0]!.name}"><span class="mark" aria-hidden="true"></span>atrous</a>
    <nav aria-label="Views">
      <ul>
        ${views.map(
          (view) => html`<li>
            <a href="#${view.name}" aria-current=${view === state.view ? 'page' : nothing}>${view.title}</a>
          </li>`,
        )}
      </ul>
    </nav>
    ${themeButton(state, actions)}
  </header>
  ${alert(state, actions)}
  <main id="content" tabindex="-1" aria-labelledby="title" aria-busy=${state.loading}>
    <h1 id="title">${state.view.title}</h1>
    ${state.loading ? html`<p class="faint">Loading …</p>` : nothing}
    <div id="view"></div>
  </main>
  <footer class="page-footer">
    <p>
      atrous: dilated convolution in TypeScript, in Node and in the browser. Everything on this page is computed on
      your machine; pictures stay here.
    </p>
  </footer>
`;

/** Moves the focus without changing the address, which names the view. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#content')!.focus();
}

const themeButton = ({ theme }: FrameState, { setTheme }: FrameActions) => html`<button
  type="button"
  class="theme"
  aria-pressed=${theme === 'dark'}
  @click=${() => setTheme(theme === 'dark' ? 'light' : 'dark')}
>
  <span class="theme-mark" aria-hidden="true"></span><span class="wide">Dark theme</span>
</button>`;

const alert = ({ failures }: FrameState, { dismiss }: FrameActions) =>
  failures.length === 0
    ? nothing
    : html`<div class="alert" role="alert">
        <div>
          <p><strong>That did not work.</strong></p>
          ${failures.map((message) => html`<p>${message}</p>`)}
        </div>
        <button type="button" class="plain" @click=${dismiss}>Dismiss</button>
      </div>`;
