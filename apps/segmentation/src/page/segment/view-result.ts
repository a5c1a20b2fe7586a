import { html, nothing, type TemplateResult } from 'lit-html';
import { percent } from './numbers.js';
import type { State } from './state.js';

/** A class that covers less is not found. */
const least = 0.0005;

/** The classes with their colours and shares, what is under the cursor, and the score where there is a reference. */
export function legend({ result, description, cursor }: State): TemplateResult {
  const classes = result?.classes ?? description?.classes ?? [];
  const scores = result?.scores;
  const rows = classes
    .map(({ name, color }, index) => ({
      name,
      color: `rgb(${color.join(' ')})`,
      index,
      share: result?.shares[index],
    }))
    .filter(({ share }) => (result ? share! >= least : true));
  if (result && classes.length > 4) rows.sort((a, b) => b.share! - a.share!);
  const missing = result ? classes.length - rows.length : 0;
  const found = cursor?.found;
  return html`<section class="card legend" aria-labelledby="legend-title">
    <h2 id="legend-title">Classes</h2>
    ${
      rows.length > 12 && !result
        ? html`<p class="faint">${classes.map(({ name }) => name).join(', ')}</p>`
        : html`<table>
            <thead>
              <tr>
                <th scope="col">class</th>
                <th scope="col" class="number">share</th>
                ${scores ? html`<th scope="col" class="number"><abbr title="intersection over union">IoU</abbr></th>` : nothing}
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                ({ name, color, index, share }) => html`<tr class=${found?.label === index ? 'pointed' : ''}>
                  <th scope="row"><span class="swatch" .style=${`background: ${color}`}></span>${name}</th>
                  <td class="number">
                    ${share === undefined ? '–' : percent(share)}
                    <span class="share" .style=${`--share: ${share ?? 0}; --color: ${color}`}></span>
                  </td>
                  ${scores ? html`<td class="number">${scores.iou[index]!.toFixed(3)}</td>` : nothing}
                </tr>`,
              )}
            </tbody>
          </table>`
    }
    <p class="pointer">
      ${
        cursor && found
          ? html`<b>${classes[found.label]!.name}</b>, confidence ${percent(found.confidence)}
              <span class="faint">at ${cursor.x}, ${cursor.y}</span>`
          : html`<span class="faint">Point at the picture to see class and confidence of a pixel.</span>`
      }
    </p>
    ${missing > 0 ? html`<p class="faint">${missing} other classes are not there.</p>` : nothing}
    ${
      scores
        ? html`<p class="faint">
            Against the reference mask: mean IoU ${scores.meanIou.toFixed(3)}, ${percent(scores.accuracy)} of the
            pixels right.
          </p>`
        : nothing
    }
  </section>`;
}
