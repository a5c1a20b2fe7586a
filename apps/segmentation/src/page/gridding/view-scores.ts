import { coverage, receptiveField } from '@atrous/rf';
import { html, type TemplateResult } from 'lit-html';
import { type Plan, plans } from './plans.js';
import type { State } from './state.js';
import { ratesText, ratioNumber, scoreText } from './text.js';

/** What one output of the dilated layers reads of the cells that they are given. */
const fields = new Map(
  plans.map(({ id, rates }) => {
    const layers = rates.map((dilation) => ({ kernel: 3, dilation }));
    return [id, { side: receptiveField(layers).size[0]!, share: coverage(layers).fraction }];
  }),
);

const seeds = (plan: Plan, what: 'peakRatio' | 'meanIoU', write: (value: number) => string): string =>
  plan.trained.map((run) => write(run[what])).join(' and ');

/** Gridding and scores side by side, and what they do not say. */
export const scoresCard = ({ measured }: State): TemplateResult => html`<section
  class="card scores"
  aria-labelledby="scores-title"
>
  <h2 id="scores-title">What it means for the scores: nothing that can be seen here</h2>
  <p class="honest">
    <strong>The scores do not differ.</strong> On the test area the mean IoU is
    ${plans.map(
      (plan, i) =>
        html`${i === 0 ? '' : i === plans.length - 1 ? ' and ' : ', '}<b>${seeds(plan, 'meanIoU', scoreText)}</b> with
          rates ${ratesText(plan)}`,
    )}.
    Where a network was trained twice, its two results differ as much as the networks do. The pattern in the feature maps
    is real and comes back with either seed; that a network without it is more accurate is not shown here.
  </p>
  <div class="scroll" tabindex="0" role="region" aria-label="Measures and scores">
    <table>
      <thead>
        <tr>
          <th scope="col">rates</th>
          <th scope="col" class="number">field in cells</th>
          <th scope="col" class="number">read of it</th>
          <th scope="col" class="number">peak ratio, this picture</th>
          <th scope="col" class="number">peak ratio, test area</th>
          <th scope="col" class="number">mean IoU, test area</th>
        </tr>
      </thead>
      <tbody>
        ${plans.map((plan) => {
          const { side, share } = fields.get(plan.id)!;
          const here = measured[plan.id];
          return html`<tr>
            <th scope="row">${plan.rates.join(', ')}</th>
            <td class="number">${side} × ${side}</td>
            <td class="number">${Math.round(100 * share)} %</td>
            <td class="number">${here ? ratioNumber(here.peakRatio) : '–'}</td>
            <td class="number">${seeds(plan, 'peakRatio', ratioNumber)}</td>
            <td class="number">${seeds(plan, 'meanIoU', scoreText)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>
  <p class="faint">
    Test area: longitudes −19.8 to 52.2, published when the networks were trained; “and”: trained again from other random
    weights, which are not shipped. Peak ratio: power at |f| ≥ 0.47 over that at 0.36 ≤ |f| &lt; 0.44 along an axis, with
    |f| &lt; 0.1 along the other; the mean of both axes, of the 32 channels’ spectra, under a Hann window and without four
    cells at each border. About 1 or below: no peak. Field and coverage are those of the six dilated layers;
    <a href="#field?a=3d2,2,2,2,2,2&b=3d1,2,3,1,2,3">see them in the view Receptive field</a>.
  </p>
</section>`;
