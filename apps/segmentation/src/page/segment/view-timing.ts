import type { StepTime } from '@atrous/segment';
import { html, nothing, type TemplateResult } from 'lit-html';
import { describeBackend } from '../../describe-backend.js';
import { megabytes, milliseconds } from './numbers.js';
import type { State } from './state.js';

/** What ran, and how long each stage and each layer took; while it runs, what is done so far. */
export function timing({ result, work, camera }: State): TemplateResult {
  // frames of a camera come too fast to be followed stage by stage
  const stages = work && !camera ? work.stages : (result?.stages ?? work?.stages);
  return html`<section class="card" aria-labelledby="time-title">
    <h2 id="time-title">Time</h2>
    ${result ? html`<p class="ran">${describeBackend(result.backend)}</p>` : nothing}
    ${
      stages
        ? html`<table>
            <tbody>
              ${stages.map(
                ({ name, milliseconds: time }) => html`<tr>
                  <th scope="row">${name}</th>
                  <td class="number">${milliseconds(time)}</td>
                </tr>`,
              )}
              ${
                work && !camera
                  ? html`<tr>
                      <th scope="row">${work.stage}</th>
                      <td class="number">…</td>
                    </tr>`
                  : nothing
              }
            </tbody>
          </table>`
        : html`<p class="faint">Nothing has run yet.</p>`
    }
    ${
      result
        ? html`<p class="faint">
              ${(result.macs / 1e9).toFixed(2)} G multiply-accumulates, ${megabytes(result.memory)} while running
            </p>
            ${layers(result.steps)}`
        : nothing
    }
  </section>`;
}

function layers(steps: readonly StepTime[]): TemplateResult | typeof nothing {
  if (steps.length === 0) return nothing;
  const longest = Math.max(...steps.map(({ milliseconds }) => milliseconds));
  return html`<details>
    <summary>Layer by layer (${steps.length})</summary>
    <div class="layers" tabindex="0" role="region" aria-label="Time of each layer">
      <table>
        <thead>
          <tr>
            <th scope="col">layer</th>
            <th scope="col">algorithm</th>
            <th scope="col" class="number">time</th>
          </tr>
        </thead>
        <tbody>
          ${steps.map(
            ({ name, algorithm, milliseconds: time }) => html`<tr>
              <th scope="row">${name}</th>
              <td class="faint">${algorithm}</td>
              <td class="number">
                ${milliseconds(time)}
                <span class="share" .style=${`--share: ${longest > 0 ? time / longest : 0}; --color: var(--accent)`}></span>
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
