import type { BackendReport, GpuMode } from '@atrous/segment';
import { html, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { choices, idOf } from './address.js';
import type { Actions, Choice, State } from './state.js';

const modeNotes: Readonly<Record<GpuMode, string>> = {
  webgpu: 'gpu.js, compute shaders',
  webgl2: 'gpu.js, fragment shaders',
  webasm: 'gpu.js, WebAssembly',
};

/** Every backend and every mode of gpu.js; those that do not work here say why. */
export const backendCard = (
  state: State,
  { setChoice }: Actions,
): TemplateResult => html`<section class="card">
  <fieldset class="choices">
    <legend><h2>Backend</h2></legend>
    ${choices.map((choice) => {
      const report = state.backends?.find((report) => idOf(report.choice) === idOf(choice));
      const chosen = idOf(choice) === idOf(state.choice);
      // the one that a link asks for is tried, so that the failure says why
      const disabled = choice !== 'auto' && !report?.available && !chosen;
      return html`<label ?data-disabled=${disabled}>
        <input
          type="radio"
          name="backend"
          value=${idOf(choice)}
          .checked=${live(chosen)}
          ?disabled=${disabled}
          @change=${() => setChoice(choice)}
        />
        <span><b>${idOf(choice)}</b> <span class="faint">${noteOf(choice, report)}</span></span>
      </label>`;
    })}
  </fieldset>
</section>`;

function noteOf(choice: Choice, report: BackendReport | undefined): string {
  if (choice === 'auto') return 'cpu, or a real graphics card where that is faster';
  if (!report) return 'being tried …';
  const { available, reason, adapter, software } = report;
  if (!available) return `not here: ${reason}`;
  if (choice.name === 'cpu') return `the engine of @atrous/core, ${adapter}`;
  if (choice.name === 'reference') return 'plain float64 loops, to check the others; slow';
  const note = modeNotes[choice.gpuMode!];
  if (choice.gpuMode === 'webasm') return note;
  return software ? `${note}, emulated in software here` : `${note} on ${adapter}`;
}
