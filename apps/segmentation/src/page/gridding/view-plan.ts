import { html, svg, type TemplateResult } from 'lit-html';
import type { Measurement } from './measure.js';
import { type Plan, withGaps } from './plans.js';
import { crossLimit, neighbourBand, peakBand } from './spectrum.js';
import { type Actions, channelOf, type State, zoomOf, zoomSide } from './state.js';
import { ratesText, ratioNumber, verdict } from './text.js';

const titles: Readonly<Record<Plan['id'], string>> = {
  rate1: 'without dilation',
  same2: 'one rate throughout',
  hdc123: 'hybrid dilated convolution',
};

/** One network: its ratio, an enlarged part of a feature map, the whole map, and the spectrum. */
export function planCard(state: State, plan: Plan, actions: Actions): TemplateResult {
  const measurement = state.measured[plan.id];
  return html`<section class="card plan" aria-labelledby="plan-${plan.id}" aria-busy=${!measurement}>
    <h2 id="plan-${plan.id}">Rates ${ratesText(plan)} <span class="faint">${titles[plan.id]}</span></h2>
    ${measurement ? shown(state, plan, measurement, actions) : html`<p class="faint empty">Not measured yet.</p>`}
  </section>`;
}

function shown(state: State, plan: Plan, measurement: Measurement, actions: Actions): TemplateResult {
  const { peakRatio, width, height } = measurement;
  const channel = channelOf(state, plan.id, measurement);
  const ratio = measurement.channelRatios[channel]!;
  const pattern = Number.isNaN(ratio) ? 'the same everywhere' : `peak ratio ${ratioNumber(ratio)}`;
  const { left, top } = zoomOf(state, measurement);
  const box = `left: ${(100 * left) / width}%; top: ${(100 * top) / height}%; width: ${(100 * zoomSide) / width}%; height: ${(100 * zoomSide) / height}%`;
  return html`<p class="ratio ${peakRatio > 1 ? 'peak' : 'none'}">
      <b>${ratioNumber(peakRatio)}</b> <span>peak ratio. ${verdict(peakRatio)}</span>
    </p>
    <label class="channel">
      <span>Channel</span>
      <select
        @change=${({ target }: Event) => {
          const { value } = target as HTMLSelectElement;
          actions.setChannel(plan.id, value === 'first' ? value : Number(value));
        }}
      >
        <option value="first" ?selected=${state.channels[plan.id] === 'first'}>
          ${measurement.first + 1}, ${plan.id === withGaps ? 'the strongest pattern' : 'most like that of 2, 2, 2'}
        </option>
        ${measurement.channelRatios.map(
          (one, i) => html`<option value=${i} ?selected=${state.channels[plan.id] === i}>
            ${i + 1} (${Number.isNaN(one) ? 'the same everywhere' : ratioNumber(one)})
          </option>`,
        )}
      </select>
    </label>
    <figure class="zoom">
      <canvas
        data-draw="zoom"
        data-plan=${plan.id}
        role="img"
        aria-label="Channel ${channel + 1} enlarged: ${zoomSide} × ${zoomSide} cells from column ${left}, row ${top}; ${pattern}"
      ></canvas>
      <figcaption>${zoomSide} × ${zoomSide} cells, enlarged</figcaption>
    </figure>
    <div class="pair">
      <figure class="map">
        <div
          class="frame"
          .style=${`--width: ${width}; --height: ${height}`}
          @click=${({ currentTarget, offsetX, offsetY }: MouseEvent) => {
            const { clientWidth, clientHeight } = currentTarget as HTMLElement;
            actions.setPlace({
              x: (offsetX / clientWidth) * width,
              y: (offsetY / clientHeight) * height,
            });
          }}
        >
          <canvas
            data-draw="map"
            data-plan=${plan.id}
            role="img"
            aria-label="Feature map of channel ${channel + 1}, ${width} × ${height} cells; ${pattern}"
          ></canvas>
          <i class="window" .style=${box}></i>
        </div>
        <figcaption>The whole map; click to enlarge another part</figcaption>
      </figure>
      <figure class="spectrum">
        <div class="frame" >
          <canvas
            data-draw="spectrum"
            data-plan=${plan.id}
            role="img"
            aria-label="Mean spectrum of the 32 channels: power at period 2 is ${ratioNumber(peakRatio)} times that of its neighbourhood"
          ></canvas>
          <svg viewBox="-0.5 -0.5 1 1" aria-hidden="true">${regions('neighbour-band', neighbourBand)}${regions('peak-band', peakBand)}</svg>
        </div>
        <figcaption>
          Mean spectrum, frequency 0 in the middle; <i class="key peak-band"></i> period 2,
          <i class="key neighbour-band"></i> its neighbourhood
        </figcaption>
      </figure>
    </div>`;
}

/** The four places of a band in a spectrum: both signs along both axes. */
function regions(name: string, { from, to }: { readonly from: number; readonly to: number }) {
  const [long, wide] = [to - from, 2 * crossLimit];
  return [-to, from].map(
    (at) => svg`<rect class=${name} x=${at} y=${-crossLimit} width=${long} height=${wide} />
      <rect class=${name} x=${-crossLimit} y=${at} width=${wide} height=${long} />`,
  );
}
